//! Servers that follow a script, byte for byte.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::sync::Mutex;

/// Accepts connections and runs the script on each, on a thread of its own. A connection is closed when its script
/// has ended.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<Received>>,
}

/// A request as it came.
#[derive(Clone)]
pub(super) struct Received {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Server {
    pub(super) fn plain(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self::start("http", script, Wire::Plain)
    }

    pub(super) fn tls(config: Arc<ServerConfig>, script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Self {
        Self::start("https", script, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            Wire::Tls(Box::new(StreamOwned::new(connection, stream)))
        })
    }

    /// Answers every request with `answer`.
    pub(super) fn answering(answer: &'static [u8]) -> Self {
        Self::plain(move |peer| while peer.request().is_some() && peer.say(answer).is_ok() {})
    }

    fn start(
        scheme: &'static str,
        script: impl Fn(&mut Peer) + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> Wire + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                // What was said has left when a script ends, even with a reset.
                stream.set_nodelay(true).unwrap();
                let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
                let mut peer = Peer { wire: wrap(stream), number, seen: Arc::clone(&shared) };
                let script = Arc::clone(&script);
                thread::spawn(move || script(&mut peer));
            }
        });
        Self { address, scheme, seen }
    }

    pub(super) fn url(&self) -> String {
        self.url_for("127.0.0.1")
    }

    pub(super) fn url_for(&self, host: &str) -> String {
        format!("{}://{host}:{}/path", self.scheme, self.address.port())
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.seen.requests.lock().clone()
    }
}

/// The server's end of one connection.
pub(super) struct Peer {
    wire: Wire,
    /// Which connection of the server this is, from 1.
    pub(super) number: usize,
    seen: Arc<Seen>,
}

impl Peer {
    /// Reads one request; `None` at the end.
    pub(super) fn request(&mut self) -> Option<Received> {
        let head = self.head()?;
        let mut received = Received { head, body: Vec::new() };
        if received.header("transfer-encoding") == Some("chunked") {
            while let size @ 1.. = usize::from_str_radix(&self.line()?, 16).unwrap() {
                let start = received.body.len();
                received.body.resize(start + size, 0);
                self.wire.read_exact(&mut received.body[start..]).ok()?;
                assert_eq!(self.line()?, "");
            }
            assert_eq!(self.line()?, "");
        } else {
            let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
            received.body.resize(length, 0);
            self.wire.read_exact(&mut received.body).ok()?;
        }
        self.seen.requests.lock().push(received.clone());
        Some(received)
    }

    /// Reads the head of a request, and nothing of its body; `None` at the end.
    pub(super) fn head(&mut self) -> Option<String> {
        self.until(b"\r\n\r\n")
    }

    /// Reads some of a body, and returns how much; 0 at the end.
    pub(super) fn some_bytes(&mut self) -> u64 {
        self.wire.read(&mut [0; 64 * 1024]).map_or(0, |count| count as u64)
    }

    fn line(&mut self) -> Option<String> {
        self.until(b"\r\n").map(|line| line.trim_end().to_owned())
    }

    fn until(&mut self, end: &[u8]) -> Option<String> {
        let mut text = Vec::new();
        while !text.ends_with(end) {
            let mut byte = [0];
            self.wire.read_exact(&mut byte).ok()?;
            text.push(byte[0]);
        }
        Some(String::from_utf8(text).unwrap())
    }

    pub(super) fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.write_all(bytes)?;
        self.wire.flush()
    }

    /// Says it over and over, until the client has gone.
    pub(super) fn repeat(&mut self, bytes: &[u8]) {
        while self.say(bytes).is_ok() {}
    }

    /// Reads nothing until told, or until the teller has gone.
    pub(super) fn until_told(&self, told: &mpsc::Receiver<()>) {
        let _ = told.recv();
    }

    /// Waits for the client to go.
    pub(super) fn until_closed(&mut self) {
        while matches!(self.wire.read(&mut [0; 1024]), Ok(1..)) {}
    }

    /// Ends the connection now.
    pub(super) fn shut_down(&self) {
        self.socket().shutdown(Shutdown::Both).unwrap();
    }

    /// Has the connection reset instead of closed when the script ends.
    pub(super) fn reset_at_end(&self) {
        rustix::net::sockopt::set_socket_linger(self.socket(), Some(Duration::ZERO)).unwrap();
    }

    fn socket(&self) -> &TcpStream {
        match &self.wire {
            Wire::Plain(stream) => stream,
            Wire::Tls(stream) => &stream.sock,
        }
    }

    /// Ends TLS in order, and leaves the TCP connection open.
    pub(super) fn end_tls(&mut self) {
        if let Wire::Tls(stream) = &mut self.wire {
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    }

    /// Both at once, in one piece of the TCP stream as far as possible.
    pub(super) fn say_and_end_tls(&mut self, bytes: &[u8]) {
        if let Wire::Tls(stream) = &mut self.wire {
            stream.conn.writer().write_all(bytes).unwrap();
        }
        self.end_tls();
    }

    /// Goes on as the other end of a tunnel to `address`, until either side ends.
    pub(super) fn join(&mut self, address: SocketAddr) {
        let far = TcpStream::connect(address).unwrap();
        let mut answers = far.try_clone().unwrap();
        match &mut self.wire {
            Wire::Plain(near) => {
                let mut back = near.try_clone().unwrap();
                let returning = thread::spawn(move || drop(io::copy(&mut answers, &mut back)));
                drop(io::copy(near, &mut &far));
                drop(far.shutdown(Shutdown::Both));
                returning.join().unwrap();
            }
            // One thread, as a TLS stream cannot be split: turn by turn, which suits a client that asks and waits.
            Wire::Tls(near) => {
                near.sock.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
                answers.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
                while forward(near, &mut &far) && forward(&mut answers, near) {}
            }
        }
    }
}

/// Moves what has come; `false` at the end.
fn forward(from: &mut impl Read, to: &mut impl Write) -> bool {
    let mut buffer = [0; 16 * 1024];
    match from.read(&mut buffer) {
        Ok(0) => false,
        Ok(count) => to.write_all(&buffer[..count]).and_then(|()| to.flush()).is_ok(),
        Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
    }
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
