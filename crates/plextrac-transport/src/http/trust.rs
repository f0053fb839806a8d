//! Whom to trust, and who we are: the TLS settings of a client.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::error::HttpSetupError;
use super::options::{CaBundle, ClientCertificate, HttpOptions, Roots};
use super::self_signed::OrGivenItself;

/// Checked settings. The system's trust store is read when the first connection needs it: that takes milliseconds,
/// and most runs of a command need no connection at all.
pub(super) struct Trust {
    provider: Arc<CryptoProvider>,
    source: Source,
    identity: Option<Arc<SingleCertAndKey>>,
    config: OnceLock<Result<Arc<ClientConfig>, String>>,
}

enum Source {
    Nobody,
    Given(Arc<RootCertStore>, Vec<CertificateDer<'static>>),
    SystemAnd(Vec<CertificateDer<'static>>),
}

impl Trust {
    pub(super) fn new(options: &HttpOptions) -> Result<Self, HttpSetupError> {
        let provider = Arc::new(ring::default_provider());
        let mut store = RootCertStore::empty();
        let mut given = Vec::new();
        for bundle in &options.extra_ca_pem {
            for certificate in certificates(bundle)? {
                store.add(certificate.clone()).map_err(|error| damaged(bundle, &error.to_string()))?;
                given.push(certificate);
            }
        }
        let source = match options.roots {
            _ if !options.verify => Source::Nobody,
            Roots::System => Source::SystemAnd(given),
            Roots::OnlyGiven if store.is_empty() => {
                return Err(HttpSetupError::EmptyCaBundle { name: None });
            }
            Roots::OnlyGiven => Source::Given(Arc::new(store), given),
        };
        let identity = match &options.client_certificate {
            Some(given) => Some(identity(given, &provider)?),
            None => None,
        };
        Ok(Self { provider, source, identity, config: OnceLock::new() })
    }

    /// The settings for a connection; an error says why the system's trust store is not usable.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, String> {
        self.config.get_or_init(|| self.build().map(Arc::new).map_err(|error| error.to_string())).clone()
    }

    fn build(&self) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(self.verifier()?);
        Ok(match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::clone(identity) as _),
            None => builder.with_no_client_auth(),
        })
    }

    fn verifier(&self) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        let provider = &self.provider;
        let (inner, given): (Arc<dyn ServerCertVerifier>, _) = match &self.source {
            Source::Nobody => return Ok(Arc::new(AnyCertificate(Arc::clone(provider)))),
            Source::Given(store, given) => {
                let builder =
                    WebPkiServerVerifier::builder_with_provider(Arc::clone(store), Arc::clone(provider));
                (builder.build().map_err(|error| rustls::Error::General(error.to_string()))?, given)
            }
            Source::SystemAnd(given) => (Arc::new(system_and(given, provider)?), given),
        };
        Ok(Arc::new(OrGivenItself { inner, given: given.clone() }))
    }
}

#[cfg(not(target_os = "android"))]
fn system_and(
    given: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<rustls_platform_verifier::Verifier, rustls::Error> {
    rustls_platform_verifier::Verifier::new_with_extra_roots(given.iter().cloned(), Arc::clone(provider))
}

/// Android's trust store cannot be added to from a program.
#[cfg(target_os = "android")]
fn system_and(
    _given: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<rustls_platform_verifier::Verifier, rustls::Error> {
    rustls_platform_verifier::Verifier::new(Arc::clone(provider))
}

fn certificates(bundle: &CaBundle) -> Result<Vec<CertificateDer<'static>>, HttpSetupError> {
    let found = CertificateDer::pem_slice_iter(&bundle.pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| damaged(bundle, &error.to_string()))?;
    if found.is_empty() {
        return Err(HttpSetupError::EmptyCaBundle { name: Some(bundle.name.clone()) });
    }
    Ok(found)
}

fn damaged(bundle: &CaBundle, reason: &str) -> HttpSetupError {
    HttpSetupError::BadCaBundle { name: bundle.name.clone(), reason: reason.to_owned() }
}

fn identity(
    given: &ClientCertificate,
    provider: &CryptoProvider,
) -> Result<Arc<SingleCertAndKey>, HttpSetupError> {
    let unusable = |reason: String| HttpSetupError::BadClientCertificate { reason };
    let chain = CertificateDer::pem_slice_iter(&given.chain_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(format!("its chain is damaged: {error}")))?;
    if chain.is_empty() {
        return Err(unusable("its chain holds no certificate".to_owned()));
    }
    // The error of the parser may repeat a piece of what it read, which is the key.
    let key = PrivateKeyDer::from_pem_slice(&given.key_pem)
        .map_err(|_| unusable("its key is no unencrypted PEM key".to_owned()))?;
    let certified =
        CertifiedKey::from_der(chain, key, provider).map_err(|error| unusable(error.to_string()))?;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}

/// Takes any certificate. What is left: that the server has the key to the one it shows.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
