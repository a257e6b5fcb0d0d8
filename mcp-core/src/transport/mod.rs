//! What carries messages between clients and a [`Server`].

mod error;
mod shutdown;

use std::future::Future;

pub use self::{error::ServeError, shutdown::signal};
use crate::{
    router::BuildError,
    server::{Server, ServerBuilder},
};

/// Frames bytes for a [`Server`] and maps its outcomes to the transport's own terms.
///
/// One server can be served by several transports at once; they share its sessions.
pub trait Transport: Sized + Send {
    /// Why serving ended early.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Serves until `shutdown` is ready and what runs has ended.
    ///
    /// Implementations drain: they tell the server ([`Server::begin_drain`],
    /// [`Server::close_listeners`]), stop accepting, and wait for running requests at most
    /// [`Limits::drain_timeout`](crate::server::Limits::drain_timeout).
    ///
    /// # Errors
    ///
    /// When the transport cannot begin or go on.
    ///
    /// # Cancel safety
    ///
    /// When dropped, connections end without draining.
    fn serve(
        self,
        server: Server,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What becomes a server: a builder, or one that is built.
pub trait IntoServer {
    /// The server.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the router or a setting contradicts itself.
    fn into_server(self) -> Result<Server, BuildError>;
}

impl IntoServer for ServerBuilder {
    fn into_server(self) -> Result<Server, BuildError> {
        self.build()
    }
}

impl IntoServer for Server {
    fn into_server(self) -> Result<Server, BuildError> {
        Ok(self)
    }
}
