//! Sockets and threads: two listeners, one thread for each connection, and an end that leaves none behind.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::{ServerConfig, ServerConnection};

use crate::answer::{Answer, Circumstances, Delivery, Then};
use crate::clock::EmulatorClock;
use crate::control;
use crate::gate::Gate;
use crate::instance::Instance;
use crate::record::{Journal, Recorded};
use crate::stats::{Kind, Outcome, Stats};
use crate::wire::{Inbox, NoRequest, Request};

/// What all threads of one emulator share.
pub(crate) struct Server {
    pub(crate) clock: EmulatorClock,
    pub(crate) instance: Mutex<Instance>,
    pub(crate) journal: Journal,
    pub(crate) gate: Arc<Gate>,
    max_body: usize,
    connections: Mutex<Connections>,
}

impl Server {
    pub(crate) fn new(clock: EmulatorClock, instance: Instance) -> Server {
        Server {
            clock,
            journal: Journal::new(instance.settings.keep_requests),
            max_body: instance.settings.max_body,
            instance: Mutex::new(instance),
            gate: Arc::default(),
            connections: Mutex::default(),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.instance.lock().stats.clone()
    }

    pub(crate) fn reset(&self) {
        self.instance.lock().reset();
        self.journal.clear();
    }

    /// Ends every connection and wakes every thread; what is running returns soon after.
    pub(crate) fn close(&self) -> Vec<JoinHandle<()>> {
        self.gate.close();
        let mut connections = self.connections.lock();
        connections.closing = true;
        for socket in connections.open.values() {
            // A client that went first is no concern.
            let _ = socket.shutdown(Shutdown::Both);
        }
        std::mem::take(&mut connections.threads)
    }

    fn is_closing(&self) -> bool {
        self.connections.lock().closing
    }
}

#[derive(Default)]
struct Connections {
    closing: bool,
    last_id: u64,
    open: HashMap<u64, Arc<TcpStream>>,
    threads: Vec<JoinHandle<()>>,
}

/// A listener on the loopback interface, and the thread that accepts from it.
pub(crate) struct Listener {
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// # Errors
    /// When the port is taken, or no thread can be started.
    pub(crate) fn start(
        server: &Arc<Server>,
        port: u16,
        tls: Option<Arc<ServerConfig>>,
    ) -> io::Result<Listener> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
            let what = if tls.is_some() { "HTTPS" } else { "HTTP" };
            io::Error::new(
                error.kind(),
                format!("the emulator cannot listen for {what} on port {port}: {error}"),
            )
        })?;
        queue_many(&socket)?;
        let address = socket.local_addr()?;
        let server = Arc::clone(server);
        let name = if tls.is_some() { "emulator-https" } else { "emulator-http" };
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || accept_until_closed(&server, &socket, tls.as_ref()))?;
        Ok(Listener { address, thread: Some(thread) })
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits for the accepting thread, after [`Server::close`].
    pub(crate) fn join(&mut self) {
        // `accept` cannot be interrupted, but it returns when somebody connects.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

fn accept_until_closed(server: &Arc<Server>, listener: &TcpListener, tls: Option<&Arc<ServerConfig>>) {
    loop {
        match listener.accept() {
            Ok((socket, _)) => {
                if !begin(server, socket, tls) {
                    return;
                }
            }
            // Out of descriptors, most likely: they come back when connections end, so trying at once is no
            // use.
            Err(_) => {
                if !server.gate.pause(Duration::from_millis(10)) {
                    return;
                }
            }
        }
    }
}

/// Lets thousands connect at once. The standard library queues 128 connections; a client that finds the queue
/// full tries again after a second, which would spoil what a test measures.
#[cfg(unix)]
fn queue_many(socket: &TcpListener) -> io::Result<()> {
    Ok(rustix::net::listen(socket, 4096)?)
}

#[cfg(not(unix))]
fn queue_many(_: &TcpListener) -> io::Result<()> {
    Ok(())
}

/// Gives a connection its thread. False when the server is closing.
fn begin(server: &Arc<Server>, socket: TcpStream, tls: Option<&Arc<ServerConfig>>) -> bool {
    const STACK: usize = 512 * 1024;
    let socket = Arc::new(socket);
    // Without it, an answer sent in two parts waits for the client's acknowledgement.
    let _ = socket.set_nodelay(true);
    let mut connections = server.connections.lock();
    if connections.closing {
        return false;
    }
    connections.last_id += 1;
    let id = connections.last_id;
    connections.open.insert(id, Arc::clone(&socket));
    connections.threads.retain(|thread| !thread.is_finished());
    {
        let counted = &mut server.instance.lock().stats.connections;
        *(if tls.is_some() { &mut counted.tls } else { &mut counted.plain }) += 1;
    }
    let (server, tls) = (Arc::clone(server), tls.cloned());
    let thread = std::thread::Builder::new().name(format!("emulator-{id}")).stack_size(STACK).spawn({
        let server = Arc::clone(&server);
        move || {
            let open = Open { server: &server, id };
            match tls {
                Some(config) => converse_over_tls(&server, id, &socket, config),
                None => converse(&server, id, false, &mut Socket(&socket)),
            }
            drop(open);
        }
    });
    match thread {
        Ok(thread) => connections.threads.push(thread),
        Err(_) => drop(connections.open.remove(&id)),
    }
    true
}

/// An entry in the table of connections, taken out when the connection's thread ends, however it ends.
struct Open<'a> {
    server: &'a Server,
    id: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(socket) = self.server.connections.lock().open.remove(&self.id) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

fn converse_over_tls(server: &Server, id: u64, socket: &TcpStream, config: Arc<ServerConfig>) {
    let Ok(mut session) = ServerConnection::new(config) else {
        return;
    };
    let mut socket = Socket(socket);
    while session.is_handshaking() {
        if session.complete_io(&mut socket).is_err() {
            if !server.is_closing() {
                server.instance.lock().stats.connections.tls_handshakes_failed += 1;
            }
            return;
        }
    }
    let mut stream = rustls::StreamOwned::new(session, socket);
    converse(server, id, true, &mut stream);
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// Request after request, until one side has had enough.
fn converse<S: Read + Write>(server: &Server, id: u64, tls: bool, stream: &mut S) {
    let mut inbox = Inbox::new(server.max_body);
    loop {
        let then = match inbox.next(stream) {
            Ok(request) => answer(server, id, tls, request, stream),
            Err(NoRequest::Refused(status, message)) => refuse(server, status, message, stream),
            Err(NoRequest::Closed | NoRequest::Broken) => return,
        };
        match then {
            Ok(Then::KeepOpen) => {}
            Ok(Then::WaitForTheClient) => return drain(stream),
            Ok(Then::Close) | Err(_) => return,
        }
    }
}

fn answer<S: Write>(
    server: &Server,
    id: u64,
    tls: bool,
    request: Request,
    stream: &mut S,
) -> io::Result<Then> {
    let head_only = request.method == "HEAD";
    let keep_alive = request.keep_alive;
    let about = |date| Circumstances { date, keep_alive, head_only, gate: &server.gate };

    let whole_path = request.path();
    let path = server.instance.lock().below_prefix(whole_path).unwrap_or(whole_path).to_owned();
    if control::is_control(&path) {
        let answer = control::answer(server, &request, &path);
        return Delivery::Whole(answer).send(stream, &about(server.clock.now().http_date()));
    }

    let now = server.clock.now();
    let verdict = server.instance.lock().handle(&request, now);
    server.journal.note(|| Recorded {
        connection: id,
        tls,
        method: request.method,
        path: request.target,
        headers: request.headers,
        body: request.body,
        kind: verdict.kind,
        outcome: verdict.outcome,
        status: verdict.delivery.status(),
        monotonic_ms: now.monotonic_ms,
    });
    if !server.gate.pause(verdict.delay) || !server.gate.wait_while_held(verdict.kind, &path) {
        return Ok(Then::Close);
    }
    // Of the moment the answer leaves, not of the moment it was decided: that is what a server's clock would
    // show.
    verdict.delivery.send(stream, &about(server.clock.now().http_date()))
}

/// Answers what could not be read as a request.
fn refuse<S: Read + Write>(server: &Server, status: u16, message: &str, stream: &mut S) -> io::Result<Then> {
    server.instance.lock().stats.note(Kind::Other, Outcome::BadRequest);
    let about = Circumstances {
        date: server.clock.now().http_date(),
        keep_alive: false,
        head_only: false,
        gate: &server.gate,
    };
    Delivery::Whole(Answer::error(status, message)).send(stream, &about)?;
    Ok(Then::WaitForTheClient)
}

/// Reads on until the client goes: closing with unread bytes would reset the connection under an answer.
fn drain<S: Read>(stream: &mut S) {
    let mut unread = [0; 4096];
    while matches!(stream.read(&mut unread), Ok(read) if read > 0) {}
}

/// A socket that several threads may hold, one of them only to shut it down.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
