//! One line from the controlling terminal, typed without echo.
//!
//! Echo must come back whatever happens, so no signal that the keyboard sends may end or stop the process while it
//! is off: the keys that would interrupt end the line instead, and are told as what they mean. What others send ends
//! the process as ever, once the terminal is as it was.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, SpecialCodes, Termios, tcgetattr, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use zeroize::{Zeroize, Zeroizing};

use crate::prompt::Typed;

/// Asks on the controlling terminal, so that standard input and output stay free for data.
pub(crate) fn ask_hidden(question: &str) -> io::Result<Typed> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    // The question stands after the echo has ended: who types as soon as it is seen is not seen.
    let silent = Silent::begin(&terminal)?;
    (&terminal).write_all(format!("{question}: ").as_bytes())?;
    silent.line()
}

/// A terminal that does not echo, until this is dropped.
struct Silent<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        restore_when_ended(terminal, &before)?;
        let mut modes = before.clone();
        // Without ISIG the keys for interrupting, quitting and suspending are characters like all others, and
        // with these two a line can end.
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
        modes.local_modes.insert(LocalModes::ICANON);
        modes.special_codes[SpecialCodeIndex::VEOL] = before.special_codes[SpecialCodeIndex::VINTR];
        modes.special_codes[SpecialCodeIndex::VEOL2] = before.special_codes[SpecialCodeIndex::VQUIT];
        tcsetattr(terminal, OptionalActions::Now, &modes)?;
        Ok(Self { terminal, before })
    }

    fn line(&self) -> io::Result<Typed> {
        let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        let mut part = Zeroizing::new([0; LONGEST_LINE]);
        loop {
            let count = match rustix::io::read(self.terminal, &mut part[..]) {
                Err(rustix::io::Errno::INTR) => continue,
                read => read?,
            };
            if count > LONGEST_LINE - line.len() {
                // Beyond its room the vector would leave copies behind.
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the line is too long"));
            }
            line.extend_from_slice(&part[..count]);
            part.zeroize();
            match line.last() {
                Some(b'\n') => break,
                Some(last) if interrupts(&self.before.special_codes, *last) => return Ok(Typed::Interrupted),
                _ if count == 0 => break,
                // Ctrl-D in the middle of a line hands out what there is of it.
                _ => {}
            }
        }
        let text = std::str::from_utf8(&line)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "what was typed is not UTF-8"))?;
        Ok(Typed::Line(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Of a terminal that has gone there is nothing to restore.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
        lost().take();
        // The end of the line was not echoed.
        let mut terminal = self.terminal;
        let _ = terminal.write_all(b"\n");
    }
}

/// What is to be restored if a signal ends the process.
static LOST: Mutex<Option<(File, Termios)>> = Mutex::new(None);

fn lost() -> MutexGuard<'static, Option<(File, Termios)>> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on, until `LOST` is empty, a signal that ends the process restores the terminal first. A thread waits for
/// them: what a handler itself may do is next to nothing.
fn restore_when_ended(terminal: &File, before: &Termios) -> io::Result<()> {
    static IS_WATCHED: OnceLock<()> = OnceLock::new();
    *lost() = Some((terminal.try_clone()?, before.clone()));
    if IS_WATCHED.set(()).is_err() {
        return Ok(());
    }
    // What is ignored stays ignored: nohup has asked for that.
    let mut signals =
        Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)))?;
    thread::Builder::new().name("plextrac-signals".into()).spawn(move || {
        for signal in signals.forever() {
            if let Some((terminal, before)) = &*lost() {
                let _ = tcsetattr(terminal, OptionalActions::Now, before);
            }
            // Held until the signal has ended the process: whoever is woken by what is done here, and would end it
            // in another way, waits for this.
            let mut ending = ending();
            if let Some(end) = ending.take() {
                end();
            }
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

type Ending = Box<dyn FnOnce() + Send>;

/// What is done before a signal ends the process, if anything was asked of a person by then.
pub(crate) fn when_ended(end: Option<Ending>) {
    *ending() = end;
}

fn ending() -> MutexGuard<'static, Option<Ending>> {
    static ENDING: Mutex<Option<Ending>> = Mutex::new(None);
    ENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether this process was started with a signal ignored, where the system tells (proc_pid_status(5)).
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

/// What Linux takes of one line (`N_TTY_BUF_SIZE`).
const LONGEST_LINE: usize = 4096;

/// Whether the key is one of the two that would have sent a signal. A key that is switched off is zero.
fn interrupts(keys: &SpecialCodes, key: u8) -> bool {
    key != 0 && [SpecialCodeIndex::VINTR, SpecialCodeIndex::VQUIT].into_iter().any(|index| keys[index] == key)
}
