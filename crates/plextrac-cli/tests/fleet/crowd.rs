//! 200 runs of the command in 12 homes, all at once.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use plextrac_emulator::{Kind, Outcome};

use crate::engine::Engine;
use crate::stand::{Ran, Stand};

const PROCESSES: usize = 200;
const HOMES: usize = 12;

/// A crowd, and what it asks.
struct Crowd {
    stand: Stand,
    engine: Engine,
    homes: Vec<tempfile::TempDir>,
}

pub(crate) fn a_crowd_signs_in_once() {
    let crowd = Crowd::new();
    let tokens = crowd.run("sign-in", |stand| stand.service(&["token"]));
    assert!(tokens.iter().all(|ran| ran.fine() == tokens[0].fine()));
    assert_eq!(crowd.sent(), [1, 0, 0]);
}

pub(crate) fn a_crowd_replaces_an_expired_token_once() {
    let crowd = Crowd::new();
    let request = |stand: &Stand| stand.service(&["request", "GET", "/api/v2/whoami"]);
    crowd.run("first request", request);
    assert_eq!(crowd.sent(), [1, 0, 0]);
    // The token expires earlier than its holders believe. Each learns it by a 401.
    crowd.stand.emulator.clock().advance(Duration::from_secs(16 * 60));
    for ran in crowd.run("request after expiry", request) {
        assert!(ran.fine().contains("service@example.com"));
    }
    assert_eq!(crowd.sent(), [2, 0, 1], "one refresh, which comes too late, and one sign-in");
}

pub(crate) fn a_crowd_sends_a_code_once() {
    let crowd = Crowd::new();
    let tokens = crowd.run("sign-in with TOTP", |stand| stand.analyst(&["token"]));
    assert!(tokens.iter().all(|ran| ran.fine() == tokens[0].fine()));
    assert_eq!(crowd.sent(), [1, 1, 0]);
}

pub(crate) fn a_crowd_sends_a_wrong_password_once() {
    let crowd = Crowd::new();
    let ended = crowd.run("wrong password", |stand| {
        let mut command = stand.service(&["token"]);
        command.env("PLEXTRAC_PASSWORD", "wrong");
        command
    });
    for ran in ended {
        ran.refused(4);
    }
    assert_eq!(crowd.sent(), [1, 0, 0]);
    assert_eq!(crowd.stand.emulator.stats().count(Kind::SignIn, Outcome::Rejected), 1);
}

impl Crowd {
    fn new() -> Self {
        Self {
            stand: Stand::new(),
            engine: Engine::start(),
            homes: (0..HOMES).map(|_| tempfile::tempdir().unwrap()).collect(),
        }
    }

    /// Starts all processes and waits for all of them. None may meet a 429.
    fn run(&self, what: &str, command: impl Fn(&Stand) -> Command) -> Vec<Ran> {
        let begun = Instant::now();
        let children: Vec<_> = (0..PROCESSES)
            .map(|index| {
                let mut command = command(&self.stand);
                self.engine.share(&self.stand, &mut command);
                command.env("HOME", self.homes[index % HOMES].path()).args(["--timeout", "60"]);
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let ended = children.into_iter().map(|child| child.wait_with_output().unwrap().into()).collect();
        println!("{what}: {PROCESSES} processes in {} ms", begun.elapsed().as_millis());
        let limited = |request: &plextrac_emulator::Recorded| request.status == Some(429);
        assert_eq!(self.stand.emulator.requests().iter().filter(|request| limited(request)).count(), 0);
        ended
    }

    /// How many sign-ins, codes and refreshes were sent.
    fn sent(&self) -> [u64; 3] {
        let stats = self.stand.emulator.stats();
        [Kind::SignIn, Kind::Mfa, Kind::Refresh].map(|kind| stats.of_kind(kind))
    }
}
