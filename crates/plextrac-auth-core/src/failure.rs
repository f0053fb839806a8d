//! Why an attempt to get a token ended without one.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;

use crate::answer::Unusable;

/// What happened, to what, and what to do next. Never carries anything that was in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    kind: FailureKind,
    message: String,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
}

/// A failure's class, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The server refuses user name and password (or will not say why); they are not sent again by themselves.
    Rejected,
    /// The server refuses the one-time code. If the failure says how long to wait, another code is tried then.
    MfaRejected,
    /// The server refuses to refresh the token in hand.
    RefreshRefused,
    /// A one-time code is needed, and no source gives one.
    MfaRequired,
    /// A new token is needed, and there is no password to get one with.
    SignInNeeded,
    /// The budget, the instance's rate limit, a back-off or a TOTP step: nothing is sent before a moment to come.
    MustWait,
    /// The server could not be reached.
    Network,
    /// TLS could not be agreed on or the certificate is not trusted.
    Tls,
    /// No answer in time.
    Timeout,
    /// The caller's side gave up.
    Cancelled,
    /// An answer that is neither yes nor no.
    UnexpectedAnswer,
    /// An answer over the size limits.
    TooLarge,
    /// The store that the processes of the account share cannot be used.
    Store,
}

/// How a request failed to bring an answer, as the driver saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportFailure {
    /// No answer in time.
    Timeout,
    /// No connection: name resolution, refusal, proxy.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// Given up on purpose.
    Cancelled,
    /// The answer was over the driver's size limit.
    TooLarge,
    /// Anything else.
    Other,
}

impl Failure {
    /// The class.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The status of the answer that led here, if there was one.
    #[must_use]
    pub const fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    /// How long to wait before trying again, counted from the failure; if known. There is none where waiting does not
    /// help: see [`is_retryable`](Self::is_retryable).
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the same call may succeed later without anything being changed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self.kind {
            FailureKind::MustWait
            | FailureKind::Network
            | FailureKind::Timeout
            | FailureKind::Cancelled
            | FailureKind::UnexpectedAnswer
            | FailureKind::Store => true,
            // The code of another step may be accepted.
            FailureKind::MfaRejected => self.retry_after.is_some(),
            FailureKind::Rejected
            | FailureKind::RefreshRefused
            | FailureKind::MfaRequired
            | FailureKind::SignInNeeded
            | FailureKind::Tls
            | FailureKind::TooLarge => false,
        }
    }

    pub(crate) fn new(kind: FailureKind, message: impl ToString) -> Self {
        Self { kind, message: message.to_string(), http_status: None, retry_after: None }
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { http_status: Some(status), ..self }
    }

    pub(crate) fn with_retry_after(self, wait: Option<Duration>) -> Self {
        Self { retry_after: wait.filter(|_| self.is_retryable()), ..self }
    }

    /// Another code is needed, and it may be sent after this wait.
    pub(crate) fn with_next_attempt(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// `is_json`: whether the answer was the API's JSON. Otherwise a gateway may have sent it.
    pub(crate) fn rejected(what: Refused, server_text: Option<&str>, is_json: bool) -> Self {
        let (kind, sentence) = match what {
            Refused::Password => (
                FailureKind::Rejected,
                "the sign-in was rejected; PlexTrac does not say why: a wrong user name or password, a locked or disabled \
                 account, an account that signs in by SSO, or MFA required but not enrolled. This session does not send \
                 the password again until it changes or you allow it, because repeated failures lock accounts",
            ),
            Refused::Code => (
                FailureKind::MfaRejected,
                "the one-time code was rejected: mistyped, out of date, or used before. A new sign-in asks for a new one",
            ),
            Refused::ComputedCode { locks_out: false } => (
                FailureKind::MfaRejected,
                "the computed one-time code was rejected: another program used the code of this TOTP step, or the TOTP \
                 secret or this machine's clock is wrong. The next attempt uses the code of the next step",
            ),
            Refused::ComputedCode { locks_out: true } => (
                FailureKind::MfaRejected,
                "two computed one-time codes in a row were rejected: check the TOTP secret and this machine's clock. No code \
                 of this secret is sent until it changes or you allow it, since repeated failures lock accounts",
            ),
            Refused::Refresh => (FailureKind::RefreshRefused, "the server refused to refresh the token"),
        };
        let mut message = sentence.to_string();
        if let Some(text) = server_text {
            message.push_str(&format!(". The server says: {text:?}"));
        }
        if !is_json {
            message.push_str(match what {
                Refused::Password | Refused::ComputedCode { .. } => GATEWAY_AND_LOCKOUT,
                Refused::Code | Refused::Refresh => GATEWAY,
            });
        }
        Self::new(kind, message)
    }

    pub(crate) fn unusable(what: Unusable) -> Self {
        let (kind, message) = match what {
            Unusable::Html => (
                FailureKind::UnexpectedAnswer,
                "a page for people came instead of JSON: a firewall, a proxy, a challenge or maintenance stands in front of the API; \
                 open the instance in a browser, and add the headers your gateway asks for",
            ),
            Unusable::Redirect => (
                FailureKind::UnexpectedAnswer,
                "the server answered with a redirect, and a password follows none; use the URL it redirects to, if you trust it",
            ),
            Unusable::NotFound => (
                FailureKind::UnexpectedAnswer,
                "there is no PlexTrac API at this URL; check host, port and path prefix",
            ),
            Unusable::ServerError => (FailureKind::UnexpectedAnswer, "the server failed; try again later"),
            Unusable::Empty => (FailureKind::UnexpectedAnswer, "the answer was empty where JSON should be"),
            Unusable::Malformed => (
                FailureKind::UnexpectedAnswer,
                "the answer was not the JSON that PlexTrac's API documents; check the URL",
            ),
            Unusable::UnsafeToken => (
                FailureKind::UnexpectedAnswer,
                "the answer holds a token that could not stand in a header; it was not used",
            ),
            Unusable::TooLarge => (FailureKind::TooLarge, "the answer is over 1 MiB; it was not read"),
        };
        Self::new(kind, message)
    }
}

