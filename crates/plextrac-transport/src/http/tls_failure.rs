//! What a failed TLS connection means, and what to do about it.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::endpoint::Endpoint;
use super::error::{HttpError, HttpErrorKind};

/// A handshake that failed, for a reason of TLS or of the connection below.
pub(super) fn during_handshake(peer: &Endpoint, error: &io::Error) -> HttpError {
    match in_io(error) {
        Some(reason) => explain(peer, reason),
        // It says nothing about trust, and the next attempt may succeed.
        None => HttpError::new(
            HttpErrorKind::Connect,
            format!(
                "no TLS connection to {peer}: the connection ended during the handshake ({error}); try again, and check \
                 that host and port are those of an https:// server"
            ),
        ),
    }
}

/// The TLS error inside of an error from reading or writing.
pub(super) fn in_io(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// No authorities to trust could be had from the system.
pub(super) fn no_roots(peer: &Endpoint, reason: &str) -> HttpError {
    failed(
        peer,
        &format!("no certification authorities are available ({reason})"),
        "install the system's CA certificates, or give a CA bundle",
    )
}

pub(super) fn explain(peer: &Endpoint, error: &Error) -> HttpError {
    let (what, then) = match error {
        Error::InvalidCertificate(reason) => certificate(reason),
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied,
        ) => (
            format!("it does not accept this client's certificate, or its lack ({error})"),
            "give the client certificate that this server asks for",
        ),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            ("it does not speak TLS".to_owned(), "check that the port is that of an https:// server")
        }
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => (
            format!("it offers nothing that TLS 1.2 or 1.3 here accepts ({error})"),
            "have TLS 1.2 or newer enabled on the server",
        ),
        _ => (error.to_string(), "check the server's TLS settings and what stands between"),
    };
    failed(peer, &what, then)
}

fn certificate(reason: &CertificateError) -> (String, &'static str) {
    use CertificateError as E;
    match reason {
        E::UnknownIssuer => (
            "its certificate is from an authority that is not trusted here (UnknownIssuer)".to_owned(),
            "give the certificate of that authority as a CA bundle",
        ),
        // An authority that has made itself a new key under its old name, as a rule.
        E::BadSignature => (
            "its certificate is not signed by the authority that is trusted here under that name (BadSignature)".to_owned(),
            "give the current certificate of that authority as a CA bundle",
        ),
        E::NotValidForName | E::NotValidForNameContext { .. } => (
            format!("its certificate is for another name ({reason})"),
            "use a host name that the certificate is for",
        ),
        E::Expired | E::ExpiredContext { .. } => (
            format!("its certificate has expired ({reason})"),
            "have it renewed, and check the clock of this machine",
        ),
        E::NotValidYet | E::NotValidYetContext { .. } => (
            format!("its certificate is not valid yet ({reason})"),
            "check the clock of this machine",
        ),
        // webpki has no variant of its own in rustls for this, the usual shape of a home-made certificate.
        E::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            "it shows the certificate of an authority as its own (CaUsedAsEndEntity)".to_owned(),
            "give that certificate itself as a CA bundle, if it is really the server's own",
        ),
        _ => (
            format!("its certificate is not acceptable ({reason})"),
            "have the certificate replaced",
        ),
    }
}

fn failed(peer: &Endpoint, what: &str, then: &str) -> HttpError {
    HttpError::new(HttpErrorKind::Tls, format!("no TLS connection to {peer}: {what}; {then}"))
}
