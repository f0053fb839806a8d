//! Who is believed: certificates of servers, and those of clients.

use super::authority::{Authority, ended, not_begun};
use super::server::{Peer, Server};
use super::*;

fn serve(peer: &mut Peer) {
    while peer.request().is_some() && peer.say(OK).is_ok() {}
}

/// The refusal of a server, before it has seen a byte of the request.
fn refusal(options: &HttpOptions, server: &Server) -> String {
    let error = HttpClient::new(options).unwrap().call(&post(&server.url(), b"secret")).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Tls, false), "{error}");
    assert!(error.to_string().contains(&server.address.to_string()), "{error}");
    assert_eq!(server.requests().len(), 0);
    error.to_string()
}

fn is_believed(options: &HttpOptions, server: &Server) -> bool {
    HttpClient::new(options).unwrap().call(&get(&server.url())).is_ok()
}

#[test]
fn a_given_authority_is_trusted_alone_and_beside_the_system() {
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server(), serve);
    assert!(is_believed(&authority.trusted(), &server));
    assert!(is_believed(&HttpOptions { roots: Roots::System, ..authority.trusted() }, &server));
}

#[test]
fn one_of_several_bundles_is_enough() {
    let (one, two) = (Authority::new("one"), Authority::new("two"));
    let server = Server::tls(two.server(), serve);
    let options = HttpOptions { extra_ca_pem: vec![one.bundle(), two.bundle()], ..one.trusted() };
    assert!(is_believed(&options, &server));
    let pem = [one.bundle().pem, b"# and\n".to_vec(), two.bundle().pem].concat();
    let both = CaBundle { name: "both".to_owned(), pem };
    assert!(is_believed(&HttpOptions { extra_ca_pem: vec![both], ..one.trusted() }, &server));
}

#[test]
fn an_unknown_authority_is_refused_with_the_way_out() {
    let server = Server::tls(Authority::new("ca").server(), serve);
    for options in [direct(), Authority::new("another").trusted()] {
        let refusal = refusal(&options, &server);
        assert!(refusal.contains("UnknownIssuer") && refusal.contains("CA bundle"), "{refusal}");
    }
}

#[test]
fn an_authority_with_a_trusted_name_only_is_refused() {
    let server = Server::tls(Authority::new("ca").server(), serve);
    let refusal = refusal(&Authority::new("ca").trusted(), &server);
    assert!(refusal.contains("current certificate of that authority"), "{refusal}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server_for(&["other.test", "127.0.0.2"], |_| ()), serve);
    let refusal = refusal(&authority.trusted(), &server);
    assert!(refusal.contains("another name"), "{refusal}");
}

#[test]
fn a_certificate_is_valid_from_its_first_day_to_its_last() {
    let authority = Authority::new("ca");
    let old = Server::tls(authority.server_for(&["127.0.0.1"], ended), serve);
    assert!(refusal(&authority.trusted(), &old).contains("expired"));
    let new = Server::tls(authority.server_for(&["127.0.0.1"], not_begun), serve);
    assert!(refusal(&authority.trusted(), &new).contains("not valid yet"));
}

#[test]
fn a_self_signed_certificate_that_was_given_itself_is_believed() {
    let own = Authority::self_signed("127.0.0.1", |_| ());
    let server = Server::tls(own.server_showing_the_authority(), serve);
    assert!(is_believed(&own.trusted(), &server));
    let beside_the_system = HttpOptions { roots: Roots::System, ..own.trusted() };
    assert!(is_believed(&beside_the_system, &server));
}

#[test]
fn a_self_signed_certificate_must_be_given_and_valid() {
    let own = Authority::self_signed("127.0.0.1", |_| ());
    let other = Authority::self_signed("127.0.0.1", |_| ());
    let impostor = Server::tls(other.server_showing_the_authority(), serve);
    assert!(!is_believed(&own.trusted(), &impostor));

    let elsewhere = Authority::self_signed("other.test", |_| ());
    let server = Server::tls(elsewhere.server_showing_the_authority(), serve);
    assert!(refusal(&elsewhere.trusted(), &server).contains("another name"));

    let old = Authority::self_signed("127.0.0.1", ended);
    let server = Server::tls(old.server_showing_the_authority(), serve);
    assert!(refusal(&old.trusted(), &server).contains("expired"));
    let new = Authority::self_signed("127.0.0.1", not_begun);
    let server = Server::tls(new.server_showing_the_authority(), serve);
    assert!(refusal(&new.trusted(), &server).contains("not valid yet"));
}

#[test]
fn without_verification_every_certificate_is_taken() {
    let authority = Authority::new("ca");
    let careless = HttpOptions { verify: false, ..direct() };
    for config in [
        authority.server(),
        authority.server_for(&["other.test"], |_| ()),
        authority.server_for(&["127.0.0.1"], ended),
        authority.server_showing_the_authority(),
    ] {
        assert!(is_believed(&careless, &Server::tls(config, serve)));
    }
}

#[test]
fn a_client_certificate_is_shown_to_a_server_that_asks() {
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server_that_asks(), serve);
    let with =
        HttpOptions { client_certificate: Some(authority.client_certificate()), ..authority.trusted() };
    assert!(is_believed(&with, &server));
    let other = Authority::new("other").client_certificate();
    for client_certificate in [None, Some(other)] {
        let options = HttpOptions { client_certificate, ..authority.trusted() };
        let error = HttpClient::new(&options).unwrap().call(&get(&server.url())).unwrap_err();
        assert_eq!(error.kind(), HttpErrorKind::Tls, "{error}");
        assert!(error.to_string().contains("client certificate"), "{error}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_server_that_speaks_no_tls_is_not_called_untrusted() {
    for answer in ["HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n"] {
        let server = Server::plain(move |peer| drop(peer.say(answer.as_bytes())));
        let error = client().call(&get(&server.url().replacen("http:", "https:", 1))).unwrap_err();
        assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Tls, false), "{error}");
        let text = error.to_string();
        assert!(text.contains("does not speak TLS") && text.contains("https://"), "{text}");
        assert!(!text.contains("trust"), "{text}");
    }
}

