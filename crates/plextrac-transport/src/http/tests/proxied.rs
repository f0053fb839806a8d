//! Through a proxy.

use std::net::SocketAddr;

use super::authority::Authority;
use super::server::{Peer, Server};
use super::*;

const CONNECTED: &[u8] = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n";

/// A proxy's script: answers CONNECT and goes on as the tunnel to `target`, whatever name was asked for.
fn tunnel_to(target: SocketAddr) -> impl Fn(&mut Peer) + Send + Sync {
    move |peer| {
        if peer.request().is_some() {
            peer.say(CONNECTED).unwrap();
            peer.join(target);
        }
    }
}

fn serve(peer: &mut Peer) {
    while peer.request().is_some() && peer.say(OK).is_ok() {}
}

fn through(proxy: &Server, options: HttpOptions) -> HttpClient {
    let url = proxy.url().replace("/path", "").replace("://", "://us%40er:pass@");
    let options = HttpOptions { proxy: ProxySetting::Url(url), ..options };
    let lookup = resolver::Lookup::with(Box::new(|host, _| panic!("the proxy has to find {host}")));
    HttpClient::with_lookup(&options, lookup).unwrap()
}

#[test]
fn calls_to_a_tls_server_share_one_tunnel() {
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server(), serve);
    let proxy = Server::plain(tunnel_to(server.address));
    let client = through(&proxy, authority.trusted());
    for _ in 0..3 {
        let url = server.url_for("localhost");
        assert_eq!(client.call(&post(&url, b"{}")).unwrap().status, 200);
    }
    assert_eq!((server.requests().len(), server.connections(), proxy.connections()), (3, 1, 1));
    let connect = &proxy.requests()[0];
    let target = format!("localhost:{}", server.address.port());
    assert!(connect.head.starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")), "{}", connect.head);
    assert_eq!(connect.header("host"), Some(target.as_str()));
    // us@er:pass
    assert_eq!(connect.header("proxy-authorization"), Some("Basic dXNAZXI6cGFzcw=="));
    assert_eq!(server.requests()[0].header("proxy-authorization"), None);
}

#[test]
fn a_server_without_tls_is_reached_by_a_tunnel_too() {
    let server = Server::plain(serve);
    let proxy = Server::plain(tunnel_to(server.address));
    let client = through(&proxy, direct());
    assert_eq!(client.call(&get("http://plextrac.test/path")).unwrap().status, 200);
    assert!(proxy.requests()[0].head.starts_with("CONNECT plextrac.test:80 HTTP/1.1\r\n"));
    assert!(server.requests()[0].head.starts_with("GET /path HTTP/1.1\r\n"));
}

#[test]
fn a_proxy_may_be_spoken_to_by_tls_itself() {
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server(), serve);
    let proxy = Server::tls(authority.server(), tunnel_to(server.address));
    let client = through(&proxy, authority.trusted());
    for _ in 0..2 {
        assert_eq!(client.call(&get(&server.url())).unwrap().status, 200);
    }
    assert_eq!((server.connections(), proxy.connections()), (1, 1));
}

#[test]
fn a_refusal_of_the_proxy_is_told_as_such() {
    for (answer, expected) in [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n".as_slice(),
            "asks for credentials",
        ),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nnever", "answered 403"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://evil/\r\n\r\n", "answered 302"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "more than its answer"),
        (b"", "closed the connection"),
    ] {
        let proxy = Server::plain(move |peer| {
            peer.request();
            peer.say(answer).unwrap();
        });
        let client = through(&proxy, direct());
        let error = client.call(&post("http://plextrac.test/", b"secret")).unwrap_err();
        assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Proxy, false), "{error}");
        let message = error.to_string();
        assert!(message.contains(expected) && message.contains("plextrac.test:80"), "{message}");
        assert!(message.contains(&proxy.address.to_string()), "{message}");
        assert!(!message.contains("pass@") && !message.contains("dXNAZXI6cGFzcw"), "{message}");
        assert_eq!(proxy.requests().len(), 1);
    }
}

#[test]
fn a_proxy_that_floods_is_given_up() {
    let proxy = Server::plain(|peer| {
        peer.request();
        drop(peer.say(b"HTTP/1.1 200 OK\r\nX: "));
        peer.repeat(&[b'x'; 1000]);
    });
    let error = through(&proxy, direct()).call(&get("http://plextrac.test/")).unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Proxy, "{error}");
}

#[test]
fn the_servers_certificate_is_checked_and_not_the_proxys() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let server = Server::tls(theirs.server(), serve);
    let proxy = Server::tls(ours.server(), tunnel_to(server.address));
    let error = through(&proxy, ours.trusted()).call(&get(&server.url())).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Tls, false), "{error}");
    assert!(error.to_string().contains(&server.address.to_string()), "{error}");
}
