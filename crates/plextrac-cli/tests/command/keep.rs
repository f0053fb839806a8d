//! `keep` and `login --keep`: sessions that are kept alive while no command needs them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use plextrac_emulator::{Emulator, Kind};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::pty::Terminal;
use crate::stand::{BINARY, Stand, run};

/// Waits for what must come. Never waited for when all is well.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

fn status(stand: &Stand) -> Value {
    serde_json::from_slice(&run(&mut stand.analyst(&["status", "--json"])).stdout).unwrap()
}

/// The process that `status` names as the keeper.
fn keeper(stand: &Stand) -> Option<i32> {
    let label = status(stand)["keeper"]["label"].as_str()?.to_owned();
    let process = label.strip_prefix("process ").unwrap().split(' ').next().unwrap();
    Some(process.parse().unwrap())
}

fn keeper_ends_in(stand: &Stand) -> Duration {
    Duration::from_millis(status(stand)["keeper"]["ends_in_ms"].as_u64().unwrap())
}

/// Whether a process runs. One that has ended and that nobody has waited for does not.
fn runs(process: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let gives_up = Instant::now() + LONGEST_WAIT;
    while !is_so() {
        assert!(Instant::now() < gives_up, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn send(process: i32, signal: Signal) {
    kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
}

/// Signs in, and returns the process that keeps the session.
fn login(stand: &Stand, duration: &str) -> i32 {
    let ran = run(&mut stand.analyst(&["login", "--keep", duration]));
    assert!(ran.fine().contains("kept alive for"), "{ran:?}");
    keeper(stand).expect("status names the keeper")
}

/// Ends the keeper that a test leaves behind.
struct Left(i32);

impl Left {
    fn by(stand: &Stand, duration: &str) -> Self {
        Self(login(stand, duration))
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        if runs(self.0) {
            send(self.0, Signal::KILL);
        }
    }
}

/// A keeper in the foreground, once it has said that it keeps the session.
struct Foreground {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Foreground {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("a line").unwrap()
    }

    fn signal(&self, signal: Signal) {
        send(self.child.id().try_into().unwrap(), signal);
    }

    /// Its exit code, or that of a signal, and its complaint.
    fn end(self) -> (Option<i32>, String) {
        let output = self.child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn keep_ends_with_0_when_its_time_is_over() {
    let stand = Stand::new();
    run(&mut stand.analyst(&["login"])).fine();
    let ran = run(&mut stand.somewhere(&["keep", "--for", "1s", "--username", "analyst@example.com"]));
    let lines: Vec<_> = ran.fine().lines().collect();
    assert!(
        lines[0].starts_with("keeping the session on ") && lines[0].ends_with(" alive for 1 s"),
        "{lines:?}"
    );
    assert_eq!(lines[1..], ["the time is over"]);
    assert_eq!(keeper(&stand), None);
}

#[test]
fn keep_needs_neither_password_nor_code() {
    let stand = Stand::with(Emulator::builder().token_life(Duration::from_secs(6)));
    run(&mut stand.analyst(&["login"])).fine();
    let mut keep = Foreground::start(
        stand.somewhere(&["keep", "--for", "1h", "--json"]).env("PLEXTRAC_USERNAME", "analyst@example.com"),
    );
    let begun: Value = serde_json::from_str(&keep.line()).unwrap();
    assert_eq!((&begun["event"], &begun["is_this_process"]), (&"keeping".into(), &true.into()));
    let refreshed = || stand.emulator.stats().of_kind(Kind::Refresh) >= 2;
    assert!(stand.emulator.wait_for(LONGEST_WAIT, |_| refreshed()), "a token of 6 s is refreshed");
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
    run(&mut stand.analyst(&["logout"])).fine();
    let ended: Value = serde_json::from_str(&keep.line()).unwrap();
    assert_eq!(ended["reason"], "signed_out");
    assert_eq!(keep.end(), (Some(0), String::new()));
}

#[test]
fn keep_exits_with_3_when_a_code_is_needed() {
    let stand = Stand::with(Emulator::builder().token_life(Duration::from_secs(10)));
    let refused = |ran: &crate::stand::Ran| {
        assert!(
            ran.stderr.contains("one-time code") && ran.stderr.contains("plextrac-auth login"),
            "{ran:?}"
        );
    };
    let ran = run(&mut stand.analyst(&["keep", "--for", "1h"]));
    refused(&ran);
    ran.refused(3);
    run(&mut stand.analyst(&["login"])).fine();
    stand.emulator.revoke_tokens();
    let ran = run(&mut stand.analyst(&["keep", "--for", "1h"]));
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("refuses to refresh"), "{ran:?}");
    refused(&ran);
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1, "it signs in for nobody");
}

#[test]
fn keep_needs_a_state_directory() {
    let stand = Stand::new();
    let ran = run(&mut stand.analyst(&["keep", "--for", "1h", "--no-state"]));
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("no session to keep"), "{ran:?}");
}

#[test]
fn a_signal_ends_keep_in_order() {
    let stand = Stand::new();
    run(&mut stand.analyst(&["login"])).fine();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut keep = Foreground::start(&mut stand.analyst(&["keep", "--for", "1h"]));
        keep.line();
        assert!(keeper(&stand).is_some());
        keep.signal(signal);
        assert_eq!(keep.end(), (None, String::new()), "the signal ends it");
        assert_eq!(keeper(&stand), None);
    }
}

#[test]
fn login_keep_leaves_one_process_behind() {
    let stand = Stand::new();
    let left = Left::by(&stand, "1h");
    assert!(runs(left.0));
    let first = keeper_ends_in(&stand);
    assert!(first > Duration::from_secs(3580) && first <= Duration::from_secs(3600), "{first:?}");
    // A second one sets the later end, and leaves no second process.
    assert_eq!(login(&stand, "2h"), left.0);
    assert!(keeper_ends_in(&stand) > Duration::from_secs(7180));
    // One with an earlier end changes nothing.
    assert_eq!(login(&stand, "30m"), left.0);
    assert!(keeper_ends_in(&stand) > Duration::from_secs(7100));
    run(&mut stand.analyst(&["logout"])).fine();
    until("the keeper ends", || !runs(left.0));
    assert_eq!(keeper(&stand), None);
}

#[test]
fn the_process_that_is_left_is_independent() {
    let stand = Stand::new();
    let folder = stand.path("work");
    fs::create_dir(&folder).unwrap();
    // The shell is the leader of a group, as on a terminal, and the pipe ends though the keeper goes on.
    // A lock on a descriptor of the script ends with the script.
    let script = format!("exec 9>lock && flock 9 && {BINARY} login --keep 1h --ca-file ca.pem | cat");
    let ca = fs::read(stand.emulator.ca_file()).unwrap();
    fs::write(folder.join("ca.pem"), ca).unwrap();
    let settings = stand.analyst::<&str>(&[]);
    let variables = settings.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut shell = Command::new("setsid");
    shell.args(["sh", "-c", &script]).env_clear().envs(variables).env_remove("PLEXTRAC_CA_FILE");
    let output = shell.current_dir(&folder).stdin(Stdio::null()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("kept alive for"), "{output:?}");
    let left = Left(keeper(&stand).unwrap());
    let process = format!("/proc/{}", left.0);
    let stat = fs::read_to_string(format!("{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let (session, terminal) = (fields[3], fields[4]);
    assert_eq!((session, terminal), (left.0.to_string().as_str(), "0"));
    assert_eq!(fs::read_link(format!("{process}/cwd")).unwrap().to_str(), Some("/"));
    for fd in [0, 1] {
        assert_eq!(fs::read_link(format!("{process}/fd/{fd}")).unwrap().to_str(), Some("/dev/null"));
    }
    let lock =
        Command::new("flock").args(["--nonblock", "lock", "true"]).current_dir(&folder).status().unwrap();
    assert!(lock.success(), "the lock is free");
    assert_eq!(fs::metadata(&process).unwrap().uid(), fs::metadata(&folder).unwrap().uid());
}

#[test]
fn the_process_that_is_left_survives_its_terminal() {
    let stand = Stand::new();
    let (screen, code) = Terminal::run(&stand.analyst(&["login", "--keep", "1h", "--no-save"])).end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("kept alive for"), "{screen}");
    // The terminal is gone by now, as is the session of its shell.
    let left = Left(keeper(&stand).unwrap());
    run(&mut stand.analyst(&["token"])).fine();
    assert!(runs(left.0));
}

#[test]
fn ctrl_c_ends_keep_in_order() {
    let stand = Stand::new();
    run(&mut stand.analyst(&["login"])).fine();
    let mut terminal = Terminal::run(&stand.analyst(&["keep", "--for", "1h"]));
    terminal.await_text("keeping the session");
    assert!(keeper(&stand).is_some());
    terminal.hands.write_all(b"\x03").unwrap();
    until("the keeper ends", || keeper(&stand).is_none());
}

#[test]
fn the_process_that_is_left_has_no_secret() {
    let stand = Stand::new();
    let left = Left::by(&stand, "1h");
    let read = |name: &str| {
        String::from_utf8_lossy(&fs::read(format!("/proc/{}/{name}", left.0)).unwrap()).replace('\0', "\n")
    };
    let (arguments, environment) = (read("cmdline"), read("environ"));
    assert!(environment.contains("PLEXTRAC_USERNAME=analyst@example.com"), "{environment}");
    for secret in ["analyst-password", "GEZDGNBV", "PLEXTRAC_PASSWORD", "PLEXTRAC_TOTP_SECRET"] {
        assert!(!environment.contains(secret) && !arguments.contains(secret), "{secret}");
    }
    assert!(!arguments.contains("analyst@example.com") && !arguments.contains("127.0.0.1"), "{arguments}");
}

#[test]
fn a_killed_keeper_is_replaced_by_the_next_login() {
    let stand = Stand::new();
    let left = Left::by(&stand, "1h");
    send(left.0, Signal::KILL);
    // Its threads end one after the other.
    until("status does not name a process that is gone", || keeper(&stand).is_none());
    assert_eq!(keeper(&stand), None, "nor does the next one");
    let next = Left::by(&stand, "1h");
    assert_ne!(next.0, left.0);
    assert!(runs(next.0));
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
}

#[test]
fn a_keeper_that_stands_by_takes_over() {
    let stand = Stand::new();
    let left = Left::by(&stand, "1h");
    let mut second = Foreground::start(&mut stand.analyst(&["keep", "--for", "1h"]));
    let line = second.line();
    assert!(line.contains(&format!("process {}", left.0)) && line.ends_with("stands by"), "{line}");
    send(left.0, Signal::KILL);
    let line = second.line();
    assert!(line.starts_with("keeping the session"), "{line}");
    assert_eq!(keeper(&stand), Some(second.child.id().try_into().unwrap()));
    second.signal(Signal::TERM);
    second.end();
}

#[test]
fn doctor_looks_for_a_keeper() {
    let stand = Stand::new();
    let finding = |about: &str| {
        let ran = run(&mut stand.analyst(&["doctor"]));
        ran.fine().lines().find(|line| line[6..].starts_with(about)).unwrap().to_owned()
    };
    run(&mut stand.analyst(&["login"])).fine();
    assert!(finding("keeper").starts_with("note  keeper    none: "), "{}", finding("keeper"));
    assert!(finding("sharing").ends_with("can be written and locked"), "{}", finding("sharing"));
    let left = Left::by(&stand, "1h");
    let line = finding("keeper");
    assert!(line.starts_with("ok    keeper    kept alive for 59 min"), "{line}");
    assert!(line.contains(&left.0.to_string()), "{line}");
}

#[test]
fn status_says_until_when_and_by_which_process() {
    let stand = Stand::new();
    let left = Left::by(&stand, "8h");
    let ran = run(&mut stand.analyst(&["status"]));
    let line = ran.fine().lines().find(|line| line.starts_with("keeper")).unwrap();
    assert!(line.starts_with("keeper    kept alive for 7 h 59 min more by process"), "{line}");
    assert!(line.contains(&left.0.to_string()), "{line}");
}
