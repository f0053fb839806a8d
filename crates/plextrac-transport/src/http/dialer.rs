//! Making a new connection: find the host, connect, go through the proxy, encrypt.

use std::fmt;
use std::io;
use std::time::Duration;

use ureq::unversioned::transport::{ConnectionDetails, Connector};

use super::call_context::{CallContext, Stop, now};
use super::connection::Connection;
use super::endpoint::Endpoint;
use super::error::{HttpError, HttpErrorKind};
use super::proxy::{Proxy, ProxyRules};
use super::resolver::{Lookup, LookupFailure};
use super::socket::{Socket, stop_in};
use super::tls::Channel;
use super::tls_failure;
use super::trust::Trust;
use super::tunnel;

pub(super) struct Dialer {
    pub(super) lookup: Lookup,
    pub(super) trust: Trust,
    pub(super) proxies: ProxyRules,
    pub(super) connect_timeout: Duration,
    pub(super) user_agent: String,
}

impl Connector for Dialer {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<Connection>, ureq::Error> {
        let context = CallContext::current()?;
        let target = Endpoint::of(details.uri).map_err(carry)?;
        context.connecting(self.connect_timeout);
        let channel = self.dial(&target, &context).map_err(carry)?;
        context.connected();
        Ok(Some(Connection::new(channel)))
    }
}

impl Dialer {
    fn dial(&self, target: &Endpoint, context: &CallContext) -> Result<Channel, HttpError> {
        let channel = match self.proxies.choose(target)? {
            // Allowed to be unencrypted for its name alone; what the name comes to has to keep that promise.
            None if !target.tls && target.is_this_machine() => {
                Channel::Plain(reach(&self.lookup, target, AddressFilter::Loopback, context)?)
            }
            None => Channel::Plain(reach(&self.lookup, target, AddressFilter::All, context)?),
            Some(proxy) => self.dial_through(proxy, target, context)?,
        };
        if target.tls { self.encrypt(channel, target, context) } else { Ok(channel) }
    }

    fn dial_through(
        &self,
        proxy: &Proxy,
        target: &Endpoint,
        context: &CallContext,
    ) -> Result<Channel, HttpError> {
        let mut channel = Channel::Plain(reach(&self.lookup, &proxy.endpoint, AddressFilter::All, context)?);
        if proxy.endpoint.tls {
            channel = self.encrypt(channel, &proxy.endpoint, context)?;
        }
        tunnel::open(&mut channel, proxy, target, &self.user_agent)?;
        Ok(channel)
    }

    fn encrypt(&self, below: Channel, peer: &Endpoint, context: &CallContext) -> Result<Channel, HttpError> {
        let config = self.trust.config().map_err(|reason| tls_failure::no_roots(peer, &reason))?;
        below.encrypt(config, &peer.host).map_err(|error| match stop_in(&error) {
            Some(stop) => stopped(stop, peer, context),
            None => tls_failure::during_handshake(peer, &error),
        })
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").finish_non_exhaustive()
    }
}

/// Which of a host's addresses may be connected to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AddressFilter {
    All,
    /// Those of this machine. RFC 6761 §6.3 has every `localhost` name there, but name servers and hosts files exist
    /// that say otherwise.
    Loopback,
}

/// A TCP connection to one of the host's addresses, in the order of the system. An address gets half of the time that
/// is left, the last one all of it.
fn reach(
    lookup: &Lookup,
    host: &Endpoint,
    filter: AddressFilter,
    context: &CallContext,
) -> Result<Socket, HttpError> {
    let mut addresses =
        lookup.addresses(&host.host, host.port, context).map_err(|failure| match failure {
            LookupFailure::Stopped(stop) => stopped(stop, host, context),
            LookupFailure::NotFound(error) => not_found(host, &error.to_string()),
        })?;
    if filter == AddressFilter::Loopback && !addresses.is_empty() {
        addresses.retain(|address| address.ip().to_canonical().is_loopback());
        if addresses.is_empty() {
            return Err(elsewhere(host));
        }
    }
    let mut last_error = None;
    for (index, address) in addresses.iter().enumerate() {
        let left = context.remaining().map_err(|stop| stopped(stop, host, context))?;
        let share = if index + 1 == addresses.len() { left } else { left / 2 };
        match Socket::connect(*address, now() + share, context) {
            Ok(socket) => return Ok(socket),
            Err(error) => {
                if let Some(stop) = stop_in(&error) {
                    return Err(stopped(stop, host, context));
                }
                last_error = Some(error);
            }
        }
    }
    match last_error {
        None => Err(not_found(host, "it has no address")),
        Some(error) if error.kind() == io::ErrorKind::TimedOut => {
            Err(stopped(Stop::OutOfTime, host, context))
        }
        Some(error) => Err(HttpError::new(
            HttpErrorKind::Connect,
            format!(
                "cannot connect to {host}: {error}; check host and port, and whether a firewall or proxy stands between"
            ),
        )),
    }
}

fn not_found(host: &Endpoint, reason: &str) -> HttpError {
    HttpError::new(
        HttpErrorKind::Resolve,
        format!(
            "cannot find the address of {}: {reason}; check the host name and the name server",
            host.host
        ),
    )
}

fn elsewhere(host: &Endpoint) -> HttpError {
    HttpError::new(
        HttpErrorKind::Connect,
        format!(
            "{} is a name of this machine, and its address is that of another, where http:// could be read on the way; use https://, or correct the hosts file or the name server",
            host.host
        ),
    )
}

/// The error of a call that had to end, while connecting or later.
pub(super) fn stopped(stop: Stop, peer: &Endpoint, context: &CallContext) -> HttpError {
    match stop {
        Stop::Cancelled => HttpError::new(
            HttpErrorKind::Cancelled,
            format!("the request to {peer} was cancelled; nothing needs to be done if that was wanted"),
        ),
        Stop::OutOfTime if context.ran_out_while_connecting() => HttpError::new(
            HttpErrorKind::Timeout,
            format!(
                "no connection to {peer} within the time for connecting; check host, port and firewall, or allow more time"
            ),
        ),
        Stop::OutOfTime if context.is_connecting() => HttpError::new(
            HttpErrorKind::Timeout,
            format!(
                "no connection to {peer} in the time given; check host, port and firewall, or allow more time"
            ),
        ),
        Stop::OutOfTime => HttpError::new(
            HttpErrorKind::Timeout,
            match context.pace() {
                Some(pace) => format!(
                    "no byte moved to or from {peer} for {} s; try again later, or allow more time",
                    pace.as_secs_f64()
                ),
                None => format!(
                    "no complete answer from {peer} in the time given; try again later, or allow more time"
                ),
            },
        ),
    }
}

fn carry(error: HttpError) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}
