//! `--retry`: what is sent again, and when.

use std::thread;
use std::time::Duration;

use plextrac_transport::{Error, ErrorCode, StreamedResponse};

use super::Body;
use super::target::Target;
use crate::args::RequestArgs;
use crate::exit::{self, Failure};

/// The longest wait that no answer asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(super) struct Retries {
    /// Whether the body is still there after it was sent.
    pub(super) can_send_again: bool,
    left: u32,
    done: u32,
    is_quiet: bool,
}

impl Retries {
    /// Nothing may be done twice by accident, and nothing can be sent that is gone.
    pub(super) fn new(args: &RequestArgs, target: &Target, body: Option<&Body>) -> Result<Self, Failure> {
        if args.retry > 0 && !matches!(target.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE")
        {
            return Err(Failure::usage(format!(
                "--retry is for GET, HEAD, OPTIONS, PUT and DELETE: a {} could be done twice; leave --retry out",
                target.method
            )));
        }
        let can_send_again = body.is_none_or(|body| body.content.can_be_sent_again());
        if args.retry > 0 && !can_send_again {
            return Err(Failure::usage(
                "--retry cannot send again what comes through a pipe and is over 1 MiB; put it into a file: @FILE",
            ));
        }
        Ok(Self { can_send_again, left: args.retry, done: 0, is_quiet: args.quiet })
    }

    /// Whether to send it again, after a wait. Anything but a passing failure is the outcome.
    pub(super) fn again_after(&mut self, outcome: &Result<StreamedResponse, Error>) -> bool {
        let (what, asked) = match outcome {
            Ok(response) if matches!(response.status(), 429 | 502 | 503 | 504) => {
                (format!("HTTP {}", response.status()), response.retry_after())
            }
            Err(error) if matches!(error.code(), ErrorCode::Network | ErrorCode::Timeout) => {
                (error.to_string(), None)
            }
            _ => return false,
        };
        if self.left == 0 {
            return false;
        }
        let wait = asked.unwrap_or_else(|| pause(self.done));
        self.left -= 1;
        self.done += 1;
        if !self.is_quiet {
            let seconds = wait.as_millis().div_ceil(1000);
            exit::say(&format!("{what}; sending it again in {seconds} s, {} more after that", self.left));
        }
        thread::sleep(wait);
        true
    }
}

/// 1, 2, 4 s and so on.
fn pause(done: u32) -> Duration {
    Duration::from_secs(1 << done.min(6)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let seconds = [0, 1, 2, 5, 6, 7, 100].map(|done| pause(done).as_secs());
        assert_eq!(seconds, [1, 2, 4, 32, 60, 60, 60]);
    }
}
