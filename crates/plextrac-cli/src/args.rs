//! The command line. `completion` and `man` print what they know of it from here.
//!
//! No flag takes a password, a TOTP secret or a token: other users of the machine can read the arguments of
//! every process.

mod account;
pub(crate) mod emulator;
mod keep;
mod profile;
mod store;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use account::{AccountArgs, AuthScheme, NewProfile, Origins};
pub(crate) use emulator::EmulatorArgs;
pub(crate) use keep::KeepArgs;
pub(crate) use profile::{ProfileAction, ProfileArgs};
#[cfg(feature = "redis")]
pub(crate) use store::StoreKeyArgs;
pub(crate) use store::{StoreArgs, StoreDown};

use crate::durations;
use crate::exit::EXIT_CODES;

/// Signs in to PlexTrac, with or without MFA, for scripts and people.
#[derive(Debug, Parser)]
#[command(name = "plextrac-auth", version, max_term_width = 100, after_help = after_help())]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the arguments and the environment of this process say. The error may also be a help text that was asked for.
pub(crate) fn parse() -> Result<Cli, clap::Error> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    parse_frequent(&arguments).map_or_else(|| parse_any(&arguments), Ok)
}

/// The commands that scripts run again and again. To describe all commands takes longer than all the rest of such a run,
/// so only this one is described. `None` if that finds anything but complete arguments: then the whole description has
/// the words for it.
fn parse_frequent(arguments: &[OsString]) -> Option<Cli> {
    let (name, arguments) = arguments.get(1..)?.split_first()?;
    let command = match name.to_str()? {
        "token" => parse_alone(arguments, Command::Token)?,
        "header" => parse_alone(arguments, Command::Header)?,
        "request" => parse_alone(arguments, Command::Request)?,
        "exec" => parse_alone(arguments, Command::Exec)?,
        _ => return None,
    };
    Some(Cli { command })
}

fn parse_alone<A: Args>(arguments: &[OsString], command: fn(A) -> Command) -> Option<Command> {
    let description = A::augment_args(clap::Command::new("plextrac-auth").no_binary_name(true));
    let description = description.mut_args(unless_set_to_nothing);
    let mut matches = description.try_get_matches_from(arguments).ok()?;
    let origins = Origins::of(&matches);
    let mut command = command(A::from_arg_matches_mut(&mut matches).ok()?);
    command.account_mut()?.origins = origins;
    Some(command)
}

fn parse_any(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = Cli::command().mut_subcommands(|command| command.mut_args(unless_set_to_nothing));
    command.build();
    command = command.mut_subcommands(with_fixed_usage);
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    let origins = matches.subcommand().map(|(_, matches)| Origins::of(matches)).unwrap_or_default();
    let mut cli = Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
    if let Command::Login(args) = &mut cli.command {
        args.account.new_profile = match (args.save, args.no_save) {
            (true, _) => NewProfile::Saved,
            (false, true) => NewProfile::Refused,
            (false, false) => NewProfile::Offered,
        };
    }
    #[cfg(feature = "redis")]
    if let Command::StoreKey(args) = &mut cli.command {
        args.origins = origins.clone();
    }
    if let Some(account) = cli.command.account_mut() {
        account.origins = origins;
    }
    Ok(cli)
}

/// A variable that is empty sets nothing: in many a place, such as a unit of systemd, one cannot be unset. An empty
/// proxy says something, as with the flag.
fn unless_set_to_nothing(argument: clap::Arg) -> clap::Arg {
    let is_empty = |name| std::env::var_os(name).is_some_and(|value| value.is_empty());
    match argument.get_env() {
        Some(name) if name != "PLEXTRAC_PROXY" && is_empty(name) => {
            argument.env(clap::builder::Resettable::Reset)
        }
        _ => argument,
    }
}

/// The usage of an error lists every option that is set, also by the environment, as if it were required. That of the
/// help text does not.
fn with_fixed_usage(command: clap::Command) -> clap::Command {
    let mut command = command.mut_subcommands(with_fixed_usage);
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    command.override_usage(usage)
}

/// The variables that no option stands for: a secret is never an argument.
pub(crate) const SECRETS: &[(&str, &str)] = &[
    ("PLEXTRAC_PASSWORD", "the password"),
    ("PLEXTRAC_TOTP_SECRET", "the account's TOTP secret, as base32 or as an otpauth:// URI"),
    ("PLEXTRAC_CODE", "one one-time code, for this run"),
    ("PLEXTRAC_TOKEN", "a token obtained elsewhere"),
    ("PLEXTRAC_STORE_KEY", "the key of the shared store, in base64"),
];

