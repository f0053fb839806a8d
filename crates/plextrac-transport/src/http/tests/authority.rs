//! A certification authority for one test, and what it signs.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::*;

pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::of(params)
    }

    /// As one command makes them for a server: signed by itself, with the CA flag, and with names.
    pub(super) fn self_signed(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        Self::of(params)
    }

    fn of(params: CertificateParams) -> Self {
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    pub(super) fn bundle(&self) -> CaBundle {
        CaBundle { name: "test-ca.pem".to_owned(), pem: self.issuer.pem().into_bytes() }
    }

    /// Options that trust this authority alone.
    pub(super) fn trusted(&self) -> HttpOptions {
        HttpOptions { roots: Roots::OnlyGiven, extra_ca_pem: vec![self.bundle()], ..direct() }
    }

    /// A server with a certificate for 127.0.0.1 and localhost.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        self.server_for(&["127.0.0.1", "localhost"], |_| ())
    }

    pub(super) fn server_for(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        let (chain, key) = self.signed(names, change);
        let config = server_builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        Arc::new(config)
    }

    /// A server that takes only clients with a certificate of this authority.
    pub(super) fn server_that_asks(&self) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let (chain, key) = self.signed(&["127.0.0.1"], |_| ());
        let config =
            server_builder().with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap();
        Arc::new(config)
    }

    pub(super) fn client_certificate(&self) -> ClientCertificate {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        ClientCertificate {
            chain_pem: certificate.pem().into_bytes(),
            key_pem: key.serialize_pem().into_bytes().into(),
        }
    }

    /// The authority's own certificate used as that of a server.
    pub(super) fn server_showing_the_authority(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::try_from(self.issuer.key().serialize_der()).unwrap();
        let chain = vec![self.issuer.der().clone()];
        Arc::new(server_builder().with_no_client_auth().with_single_cert(chain, key).unwrap())
    }

    fn signed(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Vec<rustls::pki_types::CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        (vec![certificate.der().clone()], key)
    }
}

pub(super) fn ended(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2001, 1, 1);
    params.not_after = date_time_ymd(2002, 1, 1);
}

pub(super) fn not_begun(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(3001, 1, 1);
    params.not_after = date_time_ymd(3002, 1, 1);
}

fn server_builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}