#[test]
fn a_handshake_that_breaks_off_is_a_failed_connection() {
    let server = Server::plain(|_| ());
    let error = client().call(&get(&server.url().replacen("http:", "https:", 1))).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Connect, false), "{error}");
    assert!(error.to_string().contains("during the handshake"), "{error}");
}

#[test]
fn damaged_and_empty_bundles_are_named() {
    let authority = Authority::new("ca");
    let bundle = |pem: &[u8]| CaBundle { name: "/etc/x.pem".to_owned(), pem: pem.to_vec() };
    let refused = |extra_ca_pem| {
        HttpClient::new(&HttpOptions { extra_ca_pem, ..authority.trusted() }).map(drop).unwrap_err()
    };
    let named = Some("/etc/x.pem".to_owned());
    assert_eq!(refused(vec![bundle(b"")]), HttpSetupError::EmptyCaBundle { name: named.clone() });
    assert_eq!(
        refused(vec![authority.bundle(), bundle(b"text")]),
        HttpSetupError::EmptyCaBundle { name: named }
    );
    assert_eq!(refused(vec![]), HttpSetupError::EmptyCaBundle { name: None });
    for pem in [
        b"-----BEGIN CERTIFICATE-----\nAAAA\n".as_slice(),
        b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let error = refused(vec![bundle(pem)]);
        assert!(matches!(error, HttpSetupError::BadCaBundle { .. }), "{error}");
        assert!(error.to_string().contains("/etc/x.pem"), "{error}");
    }
}

#[test]
fn a_bad_client_certificate_is_refused_without_its_key() {
    let authority = Authority::new("ca");
    let (right, other) = (authority.client_certificate(), authority.client_certificate());
    let secret = b"-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n".to_vec();
    for (chain_pem, key_pem) in [
        (Vec::new(), right.key_pem.clone()),
        (right.chain_pem.clone(), Vec::new().into()),
        (right.chain_pem.clone(), secret.into()),
        (right.chain_pem.clone(), other.key_pem),
        (b"-----BEGIN CERTIFICATE-----\n".to_vec(), right.key_pem.clone()),
    ] {
        let client_certificate = Some(ClientCertificate { chain_pem, key_pem });
        let options = HttpOptions { client_certificate, ..authority.trusted() };
        assert!(!format!("{options:?}").contains("hunter2"));
        let error = HttpClient::new(&options).unwrap_err();
        assert!(matches!(error, HttpSetupError::BadClientCertificate { .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
