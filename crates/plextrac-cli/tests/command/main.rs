//! The command as scripts and people meet it: the real binary, against an emulator over TLS.

#[cfg(target_os = "linux")]
mod cron;
mod demo;
mod doctor;
#[cfg(unix)]
mod emulator;
#[cfg(unix)]
mod emulator_env;
#[cfg(unix)]
mod emulator_options;
#[cfg(unix)]
mod engine;
mod exit_codes;
#[cfg(target_os = "linux")]
mod keep;
mod manual;
#[cfg(unix)]
mod profiles;
#[cfg(target_os = "linux")]
mod pty;
#[cfg(unix)]
mod recipes;
mod requests;
mod secrecy;
#[cfg(unix)]
mod secret_sources;
mod settings;
#[cfg(unix)]
mod shared_store;
#[cfg(unix)]
mod sharing;
mod signing_in;
mod stand;
#[cfg(target_os = "linux")]
mod terminal;
#[cfg(target_os = "linux")]
mod transfers;
