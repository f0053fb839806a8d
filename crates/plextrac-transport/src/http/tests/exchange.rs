//! One request and its answer.

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue};

use super::server::Server;
use super::*;

#[test]
fn status_header_and_body_of_an_answer_are_handed_over() {
    let mut server = mockito::Server::new();
    let expected = server
        .mock("GET", "/prefix/api?a=b%20c")
        .match_header("accept", "*/*")
        .match_header("user-agent", "test/1")
        .with_status(200)
        .with_header("date", "Tue, 24 Nov 2026 00:00:00 GMT")
        .with_body("{}")
        .create();
    let client = HttpClient::new(&HttpOptions { user_agent: "test/1".to_owned(), ..direct() }).unwrap();
    let answer = client.call(&get(&format!("{}/prefix/api?a=b%20c", server.url()))).unwrap();
    expected.assert();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["date"], "Tue, 24 Nov 2026 00:00:00 GMT");
    assert_eq!(&**answer.body, b"{}");
}

#[test]
fn every_status_is_an_answer_and_redirects_are_not_followed() {
    for status in [200, 201, 301, 302, 307, 308, 400, 401, 403, 404, 422, 429, 500, 503] {
        let mut server = mockito::Server::new();
        let expected = server
            .mock("POST", "/")
            .with_status(status)
            .with_header("location", "/elsewhere")
            .with_body("why")
            .expect(1)
            .create();
        let answer = client().call(&post(&server.url(), b"{}")).unwrap();
        expected.assert();
        assert_eq!((usize::from(answer.status), answer.body.as_slice()), (status, b"why".as_slice()));
        assert_eq!(answer.headers[LOCATION], "/elsewhere");
    }
}

#[test]
fn a_body_is_sent_byte_for_byte_with_its_length() {
    let server = Server::answering(OK);
    let body: Vec<u8> = (0..300_000_u32).map(|i| (i * 7) as u8).collect();
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::GET] {
        client().call(&Call { method, ..post(&server.url(), &body) }).unwrap();
        let received = server.requests().pop().unwrap();
        assert_eq!(received.header("content-length"), Some("300000"));
        assert_eq!(received.header("transfer-encoding"), None);
        assert!(received.body == body);
    }
}

#[test]
fn post_put_and_patch_without_a_body_say_that_it_is_empty() {
    let server = Server::answering(OK);
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        client().call(&Call { method, ..get(&server.url()) }).unwrap();
        assert_eq!(server.requests().pop().unwrap().header("content-length"), Some("0"));
    }
    for method in [Method::GET, Method::DELETE] {
        client().call(&Call { method, ..get(&server.url()) }).unwrap();
        assert_eq!(server.requests().pop().unwrap().header("content-length"), None);
    }
}

#[test]
fn the_header_goes_out_as_it_was_given() {
    let server = Server::answering(OK);
    let headers = [
        (AUTHORIZATION, secret_header_value("raw-token").unwrap()),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ACCEPT, HeaderValue::from_static("text/html")),
        (HeaderName::from_static("cf-access-token"), HeaderValue::from_static("x y")),
    ];
    client().call(&Call { headers: &headers, ..get(&server.url()) }).unwrap();
    let received = server.requests().pop().unwrap();
    assert_eq!(received.header("authorization"), Some("raw-token"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.header("accept"), Some("text/html"));
    assert_eq!(received.header("cf-access-token"), Some("x y"));
    assert_eq!(received.header("host"), Some(server.address.to_string().as_str()));
    assert_eq!(received.header("accept-encoding"), None);
}

#[test]
fn a_token_of_sixteen_kilobytes_fits_into_a_header() {
    let server = Server::answering(OK);
    let token = "t".repeat(16 * 1024);
    let headers = [(AUTHORIZATION, secret_header_value(&token).unwrap())];
    client().call(&Call { headers: &headers, ..get(&server.url()) }).unwrap();
    assert_eq!(server.requests().pop().unwrap().header("authorization"), Some(token.as_str()));
}

#[test]
fn methods_that_http_does_not_know_are_sent() {
    let server = Server::answering(OK);
    client().call(&Call { method: Method::from_bytes(b"PROPFIND").unwrap(), ..get(&server.url()) }).unwrap();
    assert!(server.requests()[0].head.starts_with("PROPFIND /path HTTP/1.1\r\n"));
}