impl From<TransportFailure> for Failure {
    fn from(failure: TransportFailure) -> Self {
        let (kind, message) = match failure {
            TransportFailure::Timeout => (FailureKind::Timeout, "no answer came in time"),
            TransportFailure::Connect => (FailureKind::Network, "the server could not be reached"),
            TransportFailure::Tls => (
                FailureKind::Tls,
                "no TLS connection could be made; check that the URL is that of an https:// server, and that this machine \
                 trusts its certificate",
            ),
            TransportFailure::Cancelled => (FailureKind::Cancelled, "the request was given up"),
            TransportFailure::TooLarge => (FailureKind::TooLarge, "the answer was over the size limit"),
            TransportFailure::Other => (FailureKind::Network, "the request failed before an answer came"),
        };
        Self::new(kind, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(status) = self.http_status {
            write!(f, " (HTTP {status})")?;
        }
        Ok(())
    }
}

impl core::error::Error for Failure {}

const GATEWAY: &str = ". The answer was not JSON, so a gateway in front of the API may have sent it";
const GATEWAY_AND_LOCKOUT: &str = ". The answer was not JSON, so a gateway in front of the API may have sent it. If so, \
                                   correct the gateway's settings or headers, then allow another attempt: \
                                   `plextrac-auth login --again`, or `forget_rejection` in the libraries";

/// What a rejection refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Password,
    Code,
    /// `locks_out`: it is the second one in a row.
    ComputedCode {
        locks_out: bool,
    },
    Refresh,
}

