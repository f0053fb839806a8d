//! Leaving a process behind that keeps a session alive: for `login --keep`.
//!
//! It is this command again, `plextrac-auth keep`, so no secret of the account, no lock and no thread of this process is
//! copied. With a store, a key that is in the environment is inherited.
//! It finds its settings in its environment, and the session in the state directory. There is no connection between the
//! two: the account's record says when it has begun.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::exit::{Exit, Failure};
use crate::settings::{Set, Settings, Source};

/// How long the new process may take until the record names it.
const BEGINNING: Duration = Duration::from_secs(20);
/// Between two looks at the record.
const PAUSE: Duration = Duration::from_millis(50);
/// Two ends that are no further apart are the same.
const SAME: Duration = Duration::from_secs(2);

/// Secrets, and the commands for them: a keeper needs none.
const NOT_NEEDED: &[&str] = &[
    "PLEXTRAC_PASSWORD",
    "PLEXTRAC_TOTP_SECRET",
    "PLEXTRAC_CODE",
    "PLEXTRAC_TOKEN",
    "PLEXTRAC_PASSWORD_COMMAND",
    "PLEXTRAC_CODE_COMMAND",
    "PLEXTRAC_NO_STATE",
];

/// Leaves a process behind that keeps the account's session alive, unless one does so long enough already.
pub(crate) fn keep(account: &Account, duration: Duration) -> Result<(), Failure> {
    if !account.is_shared() {
        return Err(Failure::other(
            "the session cannot be kept alive without a state directory or a store: there the keeper finds it",
        ));
    }
    // The token is in the record before another process looks for it there.
    account.settle();
    let until = Instant::now() + duration;
    if is_kept(account, until) {
        return Ok(());
    }
    let mut child = start(account.settings(), duration)
        .map_err(|error| Failure::other(format!("`plextrac-auth keep` cannot be started: {error}")))?;
    let ends = Instant::now() + BEGINNING;
    loop {
        let is_over = child.try_wait().ok().flatten();
        if is_kept(account, until) {
            return Ok(());
        }
        if let Some(status) = is_over {
            return Err(failed(child, status.code()));
        }
        if Instant::now() >= ends {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::other(format!(
                "`plextrac-auth keep` did not begin within {} s; run it in the foreground to see why",
                BEGINNING.as_secs()
            )));
        }
        thread::sleep(PAUSE);
    }
}

fn is_kept(account: &Account, until: Instant) -> bool {
    account.status().keeper.is_some_and(|keeper| Instant::now() + keeper.ends_in + SAME >= until)
}

fn start(settings: &Settings, duration: Duration) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["keep", "--in-background", "--no-prompt", "--for"]);
    command.arg(format!("{}s", duration.as_secs()));
    if settings.allow_http {
        command.arg("--allow-http");
    }
    if settings.insecure_skip_verify {
        command.arg("--insecure-skip-verify");
    }
    command.arg("--timeout").arg(settings.timeout.as_secs().to_string());
    for name in NOT_NEEDED {
        command.env_remove(name);
    }
    if settings.store.as_ref().is_some_and(|store| store.key_file.is_some()) {
        // The file was chosen; both together are an error.
        command.env_remove("PLEXTRAC_STORE_KEY");
    }
    for (name, value) in environment(settings)? {
        command.env(name, value);
    }
    #[cfg(unix)]
    {
        // A lock that a script holds on a descriptor must not live as long as the new process.
        close_fds::set_fds_cloexec(3, &[]);
        command.current_dir("/");
    }
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, DETACHED_PROCESS);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
}

/// It has no console, so closing the one of this process does not end it.
#[cfg(windows)]
const DETACHED_PROCESS: u32 = 0x0000_0008;

/// The settings, as variables: other users can read the arguments of a process. What the profile says, the new process
/// reads there.
fn environment(settings: &Settings) -> std::io::Result<Vec<(&'static str, OsString)>> {
    let mut variables = Vec::new();
    let mut text = |name, set: Option<&Set<String>>| {
        let set = set.filter(|set| set.source != Source::Profile);
        variables.extend(set.map(|set| (name, OsString::from(&set.value))));
    };
    text("PLEXTRAC_URL", Some(&settings.url));
    text("PLEXTRAC_USERNAME", settings.username.as_ref());
    text("PLEXTRAC_PROXY", settings.proxy.as_ref());
    variables.extend(settings.profile.as_ref().map(|name| ("PLEXTRAC_PROFILE", OsString::from(name))));
    let scheme = settings.auth_scheme.as_ref().filter(|set| set.source != Source::Profile);
    variables.extend(scheme.map(|set| ("PLEXTRAC_AUTH_SCHEME", OsString::from(set.value.name()))));
    let paths: [(&'static str, &Option<Set<PathBuf>>); 3] = [
        ("PLEXTRAC_CA_FILE", &settings.ca_file),
        ("PLEXTRAC_HEADERS_FILE", &settings.headers_file),
        ("PLEXTRAC_STATE_DIR", &settings.state_dir),
    ];
    for (name, set) in paths {
        if let Some(set) = set {
            variables.push((name, absolute(&set.value)?));
        }
    }
    if let Some(store) = &settings.store {
        if store.url.source != Source::Profile {
            variables.push(("PLEXTRAC_STORE", OsString::from(&store.url.value)));
        }
        if let Some(path) = &store.key_file {
            variables.push(("PLEXTRAC_STORE_KEY_FILE", absolute(&path.value)?));
        }
        let down = store.down.as_ref().filter(|set| set.source != Source::Profile);
        variables.extend(down.map(|set| ("PLEXTRAC_STORE_DOWN", OsString::from(set.value.name()))));
    }
    Ok(variables)
}

/// The new process runs in another folder, so that it keeps none from being removed.
fn absolute(path: &Path) -> std::io::Result<OsString> {
    std::path::absolute(path).map(PathBuf::into_os_string)
}

/// What the new process says of its failure.
fn failed(mut child: Child, code: Option<i32>) -> Failure {
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(LONGEST_MESSAGE).read_to_string(&mut said);
    }
    let said = said.trim().trim_start_matches("plextrac-auth: ");
    let said = if said.is_empty() { "`plextrac-auth keep` ended at once" } else { said };
    let exit = if code == Some(Exit::MfaNeeded as i32) { Exit::MfaNeeded } else { Exit::Other };
    Failure::Message(exit, format!("the session is not kept alive: {said}"))
}

const LONGEST_MESSAGE: u64 = 4096;

/// Makes this process independent of the terminal and the shell that it was started from.
pub(crate) fn leave_terminal() {
    // It fails only for the leader of a process group, which a process that was just started by another one is not.
    #[cfg(unix)]
    let _ = rustix::process::setsid();
}
