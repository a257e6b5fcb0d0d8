//! Accepts connections, serves those that speak in lines, and hands the others to HTTP.

use std::{io, sync::Arc, time::Duration};

use axum::serve::Listener;
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use mcp_core::{Server, lines::Lines};
use mcp_transport_http::{Draining, axum};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{
    connection::{Connection, Dialect},
    credentials::{PeerCredentials, PeerScopes},
};

/// How long a connection may say nothing at all.
const FIRST_BYTE: Duration = Duration::from_secs(30);

/// A connection that has said something, or nothing for too long.
type Opening = BoxFuture<'static, Option<(Connection, Dialect, PeerCredentials)>>;

/// A listener of HTTP connections; those in the other dialect are served on the way.
#[derive(Debug)]
pub(crate) struct Accepting {
    listener: Draining<UnixListener>,
    server: Server,
    lines: LineSettings,
    peers: PeerScopes,
    places: Arc<Semaphore>,
    opening: FuturesUnordered<Opening>,
}

/// How connections that speak in lines are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineSettings {
    pub(crate) longest: usize,
    pub(crate) write_deadline: Duration,
}

impl Accepting {
    pub(crate) fn new(
        listener: UnixListener,
        server: Server,
        lines: LineSettings,
        peers: PeerScopes,
        connections: usize,
    ) -> Self {
        let most = connections.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            listener: Draining::new(listener, server.clone()),
            server,
            lines,
            peers,
            places: Arc::new(Semaphore::new(most)),
            opening: FuturesUnordered::new(),
        }
    }

    /// Serves a connection in a task of its own, which the server owns.
    fn converse(&self, connection: Connection, peer: PeerCredentials) {
        let (source, sink) = tokio::io::split(connection);
        Lines::new(self.server.clone())
            .grant(self.peers.grant(&peer))
            .extension(peer)
            .max_line_size(self.lines.longest)
            .write_deadline(self.lines.write_deadline)
            .spawn(source, sink);
    }
}

impl Listener for Accepting {
    type Io = Connection;
    type Addr = PeerCredentials;

    async fn accept(&mut self) -> (Connection, PeerCredentials) {
        loop {
            tokio::select! {
                (stream, place) = next(&mut self.listener, &self.places) => {
                    self.opening.push(Box::pin(open(stream, place)));
                }
                Some(opened) = self.opening.next() => match opened {
                    Some((connection, Dialect::Http, peer)) => return (connection, peer),
                    Some((connection, Dialect::Lines, peer)) => self.converse(connection, peer),
                    None => {}
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<PeerCredentials> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The next connection, as soon as there is a place for it; until then it waits with the system.
async fn next(
    listener: &mut Draining<UnixListener>,
    places: &Arc<Semaphore>,
) -> (UnixStream, OwnedSemaphorePermit) {
    let Ok(place) = Arc::clone(places).acquire_owned().await else {
        // Nobody closes the semaphore.
        return std::future::pending().await;
    };
    // axum's own implementation waits and tries again when a connection cannot be accepted.
    let (stream, _) = Listener::accept(listener).await;
    (stream, place)
}

async fn open(
    stream: UnixStream,
    place: OwnedSemaphorePermit,
) -> Option<(Connection, Dialect, PeerCredentials)> {
    let peer = match PeerCredentials::of(&stream) {
        Ok(peer) => peer,
        Err(error) => {
            tracing::warn!(%error, "a connection without credentials is closed");
            return None;
        }
    };
    let opened = timeout(FIRST_BYTE, Connection::open(stream, place)).await;
    let (connection, dialect) = opened.ok()?.ok()??;
    Some((connection, dialect, peer))
}
