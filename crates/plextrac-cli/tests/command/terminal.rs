//! Questions, on a terminal of the test's own.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use plextrac_emulator::{Account, Kind};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::stand::{BINARY, Stand, run};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The command on a pseudo-terminal, and the hands of the person in front of it.
struct Terminal {
    hands: File,
    child: Child,
    seen: String,
    /// The modes that it began with.
    modes: String,
}

impl Terminal {
    /// Runs a command of `stand` with the terminal as its controlling one, which util-linux's `setsid` arranges.
    fn run(command: &Command) -> Self {
        Self::run_by(&[], command)
    }

    /// The same, started by another command.
    fn run_by(starter: &[&str], command: &Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let open = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
        let mut session = Command::new("setsid");
        session.args(["--ctty", "--wait"]).args(starter).arg(BINARY).args(command.get_args()).env_clear();
        session.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let modes = modes(&master);
        let child = session.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
        Self { hands: File::from(master), child, seen: String::new(), modes }
    }

    /// Reads until `text` is there; what came before it is forgotten.
    fn await_text(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.seen.contains(text) {
            let count = self.hands.read(&mut buffer).unwrap();
            self.seen += &String::from_utf8_lossy(&buffer[..count]);
        }
    }

    /// Types a secret once the terminal has stopped to echo, as a person does who sees nothing happen.
    fn type_hidden(&mut self, text: &str) {
        self.press_hidden(&format!("{text}\n"));
    }

    /// The same for keys that end no line, such as Ctrl-C.
    fn press_hidden(&mut self, keys: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.echoes() {
            assert!(Instant::now() < deadline, "the echo is still on after {PATIENCE:?}");
            std::thread::yield_now();
        }
        self.hands.write_all(keys.as_bytes()).unwrap();
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.hands).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    fn type_visible(&mut self, text: &str) {
        writeln!(self.hands, "{text}").unwrap();
    }