#[test]
fn invalid_requests_are_refused_before_sending() {
    let server = Server::answering(OK);
    let url = server.url();
    let long = "x".repeat(40_000);
    let with_user = url.replace("127.0.0.1", "me:hunter2@127.0.0.1");
    let with_space = format!("{url} x");
    let long_url = format!("{url}{long}");
    let header = |name, value: &str| [(name, HeaderValue::from_str(value).unwrap())];
    let framing = header(http::header::CONTENT_LENGTH, "1");
    let chunked = header(http::header::TRANSFER_ENCODING, "chunked");
    let hop = header(http::header::CONNECTION, "close");
    let expect = header(http::header::EXPECT, "100-continue");
    let too_long = header(AUTHORIZATION, &long);
    for call in [
        get("no-url"),
        get("ftp://127.0.0.1/"),
        get(&with_user),
        get(&with_space),
        get(&long_url),
        get("https://m\u{fc}ller.test/"),
        Call { headers: &framing, ..get(&url) },
        Call { headers: &chunked, ..post(&url, b"x") },
        Call { headers: &hop, ..get(&url) },
        Call { headers: &expect, ..post(&url, b"x") },
        Call { headers: &too_long, ..get(&url) },
        Call { method: Method::CONNECT, ..get(&url) },
        Call { method: Method::HEAD, ..post(&url, b"x") },
    ] {
        let error = client().call(&call).unwrap_err();
        assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Request, false), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn an_answer_without_a_body_is_whole_whatever_length_it_tells() {
    let server = Server::answering(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n");
    let url = server.url();
    let head = Call { method: Method::HEAD, body_limit: 10, ..get(&url) };
    assert!(client().call(&head).unwrap().body.is_empty());
    let server = Server::answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(client().call(&get(&server.url())).unwrap().status, 204);
    let server = Server::answering(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
    assert_eq!(client().call(&get(&server.url())).unwrap().status, 304);
}

#[test]
fn content_codings_are_not_undone() {
    let server = Server::answering(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
    );
    let answer = client().call(&get(&server.url())).unwrap();
    assert_eq!(&**answer.body, b"\x1f\x8b\x08\x00");
    assert_eq!(answer.headers["content-encoding"], "gzip");
}

#[test]
fn preliminary_answers_are_skipped() {
    let server = Server::answering(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let answer = client().call(&get(&server.url())).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"ok".as_slice()));
}

#[test]
fn chunked_bodies_and_bodies_without_length_are_read_whole() {
    let chunked = Server::answering(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n",
    );
    assert_eq!(&**client().call(&get(&chunked.url())).unwrap().body, b"abcde");
    let closing = Server::plain(|peer| {
        peer.request();
        peer.say(b"HTTP/1.0 200 OK\r\n\r\nabcde").unwrap();
    });
    assert_eq!(&**client().call(&get(&closing.url())).unwrap().body, b"abcde");
}

#[test]
fn a_host_name_is_looked_up_and_its_addresses_are_tried_in_turn() {
    let server = Server::answering(OK);
    let right = server.address;
    // Nothing listens on the first address: its listener is gone.
    let wrong = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lookup = resolver::Lookup::with(Box::new(move |host, _port| {
        assert_eq!(host, "plextrac.test");
        Ok(vec![wrong, right])
    }));
    let client = HttpClient::with_lookup(&direct(), lookup).unwrap();
    assert_eq!(client.call(&get(&server.url_for("plextrac.test"))).unwrap().status, 200);
}

#[test]
fn a_host_that_is_not_found_is_named() {
    let lookup = resolver::Lookup::with(Box::new(|_, _| Err(std::io::Error::other("no such name"))));
    let client = HttpClient::with_lookup(&direct(), lookup).unwrap();
    let error = client.call(&get("https://nowhere.test/")).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Resolve, false));
    let message = error.to_string();
    assert!(message.contains("nowhere.test") && message.contains("no such name"), "{message}");
}

#[test]
fn a_name_of_this_machine_leads_nowhere_else_unencrypted() {
    let server = Server::plain(|peer| while peer.request().is_some() && peer.say(OK).is_ok() {});
    let here = server.address;
    // Whoever is asked there: of 192.0.2.0/24 there is nobody (RFC 5737).
    let there = std::net::SocketAddr::from(([192, 0, 2, 1], here.port()));
    let client = |found: Vec<std::net::SocketAddr>| {
        let lookup = resolver::Lookup::with(Box::new(move |_, _| Ok(found.clone())));
        HttpClient::with_lookup(&direct(), lookup).unwrap()
    };
    for name in ["localhost", "plextrac.localhost"] {
        let url = server.url_for(name);
        let error = client(vec![there]).call(&get(&url)).unwrap_err();
        assert_eq!(error.kind(), HttpErrorKind::Connect);
        assert!(error.to_string().contains("is a name of this machine"), "{error}");
        assert!(!error.was_sent());
        // It is not even tried: that would take its time.
        let began = Instant::now();
        assert_eq!(client(vec![there, here]).call(&get(&url)).unwrap().status, 200);
        assert!(began.elapsed() < AT_ONCE);
    }
    let url = server.url_for("plextrac.test");
    assert_eq!(
        client(vec![here]).call(&get(&url)).unwrap().status,
        200,
        "control: other names are no business"
    );
}

#[test]
fn a_refused_connection_says_where() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client().call(&get(&format!("http://{nobody}/"))).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Connect, false));
    assert!(error.to_string().contains(&nobody.to_string()), "{error}");
}

#[test]
fn a_user_agent_that_no_header_can_carry_is_refused() {
    for user_agent in ["a\r\nb", "\u{fc}"] {
        let options = HttpOptions { user_agent: user_agent.to_owned(), ..direct() };
        assert_eq!(HttpClient::new(&options).unwrap_err(), HttpSetupError::BadUserAgent);
    }
}
