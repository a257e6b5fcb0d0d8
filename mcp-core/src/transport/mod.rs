//! What carries messages between clients and a [`Server`].

mod error;
mod into_server;
mod shutdown;

use std::future::Future;

pub use self::{
    error::ServeError,
    into_server::IntoServer,
    shutdown::{signal, until_second_signal},
};
use crate::server::Server;

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