/// The server's own words, made harmless: printable, at most 200 characters, and nothing at all if they repeat
/// something that was in the request, in whatever case. A code that was sent is not kept to compare with, so six
/// digits in a row count as one. Nothing is copied before that is known: the text may hold a secret.
pub(crate) fn quotable(server_text: &str, was_sent: &[&str]) -> Option<String> {
    const LONGEST: usize = 200;
    let text = server_text.chars().filter(|c| !c.is_control()).skip_while(|c| c.is_whitespace());
    let repeats = |secret: &&str| {
        let (secret, mut rest) = (secret.trim_start(), text.clone());
        !secret.is_empty()
            && (0..LONGEST).any(|_| {
                let is_there = begins_with(rest.clone(), secret);
                rest.next();
                is_there
            })
    };
    let mut digits_in_a_row = 0;
    let has_six_digits = text.clone().any(|c| {
        digits_in_a_row = if c.is_ascii_digit() { digits_in_a_row + 1 } else { 0 };
        digits_in_a_row == 6
    });
    if has_six_digits || was_sent.iter().any(repeats) {
        return None;
    }
    let mut quoted: String = text.take(LONGEST).collect();
    quoted.truncate(quoted.trim_end().len());
    (!quoted.is_empty()).then_some(quoted)
}

/// Whether `text` begins with the printable part of `prefix`, in whatever case.
fn begins_with(text: impl Iterator<Item = char>, prefix: &str) -> bool {
    let mut text = text.flat_map(char::to_lowercase).map(without_final_form);
    let prefix = prefix.chars().filter(|c| !c.is_control());
    prefix.flat_map(char::to_lowercase).map(without_final_form).all(|c| text.next() == Some(c))
}

/// The one letter that has two lower cases.
const fn without_final_form(c: char) -> char {
    if c == '\u{3C2}' { '\u{3C3}' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_failure_names_a_wait_that_does_not_help() {
        let wait = Some(Duration::from_secs(5));
        for failure in [
            TransportFailure::Timeout,
            TransportFailure::Connect,
            TransportFailure::Tls,
            TransportFailure::Cancelled,
            TransportFailure::TooLarge,
            TransportFailure::Other,
        ] {
            let failure = Failure::from(failure).with_retry_after(wait);
            assert_eq!(failure.retry_after(), wait.filter(|_| failure.is_retryable()), "{failure}");
        }
        assert_eq!(Failure::from(TransportFailure::Tls).with_retry_after(wait).retry_after(), None);
        assert_eq!(Failure::from(TransportFailure::Connect).with_retry_after(wait).retry_after(), wait);
    }

    #[test]
    fn the_servers_text_is_quoted_unless_it_repeats_what_was_sent() {
        assert_eq!(quotable(" Invalid\u{7}\r\n login ", &["hunter2"]).as_deref(), Some("Invalid login"));
        assert_eq!(quotable("no user with password HUNTER2", &["hunter2"]), None);
        assert_eq!(quotable("hun\u{7}ter2 is wrong", &["hunter2"]), None);
        assert_eq!(quotable("the code 12\r3456 is wrong", &[]), None);
        assert_eq!(quotable("STRA\u{1E9E}E \u{130}", &["stra\u{DF}e i\u{307}"]), None, "every letter's case");
        assert_eq!(
            quotable("\u{3A3}\u{391}\u{3A3} is wrong", &["\u{3C3}\u{3B1}\u{3C2}"]),
            None,
            "final sigma"
        );
        let long = format!("{}hunter2", " x".repeat(99));
        assert_eq!(quotable(&long, &["hunter2"]), None, "the quotation would end in the middle of it");
        let (quoted, secret) = (quotable(&long, &["hunter3"]).unwrap(), "x".repeat(150));
        assert!(quoted.ends_with("xhun"), "{quoted}");
        assert_eq!(quotable(&format!("   {}", "X".repeat(340)), &[&secret]), None);
        assert_eq!(quotable("  ", &[]), None);
        assert_eq!(quotable(&"x".repeat(500), &[""]).unwrap().len(), 200);
    }
}
