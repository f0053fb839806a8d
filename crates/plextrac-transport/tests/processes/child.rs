//! The other processes: this program again, doing line by line what it is told.

use std::fs;
use std::io::{BufRead, BufReader, Write, stdin};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use plextrac_emulator::Emulator;
use plextrac_transport::{Error, Session, SessionConfig, SessionEvent};
use serde::{Deserialize, Serialize};

use crate::clock::Moved;
use crate::stage::LONGEST_WAIT;

/// What a process is to be, and how it is told so.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    url: String,
    directory: PathBuf,
    username: String,
    password: String,
    totp_secret: Option<String>,
    pub(crate) budget: u32,
    /// Its clock is ahead by so much.
    pub(crate) ahead_ms: u64,
    pub(crate) timeout_ms: u64,
}

const VARIABLE: &str = "PLEXTRAC_TEST_CHILD";

impl Settings {
    /// The account without MFA.
    pub(crate) fn service(emulator: &Emulator, directory: &Path) -> Self {
        Self {
            url: emulator.url(),
            directory: directory.to_owned(),
            username: "service@example.com".into(),
            password: "service-password".into(),
            totp_secret: None,
            budget: 60,
            ahead_ms: 0,
            timeout_ms: 30_000,
        }
    }

    /// The account with MFA.
    pub(crate) fn analyst(emulator: &Emulator, directory: &Path) -> Self {
        Self {
            username: "analyst@example.com".into(),
            password: "analyst-password".into(),
            totp_secret: Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()),
            ..Self::service(emulator, directory)
        }
    }

    pub(crate) fn with_password(mut self, password: &str) -> Self {
        self.password = password.into();
        self
    }

    /// The session that such a process has, in this process.
    pub(crate) fn session(&self, clock: &Moved) -> Result<(Session, Events), Error> {
        let mut config = SessionConfig::new(&self.url)?;
        config
            .proxy("")?
            .clock(Arc::new(clock.clone()))
            .auth_budget(self.budget)?
            .timeout(Duration::from_millis(self.timeout_ms))?
            .state_dir(&self.directory)?
            .password(&self.username, &self.password)?;
        if let Some(secret) = &self.totp_secret {
            config.totp_secret(secret)?;
        }
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        config.on_event(move |event: &SessionEvent| tell.lock().unwrap().push(event.to_string()));
        Ok((Session::new(&config)?, told))
    }

    pub(crate) fn clock(&self) -> Moved {
        Moved::by(Duration::from_millis(self.ahead_ms))
    }

    /// Starts the process.
    pub(crate) fn start(&self) -> Process {
        self.start_by(Command::new(std::env::current_exe().unwrap()))
    }

    /// Starts it where no file can grow: what a full disk comes to.
    pub(crate) fn start_on_a_full_disk(&self) -> Process {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\""]).arg(std::env::current_exe().unwrap());
        self.start_by(shell)
    }

    fn start_by(&self, mut command: Command) -> Process {
        let mut child = command
            .env(VARIABLE, serde_json::to_string(self).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        Process { replies: replies_of(child.stdout.take().unwrap()), orders, child }
    }
}

/// What a session told so far.
pub(crate) type Events = Arc<Mutex<Vec<String>>>;

/// What came of an order.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Reply {
    /// The class of the error, if it failed.
    pub(crate) error: Option<String>,
    pub(crate) token: Option<String>,
    /// What the session told meanwhile.
    pub(crate) events: Vec<String>,
    pub(crate) budget_used: u32,
}

impl Reply {
    #[track_caller]
    pub(crate) fn unwrap(self) -> Self {
        assert_eq!(self.error, None, "{:?}", self.events);
        self
    }

    pub(crate) fn is_unshared(&self) -> bool {
        self.events.iter().any(|event| event.contains("nothing is shared"))
    }
}

/// A process that waits for orders. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    orders: ChildStdin,
    replies: Receiver<Reply>,
}

