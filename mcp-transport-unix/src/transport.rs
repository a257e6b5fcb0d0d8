//! [`UnixSocketTransport`]: from a router to a listening socket in one expression.

use std::{future::Future, path::Path, time::Duration};

use mcp_core::server::{Server, ServerBuilder};
use mcp_transport_http::{HttpTransport, IntoServer, ServeError, signal};

use crate::bind::{Bound, bind};

/// Streamable HTTP on a Unix domain socket.
#[derive(Debug)]
#[must_use = "a transport does nothing until it serves"]
pub struct UnixSocketTransport<S = ServerBuilder> {
    http: HttpTransport<S>,
    mode: u32,
}

impl UnixSocketTransport<ServerBuilder> {
    /// Serves a router, or a server that is configured but not built.
    pub fn new(router: impl Into<ServerBuilder>) -> Self {
        Self {
            http: HttpTransport::new(router),
            mode: 0o600,
        }
    }
}

impl UnixSocketTransport<Server> {
    /// Serves a server that is built already; other transports may serve it too.
    pub fn serving(server: Server) -> Self {
        Self {
            http: HttpTransport::serving(server),
            mode: 0o600,
        }
    }
}

impl<S: IntoServer> UnixSocketTransport<S> {
    /// The permissions of the socket's file. Default `0o600`: only this user may connect.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// A connection that takes nothing for this long is closed; its stream can be resumed. Default 30 s.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.http = self.http.write_deadline(deadline);
        self
    }

    /// Binds `path` and serves until SIGTERM or Ctrl-C, then drains and removes the socket.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the router contradicts itself, somebody listens on the path already, or
    /// the path cannot be bound.
    ///
    /// # Cancel safety
    ///
    /// When dropped, connections end without draining; the socket is removed.
    pub async fn serve(self, path: impl AsRef<Path>) -> Result<(), ServeError> {
        self.serve_with_shutdown(path, signal()).await
    }

    /// Binds `path` and serves until `shutdown` is ready, then drains and removes the socket.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    ///
    /// When dropped, connections end without draining; the socket is removed.
    pub async fn serve_with_shutdown(
        self,
        path: impl AsRef<Path>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let bound = bind(path.as_ref(), self.mode).await;
        let Bound { listener, file } = bound.map_err(ServeError::bind)?;
        tracing::info!(path = %path.as_ref().display(), "listening");
        let served = self.http.serve_on(listener, shutdown).await;
        drop(file);
        served
    }
}
