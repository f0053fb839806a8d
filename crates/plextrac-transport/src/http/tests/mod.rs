//! The client against servers that behave, servers that do not, and servers that do nothing.

mod authority;
// It asks the kernel about sleeping threads, and elsewhere less is promised.
#[cfg(target_os = "linux")]
mod cancellation;
mod exchange;
mod hostile;
mod proxied;
mod reuse;
mod server;
mod streams;
mod trust;

use std::time::{Duration, Instant};

use http::Method;

use super::error::HttpSetupError;
use super::*;

/// Far more than any of these calls takes. A test that reaches it has failed.
const PLENTY: Duration = Duration::from_secs(30);

/// What "at once" must stay under on a busy machine: far below [`PLENTY`].
const AT_ONCE: Duration = Duration::from_secs(5);

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn direct() -> HttpOptions {
    HttpOptions { proxy: ProxySetting::None, ..HttpOptions::default() }
}

fn client() -> HttpClient {
    HttpClient::new(&direct()).unwrap()
}

fn get(url: &str) -> Call<'_> {
    Call {
        method: Method::GET,
        url,
        headers: &[],
        body: None,
        limit: TimeLimit::Whole(Instant::now() + PLENTY),
        body_limit: 1024 * 1024,
        cancel: &[],
    }
}

fn post<'a>(url: &'a str, body: &'a [u8]) -> Call<'a> {
    Call { method: Method::POST, body: Some(CallBody::Bytes(body)), ..get(url) }
}