    /// By the one signal that no starter of tests is known to have ignored.
    fn end_by_sigterm(&mut self) -> ExitStatus {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    /// Everything that was ever on the screen, and the exit code.
    fn end(self) -> (String, i32) {
        let (screen, code, _) = self.end_with_modes();
        (screen, code)
    }

    /// The same, and in which modes the terminal was left.
    fn end_with_modes(mut self) -> (String, i32, String) {
        let mut buffer = [0; 4096];
        // A terminal whose other side is closed answers with an error, not with an end.
        while let Ok(count @ 1..) = self.hands.read(&mut buffer) {
            self.seen += &String::from_utf8_lossy(&buffer[..count]);
        }
        let code = self.child.wait().unwrap().code().unwrap();
        let modes = modes(&self.hands);
        (self.seen, code, modes)
    }
}

const SIGTERM: i32 = 15;

/// A run that has to ask for the six digits.
fn without_totp(stand: &Stand, args: &[&str]) -> Command {
    let mut command = stand.analyst(args);
    command.env_remove("PLEXTRAC_TOTP_SECRET");
    command
}

/// The modes of a terminal that this command has to do with.
fn modes(terminal: impl AsFd) -> String {
    let modes = tcgetattr(terminal).unwrap();
    format!("{:?} {:?}", modes.local_modes, modes.special_codes)
}

#[test]
fn a_person_is_asked_for_what_is_not_set_and_secrets_are_not_echoed() {
    let stand = Stand::new();
    let account = Account::analyst();
    let mut command = stand.somewhere(&["request", "GET", "/api/v2/whoami"]);
    command.env_remove("PLEXTRAC_URL");
    let mut terminal = Terminal::run(&command);
    terminal.await_text("URL of the instance: ");
    terminal.type_visible(&stand.emulator.tls_url());
    terminal.await_text("User name: ");
    terminal.type_visible(&account.username);
    terminal.await_text("Password of analyst@example.com: ");
    terminal.type_hidden(&account.password);
    terminal.await_text("Six digits for analyst@example.com at https://127.0.0.1:");
    terminal.type_hidden("12345");
    terminal.await_text("Those are not six digits");
    let digits = stand.emulator.digits(&account.username).unwrap();
    terminal.type_hidden(&digits);
    let (screen, code) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains(r#""username":"analyst@example.com""#), "{screen}");
    assert!(!screen.contains(&account.password) && !screen.contains(&digits), "{screen}");
    assert_eq!(stand.emulator.stats().of_kind(Kind::SignIn), 1);
    assert_eq!(stand.emulator.stats().of_kind(Kind::Mfa), 1);
}

#[test]
fn a_person_who_gives_no_digits_ends_it_with_3() {
    let stand = Stand::new();
    let mut command = stand.analyst(&["token"]);
    command.env_remove("PLEXTRAC_TOTP_SECRET");
    let mut terminal = Terminal::run(&command);
    terminal.await_text("Six digits for ");
    terminal.type_hidden("");
    let (screen, code) = terminal.end();
    assert_eq!(code, 3, "{screen}");
}

#[test]
fn a_refused_code_is_named_where_the_budget_has_no_room() {
    let stand = Stand::new();
    for _ in 0..4 {
        run(&mut stand.service(&["login", "--again"])).fine();
    }
    let mut terminal = Terminal::run(&without_totp(&stand, &["token"]));
    terminal.await_text("Six digits for ");
    let right = stand.emulator.digits(&Account::analyst().username).unwrap();
    terminal.type_hidden(if right == "000000" { "000001" } else { "000000" });
    let (screen, code) = terminal.end();
    assert_eq!(code, 4, "{screen}");
    assert!(screen.contains("the server refused the one-time code"), "{screen}");
    assert!(screen.contains("--wait "), "the next attempt: {screen}");
    assert_eq!(stand.authentication_requests(), 6);
}

/// The keys that interrupt, quit and, as a character of what is typed, suspend.
const CTRL_C: &str = "\x03";
const CTRL_BACKSLASH: &str = "\x1c";
const CTRL_Z: &str = "\x1a";

#[test]
fn ctrl_c_at_the_password_gives_the_terminal_back_and_ends_it_with_130() {
    let stand = Stand::new();
    for keys in [CTRL_C, "half a pass\x03", CTRL_BACKSLASH] {
        let mut command = stand.service(&["token"]);
        command.env_remove("PLEXTRAC_PASSWORD");
        let mut terminal = Terminal::run(&command);
        let before = terminal.modes.clone();
        terminal.await_text("Password of service@example.com: ");
        terminal.press_hidden(keys);
        let (screen, code, after) = terminal.end_with_modes();
        assert_eq!((code, screen.as_str()), (130, "Password of service@example.com: \r\n"), "{keys:?}");
        assert_eq!(after, before, "{keys:?}");
        assert!(before.contains("ECHO") && before.contains("ISIG"), "control: {before}");
    }
    assert_eq!(stand.requests(), 0);
}

#[test]
fn a_signal_at_the_password_ends_it_as_ever_and_gives_the_terminal_back() {
    let stand = Stand::new();
    let mut command = stand.service(&["token"]);
    command.env_remove("PLEXTRAC_PASSWORD");
    let mut terminal = Terminal::run(&command);
    terminal.await_text("Password of service@example.com: ");
    assert!(!terminal.echoes(), "control: the question comes when the echo is off");
    assert_eq!(terminal.end_by_sigterm().signal(), Some(SIGTERM));
    assert_eq!(modes(&terminal.hands), terminal.modes);
}

#[test]
fn ctrl_c_at_the_six_digits_ends_it_with_130_and_others_need_not_wait() {
    let stand = Stand::new();
    let analyst = |args: &[&str]| without_totp(&stand, args);
    let mut terminal = Terminal::run(&analyst(&["token"]));
    let before = terminal.modes.clone();
    terminal.await_text("Six digits for ");
    // While somebody is asked, others wait: what makes the rest of the test a test.
    assert_eq!(run(&mut analyst(&["token", "--no-prompt"])).code, 5);
    terminal.press_hidden("12\x03");
    let (screen, code, after) = terminal.end_with_modes();
    assert_eq!((code, screen.lines().count()), (130, 1), "{screen}");
    assert_eq!(after, before);
    let status = run(&mut analyst(&["status", "--json"]));
    assert!(status.fine().contains(r#""state":"signed_out""#), "{status:?}");
    assert_eq!(run(&mut analyst(&["token", "--no-prompt"])).code, 3);
}

#[test]
fn a_signal_at_the_six_digits_keeps_no_other_run_waiting() {
    let stand = Stand::new();
    let analyst = |args: &[&str]| without_totp(&stand, args);
    let mut terminal = Terminal::run(&analyst(&["token"]));
    terminal.await_text("Six digits for ");
    assert_eq!(terminal.end_by_sigterm().signal(), Some(SIGTERM));
    assert_eq!(run(&mut analyst(&["token", "--no-prompt"])).code, 3, "the next run asks anew");
}

#[test]
fn what_was_ignored_before_a_prompt_is_ignored_after_it() {
    let stand = Stand::new();
    let mut command = stand.service(&["exec", "--", "grep", "SigIgn", "/proc/self/status"]);
    command.env_remove("PLEXTRAC_PASSWORD");
    let mut terminal = Terminal::run_by(&["sh", "-c", r#"trap '' HUP; exec "$@""#, "sh"], &command);
    terminal.await_text("Password of service@example.com: ");
    terminal.type_hidden("service-password");
    let (screen, code) = terminal.end();
    assert_eq!(code, 0, "{screen}");
    let mask = screen.split("SigIgn:").nth(1).unwrap().split_whitespace().next().unwrap();
    let mask = u64::from_str_radix(mask, 16).unwrap();
    assert_eq!(mask & 1, 1, "SIGHUP, as nohup has it: {screen}");
}

#[test]
fn nobody_can_suspend_a_run_while_the_echo_is_off() {
    let stand = Stand::new();
    let mut command = stand.service(&["token"]);
    command.env_remove("PLEXTRAC_PASSWORD");
    let mut terminal = Terminal::run(&command);
    terminal.await_text("Password of ");
    terminal.type_hidden(CTRL_Z);
    let (screen, code) = terminal.end();
    assert_eq!(code, 2, "a character that no password has: {screen}");
}

#[test]
fn nothing_is_asked_with_no_prompt() {
    let stand = Stand::new();
    let mut command = stand.service(&["token", "--no-prompt"]);
    command.env_remove("PLEXTRAC_PASSWORD");
    let (screen, code) = Terminal::run(&command).end();
    assert_eq!(code, 2, "{screen}");
    assert!(screen.contains("the password is not set"), "{screen}");
}

#[test]
fn a_terminal_sees_colour_unless_it_is_refused() {
    let stand = Stand::new();
    let mut command = stand.nobody(&["demo"]);
    let (screen, code) = Terminal::run(&command).end();
    assert_eq!(code, 0);
    assert!(screen.contains("\x1b[1m1. Sign-in without MFA\x1b[0m"), "{screen}");
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let (screen, _) = Terminal::run(command.env(name, value)).end();
        assert!(screen.contains("1. Sign-in without MFA") && !screen.contains('\x1b'), "{name}: {screen}");
        command.env_remove(name);
    }
}