fn after_help() -> String {
    let mut text =
        "Secrets come from the environment, a command or a prompt on the terminal, and never from an argument:\n"
            .to_owned();
    for (name, meaning) in SECRETS {
        text.push_str(&format!("  {name:<20}  {meaning}\n"));
    }
    text.push_str("A prompt appears only if standard error is a terminal.\n\nExit codes:\n");
    for (code, meaning) in EXIT_CODES {
        text.push_str(&format!("  {code:>3}  {meaning}\n"));
    }
    text + "\nTry it without an instance: plextrac-auth demo"
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in, unless there is a live session
    Login(LoginArgs),
    /// Print a live token, alone on one line
    Token(TokenArgs),
    /// Print a live token as one `Authorization: …` line
    Header(HeaderArgs),
    /// Send one authorized request; the body of the answer goes to standard output
    Request(RequestArgs),
    /// Run a command with a live token in its environment
    Exec(ExecArgs),
    /// Keep the session alive while no command needs it
    Keep(KeepArgs),
    /// Show what is known of the session, without sending anything
    Status(StatusArgs),
    /// Forget the session's token
    Logout(LogoutArgs),
    /// List, show, choose and remove profiles
    Profile(ProfileArgs),
    /// Make the key of a shared store, or change which keys open one
    #[cfg(feature = "redis")]
    StoreKey(StoreKeyArgs),
    /// Find problems of the setup, without signing in
    Doctor(DoctorArgs),
    /// Run a server that stands in for an instance, to test programs
    Emulator(EmulatorArgs),
    /// Show the main features against an emulator inside this command
    Demo(DemoArgs),
    /// Print the completion script for a shell
    Completion(CompletionArgs),
    /// Print a man page, or write all of them to a directory
    Man(ManArgs),
}

impl Command {
    fn account_mut(&mut self) -> Option<&mut AccountArgs> {
        match self {
            Self::Login(args) => Some(&mut args.account),
            Self::Token(args) => Some(&mut args.account),
            Self::Header(args) => Some(&mut args.account),
            Self::Request(args) => Some(&mut args.account),
            Self::Exec(args) => Some(&mut args.account),
            Self::Keep(args) => Some(&mut args.account),
            Self::Status(args) => Some(&mut args.account),
            Self::Logout(args) => Some(&mut args.account),
            Self::Doctor(args) => Some(&mut args.account),
            #[cfg(feature = "redis")]
            Self::StoreKey(_) => None,
            Self::Profile(_) | Self::Emulator(_) | Self::Demo(_) | Self::Completion(_) | Self::Man(_) => None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Sign in even if there is a live session, and allow a rejected password to be sent once more
    #[arg(long)]
    pub(crate) again: bool,

    /// Start a background process that keeps the session alive for this time, as `plextrac-auth keep` does, such as 8h,
    /// 30m or 90s. A code is then needed only once
    #[arg(long, value_name = "DURATION", value_parser = durations::parse)]
    pub(crate) keep: Option<Duration>,

    /// Save URL, user name and connection settings in the profile that --profile names, or in one with the name of the
    /// host. No secret is saved. Without this option, the command asks on a terminal
    #[arg(long, conflicts_with = "no_save")]
    pub(crate) save: bool,

    /// Do not save a profile, and do not ask
    #[arg(long)]
    pub(crate) no_save: bool,

    /// As one JSON object; durations in milliseconds
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
If its own request is answered with 401, a program gets another token once:
  plextrac-auth token --rejected-stdin <<< \"$rejected_token\"")]
pub(crate) struct TokenArgs {
    /// Read a token that was answered with 401 from the first line of standard input, and print another one: the token
    /// that another run has meanwhile, or else a new one
    #[arg(long, conflicts_with = "password_stdin")]
    pub(crate) rejected_stdin: bool,

    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HeaderArgs {
    /// As a line for `curl --config -`
    #[arg(long)]
    pub(crate) curl_config: bool,

    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "plextrac-auth request [OPTIONS] [METHOD] <PATH>",
    after_help = "\
If the answer is not 2xx, the command exits with 1 and standard error names the status. The body is written as \
usual; with --fail it is dropped. If a transfer breaks off, the command exits with 6 and does not change the file of \
--output.

Redirects are not followed. After a 401 the command gets one new token and sends the request once more, unless its body \
comes through a pipe and is over 1 MiB.

No body is held in memory, except JSON that comes through a pipe. --timeout is for progress here: the command fails if no \
byte moves for that time.

--retry waits as long as the answer asks (Retry-After), or else 1, 2, 4 s and so on."
)]
pub(crate) struct RequestArgs {
    /// The HTTP method, in any case [default: GET, or POST with a body]
    #[arg(value_name = "METHOD")]
    pub(crate) method_or_path: Option<String>,

    /// A path on the instance, percent-encoded, such as /api/v1/client/list; or a whole URL of the instance
    pub(crate) path: Option<String>,

    /// The HTTP method, instead of METHOD
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub(crate) method: Option<String>,

    /// Send this JSON: text, @FILE, or standard input (-)
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub(crate) json: Option<String>,

    /// Send these bytes, as application/octet-stream unless --header says otherwise: text, @FILE, or standard input (-)
    #[arg(short, long, value_name = "TEXT|@FILE|-", conflicts_with = "json", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,

    /// Send a field or a file as multipart/form-data; can be given several times. `;type=MEDIA/TYPE` after a file sets
    /// its type
    #[arg(short = 'F', long, value_name = "NAME=VALUE|NAME=@FILE", conflicts_with_all = ["json", "data"])]
    pub(crate) form: Vec<String>,

    /// Send a header with this request; can be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,

