//! Leaving a call at any point, by a token or because its time is over, without polling.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;

use super::authority::Authority;
use super::resolver::Lookup;
use super::server::{Peer, Server};
use super::*;
use crate::cancel::CancelToken;
use crate::sync::Mutex;

/// A call that got stuck: on what, and where it says so.
struct Stuck {
    client: HttpClient,
    url: String,
    body: Vec<u8>,
    /// Kept for as long as the call is stuck.
    _holding: Box<dyn Send + Sync>,
}

/// Starts the call on a thread of its own, waits until that thread sleeps in the kernel, and triggers the second of
/// two tokens. The call must end then, having slept all the time.
fn cancel(stuck: Stuck) -> HttpError {
    let tokens = [CancelToken::new(), CancelToken::new()];
    let bound = tokens.clone();
    let (started, starts) = mpsc::channel();
    let caller = thread::spawn(move || {
        started.send(ThreadInKernel::current()).unwrap();
        let cancel = [&bound[0], &bound[1]];
        stuck.client.call(&Call { cancel: &cancel, ..post(&stuck.url, &stuck.body) }).unwrap_err()
    });
    let thread = starts.recv().unwrap();
    let slept_before = thread.until_it_sleeps();
    // A window to watch, in which something that polls would wake up.
    thread::sleep(Duration::from_millis(200));
    assert_eq!(thread.times_it_slept(), slept_before, "the blocked thread has woken up");
    let triggered = Instant::now();
    tokens[1].trigger();
    let error = caller.join().unwrap();
    assert!(triggered.elapsed() < AT_ONCE, "{error}");
    assert_eq!(error.kind(), HttpErrorKind::Cancelled, "{error}");
    error
}

fn stuck_with(options: &HttpOptions, server: Server) -> Stuck {
    Stuck {
        client: HttpClient::new(options).unwrap(),
        url: server.url(),
        body: b"{}".to_vec(),
        _holding: Box::new(server),
    }
}

fn stuck_at(script: impl Fn(&mut Peer) + Send + Sync + 'static) -> Stuck {
    stuck_with(&direct(), Server::plain(script))
}

#[test]
fn a_name_lookup_can_be_left() {
    let (lookup, release) = silent_lookup();
    let client = HttpClient::with_lookup(&direct(), lookup).unwrap();
    let url = "https://plextrac.test/".to_owned();
    let error = cancel(Stuck { client, url, body: Vec::new(), _holding: Box::new(Mutex::new(release)) });
    assert!(!error.was_sent());
}

#[test]
fn a_connection_attempt_can_be_left() {
    let full = FullBacklog::new();
    let url = format!("http://{}/", full.address);
    let error = cancel(Stuck { client: client(), url, body: Vec::new(), _holding: Box::new(full) });
    assert!(!error.was_sent());
}

#[test]
fn a_tls_handshake_can_be_left() {
    let server = Server::plain(Peer::until_closed);
    let url = server.url().replace("http:", "https:");
    let error = cancel(Stuck { url, ..stuck_with(&direct(), server) });
    assert!(!error.was_sent());
}

#[test]
fn a_proxy_that_does_not_answer_can_be_left() {
    let proxy = Server::plain(|peer| {
        peer.request();
        peer.until_closed();
    });
    let options = HttpOptions { proxy: ProxySetting::Url(proxy.url()), ..direct() };
    let error = cancel(Stuck { url: "http://plextrac.test/".to_owned(), ..stuck_with(&options, proxy) });
    assert!(!error.was_sent());
}

#[test]
fn an_upload_can_be_left() {
    let (told, holding) = mpsc::channel();
    let holding = Mutex::new(holding);
    let stuck = stuck_at(move |peer| peer.until_told(&holding.lock()));
    let error = cancel(Stuck { body: vec![0; 64 * 1024 * 1024], ..stuck });
    assert!(error.was_sent());
    told.send(()).unwrap();
}

