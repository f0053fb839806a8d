//! Requests and responses whose bodies are not held in memory.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use plextrac_emulator::{Fault, Kind, Outcome, Target, upload_bytes};
use plextrac_transport::{CancelToken, Error, ErrorCode, Progress, Request, Session, Transfer};

use crate::stage::{Stage, call};

const LONG: u64 = 1 << 40;

fn echo() -> Request {
    Request::new("POST", "/api/v1/echo").unwrap()
}

fn bytes() -> Vec<u8> {
    (0..=255).cycle().take(100_003).collect()
}

/// The error inside of one from reading.
fn inner(error: io::Error) -> Error {
    *error.into_inner().unwrap().downcast::<Error>().unwrap()
}

#[test]
fn a_body_goes_from_a_reader_and_comes_to_a_writer() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    for length in [Some(100_003), None] {
        let mut request = echo();
        request.body_reader("text/csv", length, io::Cursor::new(bytes())).unwrap();
        let mut sink = Vec::new();
        let response = session.download(&request, &mut sink).unwrap();
        assert_eq!((response.status(), response.body()), (200, b"".as_slice()));
        assert!(sink == bytes());
        let seen = stage.emulator.requests().pop().unwrap();
        assert_eq!(seen.header("content-type"), Some("text/csv"));
        let length = length.map(|length| length.to_string());
        assert_eq!(seen.header("content-length"), length.as_deref());
    }
}

#[test]
fn a_response_is_read_piece_by_piece() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let mut response = session.stream(&Request::get("/api/v1/uploads/logo.png").unwrap()).unwrap();
    let expected = upload_bytes("logo.png");
    assert_eq!((response.status(), response.length()), (200, Some(expected.len() as u64)));
    assert!(response.headers().contains_key("content-type"));
    let mut start = [0; 10];
    response.read_exact(&mut start).unwrap();
    assert_eq!(start, expected[..10]);
    let rest = response.into_response().unwrap();
    assert_eq!(rest.body(), &expected[10..]);
}

#[test]
fn the_answer_to_a_streamed_request_is_held_to_the_limit() {
    let stage = Stage::new();
    let mut config = stage.service();
    config.response_limit(1_000);
    let session = Session::new(&config).unwrap();
    let mut request = echo();
    request.body_reader("text/plain", None, io::repeat(b'x').take(1_001)).unwrap();
    assert_eq!(session.request(&request).unwrap_err().code(), ErrorCode::TooLarge);
    let mut sink = Vec::new();
    request.body_reader("text/plain", None, io::repeat(b'x').take(1_001)).unwrap();
    session.download(&request, &mut sink).unwrap();
    assert_eq!(sink.len(), 1_001, "a writer has its own limit");
}

#[test]
fn after_a_401_a_body_is_sent_again_if_it_can_be_read_again() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let mut once = echo();
    once.body_reader("text/plain", None, io::Cursor::new("once")).unwrap();
    stage.emulator.revoke_tokens();
    assert_eq!(session.request(&once).unwrap().status(), 401);
    assert_eq!((stage.seen(Kind::Echo), stage.count(Kind::Echo, Outcome::Unauthorized)), (1, 1));
    // The token was given up all the same: the next request has another.
    let mut again = echo();
    again.body_source("text/plain", Some(5), || Ok(io::Cursor::new("again"))).unwrap();
    assert_eq!(session.request(&again).unwrap().body(), b"again");
    stage.advance(Duration::from_secs(90));
    stage.emulator.revoke_tokens();
    let mut sink = Vec::new();
    assert_eq!(session.download(&again, &mut sink).unwrap().status(), 200);
    assert_eq!(sink, b"again");
    assert_eq!((stage.seen(Kind::Echo), stage.count(Kind::Echo, Outcome::Unauthorized)), (4, 2));
    let error = session.request(&once).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument, "{error}");
}

#[test]
fn an_error_answer_does_not_reach_the_writer() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let mut sink = Vec::new();
    let response = session.download(&Request::get("/api/v1/nothing").unwrap(), &mut sink).unwrap();
    assert_eq!((response.status(), sink.len()), (404, 0));
    assert!(!response.body().is_empty());
}

