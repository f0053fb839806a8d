//! Servers that break off, lie, flood or stall.

use std::sync::mpsc;
use std::thread;

use http::header::AUTHORIZATION;

use super::authority::Authority;
use super::server::{Peer, Server};
use super::*;
use crate::sync::Mutex;

const SECRET: &str = "hunter2-in-the-header";
const SECRET_BODY: &[u8] = b"hunter3-in-the-body";

/// Sends secrets to a server with this script. What comes back must be an error that repeats none of them.
fn error_from(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> HttpError {
    error_of(&client(), &Server::plain(script), PLENTY)
}

fn error_of(client: &HttpClient, server: &Server, within: Duration) -> HttpError {
    let headers = [(AUTHORIZATION, secret_header_value(SECRET).unwrap())];
    let url = format!("{}?hunter4-in-the-query", server.url());
    let call = Call {
        headers: &headers,
        limit: TimeLimit::Whole(Instant::now() + within),
        ..post(&url, SECRET_BODY)
    };
    let begun = Instant::now();
    let error = client.call(&call).unwrap_err();
    assert!(begun.elapsed() < AT_ONCE, "{error}");
    assert!(error.to_string().contains(&server.address.to_string()), "says to whom: {error}");
    assert!(!format!("{error} {error:?}").contains("hunter"), "repeats a secret: {error}");
    // The control: the secrets were really on their way.
    let received = server.requests().pop().unwrap();
    assert!(received.head.contains(SECRET) && received.body == SECRET_BODY);
    error
}

fn error_after(answer: &'static [u8]) -> HttpError {
    error_from(move |peer| {
        peer.request();
        peer.say(answer).unwrap();
    })
}

#[test]
fn a_connection_that_ends_without_an_answer_is_closed() {
    let closed = error_from(|peer| drop(peer.request()));
    assert_eq!((closed.kind(), closed.was_sent()), (HttpErrorKind::Closed, true), "{closed}");
    let reset = error_from(|peer| {
        peer.request();
        peer.reset_at_end();
    });
    assert_eq!((reset.kind(), reset.was_sent()), (HttpErrorKind::Closed, true), "{reset}");
    // Session tickets are no answer.
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server(), |peer| drop(peer.request()));
    let client = HttpClient::new(&authority.trusted()).unwrap();
    let over_tls = client.call(&get(&server.url())).unwrap_err();
    for error in [closed, reset, over_tls] {
        assert!(error.to_string().contains("before it answered"), "{error}");
    }
}

