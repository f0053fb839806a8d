//! A TCP connection that blocks no longer than the call under way allows: the only place that waits for the network.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call_context::{CallContext, Stop, now};

pub(super) struct Socket {
    stream: Arc<TcpStream>,
    read_limit: Option<Duration>,
    write_limit: Option<Duration>,
}

impl Socket {
    /// Connects to one address, and gives up at `until` with [`ErrorKind::TimedOut`]; or sooner with a [`Stop`], if a
    /// token says so.
    pub(super) fn connect(address: SocketAddr, until: Instant, context: &CallContext) -> io::Result<Self> {
        let stream = dial(address, until, context)?;
        // A request is two writes, head and body; the second must not wait for an acknowledgement of the first.
        stream.set_nodelay(true)?;
        Ok(Self { stream, read_limit: None, write_limit: None })
    }

    /// Whether an idle connection is still there and the peer has sent nothing, not even its end.
    pub(super) fn is_quiet(&self) -> bool {
        nothing_to_read(&self.stream)
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let context = CallContext::current()?;
        context.await_progress();
        loop {
            let limit = blocking_limit(context.remaining()?);
            if self.read_limit != Some(limit) {
                self.stream.set_read_timeout(Some(limit))?;
                self.read_limit = Some(limit);
            }
            match context.interruptible(&self.stream, || (&*self.stream).read(buffer))? {
                Err(error) if woke_early(&error) => {}
                other => return other,
            }
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let context = CallContext::current()?;
        context.await_progress();
        loop {
            let limit = blocking_limit(context.remaining()?);
            if self.write_limit != Some(limit) {
                self.stream.set_write_timeout(Some(limit))?;
                self.write_limit = Some(limit);
            }
            match context.interruptible(&self.stream, || (&*self.stream).write(buffer))? {
                Err(error) if woke_early(&error) => {}
                other => return other.inspect(|count| context.note_sent(*count)),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How long one system call may block. Whole seconds, rounded down: the next call with as much time then needs no
/// `setsockopt`. The part below a second comes at the end, so the deadline is kept to a clock tick.
fn blocking_limit(remaining: Duration) -> Duration {
    match remaining.as_secs() {
        0 => remaining,
        // Where a trigger may fail to wake a blocked call, it has to wake by itself.
        _ if cfg!(not(target_os = "linux")) => Duration::from_secs(1),
        seconds => Duration::from_secs(seconds),
    }
}

/// A step of [`blocking_limit`] is over, or a signal came.
fn woke_early(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The connection attempt is under way before the socket is shown to the tokens: a shutdown of a socket that has not
/// started to connect would be forgotten.
#[cfg(target_os = "linux")]
fn dial(address: SocketAddr, until: Instant, context: &CallContext) -> io::Result<Arc<TcpStream>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let stream = Arc::new(TcpStream::from(socket_with(family, SocketType::STREAM, flags, None)?));
    match connect(&stream, &address) {
        Ok(()) => {}
        Err(Errno::INPROGRESS) => loop {
            let left = Timespec::try_from(time_left(until)?).map_err(io::Error::other)?;
            let mut writable = [PollFd::new(&stream, PollFlags::OUT)];
            match context.interruptible(&stream, || poll(&mut writable, Some(&left)))? {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => break sockopt::socket_error(&stream)??,
                Err(error) => return Err(error.into()),
            }
        },
        Err(error) => return Err(error.into()),
    }
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// The socket is hidden until it is connected: a trigger is noticed when the attempt has ended.
#[cfg(not(target_os = "linux"))]
fn dial(address: SocketAddr, until: Instant, context: &CallContext) -> io::Result<Arc<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, time_left(until)?)?;
    context.remaining()?;
    Ok(Arc::new(stream))
}

fn time_left(until: Instant) -> io::Result<Duration> {
    match until.checked_duration_since(now()) {
        Some(left) if !left.is_zero() => Ok(left),
        _ => Err(ErrorKind::TimedOut.into()),
    }
}

#[cfg(unix)]
fn nothing_to_read(stream: &TcpStream) -> bool {
    use rustix::io::Errno;
    use rustix::net::{RecvFlags, recv};

    let peeked = recv(stream, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
    matches!(peeked, Err(Errno::AGAIN))
}

#[cfg(not(unix))]
fn nothing_to_read(stream: &TcpStream) -> bool {
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0; 1]));
    let restored = stream.set_nonblocking(false);
    restored.is_ok() && peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Finds the [`Stop`] inside of an error that a socket has returned.
pub(super) fn stop_in(error: &io::Error) -> Option<Stop> {
    error.get_ref()?.downcast_ref().copied()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::call::TimeLimit;
    use super::*;

    #[test]
    fn a_limit_for_progress_starts_anew_with_each_byte() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hour = Duration::from_secs(3600);
        for (limit, goes_on) in [(TimeLimit::Progress(hour), true), (TimeLimit::Whole(now() + hour), false)] {
            let context = CallContext::new(limit, Vec::new());
            let _entered = context.enter();
            let mut socket = Socket::connect(listener.local_addr().unwrap(), now() + hour, &context).unwrap();
            let mut peer = listener.accept().unwrap().0;
            peer.write_all(b"ab").unwrap();
            assert_eq!(socket.read(&mut [0; 1]).unwrap(), 1);
            context.let_time_pass();
            assert_eq!(context.remaining().unwrap_err(), Stop::OutOfTime, "control");
            let read = socket.read(&mut [0; 1]);
            context.let_time_pass();
            let written = socket.write(b"c");
            assert_eq!((read.is_ok(), written.is_ok()), (goes_on, goes_on));
        }
    }

    #[test]
    fn a_call_blocks_in_whole_seconds_and_then_for_the_rest() {
        assert_eq!(blocking_limit(Duration::from_millis(29_999)), Duration::from_secs(29));
        assert_eq!(blocking_limit(Duration::from_millis(1_000)), Duration::from_secs(1));
        assert_eq!(blocking_limit(Duration::from_millis(999)), Duration::from_millis(999));
    }
}