#[test]
fn a_reader_or_writer_that_fails_is_named_as_such() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("no disk"))
        }
    }
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("no disk"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let mut request = echo();
    request.body_reader("text/plain", None, Broken).unwrap();
    let get = Request::get("/api/v2/whoami").unwrap();
    for error in [session.request(&request).unwrap_err(), session.download(&get, &mut Broken).unwrap_err()] {
        assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Io, false), "{error}");
        assert!(error.message().contains("no disk"), "{error}");
    }
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
}

#[test]
fn progress_is_reported_both_ways() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let reports = Arc::new(Mutex::new(Vec::<Progress>::new()));
    let seen = Arc::clone(&reports);
    let mut request = echo();
    request
        .body_reader("text/plain", Some(100_003), io::Cursor::new(bytes()))
        .unwrap()
        .on_progress(move |progress| seen.lock().unwrap().push(*progress));
    session.download(&request, &mut io::sink()).unwrap();
    let reports = reports.lock().unwrap();
    for transfer in [Transfer::Upload, Transfer::Download] {
        let of_this: Vec<_> = reports.iter().filter(|progress| progress.transfer == transfer).collect();
        assert!(of_this.len() > 1 && of_this.is_sorted_by_key(|progress| progress.done), "{of_this:?}");
        assert!(of_this.iter().all(|progress| progress.total == Some(100_003)), "{of_this:?}");
        assert_eq!(of_this.last().unwrap().done, 100_003);
    }
}

#[test]
fn a_timeout_of_a_streamed_request_is_for_progress() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO).with_timeout(Duration::from_millis(100));
    let mut request = Request::get("/api/v2/whoami").unwrap();
    for fault in [Fault::on(Target::Api).stall(), Fault::on(Target::Api).slow_body(Duration::from_secs(3600))]
    {
        stage.emulator.fault(fault.clone());
        let began = Instant::now();
        let error = session.download(&request, &mut io::sink()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout, "{fault:?}: {error}");
        assert!(error.message().contains("no byte moved"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{fault:?}");
    }
    // From the first byte to the last, more than the timeout passes: the reader waits once in between.
    stage.emulator.fault(Fault::on(Target::Api).huge_body(1 << 20));
    let (began, waited) = (Instant::now(), AtomicBool::new(false));
    request.on_progress(move |_| {
        while !waited.load(Ordering::SeqCst) && began.elapsed() < Duration::from_millis(150) {
            std::thread::yield_now();
        }
        waited.store(true, Ordering::SeqCst);
    });
    session.download(&request, &mut io::sink()).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(150), "control");
}

#[test]
fn a_stream_keeps_its_session_until_that_is_closed() {
    let stage = Stage::new();
    stage.emulator.fault(Fault::on(Target::Api).times(2).huge_body(LONG));
    let request = Request::get("/api/v2/whoami").unwrap();
    let session = stage.signed_in(Duration::ZERO);
    let mut closed = session.stream(&request).unwrap();
    let mut alone = stage.signed_in(Duration::ZERO).stream(&request).unwrap();
    for stream in [&mut closed, &mut alone] {
        stream.read_exact(&mut [0; 100_000]).unwrap();
    }
    session.close();
    assert_eq!(inner(closed.read(&mut [0; 10]).unwrap_err()).code(), ErrorCode::Closed);
    alone.read_exact(&mut [0; 100_000]).unwrap();
}

#[test]
fn a_stream_can_be_cancelled() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    let token = CancelToken::new();
    stage.emulator.fault(Fault::on(Target::Api).huge_body(LONG));
    let mut stream = session.with_cancel(&token).stream(&Request::get("/api/v2/whoami").unwrap()).unwrap();
    stream.read_exact(&mut [0; 100_000]).unwrap();
    let reader = call(move || stream.copy_to(&mut io::sink()).unwrap_err());
    token.trigger();
    assert_eq!(reader.join_soon().code(), ErrorCode::Cancelled);
    assert_eq!(session.get("/api/v2/whoami").unwrap().status(), 200);
}

#[test]
fn a_transfer_that_breaks_is_not_taken_for_a_whole_one() {
    let stage = Stage::new();
    let session = stage.signed_in(Duration::ZERO);
    stage.emulator.fault(Fault::on(Target::Api).times(2).truncate());
    let request = Request::get("/api/v2/whoami").unwrap();
    let error = session.download(&request, &mut io::sink()).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::Network, true), "{error}");
    let mut stream = session.stream(&request).unwrap();
    let error = inner(stream.read_to_end(&mut Vec::new()).unwrap_err());
    assert_eq!(error.code(), ErrorCode::Network, "{error}");
}
