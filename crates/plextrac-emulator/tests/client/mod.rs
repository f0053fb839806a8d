//! The least HTTP client that can tell a right answer from a wrong one; it shares no code with the server.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use plextrac_emulator::{Account, Emulator};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

pub(crate) const AUTHENTICATE: &str = "/api/v1/authenticate";
pub(crate) const MFA: &str = "/api/v1/authenticate/mfa";
pub(crate) const REFRESH: &str = "/api/v1/token/refresh";
pub(crate) const WHOAMI: &str = "/api/v2/whoami";
pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One connection.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    arrived: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field].as_str().expect("the field is a text").to_owned()
    }
}

impl Client {
    pub(crate) fn plain(emulator: &Emulator) -> Client {
        Client::new(connect(&emulator.url()))
    }

    /// Over TLS, trusting `ca_pem` and expecting a certificate for `name`.
    pub(crate) fn tls(emulator: &Emulator, name: &str, ca_pem: &str) -> io::Result<Client> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(certificate.expect("the CA is PEM")).expect("the CA is a certificate");
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let mut session = ClientConnection::new(Arc::new(config), name).expect("a session");
        let mut socket = connect(&emulator.tls_url());
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Client::new(StreamOwned::new(session, socket)))
    }

    fn new(stream: impl Stream + 'static) -> Client {
        Client { stream: Box::new(stream), arrived: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the request leaves");
        self.stream.flush().expect("the request leaves");
    }

    pub(crate) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        self.send_request(method, path, headers, body);
        self.reply().expect("an answer")
    }

    pub(crate) fn send_request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) {
        let mut bytes =
            format!("{method} {path} HTTP/1.1\r\nHost: emulator\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            bytes.push_str(&format!("{name}: {value}\r\n"));
        }
        bytes.push_str("\r\n");
        self.send([bytes.as_bytes(), body].concat());
    }

    pub(crate) fn reply(&mut self) -> io::Result<Reply> {
        let end = loop {
            if let Some(at) = self.arrived.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.read_more()?;
        };
        let head: Vec<u8> = self.arrived.drain(..end).collect();
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status line"))?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut reply = Reply { status, headers, body: Vec::new() };
        let length = reply.header("content-length").map_or(0, |v| v.parse().expect("a length"));
        while self.arrived.len() < length {
            self.read_more()?;
        }
        reply.body = self.arrived.drain(..length).collect();
        Ok(reply)
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.read_more().is_ok() {}
        std::mem::take(&mut self.arrived)
    }

    fn read_more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.arrived.extend_from_slice(&buffer[..read]);
                Ok(())
            }
        }
    }

    pub(crate) fn get(&mut self, path: &str, token: &str) -> Reply {
        self.request("GET", path, &[("Authorization", token)], b"")
    }

    pub(crate) fn sign_in(&mut self, account: &Account) -> Reply {
        self.sign_in_with(&account.username, &account.password)
    }

    pub(crate) fn sign_in_with(&mut self, username: &str, password: &str) -> Reply {
        let body = json!({ "username": username, "password": password }).to_string();
        self.request("POST", AUTHENTICATE, &[JSON], body.as_bytes())
    }

    pub(crate) fn verify(&mut self, code: &str, digits: &str) -> Reply {
        let body = json!({ "code": code, "token": digits }).to_string();
        self.request("POST", MFA, &[JSON], body.as_bytes())
    }

    pub(crate) fn refresh(&mut self, token: &str) -> Reply {
        self.request("PUT", REFRESH, &[("Authorization", token)], b"")
    }

    pub(crate) fn control(&mut self, name: &str, body: &Value) -> Reply {
        let body = body.to_string();
        self.request("POST", &format!("/_emulator/{name}"), &[JSON], body.as_bytes())
    }
}

/// An emulator at one moment of the year 2026, the same in every run, and a connection to it.
pub(crate) fn frozen() -> (Emulator, Client) {
    const NOON_OF_THE_FIRST_OF_MAY_MS: i64 = 1_777_636_800_000;
    let emulator = Emulator::builder().frozen_clock().start().expect("the emulator starts");
    let clock = emulator.clock();
    clock.set_unix_offset_ms(NOON_OF_THE_FIRST_OF_MAY_MS - clock.true_unix_ms());
    let client = Client::plain(&emulator);
    (emulator, client)
}

/// The claims of a JWT.
pub(crate) fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).expect("a JWT has three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&bytes).expect("claims are JSON")
}

fn connect(url: &str) -> TcpStream {
    let authority = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).expect("a URL");
    let socket = TcpStream::connect(authority).expect("the emulator listens");
    // No test waits this long; a server that never answers fails it instead of hanging it.
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    socket
}
