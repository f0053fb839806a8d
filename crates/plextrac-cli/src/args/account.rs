//! The arguments that name an account, and the way to its instance.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, ValueEnum};

use super::StoreArgs;

/// The account, the instance, and the way to it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Account and instance")]
pub(crate) struct AccountArgs {
    /// The instance, such as acme.plextrac.com
    #[arg(long, env = "PLEXTRAC_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,

    /// The user name, usually an e-mail address
    #[arg(long, value_name = "NAME", env = "PLEXTRAC_USERNAME", hide_env_values = true)]
    pub(crate) username: Option<String>,

    /// Use the settings of this profile [default: the one that `profile use` has set]
    #[arg(long, value_name = "NAME", env = "PLEXTRAC_PROFILE", hide_env_values = true)]
    pub(crate) profile: Option<String>,

    /// Read the password from the first line of standard input. With exec, the child reads the rest
    #[arg(long)]
    pub(crate) password_stdin: bool,

    /// Run this command and read the password from its first line. No shell runs it; quoting is as in a shell
    #[arg(long, value_name = "COMMAND", env = "PLEXTRAC_PASSWORD_COMMAND", hide_env_values = true)]
    pub(crate) password_command: Option<String>,

    /// Run this command and read the one-time code from its first line, if a code is needed
    #[arg(long, value_name = "COMMAND", env = "PLEXTRAC_CODE_COMMAND", hide_env_values = true)]
    pub(crate) code_command: Option<String>,

    /// Never prompt, even on a terminal
    #[arg(long)]
    pub(crate) no_prompt: bool,

    /// Trust the certificates in this PEM file as well as the system's
    #[arg(long, value_name = "FILE", env = "PLEXTRAC_CA_FILE", hide_env_values = true)]
    pub(crate) ca_file: Option<PathBuf>,

    /// A file with headers for every request, one `Name: value` per line, for a gateway in front of the instance
    #[arg(long, value_name = "FILE", env = "PLEXTRAC_HEADERS_FILE", hide_env_values = true)]
    pub(crate) headers_file: Option<PathBuf>,

    /// Authorization scheme: the token alone (raw), or after the word Bearer [default: raw]
    #[arg(long, value_enum, env = "PLEXTRAC_AUTH_SCHEME", hide_env_values = true)]
    pub(crate) auth_scheme: Option<AuthScheme>,

    /// Use this proxy, http://HOST:PORT, or none if empty [default: from HTTPS_PROXY and NO_PROXY]
    #[arg(long, value_name = "URL", env = "PLEXTRAC_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,

    /// The directory in which the runs of one user share sessions [default: the platform's directory for
    /// state, below ~/.local/state on Linux]
    #[arg(long, value_name = "DIR", env = "PLEXTRAC_STATE_DIR", hide_env_values = true)]
    pub(crate) state_dir: Option<PathBuf>,

    /// Sign in without a state directory. The next run then does not know rejected passwords, used codes and
    /// sent requests
    #[arg(
        long,
        env = "PLEXTRAC_NO_STATE",
        hide_env_values = true,
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub(crate) no_state: bool,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// Wait limit for the budget and for rate limits. If the wait would be longer, the exit code is 5
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1800))]
    pub(crate) wait: u64,

    /// Time limit for the command, not counting --wait and prompts. A request that was already sent may take as
    /// long again
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=1800))]
    pub(crate) timeout: u64,

    /// Allow http:// to other machines. Others in the network can read the password
    #[arg(long)]
    pub(crate) allow_http: bool,

    /// Accept any certificate. Others in the network can read the password
    #[arg(long)]
    pub(crate) insecure_skip_verify: bool,

    #[arg(skip)]
    pub(crate) origins: Origins,

    #[arg(skip)]
    pub(crate) new_profile: NewProfile,
}

impl AuthScheme {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Bearer => "bearer",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        [Self::Raw, Self::Bearer].into_iter().find(|scheme| scheme.name() == name)
    }
}

/// What becomes of a profile that is named and does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NewProfile {
    /// It is an error.
    #[default]
    Refused,
    /// A person is asked whether to save it, and without one it is an error.
    Offered,
    /// It is saved.
    Saved,
}

/// Where the values of the arguments come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    environment: Vec<String>,
}

impl Origins {
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let is_environment =
            |id: &&clap::Id| matches.value_source(id.as_str()) == Some(ValueSource::EnvVariable);
        Self { environment: matches.ids().filter(is_environment).map(ToString::to_string).collect() }
    }

    /// Whether the environment gave the value of this argument, which is then not on the command line.
    pub(crate) fn is_environment(&self, id: &str) -> bool {
        self.environment.iter().any(|name| name == id)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuthScheme {
    Raw,
    Bearer,
}
