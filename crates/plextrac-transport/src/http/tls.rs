//! A way to send and receive bytes, encrypted or not, also through another one.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::socket::Socket;

pub(super) enum Channel {
    Plain(Socket),
    /// TLS over a socket; or, through a proxy that is spoken to by TLS itself, over TLS.
    Tls(Box<StreamOwned<ClientConnection, Channel>>),
}

impl Channel {
    /// Makes the TLS handshake with `host`, a name or an address without brackets.
    pub(super) fn encrypt(mut self, config: Arc<ClientConfig>, host: &str) -> io::Result<Self> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut self)?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, self))))
    }

    /// Whether an idle channel can carry the next request: open, and nothing unasked has come.
    pub(super) fn is_quiet(&mut self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_quiet(),
            Self::Tls(stream) => {
                // The end may have come in one piece with the last answer, and wait inside of rustls.
                let nothing_pending = stream
                    .conn
                    .process_new_packets()
                    .is_ok_and(|state| !state.peer_has_closed() && state.plaintext_bytes_to_read() == 0);
                nothing_pending && stream.sock.is_quiet()
            }
        }
    }

    /// Whether a read would return at once, perhaps with the end of the connection.
    pub(super) fn has_input(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(socket) => Ok(!socket.is_quiet()),
            Self::Tls(stream) => {
                let StreamOwned { conn, sock } = &mut **stream;
                let mut state = conn.process_new_packets().map_err(io::Error::other)?;
                // Records may have come that carry nothing for the one above, such as session tickets.
                while state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() && sock.has_input()? {
                    if conn.read_tls(&mut ReadAlone(sock))? == 0 {
                        return Ok(true);
                    }
                    state = conn.process_new_packets().map_err(io::Error::other)?;
                }
                Ok(state.plaintext_bytes_to_read() > 0 || state.peer_has_closed())
            }
        }
    }

    /// Reads without sending anything: what the peer sent before it hung up can be read, though nothing can be sent.
    pub(super) fn read_alone(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => loop {
                let StreamOwned { conn, sock } = &mut **stream;
                match conn.reader().read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    read => return read,
                }
                conn.read_tls(&mut ReadAlone(sock))?;
                conn.process_new_packets().map_err(io::Error::other)?;
            },
        }
    }
}

struct ReadAlone<'a>(&'a mut Channel);

impl Read for ReadAlone<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_alone(buffer)
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}