impl Process {
    /// Gives an order, and waits for what comes of it.
    #[track_caller]
    pub(crate) fn order(&mut self, order: &str) -> Reply {
        self.tell(order);
        self.reply()
    }

    /// Gives an order. Its process may be gone.
    pub(crate) fn tell(&mut self, order: &str) {
        drop(writeln!(self.orders, "{order}"));
    }

    #[track_caller]
    pub(crate) fn reply(&self) -> Reply {
        self.replies.recv_timeout(LONGEST_WAIT).expect("the process said nothing")
    }

    /// Returns when the caller in the process sleeps: it waits for another process.
    #[track_caller]
    pub(crate) fn await_sleep(&self) {
        let gives_up = Instant::now() + LONGEST_WAIT;
        while !self.is_asleep() {
            assert!(Instant::now() < gives_up, "it does not wait");
            std::thread::yield_now();
        }
    }

    /// Stops it in the middle of whatever it does; what it holds it keeps.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    /// `kill -9`: it can clean up nothing.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: &str) {
        assert!(
            Command::new("kill").arg(signal).arg(self.child.id().to_string()).status().unwrap().success()
        );
    }

    fn is_asleep(&self) -> bool {
        let caller = format!("/proc/{0}/task/{0}/syscall", self.child.id());
        fs::read_to_string(caller).unwrap_or_default().split(' ').next() == Some(FUTEX)
    }
}

/// What condition variables wait in (`asm/unistd.h`).
#[cfg(target_arch = "x86_64")]
const FUTEX: &str = "202";
#[cfg(not(target_arch = "x86_64"))]
const FUTEX: &str = "98";

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn replies_of(stdout: ChildStdout) -> Receiver<Reply> {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // A process that was killed has perhaps not said its last word.
            let Ok(reply) = serde_json::from_str(&line) else { return };
            if tell.send(reply).is_err() {
                return;
            }
        }
    });
    told
}

/// Whether this process was started to be told what to do.
pub(crate) fn is_one() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Does what it is told, until nobody tells it anything any more.
pub(crate) fn run() {
    let settings: Settings = serde_json::from_str(&std::env::var(VARIABLE).unwrap()).unwrap();
    let clock = settings.clock();
    let made = settings.session(&clock);
    for order in stdin().lines().map_while(Result::ok) {
        let reply = match &made {
            Ok((session, told)) => obey(&order, session, told, &clock),
            Err(error) => Reply { error: Some(format!("{:?}", error.code())), ..Reply::default() },
        };
        let line = serde_json::to_string(&reply).unwrap();
        println!("{line}");
    }
}

fn obey(order: &str, session: &Session, told: &Mutex<Vec<String>>, clock: &Moved) -> Reply {
    let outcome = match order.split_once(' ').unwrap_or((order, "")) {
        ("hello", _) => Ok(()),
        ("login", _) => session.login(),
        ("again", _) => session.forget_rejection().and_then(|()| session.login()),
        ("refresh", _) => session.refresh(),
        ("logout", _) => session.logout(),
        ("advance", seconds) => {
            clock.advance(Duration::from_secs(seconds.parse().unwrap()));
            Ok(())
        }
        ("loop", _) => endless(session),
        _ => panic!("what is {order:?}?"),
    };
    let token = match (order, &outcome) {
        ("login" | "again" | "refresh", Ok(())) => session.authorization().ok(),
        _ => None,
    };
    let budget_used = session.status().budget_used;
    Reply {
        error: outcome.err().map(|error| format!("{:?}", error.code())),
        token: token.map(|token| token.expose().to_owned()),
        events: std::mem::take(&mut *told.lock().unwrap()),
        budget_used,
    }
}

/// Everything that writes records, without an end. What fails, for want of budget, is tried again.
fn endless(session: &Session) -> ! {
    loop {
        drop(session.login());
        drop(session.refresh());
        drop(session.logout());
        drop(session.forget_rejection());
    }
}
