//! Having a proxy connect us to the target: CONNECT (RFC 9110, section 9.3.6).
//!
//! Targets without TLS go through a tunnel too; a proxy may refuse that for port 80.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use super::call_context::CallContext;
use super::endpoint::Endpoint;
use super::error::{HttpError, HttpErrorKind};
use super::proxy::Proxy;
use super::socket::stop_in;
use super::tls::Channel;
use super::{dialer, tls_failure};

/// The longest head of a proxy's answer, in bytes.
const LONGEST_HEAD: usize = 8 * 1024;
const MOST_HEADERS: usize = 64;

/// Makes `channel`, a connection to the proxy, one to `target`.
pub(super) fn open(
    channel: &mut Channel,
    proxy: &Proxy,
    target: &Endpoint,
    user_agent: &str,
) -> Result<(), HttpError> {
    let request = request(proxy, target, user_agent);
    let answered = channel
        .write_all(request.as_bytes())
        .and_then(|()| channel.flush())
        .and_then(|()| read_status(channel));
    let status = answered.map_err(|error| broken(&error, proxy, target))?;
    match status {
        200..=299 => Ok(()),
        407 => Err(refused(
            proxy,
            target,
            "it asks for credentials",
            "give them in the proxy's URL, user:password@",
        )),
        _ => Err(refused(proxy, target, &format!("it answered {status}"), "ask the proxy's administrator")),
    }
}

fn request(proxy: &Proxy, target: &Endpoint, user_agent: &str) -> Zeroizing<String> {
    let authorization = proxy.authorization.as_ref();
    // Sized once, so that no outgrown copy of the credentials is left behind.
    let size =
        128 + 2 * target.to_string().len() + user_agent.len() + authorization.map_or(0, |value| value.len());
    let mut request = Zeroizing::new(String::with_capacity(size));
    let mut add = |pieces: &[&str]| pieces.iter().for_each(|piece| request.push_str(piece));
    let host = target.to_string();
    add(&["CONNECT ", &host, " HTTP/1.1\r\nHost: ", &host, "\r\nUser-Agent: ", user_agent, "\r\n"]);
    if let Some(value) = authorization {
        add(&["Proxy-Authorization: ", value, "\r\n"]);
    }
    add(&["\r\n"]);
    request
}

fn read_status(channel: &mut Channel) -> io::Result<u16> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut head = [0; LONGEST_HEAD];
    let mut filled = 0;
    loop {
        match channel.read(&mut head[filled..])? {
            0 if filled == head.len() => return Err(invalid("its answer is too long")),
            0 => return Err(invalid("it closed the connection")),
            count => filled += count,
        }
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match response.parse(&head[..filled]) {
            Ok(httparse::Status::Partial) => {}
            Ok(httparse::Status::Complete(length)) => {
                let status = response.code.unwrap_or_default();
                // The target speaks only when spoken to. What comes before would be taken for its answer.
                if (200..=299).contains(&status) && length != filled {
                    return Err(invalid("it sent more than its answer"));
                }
                return Ok(status);
            }
            Err(_) => return Err(invalid("its answer is not HTTP")),
        }
    }
}

fn broken(error: &io::Error, proxy: &Proxy, target: &Endpoint) -> HttpError {
    if let (Some(stop), Ok(context)) = (stop_in(error), CallContext::current()) {
        return dialer::stopped(stop, target, &context);
    }
    match tls_failure::in_io(error) {
        Some(reason) => tls_failure::explain(&proxy.endpoint, reason),
        None => refused(proxy, target, &error.to_string(), "check that this is an HTTP proxy, and its port"),
    }
}

fn refused(proxy: &Proxy, target: &Endpoint, what: &str, then: &str) -> HttpError {
    HttpError::new(
        HttpErrorKind::Proxy,
        format!("the proxy {} gave no connection to {target}: {what}; {then}", proxy.endpoint),
    )
}
