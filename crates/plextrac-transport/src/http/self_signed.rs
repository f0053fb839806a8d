//! A server that shows a self-signed certificate which the user gave as the one to trust.
//!
//! Self-hosted instances have such certificates as a rule: one file, made by one command, with the CA flag set. The
//! path builder below refuses the flag in a server's own certificate. Yet a certificate that was given byte for byte
//! needs no path: the question is only whether it is that one, still valid, and for this name.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

/// Believes whom `inner` believes, and the given certificates themselves.
#[derive(Debug)]
pub(super) struct OrGivenItself {
    pub(super) inner: Arc<dyn ServerCertVerifier>,
    pub(super) given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for OrGivenItself {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verdict {
            Err(refusal)
                if is_for_the_ca_flag(&refusal) && self.given.iter().any(|given| given == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// webpki looks at the dates before the flag, so a certificate that is refused for the flag is valid now; the tests
/// hold it to that.
fn is_for_the_ca_flag(refusal: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(reason)) = refusal else { return false };
    // rustls has no variant of its own for this.
    reason.to_string().contains("CaUsedAsEndEntity")
}
