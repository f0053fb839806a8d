//! HTTP as clients write it, and as attackers do.

mod client;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use client::{Client, frozen};
use plextrac_emulator::{Account, Emulator, Kind, Outcome, Route};
use serde_json::json;

const SIGN_IN: &str = r#"{"username":"service@example.com","password":"service-password"}"#;

#[test]
fn one_connection_serves_pipelined_requests_in_order() {
    let (emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    let mut pipelined = String::new();
    for method in ["A", "B", "C"] {
        pipelined.push_str(&format!("{method} /api/v1/echo HTTP/1.1\r\nAuthorization: {token}\r\n\r\n"));
    }
    client.send(&pipelined);
    let methods = [0; 3].map(|_| client.reply().unwrap().header("x-echo-method").unwrap().to_owned());
    assert_eq!(methods, ["A", "B", "C"]);
    assert!(emulator.requests().iter().all(|request| request.connection == 1));
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let (_emulator, mut client) = frozen();
    let request = format!(
        "POST /api/v1/authenticate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{SIGN_IN}",
        SIGN_IN.len()
    );
    for byte in request.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.reply().unwrap().status, 200);
}

#[test]
fn chunks_are_put_together() {
    let (emulator, mut client) = frozen();
    let (first, second) = SIGN_IN.split_at(20);
    client.send(format!(
        "POST /api/v1/authenticate HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
         14;ext=1\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n",
        second.len()
    ));
    assert_eq!(client.reply().unwrap().status, 200);
    assert_eq!(emulator.requests()[0].body, SIGN_IN.as_bytes());
    assert_eq!(client.sign_in(&Account::service()).status, 200, "the trailer did not spoil what follows");
}

#[test]
fn a_client_that_waits_for_100_continue_is_told_to_go_on() {
    let (_emulator, mut client) = frozen();
    client.send(format!(
        "POST /api/v1/authenticate HTTP/1.1\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n\
         Content-Length: {}\r\n\r\n",
        SIGN_IN.len()
    ));
    assert_eq!(client.reply().unwrap().status, 100);
    client.send(SIGN_IN);
    assert_eq!(client.reply().unwrap().status, 200);
}

#[test]
fn head_has_headers_alone_and_http_1_0_closes() {
    let (_emulator, mut client) = frozen();
    client.send("HEAD /api/v1/ HTTP/1.1\r\n\r\nGET /api/v1/ HTTP/1.0\r\n\r\n");
    let text = String::from_utf8(client.rest()).unwrap();
    let (head, rest) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("Content-Length: 40"));
    assert!(rest.starts_with("HTTP/1.1 200"), "{rest}");
    assert!(rest.contains("Connection: close"));
}

#[test]
fn what_is_not_http_is_refused_and_the_server_lives_on() {
    let emulator = Emulator::builder().max_body(1000).start().unwrap();
    let long_header = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(70_000));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let large_chunks = format!("{chunked}{}", format!("200\r\n{}\r\n", "x".repeat(512)).repeat(2));
    for (bytes, status) in [
        ("\0\x01\x02\r\n\r\n", 400),
        ("GET\r\n\r\n", 400),
        ("GET / HTTP/3.0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nA\0B: c\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (&format!("{chunked}zz\r\n"), 400),
        (&format!("{chunked}-1\r\n"), 400),
        (&format!("{chunked}1\r\nab\r\n"), 400),
        (&format!("{chunked}FFFFFFFFFFFFFFFF\r\n"), 413),
        (&format!("{chunked}FFFFFFFFFFFFFFFFF\r\n"), 400),
        (&large_chunks, 413),
        (&long_header, 431),
        (&many_headers, 431),
    ] {
        let mut client = Client::plain(&emulator);
        client.send(bytes);
        assert_eq!(client.reply().unwrap().status, status, "{:?}", &bytes[..bytes.len().min(80)]);
    }
    assert_eq!(emulator.stats().count(Kind::Other, Outcome::BadRequest), 20);
    assert_eq!(Client::plain(&emulator).sign_in(&Account::service()).status, 200);
}

#[test]
fn mangled_requests_make_no_thread_of_the_server_panic() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().name().is_some_and(|name| name.starts_with("emulator-")) {
            PANICS.fetch_add(1, Ordering::SeqCst);
        } else {
            report(panic);
        }
    }));

    let route = Route::new("GET", "/client/{id}/reports").json(&json!([])).without_authorization();
    let emulator = Emulator::builder().frozen_clock().route(route).start().unwrap();
    let address = emulator.url().replace("http://", "");
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for round in 0..1000_usize {
        let mut bytes = match round % 5 {
            0 => b"POST /api/v1/authenticate HTTP/1.1\r\nContent-Length: 9\r\n\r\n{\"a\":1}\r\n".to_vec(),
            1 => b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\n"
                .to_vec(),
            2 => b"GET http://h/api/v1/uploads/x?y#z HTTP/1.1\r\nCookie: token=a; b\r\n\r\n".to_vec(),
            3 => b"GET /client/7/reports HTTP/1.1\r\nAuthorization: Bearer a\r\n\r\n".to_vec(),
            _ => {
                let fault =
                    r#"{"on":{"path":"/x"},"do":{"status":{"code":200,"headers":{"A":"b"},"body":"c"}}}"#;
                let head = "POST /_emulator/fault HTTP/1.1\r\nContent-Length: ";
                format!("{head}{}\r\n\r\n{fault}", fault.len()).into_bytes()
            }
        };
        for _ in 0..=round % 8 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = usize::try_from(state % u64::try_from(bytes.len()).unwrap()).unwrap();
            bytes[at] = state.to_be_bytes()[0];
        }
        let mut socket = TcpStream::connect(&address).unwrap();
        socket.write_all(&bytes).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        socket.read_to_end(&mut Vec::new()).unwrap();
    }
    assert_eq!(emulator.stats().connections.plain, 1000);
    assert!(emulator.stats().count(Kind::Route, Outcome::Ok) > 0, "some of the routes were still found");
    drop(emulator);
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);

    let control =
        thread::Builder::new().name("emulator-control".into()).spawn(|| panic!("on purpose")).unwrap();
    assert!(control.join().is_err());
    assert_eq!(PANICS.load(Ordering::SeqCst), 1, "a panic would have been seen");
}

#[test]
fn deep_json_is_refused_and_not_followed() {
    let (_emulator, mut client) = frozen();
    let token = client.sign_in(&Account::service()).text("token");
    let deep = "[".repeat(1_000_000);
    let headers = [client::JSON, ("Authorization", token.as_str())];
    assert_eq!(client.request("POST", "/api/v1/echo", &headers, deep.as_bytes()).status, 400);
    assert_eq!(client.request("POST", client::AUTHENTICATE, &headers, deep.as_bytes()).status, 400);
}