#[test]
fn an_answer_that_is_cut_short_is_no_answer() {
    for cut in [
        b"HTTP/1.1 200 OK\r\nContent-Le".as_slice(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ] {
        let error = error_after(cut);
        assert_eq!(error.kind(), HttpErrorKind::Closed, "{error}");
        assert!(error.to_string().contains("in the middle"), "{error}");
    }
}

#[test]
fn a_reset_is_not_the_end_of_a_body_of_unknown_length() {
    let error = error_from(|peer| {
        peer.request();
        peer.say(b"HTTP/1.1 200 OK\r\n\r\n{\"partial\":").unwrap();
        peer.reset_at_end();
    });
    assert_eq!(error.kind(), HttpErrorKind::Closed, "{error}");
}

#[test]
fn over_tls_a_body_of_unknown_length_ends_only_with_tls() {
    let authority = Authority::new("ca");
    let client = HttpClient::new(&authority.trusted()).unwrap();
    let cut = Server::tls(authority.server(), |peer| {
        peer.request();
        peer.say(b"HTTP/1.1 200 OK\r\n\r\n{\"partial\":").unwrap();
    });
    let error = error_of(&client, &cut, PLENTY);
    assert_eq!(error.kind(), HttpErrorKind::Closed, "{error}");
    let whole = Server::tls(authority.server(), |peer| {
        peer.request();
        peer.say_and_end_tls(b"HTTP/1.1 200 OK\r\n\r\n{}");
    });
    assert_eq!(&**client.call(&get(&whole.url())).unwrap().body, b"{}");
}

#[test]
fn what_is_not_http_is_no_answer() {
    for nonsense in [
        b"SSH-2.0-OpenSSH_9.2 hunter\r\n\r\n".as_slice(),
        b"\x15\x03\x01\x00\x02\x02\x46 hunter \r\n\r\n",
        b"HTTP/1.1 two hundred hunter\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nhunter head er\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: hun\x00ter\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: hunter\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhunter\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdefgh\r\n0\r\n\r\n",
    ] {
        let error = error_after(nonsense);
        assert_eq!(error.kind(), HttpErrorKind::Protocol, "{error} {}", nonsense.escape_ascii());
    }
}

#[test]
fn a_head_without_end_is_given_up() {
    let many = error_from(|peer| {
        peer.request();
        drop(peer.say(b"HTTP/1.1 200 OK\r\n"));
        peer.repeat(format!("X-Filler: {}\r\n", "x".repeat(1000)).as_bytes());
    });
    assert_eq!(many.kind(), HttpErrorKind::TooLarge, "{many}");
    assert!(many.to_string().contains("the head of the answer"), "{many}");
    let one = error_from(|peer| {
        peer.request();
        drop(peer.say(b"HTTP/1.1 200 OK\r\nX: "));
        peer.repeat(&[b'x'; 1000]);
    });
    assert_eq!(one.kind(), HttpErrorKind::TooLarge, "{one}");
    assert!(one.to_string().contains("the head of the answer"), "{one}");
    let short = error_from(|peer| {
        peer.request();
        drop(peer.say(b"HTTP/1.1 200 OK\r\n"));
        peer.repeat(b"X:\r\n");
    });
    assert!(matches!(short.kind(), HttpErrorKind::TooLarge | HttpErrorKind::Protocol), "{short}");
}

#[test]
fn a_head_of_thirty_kilobytes_is_read() {
    let server = Server::plain(|peer| {
        peer.request();
        peer.say(
            format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 2\r\n\r\nok", "x".repeat(30_000)).as_bytes(),
        )
        .unwrap();
    });
    assert_eq!(client().call(&get(&server.url())).unwrap().headers["x"].len(), 30_000);
}

#[test]
fn a_line_without_end_in_a_body_is_given_up() {
    let error = error_from(|peer| {
        peer.request();
        drop(peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"));
        peer.repeat(&[b'x'; 1000]);
    });
    assert!(matches!(error.kind(), HttpErrorKind::TooLarge | HttpErrorKind::Protocol), "{error}");
}

#[test]
fn a_body_over_the_limit_is_refused_however_its_length_is_told() {
    let announced = error_from(|peer| {
        peer.request();
        drop(peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"));
        peer.repeat(&[0; 1000]);
    });
    let chunked = error_from(|peer| {
        peer.request();
        drop(peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
        peer.repeat(format!("800\r\n{}\r\n", "x".repeat(0x800)).as_bytes());
    });
    let closing = error_from(|peer| {
        peer.request();
        drop(peer.say(b"HTTP/1.1 200 OK\r\n\r\n"));
        peer.repeat(&[0; 1000]);
    });
    for error in [announced, chunked, closing] {
        assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::TooLarge, true), "{error}");
    }
}

#[test]
fn the_deadline_holds_when_nothing_comes() {
    let server = Server::plain(|peer| {
        peer.request();
        peer.until_closed();
    });
    let error = error_of(&client(), &server, Duration::from_millis(300));
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Timeout, true), "{error}");
}

#[test]
fn the_deadline_holds_when_bytes_keep_coming() {
    for (start, again) in [
        (b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(), b"HTTP/1.1 103 Early Hints\r\n\r\n".as_slice()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"),
    ] {
        let server = Server::plain(move |peer| {
            peer.request();
            drop(peer.say(start));
            while peer.say(again).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let error = error_of(&client(), &server, Duration::from_millis(400));
        assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Timeout, true), "{error}");
    }
}

#[test]
fn the_deadline_holds_when_the_server_takes_nothing() {
    let (told, holding) = mpsc::channel();
    let holding = Mutex::new(holding);
    let server = Server::plain(move |peer| peer.until_told(&holding.lock()));
    let body = vec![0; 64 * 1024 * 1024];
    let soon = Instant::now() + Duration::from_millis(300);
    let url = server.url();
    let error = client().call(&Call { limit: TimeLimit::Whole(soon), ..post(&url, &body) }).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Timeout, true), "{error}");
    told.send(()).unwrap();
}

#[test]
fn a_deadline_that_is_over_already_sends_nothing() {
    let server = Server::answering(OK);
    let url = server.url();
    let error = client().call(&Call { limit: TimeLimit::Whole(Instant::now()), ..get(&url) }).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Timeout, false), "{error}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn https_to_an_http_server_is_an_error_and_the_reverse() {
    let plain = Server::plain(|peer| drop(peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
    let url = format!("https://{}/", plain.address);
    let error = client().call(&get(&url)).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Tls, false), "{error}");
    let authority = Authority::new("ca");
    let tls = Server::tls(authority.server(), |peer| drop(peer.request()));
    let url = format!("http://{}/", tls.address);
    let error = client().call(&get(&url)).unwrap_err();
    assert!(matches!(error.kind(), HttpErrorKind::Protocol | HttpErrorKind::Closed), "{error}");
}
