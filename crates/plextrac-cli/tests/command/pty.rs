//! The command on a pseudo-terminal, and the hands of the person in front of it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::stand::BINARY;

/// Far more than anything here takes.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The command on a pseudo-terminal, and the hands of the person in front of it.
pub(crate) struct Terminal {
    pub(crate) hands: File,
    child: Child,
    seen: String,
    /// The modes that it began with.
    pub(crate) modes: String,
}

impl Terminal {
    /// Runs a command of `stand` with the terminal as its controlling one, which util-linux's `setsid` arranges.
    pub(crate) fn run(command: &Command) -> Self {
        Self::run_by(&[], command)
    }

    /// The same, started by another command.
    pub(crate) fn run_by(starter: &[&str], command: &Command) -> Self {
        Self::run_in(80, starter, command)
    }

    /// The same in a window of so many columns.
    pub(crate) fn run_in(columns: u16, starter: &[&str], command: &Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
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
    pub(crate) fn await_text(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.seen.contains(text) {
            let count = self.hands.read(&mut buffer).unwrap();
            self.seen += &String::from_utf8_lossy(&buffer[..count]);
        }
    }

    /// Types a secret once the terminal has stopped to echo, as a person does who sees nothing happen.
    pub(crate) fn type_hidden(&mut self, text: &str) {
        self.press_hidden(&format!("{text}\n"));
    }

    /// The same for keys that end no line, such as Ctrl-C.
    pub(crate) fn press_hidden(&mut self, keys: &str) {
        let deadline = Instant::now() + LONGEST_WAIT;
        while self.echoes() {
            assert!(Instant::now() < deadline, "the echo is still on after {LONGEST_WAIT:?}");
            std::thread::yield_now();
        }
        self.hands.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.hands).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    pub(crate) fn type_visible(&mut self, text: &str) {
        writeln!(self.hands, "{text}").unwrap();
    }

    /// By the one signal that no starter of tests is known to have ignored.
    pub(crate) fn end_by_sigterm(&mut self) -> ExitStatus {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    /// Everything that was ever on the screen, and the exit code.
    pub(crate) fn end(self) -> (String, i32) {
        let (screen, code, _) = self.end_with_modes();
        (screen, code)
    }

    /// The same, and in which modes the terminal was left.
    pub(crate) fn end_with_modes(mut self) -> (String, i32, String) {
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

/// The modes of a terminal that this command has to do with.
pub(crate) fn modes(terminal: impl AsFd) -> String {
    let modes = tcgetattr(terminal).unwrap();
    format!("{:?} {:?}", modes.local_modes, modes.special_codes)
}