#[test]
fn waiting_for_an_answer_can_be_left() {
    let error = cancel(stuck_at(|peer| {
        peer.request();
        peer.until_closed();
    }));
    assert!(error.was_sent());
}

#[test]
fn waiting_for_an_answer_over_tls_can_be_left() {
    let authority = Authority::new("ca");
    let server = Server::tls(authority.server(), |peer| {
        peer.request();
        peer.until_closed();
    });
    assert!(cancel(stuck_with(&authority.trusted(), server)).was_sent());
}

#[test]
fn an_answer_that_stops_is_not_taken_for_a_whole_one() {
    for start in [
        b"HTTP/1.1 200 OK\r\nContent-".as_slice(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nabc",
    ] {
        cancel(stuck_at(move |peer| {
            peer.request();
            peer.say(start).unwrap();
            peer.until_closed();
        }));
    }
}

#[test]
fn a_trigger_at_any_moment_ends_the_call() {
    let full = FullBacklog::new();
    let url = format!("http://{}/", full.address);
    let client = client();
    for spins in 0..200_u32 {
        let token = CancelToken::new();
        let error = thread::scope(|scope| {
            let caller = scope.spawn(|| client.call(&Call { cancel: &[&token], ..get(&url) }).unwrap_err());
            (0..spins * 50).for_each(|_| std::hint::spin_loop());
            token.trigger();
            caller.join().unwrap()
        });
        assert_eq!(error.kind(), HttpErrorKind::Cancelled, "{error}");
    }
}

#[test]
fn a_token_that_was_triggered_before_sends_nothing() {
    let server = Server::answering(OK);
    let token = CancelToken::new();
    token.trigger();
    let error =
        client().call(&Call { cancel: &[&CancelToken::new(), &token], ..get(&server.url()) }).unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Cancelled, false));
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_token_reaches_no_connection_of_others() {
    let (answer, answers) = mpsc::channel::<()>();
    let answers = Mutex::new(answers);
    let (came, comes) = mpsc::channel();
    let came = Mutex::new(came);
    let server = Server::plain(move |peer| {
        while peer.request().is_some() {
            came.lock().send(()).unwrap();
            answers.lock().recv().unwrap();
            if peer.say(OK).is_err() {
                break;
            }
        }
    });
    let (client, token) = (client(), CancelToken::new());
    answer.send(()).unwrap();
    client.call(&Call { cancel: &[&token], ..get(&server.url()) }).unwrap();
    comes.recv().unwrap();
    thread::scope(|scope| {
        // Over the connection that the token was bound to before.
        let other = scope.spawn(|| client.call(&get(&server.url())));
        comes.recv().unwrap();
        token.trigger();
        answer.send(()).unwrap();
        assert_eq!(other.join().unwrap().unwrap().status, 200);
    });
    assert_eq!(server.connections(), 1);
}

#[test]
fn the_deadline_bounds_the_name_lookup() {
    let (lookup, _release) = silent_lookup();
    let client = HttpClient::with_lookup(&direct(), lookup).unwrap();
    let begun = Instant::now();
    let deadline = begun + Duration::from_millis(200);
    let error = client
        .call(&Call { limit: TimeLimit::Whole(deadline), ..get("https://plextrac.test/") })
        .unwrap_err();
    assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Timeout, false), "{error}");
    assert!(begun.elapsed() < AT_ONCE);
}

#[test]
fn the_connect_timeout_covers_the_tls_handshake() {
    let full = FullBacklog::new();
    let silent = Server::plain(Peer::until_closed);
    let (lookup, _release) = silent_lookup();
    let options = HttpOptions { connect_timeout: Duration::from_millis(200), ..direct() };
    let client = HttpClient::with_lookup(&options, lookup).unwrap();
    for url in [
        "https://plextrac.test/".to_owned(),
        format!("http://{}/", full.address),
        format!("https://{}/", silent.address),
    ] {
        let begun = Instant::now();
        let error = client.call(&get(&url)).unwrap_err();
        assert_eq!((error.kind(), error.was_sent()), (HttpErrorKind::Timeout, false), "{error}");
        assert!(error.to_string().contains("time for connecting"), "{error}");
        assert!(begun.elapsed() < AT_ONCE);
    }
}

