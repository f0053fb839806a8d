//! Bodies that are not in memory: read while they are sent, and handed over while they come.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use super::authority::Authority;
use super::server::{Peer, Server};
use super::*;
use crate::cancel::CancelToken;
use crate::http::call::CallBody;
use crate::progress::{Progress, ReportProgress, Transfer};
use crate::sync::Mutex;

/// More than both ends of a connection hold in their buffers.
const LARGE: u64 = 64 << 20;

/// Different in any two places that could be mixed up.
fn content(length: u64) -> Vec<u8> {
    (0..length).map(|i| (i * 7 + i / 251) as u8).collect()
}

fn source(bytes: Vec<u8>, length: Option<u64>) -> BodySource {
    BodySource::once(Box::new(io::Cursor::new(bytes)), length)
}

fn upload<'a>(url: &'a str, body: &'a BodySource) -> Call<'a> {
    Call {
        method: Method::POST,
        body: Some(CallBody::Source(body, None)),
        limit: TimeLimit::Progress(PLENTY),
        ..get(url)
    }
}

fn download(url: &str) -> Call<'_> {
    Call { limit: TimeLimit::Progress(PLENTY), ..get(url) }
}

/// A reader of zeros that counts what was taken from it.
struct Counted(io::Take<io::Repeat>, Arc<AtomicU64>);

impl Counted {
    fn source(length: u64) -> (BodySource, Arc<AtomicU64>) {
        let taken = Arc::new(AtomicU64::new(0));
        let reader = Self(io::repeat(0).take(length), Arc::clone(&taken));
        (BodySource::once(Box::new(reader), Some(length)), taken)
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1.fetch_add(count as u64, Ordering::SeqCst);
        Ok(count)
    }
}

/// A reader that brings something, and fails then.
struct Failing(io::Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_body_from_a_reader_is_sent_with_its_length_or_in_chunks() {
    let server = Server::answering(OK);
    let client = client();
    for length in [0, 1, 10_239, 10_240, 10_241, 33_791, 33_792, 33_793, 300_000] {
        let bytes = content(length);
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::GET] {
            for announced in [Some(length), None] {
                let body = source(bytes.clone(), announced);
                let url = server.url();
                let answer = client.call(&Call { method: method.clone(), ..upload(&url, &body) }).unwrap();
                assert_eq!(answer.status, 200);
                let received = server.requests().pop().unwrap();
                let length = announced.map(|length| length.to_string());
                assert_eq!(received.header("content-length"), length.as_deref());
                let coding = if announced.is_some() { None } else { Some("chunked") };
                assert_eq!(received.header("transfer-encoding"), coding);
                assert!(received.body == bytes, "{method} {length:?}");
            }
        }
    }
    assert_eq!(server.connections(), 1, "every request was whole");
}

#[test]
fn only_the_announced_length_is_read_and_sent() {
    let server = Server::answering(OK);
    let body = source(content(1_000), Some(600));
    client().call(&upload(&server.url(), &body)).unwrap();
    assert_eq!(server.requests().pop().unwrap().body, &content(1_000)[..600]);
}

#[test]
fn a_reader_that_fails_ends_the_request_and_says_why() {
    let server = Server::answering(OK);
    let failing = |length| BodySource::once(Box::new(Failing(io::Cursor::new(content(100)))), length);
    for (body, why) in [
        (failing(Some(200)), "the disk is gone"),
        (failing(None), "the disk is gone"),
        (source(content(100), Some(200)), "ended after 100 of 200 bytes"),
    ] {
        let error = client().call(&upload(&server.url(), &body)).unwrap_err();
        assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Body, true), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        let again = client().call(&upload(&server.url(), &body)).unwrap_err();
        assert_eq!((again.kind(), again.was_sent()), (HttpErrorKind::Request, false), "{again}");
        assert!(again.to_string().contains("cannot be read again"), "{again}");
    }
    assert_eq!(server.requests().len(), 0, "the server got no whole request");
}

#[test]
fn a_body_that_is_opened_anew_can_be_sent_again() {
    let server = Server::answering(OK);
    let open: Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync> =
        Arc::new(|| Ok(Box::new(io::Cursor::new(content(100)))));
    let body = BodySource::again(open, None);
    for _ in 0..2 {
        client().call(&upload(&server.url(), &body)).unwrap();
        assert_eq!(server.requests().pop().unwrap().body, content(100));
    }
    let denied = BodySource::again(Arc::new(|| Err(io::ErrorKind::PermissionDenied.into())), None);
    let error = client().call(&upload(&server.url(), &denied)).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Body, false), "{error}");
}

