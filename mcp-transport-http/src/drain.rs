//! The end of listening: nobody who has connected is sent away unheard.

use std::{collections::VecDeque, fmt, io};

use axum::serve::Listener;
use mcp_core::server::{Phase, Server};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

/// A listener that ends with its server: once that closes, it takes the connections that the system
/// still holds for it, closes its socket, and yields what it took.
///
/// Who connects after that is refused, which every proxy answers by trying another server; a
/// connection that waits at a socket that is simply closed would be reset instead, with the request
/// that may have been sent on it.
///
/// [`HttpTransport::serve`](crate::HttpTransport::serve) does this by itself; wrap a listener in it
/// for [`serve_on`](crate::HttpTransport::serve_on).
pub struct Draining<L: Sweep> {
    /// Until it is closed.
    listener: Option<L>,
    left: VecDeque<(L::Io, L::Addr)>,
    server: Server,
}

impl<L: Sweep> Draining<L> {
    /// Listens until `server` comes to [`Phase::Closing`].
    pub fn new(listener: L, server: Server) -> Self {
        Self {
            listener: Some(listener),
            left: VecDeque::new(),
            server,
        }
    }
}

impl<L: Sweep> Listener for Draining<L> {
    type Io = L::Io;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (L::Io, L::Addr) {
        if let Some(listener) = &mut self.listener {
            tokio::select! {
                biased;
                () = self.server.reached(Phase::Closing) => {}
                accepted = listener.accept() => return accepted,
            }
        }
        if let Some(listener) = self.listener.take() {
            self.left.extend(listener.sweep());
            tracing::info!(waiting = self.left.len(), "not listening any more");
        }
        match self.left.pop_front() {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    /// Fails once nobody listens.
    fn local_addr(&self) -> io::Result<L::Addr> {
        let listener = self.listener.as_ref();
        listener.map_or(
            Err(io::ErrorKind::NotConnected.into()),
            Listener::local_addr,
        )
    }
}

impl<L: Sweep> fmt::Debug for Draining<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draining")
            .field("listens", &self.listener.is_some())
            .field("left", &self.left.len())
            .finish_non_exhaustive()
    }
}

/// A listener that can be closed without losing those who have connected already.
pub trait Sweep: Listener {
    /// Takes every connection that waits now, then closes the socket at once. A connection that
    /// cannot be accepted is passed over.
    fn sweep(self) -> Vec<(Self::Io, Self::Addr)>;
}

/// Asks the system itself: what the runtime knows of the socket may be a moment old.
fn accept_all<T>(mut accept: impl FnMut() -> io::Result<T>) -> Vec<T> {
    let mut accepted = Vec::new();
    loop {
        match accept() {
            Ok(connection) => accepted.push(connection),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return accepted,
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "connections that waited are lost");
                return accepted;
            }
        }
    }
}

impl Sweep for TcpListener {
    fn sweep(self) -> Vec<(TcpStream, <Self as Listener>::Addr)> {
        let listener = self.into_std();
        accept_all(|| {
            let listener = listener.as_ref().map_err(io::Error::kind)?;
            let (stream, address) = listener.accept()?;
            stream.set_nonblocking(true)?;
            Ok((TcpStream::from_std(stream)?, address))
        })
    }
}

#[cfg(unix)]
impl Sweep for UnixListener {
    fn sweep(self) -> Vec<(UnixStream, <Self as Listener>::Addr)> {
        let listener = self.into_std();
        accept_all(|| {
            let listener = listener.as_ref().map_err(io::Error::kind)?;
            let (stream, address) = listener.accept()?;
            stream.set_nonblocking(true)?;
            Ok((UnixStream::from_std(stream)?, address.into()))
        })
    }
}