#[test]
fn the_time_for_connecting_does_not_bound_the_answer() {
    let server = Server::plain(|peer| {
        peer.request();
        thread::sleep(Duration::from_millis(300));
        peer.say(OK).unwrap();
    });
    let options = HttpOptions { connect_timeout: Duration::from_millis(150), ..direct() };
    assert_eq!(HttpClient::new(&options).unwrap().call(&get(&server.url())).unwrap().status, 200);
}

#[test]
fn an_address_that_does_not_answer_leaves_time_for_the_next() {
    let full = FullBacklog::new();
    let server = Server::answering(OK);
    let addresses = vec![full.address, server.address];
    let lookup = Lookup::with(Box::new(move |_, _| Ok(addresses.clone())));
    let options = HttpOptions { connect_timeout: Duration::from_millis(600), ..direct() };
    let client = HttpClient::with_lookup(&options, lookup).unwrap();
    assert_eq!(client.call(&get("http://plextrac.test/")).unwrap().status, 200);
}

#[test]
fn lookups_that_hang_are_limited_in_number() {
    let (entered, enters) = mpsc::channel();
    let entered = Mutex::new(entered);
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let server = Server::answering(OK);
    let address = server.address;
    let lookup = Lookup::with(Box::new(move |host, _| {
        entered.lock().send(host.to_owned()).unwrap();
        let _ = gate.lock().recv();
        Ok(vec![address])
    }));
    let client = Arc::new(HttpClient::with_lookup(&direct(), lookup).unwrap());
    let callers: Vec<_> = (0..40)
        .map(|index| {
            let client = Arc::clone(&client);
            thread::spawn(move || {
                client.call(&get(&format!("http://host-{index}.test/"))).map(|answer| answer.status)
            })
        })
        .collect();
    let first: Vec<String> = (0..16).map(|_| enters.recv().unwrap()).collect();
    assert_eq!(first.len(), 16);
    assert!(enters.recv_timeout(Duration::from_millis(100)).is_err(), "a seventeenth lookup was started");
    drop(release);
    for caller in callers {
        assert_eq!(caller.join().unwrap(), Ok(200));
    }
}

/// A lookup that is answered only when the sender is dropped.
fn silent_lookup() -> (Lookup, mpsc::Sender<()>) {
    let (release, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let lookup = Lookup::with(Box::new(move |_, _| {
        let _ = gate.lock().recv();
        Err(std::io::Error::other("released"))
    }));
    (lookup, release)
}

/// A listener that takes no further connection, so that the next one hangs while connecting.
struct FullBacklog {
    address: SocketAddr,
    _listener: rustix::fd::OwnedFd,
    _waiting: Vec<TcpStream>,
}

impl FullBacklog {
    fn new() -> Self {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        listen(&listener, 0).unwrap();
        let address = SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            waiting.push(stream);
        }
        Self { address, _listener: listener, _waiting: waiting }
    }
}

/// A thread, as the kernel reports on it.
struct ThreadInKernel(std::path::PathBuf);

impl ThreadInKernel {
    fn current() -> Self {
        Self(std::path::Path::new("/proc").join(std::fs::read_link("/proc/thread-self").unwrap()))
    }

    /// How often it has given up the processor to wait for something.
    fn times_it_slept(&self) -> u64 {
        self.status("voluntary_ctxt_switches:").parse().unwrap()
    }

    /// Returns when it sleeps and has not woken for a while.
    fn until_it_sleeps(&self) -> u64 {
        let mut before = self.times_it_slept();
        loop {
            thread::sleep(Duration::from_millis(50));
            let now = self.times_it_slept();
            if now == before && self.status("State:").starts_with('S') {
                return now;
            }
            before = now;
        }
    }

    fn status(&self, field: &str) -> String {
        let status = std::fs::read_to_string(self.0.join("status")).unwrap();
        status.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim().to_owned()
    }
}
