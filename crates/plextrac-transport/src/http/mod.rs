//! One HTTP exchange at a time, over connections that are kept: effects only.
//!
//! In scope: finding the host, proxies, TCP, TLS, HTTP/1.1, deadlines, limits, cancellation, and wiping what carried
//! secrets. Out of scope: what an answer means, what is tried again, tokens, budgets.
//!
//! ```text
//!   HttpClient::open ──► ureq (HTTP/1.1 and the pool of idle connections)
//!        │                 │ a new connection          │ bytes
//!        │                 ▼                           ▼
//!        │             Dialer: resolver → socket    Connection: wiped buffers
//!        │               → tunnel → tls                │
//!        ▼                 │                           ▼
//!   CallContext (deadline, tokens; thread-local) ◄──── Socket: the only place that blocks
//! ```
//!
//! ureq runs wholly on the caller's thread, and hands nothing of ours through to a connection it took from the pool.
//! So the call under way, [`context::CallContext`], is a thread-local for as long as it lasts; a socket reads from it how
//! long it may block and who may interrupt it.
//!
//! # Logs
//! At level `trace`, ureq's protocol crate writes request heads and answers to `log`, credentials included. Nothing
//! here enables a logger; a program that does must leave `ureq_proto` at `debug` or above.

mod body;
mod buffers;
mod call;
mod call_context;
mod client;
mod connection;
mod dialer;
mod endpoint;
mod error;
mod incoming;
mod no_proxy;
mod observer;
mod options;
mod proxy;
mod resolver;
mod self_signed;
mod socket;
mod tls;
mod tls_failure;
mod trust;
mod tunnel;
mod upload;

#[cfg(plextrac_shuttle)]
pub(crate) use crate::model_check::HttpClient;
pub(crate) use call::{Answer, Call, CallBody, TimeLimit, secret_header_value};
#[cfg(not(plextrac_shuttle))]
pub(crate) use client::HttpClient;
#[cfg(not(plextrac_shuttle))]
pub(crate) use client::prepare;
pub(crate) use error::{HttpError, HttpErrorKind};
#[cfg(not(plextrac_shuttle))]
pub(crate) use incoming::Incoming;
pub use observer::HttpEvent;
pub(crate) use observer::HttpObserver;
pub use options::{CaBundle, ClientCertificate, ProxySetting, Roots};
pub(crate) use options::{DEFAULT_USER_AGENT, HttpOptions};
pub(crate) use upload::BodySource;

#[cfg(all(test, not(plextrac_shuttle)))]
mod tests;
