//! A certificate authority of the emulator's own, made anew at every start, and the server certificate it
//! signs.

use std::io;
use std::io::Write as _;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;

/// What the server shows, and what a client needs in order to believe it.
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) ca_pem: String,
    pub(crate) ca_file: NamedTempFile,
}

impl Tls {
    /// # Errors
    /// When no key can be made, or the temporary folder cannot be written.
    pub(crate) fn new() -> io::Result<Tls> {
        let ca_key = KeyPair::generate().map_err(io::Error::other)?;
        let ca_params = authority();
        let ca_pem = ca_params.self_signed(&ca_key).map_err(io::Error::other)?.pem();
        let issuer = Issuer::new(ca_params, ca_key);

        let server_key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate =
            server().map_err(io::Error::other)?.signed_by(&server_key, &issuer).map_err(io::Error::other)?;
        let private_key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server_key.serialize_der()));

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private_key)
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];

        let mut ca_file =
            tempfile::Builder::new().prefix("plextrac-emulator-ca-").suffix(".pem").tempfile()?;
        ca_file.write_all(ca_pem.as_bytes())?;
        ca_file.flush()?;
        Ok(Tls { config: Arc::new(config), ca_pem, ca_file })
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "PlexTrac emulator CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_whatever_the_clock_says(&mut params);
    params
}

fn server() -> Result<CertificateParams, rcgen::Error> {
    let names = ["localhost", "127.0.0.1", "::1"].map(String::from);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "PlexTrac emulator");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid_whatever_the_clock_says(&mut params);
    Ok(params)
}

/// Tests move clocks by years; that must not look like an expired certificate.
fn valid_whatever_the_clock_says(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(1990, 1, 1);
    params.not_after = date_time_ymd(2200, 1, 1);
}
