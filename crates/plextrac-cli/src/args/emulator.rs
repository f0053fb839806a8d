//! The options of `emulator`. Which values make no sense is the emulator's decision, not clap's.

use std::path::PathBuf;

use clap::Args;

/// Settings of the emulator, and how it prints where it is.
#[derive(Debug, Args)]
#[command(after_help = "\
The first line on standard output is one JSON object: url, tls_url, ca_file, accounts.
Then the emulator runs until SIGINT or SIGTERM. These control it:
  POST /_emulator/{advance,fault,revoke,reset}    GET /_emulator/stats
It listens on 127.0.0.1 only. Its passwords are no secrets.
Its manual, with every fault and the format of --routes, is docs/emulator.md.

In a script:
  eval \"$(plextrac-auth emulator --env &)\"
  plextrac-auth request GET /api/v2/whoami
  kill \"$PLEXTRAC_EMULATOR_PID\"")]
pub(crate) struct EmulatorArgs {
    /// The port for HTTP; 0 is any free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,

    /// The port for HTTPS; 0 is any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) tls_port: u16,

    /// Create this number of accounts, every second one with MFA, instead of the two default accounts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=9999))]
    pub(crate) accounts: Option<u16>,

    /// Print lines for a POSIX shell, `export PLEXTRAC_URL=…` and more, in place of the JSON line
    #[arg(long)]
    pub(crate) env: bool,

    /// End when standard input ends, so that the emulator does not outlive the program that started it
    #[arg(long)]
    pub(crate) until_eof: bool,

    #[command(flatten)]
    pub(crate) instance: InstanceArgs,
}

/// What differs between instances.
#[derive(Debug, Args)]
#[command(next_help_heading = "The instance")]
pub(crate) struct InstanceArgs {
    /// Put the API below a path, as some deployments do
    #[arg(long, value_name = "PATH", default_value = "")]
    pub(crate) path_prefix: String,

    /// Read static answers for further paths from a JSON file
    #[arg(long, value_name = "FILE")]
    pub(crate) routes: Option<PathBuf>,

    /// Authentication requests accepted in any minute
    #[arg(long, value_name = "REQUESTS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,

    /// Do not count refreshes against the limit
    #[arg(long)]
    pub(crate) unlimited_refresh: bool,

    /// The Retry-After header of the limit's 429: `auto` (until a request is accepted), `none`, or seconds
    #[arg(long, value_name = "SECONDS", default_value = "auto", value_parser = retry_after)]
    pub(crate) retry_after: RetryAfterArg,

    /// The HTTP status of a rejected sign-in, 2xx or 4xx; the body says "status": "error"
    #[arg(long, value_name = "CODE", default_value_t = 401)]
    pub(crate) rejection_status: u16,

    /// Lock an account after this number of rejections in a row, or `never`
    #[arg(long, value_name = "N", default_value = "10", value_parser = lock_after)]
    pub(crate) lock_after: LockAfter,

    /// The HTTP status of a sign-in to a locked account [default: the same answer as for a rejection]
    #[arg(long, value_name = "CODE")]
    pub(crate) locked_status: Option<u16>,

    /// Put tenant_id into the answer with an MFA challenge
    #[arg(long)]
    pub(crate) challenge_tenant_id: bool,

    /// Add the fields of this JSON object to the answer of whoami
    #[arg(long, value_name = "JSON")]
    pub(crate) whoami_fields: Option<String>,

    /// How long a token lives
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) token_life: u64,

    /// Make tokens longer by this number of bytes, as many permissions do; 1048576 at most
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub(crate) token_padding: usize,

    /// Delay the answers of both sign-in steps
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) sign_in_delay: u64,

    /// Delay the answer of a refresh
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) refresh_delay: u64,
}

/// After how many rejections an account locks; `None` is never.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockAfter(pub(crate) Option<u32>);

/// The `Retry-After` header of a rate limit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RetryAfterArg {
    Auto,
    None,
    Seconds(u32),
}

fn lock_after(text: &str) -> Result<LockAfter, String> {
    match text {
        "never" => Ok(LockAfter(None)),
        _ => text
            .parse()
            .map(|rejections| LockAfter(Some(rejections)))
            .map_err(|_| "expected `never` or a number of rejections".into()),
    }
}

fn retry_after(text: &str) -> Result<RetryAfterArg, String> {
    match text {
        "auto" => Ok(RetryAfterArg::Auto),
        "none" => Ok(RetryAfterArg::None),
        _ => text
            .parse()
            .map(RetryAfterArg::Seconds)
            .map_err(|_| "expected `auto`, `none` or a number of seconds".into()),
    }
}
