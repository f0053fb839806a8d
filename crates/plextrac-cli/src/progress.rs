//! A line on a terminal that says how far a transfer has come.
//!
//! All of standard error is written through [`write_stderr`]: a message erases the line first, and the next report
//! draws it again below.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use plextrac_transport::{Progress, Transfer};

/// How often the line is drawn.
const EVERY: Duration = Duration::from_millis(100);

/// How many columns of the terminal the line takes now; 0 if it is not there.
static COLUMNS: Mutex<usize> = Mutex::new(0);

/// Writes it at once, so that lines of runs that share a terminal or a log do not mix. If standard error is closed,
/// nobody reads it.
pub(crate) fn write_stderr(text: &str) {
    let mut columns = columns();
    let _ = io::stderr().write_all(format!("{}{text}", erasing(*columns)).as_bytes());
    *columns = 0;
}

/// Takes the line off the terminal, where something else will be written.
pub(crate) fn erase() {
    if *columns() > 0 {
        write_stderr("");
    }
}

/// Draws the line while it lives.
pub(crate) struct Bar {
    state: Mutex<Option<State>>,
}

struct State {
    transfer: Transfer,
    began: Instant,
    drawn: Instant,
}

impl Bar {
    pub(crate) const fn new() -> Self {
        Self { state: Mutex::new(None) }
    }

    pub(crate) fn show(&self, progress: &Progress) {
        let now = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let began = match &*state {
            Some(state) if state.transfer == progress.transfer => {
                if now - state.drawn < EVERY {
                    return;
                }
                state.began
            }
            _ => now,
        };
        *state = Some(State { transfer: progress.transfer, began, drawn: now });
        draw(&line(progress, now - began, terminal_columns()));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        erase();
    }
}

fn columns() -> MutexGuard<'static, usize> {
    COLUMNS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn draw(line: &str) {
    let mut columns = columns();
    let _ = io::stderr().write_all(format!("{}{line}", erasing(*columns)).as_bytes());
    *columns = line.len();
}

/// Without escape sequences: not every terminal knows them.
fn erasing(columns: usize) -> String {
    if columns == 0 { String::new() } else { format!("\r{:columns$}\r", "") }
}

/// ASCII alone, and shorter than the terminal is wide, so that it never wraps.
fn line(progress: &Progress, elapsed: Duration, columns: usize) -> String {
    let room = columns.saturating_sub(1);
    let name = match progress.transfer {
        Transfer::Upload => "upload",
        Transfer::Download => "download",
    };
    let mut line = match progress.total {
        Some(total @ 1..) => {
            let percent = u128::from(progress.done) * 100 / u128::from(total);
            format!("{name} {percent:3} %  {} of {}", size(progress.done), size(total))
        }
        _ => format!("{name}  {}", size(progress.done)),
    };
    let per_second = progress.done as f64 / elapsed.as_secs_f64();
    if elapsed >= Duration::from_secs(1) {
        line += &format!("  {}/s", size(per_second as u64));
    }
    if let Some(total @ 1..) = progress.total
        && let Some(width @ 10..) = room.checked_sub(line.len() + 4)
    {
        let width = width.min(30);
        let filled = (u128::from(progress.done) * width as u128 / u128::from(total)) as usize;
        line += &format!("  [{:width$}]", "#".repeat(filled.min(width)));
    }
    line.truncate(room);
    line
}

/// `512 B`, `1.5 MiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[cfg(unix)]
fn terminal_columns() -> usize {
    match rustix::termios::tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 => size.ws_col.into(),
        _ => 80,
    }
}

#[cfg(not(unix))]
fn terminal_columns() -> usize {
    80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is_and_how_fast() {
        let half = Progress::new(Transfer::Upload, 150 << 20, Some(300 << 20));
        let text = line(&half, Duration::from_secs(10), 100);
        assert_eq!(
            text,
            "upload  50 %  150.0 MiB of 300.0 MiB  15.0 MiB/s  [###############               ]"
        );
        let text = line(&half, Duration::from_secs(10), 60);
        assert_eq!(text, "upload  50 %  150.0 MiB of 300.0 MiB  15.0 MiB/s");
        let open = Progress::new(Transfer::Download, 1_000, None);
        assert_eq!(line(&open, Duration::from_millis(10), 80), "download  1000 B");
    }

    #[test]
    fn the_line_never_wraps() {
        let half = Progress::new(Transfer::Download, 1 << 40, Some(u64::MAX));
        for columns in 0..200 {
            let line = line(&half, Duration::from_secs(7), columns);
            assert!(line.len() < columns.max(1) && line.is_ascii(), "{columns}: {line}");
        }
    }

    #[test]
    fn sizes_have_the_unit_that_suits_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
