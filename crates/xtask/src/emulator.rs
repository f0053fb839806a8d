//! `plextrac-auth emulator` as a child process, for programs that are not written in Rust.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;

use crate::steps::Halt;

/// A start takes milliseconds; this is for a machine that does much else.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running emulator; it ends when this is dropped.
pub(crate) struct Emulator {
    child: Child,
    greeting: Greeting,
}

impl Emulator {
    /// Starts the command found in `folder` and waits for its first line.
    pub(crate) fn start(folder: &Path) -> Result<Self, Halt> {
        Self::start_with(folder, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(folder: &Path, arguments: &[&str]) -> Result<Self, Halt> {
        let program = folder.join("plextrac-auth");
        let failed = |what: String| Halt::Failed(format!("{} emulator: {what}", program.display()));
        let mut child = Command::new(&program)
            .args(["emulator", "--until-eof"])
            .args(arguments)
            // Closed at the end: the emulator then removes its CA file and ends by itself.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let line = first_line(&mut child);
        let greeting = line.and_then(|line| Greeting::parse(&line));
        match greeting {
            Ok(greeting) => Ok(Self { child, greeting }),
            Err(reason) => {
                end(&mut child);
                Err(failed(reason))
            }
        }
    }

    /// One account a line: user name, password and, if it has one, TOTP secret, with a tab in between.
    pub(crate) fn accounts(&self) -> String {
        let line = |account: &Account| match &account.totp_secret {
            Some(secret) => format!("{}\t{}\t{secret}\n", account.username, account.password),
            None => format!("{}\t{}\n", account.username, account.password),
        };
        self.greeting.accounts.iter().map(line).collect()
    }

    /// What it has seen so far.
    pub(crate) fn stats(&self) -> Result<serde_json::Value, Halt> {
        let failed = |error: &dyn std::fmt::Display| Halt::Failed(format!("the emulator's numbers: {error}"));
        let host = self.greeting.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).map_err(|error| failed(&error))?;
        let request = format!("GET /_emulator/stats HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(|error| failed(&error))?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(|error| failed(&error))?;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        serde_json::from_str(body).map_err(|error| failed(&error))
    }

    /// What a program finds in its environment: the TLS address and the plain one, an account with MFA and one without.
    pub(crate) fn environment(&self) -> Result<Vec<(&'static str, String)>, Halt> {
        let Greeting { url, tls_url, ca_file, accounts } = &self.greeting;
        let with_mfa = accounts.iter().find_map(|account| Some((account, account.totp_secret.as_ref()?)));
        let plain = accounts.iter().find(|account| account.totp_secret.is_none());
        let (Some((account, totp_secret)), Some(plain)) = (with_mfa, plain) else {
            return Err(Halt::Failed("the emulator has no account with MFA, or none without".to_owned()));
        };
        // As people paste it: a program that makes URLs of this text, and not of the base URL, fails.
        let pasted = |url: &str| format!("{url}/api/v1/");
        Ok(vec![
            ("PLEXTRAC_URL", pasted(tls_url)),
            ("PLEXTRAC_HTTP_URL", pasted(url)),
            ("PLEXTRAC_CA_FILE", ca_file.clone()),
            ("PLEXTRAC_USERNAME", account.username.clone()),
            ("PLEXTRAC_PASSWORD", account.password.clone()),
            ("PLEXTRAC_TOTP_SECRET", totp_secret.clone()),
            ("PLEXTRAC_PLAIN_USERNAME", plain.username.clone()),
            ("PLEXTRAC_PLAIN_PASSWORD", plain.password.clone()),
        ])
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The one JSON object that is the command's first line on stdout.
#[derive(Deserialize)]
struct Greeting {
    url: String,
    tls_url: String,
    ca_file: String,
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    username: String,
    password: String,
    totp_secret: Option<String>,
}

impl Greeting {
    fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line)
            .map_err(|error| format!("its first line is not the JSON promised: {error}"))
    }
}

/// The read has a thread of its own, so that a command that says nothing does not hang the tests; the thread
/// goes on to drain the pipe, so that the emulator never waits for its reader.
fn first_line(child: &mut Child) -> Result<String, String> {
    let stdout = child.stdout.take().ok_or("it has no stdout")?;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // After the first line nobody listens; that is no reason to stop reading.
            let _ = sender.send(line);
        }
    });
    receiver.recv_timeout(START_LIMIT).map_err(|error| match error {
        mpsc::RecvTimeoutError::Timeout => format!("no line on stdout within {} s", START_LIMIT.as_secs()),
        mpsc::RecvTimeoutError::Disconnected => "it ended without a line on stdout".to_owned(),
    })
}

/// Asks it to end, and ends it if it does not.
fn end(child: &mut Child) {
    drop(child.stdin.take());
    for _ in 0..500 {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        // std has no wait with a deadline.
        std::thread::sleep(Duration::from_millis(2));
    }
    // Errors mean that it has ended meanwhile.
    let _ = child.kill();
    let _ = child.wait();
}