#[test]
fn a_reader_goes_back_if_nothing_was_read_from_it() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::answering(OK);
    let body = source(content(100), Some(100));
    let error = client().call(&upload(&format!("http://{nobody}/"), &body)).unwrap_err();
    assert_eq!(error.kind(), HttpErrorKind::Connect);
    assert!(body.can_be_sent());
    client().call(&upload(&server.url(), &body)).unwrap();
    assert_eq!(server.requests().pop().unwrap().body, content(100));
    assert!(!body.can_be_sent());
}

#[test]
fn progress_counts_the_bytes_of_the_body() {
    let server = Server::answering(OK);
    for length in [Some(100_000), None] {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reports);
        let report: ReportProgress = Arc::new(move |progress: &Progress| seen.lock().push(*progress));
        let body = source(content(100_000), length);
        let url = server.url();
        let call = Call { body: Some(CallBody::Source(&body, Some(&report))), ..upload(&url, &body) };
        client().call(&call).unwrap();
        let reports = reports.lock().clone();
        assert!(reports.len() > 2 && reports.is_sorted_by_key(|progress| progress.done), "{reports:?}");
        let last = Progress { transfer: Transfer::Upload, done: 100_000, total: length };
        assert_eq!(reports.last(), Some(&last));
    }
}

#[test]
fn the_body_of_an_answer_comes_in_parts() {
    const HEADS: [&str; 3] =
        ["Content-Length: 100000\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"];
    for (number, head) in HEADS.into_iter().enumerate() {
        let (go_on, may_go_on) = mpsc::channel();
        let may_go_on = Mutex::new(may_go_on);
        let server = Server::plain(move |peer| {
            peer.request();
            peer.say(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes()).unwrap();
            for part in content(100_000).chunks(50_000) {
                peer.until_told(&may_go_on.lock());
                let chunked = number == 1;
                let start = if chunked { format!("{:x}\r\n", part.len()) } else { String::new() };
                peer.say(start.as_bytes()).unwrap();
                peer.say(part).unwrap();
                peer.say(if chunked { b"\r\n" } else { b"" }).unwrap();
            }
            peer.say(if number == 1 { b"0\r\n\r\n" } else { b"" }).unwrap();
        });
        let mut answer = client().open(&download(&server.url())).unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.length(), (number == 0).then_some(100_000));
        let mut body = Vec::new();
        for _ in 0..2 {
            // The server sends a part when the client has read the one before.
            go_on.send(()).unwrap();
            let half = body.len() + 50_000;
            while body.len() < half {
                let mut part = [0; 4096];
                let count = answer.read(&mut part).unwrap();
                assert!(count > 0);
                body.extend_from_slice(&part[..count]);
            }
        }
        assert_eq!(answer.read(&mut [0; 16]).unwrap(), 0, "the end");
        assert!(body == content(100_000));
    }
}

#[test]
fn a_connection_is_kept_if_its_answer_was_read_to_the_end() {
    let server = Server::answering(OK);
    let client = client();
    for (reads_to_end, connections) in [(true, 1), (true, 1), (false, 1), (true, 2)] {
        let mut answer = client.open(&download(&server.url())).unwrap();
        while reads_to_end && answer.read(&mut [0; 16]).unwrap() > 0 {}
        drop(answer);
        assert_eq!(server.connections(), connections);
    }
}

#[test]
fn an_answer_that_is_cut_short_is_an_error() {
    for (head, part) in
        [("Content-Length: 10\r\n", "abc"), ("Transfer-Encoding: chunked\r\n", "5\r\nabc"), ("", "abc")]
    {
        let (go_on, may_go_on) = mpsc::channel();
        let may_go_on = Mutex::new(may_go_on);
        let server = Server::plain(move |peer| {
            peer.request();
            peer.say(format!("HTTP/1.1 200 OK\r\n{head}\r\n{part}").as_bytes()).unwrap();
            peer.until_told(&may_go_on.lock());
            peer.reset_at_end();
        });
        let mut answer = client().open(&download(&server.url())).unwrap();
        assert_eq!(answer.read(&mut [0; 16]).unwrap(), 3);
        go_on.send(()).unwrap();
        let error = answer.read(&mut [0; 16]).expect_err("a cut answer must not pass for a whole one");
        assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Closed, true), "{head}: {error}");
    }
}

#[test]
fn reading_an_answer_can_be_left_from_any_thread() {
    let server = Server::plain(|peer| {
        peer.request();
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").unwrap();
        peer.until_closed();
    });
    let token = CancelToken::new();
    let url = server.url();
    let mut answer = client().open(&Call { cancel: &[&token], ..download(&url) }).unwrap();
    let (read, reads) = mpsc::channel();
    let reader = thread::spawn(move || {
        while let Ok(count @ 1..) = answer.read(&mut [0; 2]) {
            read.send(count).unwrap();
        }
        answer.read(&mut [0; 2]).unwrap_err()
    });
    assert_eq!(reads.iter().take(2).sum::<usize>(), 3);
    token.trigger();
    assert_eq!(reader.join().unwrap().kind(), HttpErrorKind::Cancelled);
}

