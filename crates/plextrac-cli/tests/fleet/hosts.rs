//! Several hosts on one machine: each is a network namespace with a link of its own.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use plextrac_emulator::{Emulator, Kind, Target};
use plextrac_store_redis::StoreKey;

use crate::child;
use crate::engine::{Engine, PASSWORD};

/// Where the instance and the engine are, for every host. It is one address, as sessions are named after the URL.
const SERVER: &str = "198.18.255.1";
/// What a test waits for at most.
const LONG: Duration = Duration::from_secs(20);
/// Others have the token so long after a partition.
const GO_ON_WITHIN: Duration = Duration::from_secs(15);

pub(crate) fn a_partition_of_hosts_ends_no_session() {
    let (net, engine) = (Net::new(2), Engine::start());
    let emulator = Emulator::builder().no_default_accounts().account(child::account("user@example.com"));
    let emulator = emulator.start().unwrap();
    let url = format!("http://{}", net.relay(port_of(&emulator.url())));
    let store = format!("redis://fleet:{PASSWORD}@{}", net.relay(port_of(&engine.url())));
    let key = StoreKey::generate().unwrap();
    let start = |host: &Host| {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &host.name]).arg(std::env::current_exe().unwrap());
        child::start_by(command, &url, "user@example.com", &store, &key)
    };
    let sign_ins = |emulator: &Emulator| emulator.stats().of_kind(Kind::SignIn);
    let [first, second] = [0, 1].map(|index| &net.hosts[index]);

    // The first host is cut off while the instance works on its sign-in.
    let held = emulator.hold(Target::SignIn);
    let cut_off = start(first);
    wait_for(|| sign_ins(&emulator) == 1);
    first.link("down");
    let partition = Instant::now();
    drop(held);
    let token = token_of(start(second));
    let took = partition.elapsed();
    println!("after a partition the other host had the token within {} ms", took.as_millis());
    assert!(took <= GO_ON_WITHIN, "{took:?}");
    assert_eq!(sign_ins(&emulator), 2, "the one that was cut off, and one more");

    // The partition heals: the call that was cut off ends well, and the host uses what the other one got.
    first.link("up");
    let late = token_of(cut_off);
    let (on_first, on_second) = (token_of(start(first)), token_of(start(second)));
    assert_eq!(on_first, on_second);
    assert!([token, late].contains(&on_first), "it is one of those that were granted");
    assert_eq!(sign_ins(&emulator), 2, "nothing was sent after the partition");
    assert!(emulator.requests().iter().all(|request| request.status != Some(429)));
}

/// Hosts, and the server's address. All of it goes with the value.
struct Net {
    hosts: Vec<Host>,
}

struct Host {
    name: String,
    device: String,
}

impl Net {
    fn new(hosts: u8) -> Self {
        let mut net = Self { hosts: Vec::new() };
        ip(&["addr", "replace", &format!("{SERVER}/32"), "dev", "lo"]);
        for index in 0..hosts {
            let id = std::process::id() % 100_000;
            let host = Host { name: format!("plextrac-{id}-{index}"), device: format!("ptx{id}-{index}") };
            let (name, device, peer) = (&host.name, &host.device, format!("ptx{id}-{index}p"));
            ip(&["netns", "add", name]);
            ip(&["link", "add", device, "type", "veth", "peer", "name", &peer, "netns", name]);
            ip(&["addr", "add", &format!("198.18.{index}.1/30"), "dev", device]);
            ip(&["link", "set", device, "up"]);
            ip(&["-n", name, "addr", "add", &format!("198.18.{index}.2/30"), "dev", &peer]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
            ip(&["-n", name, "link", "set", &peer, "up"]);
            ip(&["-n", name, "route", "add", SERVER, "via", &format!("198.18.{index}.1")]);
            net.hosts.push(host);
        }
        net
    }

    /// Takes connections at the server's address, for a server on this machine's 127.0.0.1.
    fn relay(&self, port: u16) -> SocketAddr {
        let listener = TcpListener::bind((SERVER, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                for (mut from, mut to) in [(&client, &server), (&server, &client)]
                    .map(|(from, to)| (from.try_clone().unwrap(), to.try_clone().unwrap()))
                {
                    thread::spawn(move || {
                        drop(io::copy(&mut from, &mut to));
                        drop(to.shutdown(std::net::Shutdown::Write));
                    });
                }
            }
        });
        address
    }
}

impl Host {
    fn link(&self, state: &str) {
        ip(&["link", "set", &self.device, state]);
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for host in &self.hosts {
            for args in [["link", "del", &host.device], ["netns", "del", &host.name]] {
                drop(Command::new("ip").args(args).output());
            }
        }
        drop(Command::new("ip").args(["addr", "del", &format!("{SERVER}/32"), "dev", "lo"]).output());
    }
}

/// Configures the network; that needs root.
fn ip(args: &[&str]) {
    let output = Command::new("ip")
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("ip cannot be started ({error}); install Debian's package iproute2"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {args:?}: {complaint}; run this test as root, with CAP_NET_ADMIN");
}

fn port_of(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().parse().unwrap()
}

fn token_of(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn wait_for(mut is_so: impl FnMut() -> bool) {
    let ends = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < ends, "it did not come about in time");
        thread::park_timeout(Duration::from_millis(5));
    }
}
