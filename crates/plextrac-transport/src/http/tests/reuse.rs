//! Which connection a request goes over, and that no request goes out twice.

use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use super::authority::Authority;
use super::server::{Peer, Server};
use super::*;
use crate::sync::Mutex;

fn serve(peer: &mut Peer) {
    while peer.request().is_some() && peer.say(OK).is_ok() {}
}

#[test]
fn calls_one_after_the_other_share_one_connection() {
    let server = Server::plain(serve);
    let client = client();
    for _ in 0..10 {
        client.call(&post(&server.url(), b"{}")).unwrap();
        client.call(&get(&server.url())).unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (20, 1));
}

#[test]
fn calls_one_after_the_other_share_one_tls_connection() {
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server(), serve);
    let client = HttpClient::new(&authority.trusted()).unwrap();
    for _ in 0..10 {
        client.call(&post(&server.url(), b"{}")).unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (10, 1));
}

#[test]
fn errors_redirects_and_chunked_answers_keep_the_connection() {
    let server = Server::plain(|peer| {
        for answer in [
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nwhy".to_owned(),
            "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 3\r\n\r\nwhy".to_owned(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n".to_owned(),
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            format!("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n{}", "x".repeat(200_000)),
        ] {
            peer.request();
            peer.say(answer.as_bytes()).unwrap();
        }
        serve(peer);
    });
    let client = client();
    for _ in 0..6 {
        client.call(&get(&server.url())).unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn as_many_connections_as_threads_are_kept() {
    const THREADS: usize = 32;
    // Every connection answers its first request only when all have come, so that none can be shared meanwhile.
    let all_here = Arc::new(Barrier::new(THREADS));
    let gate = Arc::clone(&all_here);
    let server = Server::plain(move |peer| {
        while peer.request().is_some() {
            gate.wait();
            if peer.say(OK).is_err() {
                break;
            }
        }
    });
    let client = client();
    for _round in 0..2 {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| client.call(&get(&server.url())).unwrap());
            }
        });
    }
    assert_eq!((server.requests().len(), server.connections()), (2 * THREADS, THREADS));
}

/// Answers one request, then ends the connection; tells when it is ended.
fn one_request_a_connection() -> (Server, mpsc::Receiver<()>) {
    let (ended, ends) = mpsc::channel();
    let ended = Mutex::new(ended);
    let server = Server::plain(move |peer| {
        peer.request();
        peer.say(OK).unwrap();
        peer.shut_down();
        ended.lock().send(()).unwrap();
    });
    (server, ends)
}

#[test]
fn a_connection_closed_while_idle_is_replaced() {
    let (server, ends) = one_request_a_connection();
    let client = client();
    for _ in 0..3 {
        client.call(&post(&server.url(), b"{}")).unwrap();
        ends.recv().unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (3, 3));
}

#[test]
fn a_tls_connection_that_ended_with_its_answer_is_replaced() {
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server(), |peer| {
        peer.request();
        peer.say_and_end_tls(OK);
        peer.until_closed();
    });
    let client = HttpClient::new(&authority.trusted()).unwrap();
    for _ in 0..3 {
        client.call(&post(&server.url(), b"{}")).unwrap();
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_connection_with_unasked_bytes_is_not_used_again() {
    let server = Server::plain(|peer| {
        peer.request();
        peer.say(&[OK, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse"].concat()).unwrap();
        serve(peer);
    });
    let client = client();
    for _ in 0..3 {
        assert_eq!(&**client.call(&get(&server.url())).unwrap().body, b"ok");
    }
    assert_eq!(server.connections(), 3);
}

#[test]
fn a_connection_that_the_server_wants_closed_is_not_used_again() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    let client = client();
    for _ in 0..2 {
        client.call(&get(&server.url())).unwrap();
    }
    assert_eq!(server.connections(), 2);
}

/// Keeps its first connection until a second request has come over it, and ends it without an answer.
fn ends_the_first_connection_at_its_second_request(peer: &mut Peer) {
    peer.request();
    peer.say(OK).unwrap();
    if peer.number == 1 {
        peer.request();
        peer.shut_down();
    } else {
        serve(peer);
    }
}

#[test]
fn a_post_that_was_sent_is_never_sent_again() {
    let server = Server::plain(ends_the_first_connection_at_its_second_request);
    let client = client();
    client.call(&post(&server.url(), b"1")).unwrap();
    let error = client.call(&post(&server.url(), b"2")).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Closed, true), "{error}");
    assert_eq!((server.requests().len(), server.connections()), (2, 1));
}

#[test]
fn a_get_on_a_connection_that_ended_is_repeated() {
    let server = Server::plain(ends_the_first_connection_at_its_second_request);
    let client = client();
    client.call(&get(&server.url())).unwrap();
    client.call(&get(&server.url())).unwrap();
    assert_eq!((server.requests().len(), server.connections()), (3, 2));
}

#[test]
fn a_get_over_a_fresh_connection_is_not_repeated() {
    let server = Server::plain(|peer| {
        peer.request();
        peer.shut_down();
    });
    let error = client().call(&get(&server.url())).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Closed, true));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_get_whose_answer_has_begun_is_not_repeated() {
    let server = Server::plain(|peer| {
        peer.request();
        peer.say(OK).unwrap();
        peer.request();
        peer.say(b"HTTP/1.1 2").unwrap();
        peer.shut_down();
    });
    let client = client();
    client.call(&get(&server.url())).unwrap();
    let error = client.call(&get(&server.url())).unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Closed);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_requests() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = Server::plain(move |peer| {
        peer.request();
        if peer.number == 1 {
            wait.lock().recv().unwrap();
            drop(peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate"));
        }
        drop(peer.say(OK));
        serve(peer);
    });
    let client = client();
    let soon = Instant::now() + Duration::from_millis(100);
    let error = client.call(&Call { limit: TimeLimit::Whole(soon), ..get(&server.url()) }).unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Timeout);
    go_on.send(()).unwrap();
    assert_eq!(&**client.call(&get(&server.url())).unwrap().body, b"ok");
    assert_eq!(server.connections(), 2);
}