    /// Write the body to this file. It is replaced when the whole answer has arrived
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Write status and headers before the body
    #[arg(short, long)]
    pub(crate) include: bool,

    /// Write no body if the answer is not 2xx
    #[arg(short, long)]
    pub(crate) fail: bool,

    /// Repeat the request up to this many times after HTTP 429, 502, 503 or 504, after a connection failure and after
    /// a timeout; not with POST or PATCH
    #[arg(long, value_name = "TIMES", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100))]
    pub(crate) retry: u32,

    /// Show requests and answers on standard error, without bodies and secrets
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Show no progress and no note about a retry
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The environment of the command has PLEXTRAC_URL, PLEXTRAC_TOKEN (the token alone) and PLEXTRAC_AUTHORIZATION
(the value for the Authorization header). The token there is not refreshed: it lives 15 minutes at most.
User name, files, state directory or store, scheme and proxy are passed too, so that the same command or library shares
session and budget with this one. Password, TOTP secret, one-time code and the commands for them are not passed.
With --ca-file, SSL_CERT_FILE, CURL_CA_BUNDLE and REQUESTS_CA_BUNDLE name a file with the system's certificates and
those of FILE, and NODE_EXTRA_CA_CERTS names FILE. A variable that is already set is not changed.
The exit code is the command's own; 127 if it is not found and 126 if it cannot be executed, without a sign-in.")]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    pub(crate) account: AccountArgs,

    /// The command and its arguments. Options of exec come before it; `--` may separate them
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// As one JSON object, or with --all a list of them; durations in milliseconds
    #[arg(long)]
    pub(crate) json: bool,

    /// The accounts of all profiles
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
PlexTrac has no call that ends a session: the token itself stays valid until it expires, at most 15 minutes.")]
pub(crate) struct LogoutArgs {
    /// The accounts of all profiles
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// As one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Sign in once and refresh once, and write to this file what the instance answers: statuses, names of headers and
    /// fields, kinds of values, and times. It never holds a secret, a user name or an address
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Allow the sign-in for --report without a prompt
    #[arg(long, requires = "report")]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) account: AccountArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is sent to other machines. The demonstration moves the clock of both sides, so it does not wait.
Exits with 1 if the server saw anything other than what the demonstration reports.")]
pub(crate) struct DemoArgs {}

#[derive(Debug, Args)]
#[command(after_help = "\
`cargo xtask install` and packages install these scripts where the shells look for them. Without that:
  bash  add to ~/.bashrc:  source <(plextrac-auth completion bash)
  zsh   add to ~/.zshrc, after compinit:  source <(plextrac-auth completion zsh)
  fish  plextrac-auth completion fish >~/.config/fish/completions/plextrac-auth.fish")]
pub(crate) struct CompletionArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
To read a page that is not installed:  plextrac-auth man login | man -l -")]
pub(crate) struct ManArgs {
    /// The subcommand whose page is printed [default: the page of plextrac-auth itself]
    pub(crate) page: Option<String>,

    /// Write every page to this directory, and print nothing
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    pub(crate) output_dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_short_way_reads_arguments_as_the_long_way_does() {
        for line in [
            "plextrac-auth token",
            "plextrac-auth token --url acme.example --username a --no-prompt --wait 5",
            "plextrac-auth token --rejected-stdin --profile acme",
            "plextrac-auth header --curl-config --state-dir /x --insecure-skip-verify",
            "plextrac-auth request /api/v2/whoami -H A:b -H C:d --retry 3",
            "plextrac-auth request --json - POST /api/v1/x --auth-scheme bearer",
            "plextrac-auth exec --timeout 3 cmd --flag -- rest",
            "plextrac-auth exec -- cmd --timeout 3",
        ] {
            let short = parse_frequent(&words(line)).unwrap_or_else(|| panic!("{line}"));
            let long = parse_any(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(format!("{short:?}"), format!("{long:?}"), "{line}");
        }
    }

    #[test]
    fn the_long_way_has_the_words_for_an_error() {
        for line in [
            "plextrac-auth",
            "plextrac-auth tok",
            "plextrac-auth --version",
            "plextrac-auth token --help",
            "plextrac-auth token --nope",
            "plextrac-auth token --wait 9999",
            "plextrac-auth token --rejected-stdin --password-stdin",
            "plextrac-auth exec",
        ] {
            assert!(parse_frequent(&words(line)).is_none(), "{line}");
            assert!(parse_any(&words(line)).is_err(), "{line}");
        }
    }

    #[test]
    fn no_argument_takes_a_secret() {
        let cli = Cli::command();
        let mut seen = 0;
        for command in cli.get_subcommands() {
            for argument in command.get_arguments() {
                seen += 1;
                let takes_value = argument.get_action().takes_values();
                let name = argument.get_id().as_str();
                let is_secret =
                    ["password", "totp", "token", "secret", "digits"].iter().any(|word| name.contains(word));
                assert!(
                    !(takes_value && is_secret)
                        || ["token_life", "token_padding", "password_command"].contains(&name),
                    "{} takes {name}",
                    command.get_name()
                );
            }
        }
        assert!(seen > 50, "the arguments were looked at");
    }
}