#[test]
fn sending_from_a_reader_can_be_left() {
    let (told, holding) = mpsc::channel();
    let holding = Mutex::new(holding);
    let server = Server::plain(move |peer| peer.until_told(&holding.lock()));
    let (body, taken) = Counted::source(LARGE);
    let token = CancelToken::new();
    let url = server.url();
    let error = thread::scope(|scope| {
        let caller =
            scope.spawn(|| client().call(&Call { cancel: &[&token], ..upload(&url, &body) }).unwrap_err());
        while taken.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        token.trigger();
        caller.join().unwrap()
    });
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Cancelled, true), "{error}");
    assert!(taken.load(Ordering::SeqCst) < LARGE, "control: it was left half way");
    told.send(()).unwrap();
}

#[test]
fn a_transfer_in_which_no_byte_moves_ends_with_its_time() {
    let short = TimeLimit::Progress(Duration::from_millis(200));
    let (told, holding) = mpsc::channel();
    let holding = Mutex::new(holding);
    let deaf = Server::plain(move |peer| peer.until_told(&holding.lock()));
    let (body, _) = Counted::source(LARGE);
    let error = client().call(&Call { limit: short, ..upload(&deaf.url(), &body) }).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Timeout, true), "{error}");
    assert!(error.to_string().contains("no byte moved to or from"), "{error}");
    told.send(()).unwrap();

    let silent = Server::plain(|peer| {
        peer.request();
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").unwrap();
        peer.until_closed();
    });
    let mut answer = client().open(&Call { limit: short, ..download(&silent.url()) }).unwrap();
    let error = loop {
        match answer.read(&mut [0; 16]) {
            Ok(count) => assert!(count > 0),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), HttpErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("for 0.2 s"), "{error}");
}

#[test]
fn an_answer_that_comes_before_the_body_was_sent_is_the_answer() {
    const REFUSED: &[u8] = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
    let authority = Authority::new("ca");
    for ending in [End::Reset, End::Close, End::ReadOn, End::Ignore] {
        for is_encrypted in [false, true] {
            for length in [Some(LARGE), None] {
                let (told, holding) = mpsc::channel();
                let holding = Mutex::new(holding);
                let script = move |peer: &mut Peer| {
                    peer.head();
                    peer.say(REFUSED).unwrap();
                    match ending {
                        End::Reset => peer.reset_at_end(),
                        End::Close => {}
                        End::ReadOn => peer.until_closed(),
                        End::Ignore => peer.until_told(&holding.lock()),
                    }
                };
                let (server, options) = if is_encrypted {
                    (Server::tls(authority.server(), script), authority.trusted())
                } else {
                    (Server::plain(script), direct())
                };
                let taken = Arc::new(AtomicU64::new(0));
                let reader = Counted(io::repeat(0).take(LARGE), Arc::clone(&taken));
                let body = BodySource::once(Box::new(reader), length);
                let client = HttpClient::new(&options).unwrap();
                let url = server.url();
                let answer = client
                    .call(&upload(&url, &body))
                    .unwrap_or_else(|error| panic!("{ending:?} {is_encrypted} {length:?}: {error}"));
                assert_eq!((answer.status, answer.body.as_slice()), (413, b"big".as_slice()), "{ending:?}");
                assert!(taken.load(Ordering::SeqCst) < LARGE, "the rest was not read: {ending:?}");
                drop(told);
                // The connection is in the middle of a request, and no good for the next one.
                client.call(&upload(&url, &source(vec![0; 10], Some(10)))).unwrap();
                assert_eq!(server.connections(), 2, "{ending:?}");
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum End {
    Reset,
    Close,
    ReadOn,
    Ignore,
}

#[test]
fn an_interim_answer_does_not_end_the_upload() {
    for interim in
        [b"HTTP/1.1 100 Continue\r\n\r\n".as_slice(), b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"]
    {
        let server = Server::plain(move |peer| {
            peer.head();
            peer.say(interim).unwrap();
            let mut body = 0;
            while body < LARGE {
                body += peer.some_bytes();
            }
            peer.say(OK).unwrap();
        });
        let (body, taken) = Counted::source(LARGE);
        assert_eq!(client().call(&upload(&server.url(), &body)).unwrap().status, 200);
        assert_eq!(taken.load(Ordering::SeqCst), LARGE);
    }
}
