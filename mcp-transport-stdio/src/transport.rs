//! [`StdioTransport`]: from a router to a server that its client started, in one expression.

use std::future::{Future, pending};

use mcp_core::{
    BoxError,
    auth::{Grant, Scopes},
    lines::Lines,
    protocol::Revision,
    router::{McpRequest, McpResponse, McpService},
    server::{KeyRing, Limits, Server, ServerBuilder, SessionMode},
    store::Principal,
    transport::{IntoServer, ServeError, signal, until_second_signal},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tower::{Layer, Service};

use crate::streams;

/// Newline-delimited JSON-RPC over standard input and output.
///
/// ```no_run
/// use mcp_core::McpRouter;
/// use mcp_transport_stdio::StdioTransport;
///
/// # async fn run() -> Result<(), mcp_core::BoxError> {
/// let router = McpRouter::new().server_info("my-server", "1.0.0");
/// StdioTransport::new(router).serve().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a transport does nothing until it serves"]
pub struct StdioTransport<S = ServerBuilder> {
    server: S,
    /// The server is only for this transport, and ends with it.
    owned: bool,
    max_line_size: Option<usize>,
}

impl StdioTransport<Server> {
    /// Serves a server that is built already; other transports may serve it too, and it goes on when
    /// the client of this one goes away.
    pub fn serving(server: Server) -> Self {
        Self {
            server,
            owned: false,
            max_line_size: None,
        }
    }
}

/// Settings of the server; those that are not here are set on a [`ServerBuilder`] before.
impl StdioTransport<ServerBuilder> {
    /// Serves a router, or a server that is configured but not built.
    pub fn new(router: impl Into<ServerBuilder>) -> Self {
        Self {
            server: router.into(),
            owned: true,
            max_line_size: None,
        }
    }

    fn server(mut self, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        self.server = change(self.server);
        self
    }

    /// Changes bounds of the server.
    pub fn with_limits(self, change: impl FnOnce(&mut Limits)) -> Self {
        self.server(|server| server.with_limits(change))
    }

    /// With or without a session. Without, the server cannot ask a client that said `initialize`.
    pub fn sessions(self, mode: SessionMode) -> Self {
        self.server(|server| server.sessions(mode))
    }

    /// The revisions to speak. Default: all.
    pub fn revisions(self, revisions: impl IntoIterator<Item = Revision>) -> Self {
        self.server(|server| server.revisions(revisions))
    }

    /// The secrets that seal what clients carry between requests. Default: random, good for this
    /// process only.
    pub fn state_keys(self, keys: KeyRing) -> Self {
        self.server(|server| server.state_keys(keys))
    }

    /// Wraps every request in a tower layer, made once.
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<McpService> + Clone + Send + Sync + 'static,
        L::Service: Service<McpRequest, Response = McpResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<McpRequest>>::Error: Into<BoxError>,
        <L::Service as Service<McpRequest>>::Future: Send + 'static,
    {
        self.server(|server| server.layer(layer))
    }
}

/// Settings of the streams, and ways to serve.
impl<S: IntoServer> StdioTransport<S> {
    /// Longest line in bytes. Default 4 MiB; a longer one is answered with −32600 and passed over.
    pub fn max_line_size(mut self, bytes: usize) -> Self {
        self.max_line_size = Some(bytes);
        self
    }

    /// Serves standard input and output until the input ends. At SIGTERM or Ctrl-C, what runs is
    /// finished first; a second signal ends it at once.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the router contradicts itself or a stream fails.
    ///
    /// # Cancel safety
    ///
    /// When dropped, what runs is cancelled.
    pub async fn serve(self) -> Result<(), ServeError> {
        until_second_signal(self.serve_with_shutdown(signal())).await
    }

    /// Serves standard input and output until the input ends. When `shutdown` is ready, what runs is
    /// finished first.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    ///
    /// When dropped, what runs is cancelled.
    pub async fn serve_with_shutdown(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let (input, output) = streams::take().map_err(ServeError::serve)?;
        self.serve_on(input, output, shutdown).await
    }

    /// Serves any two streams as if they were the standard ones.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    ///
    /// When dropped, what runs is cancelled.
    pub async fn serve_on<R, W>(
        self,
        input: R,
        output: W,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError>
    where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        let server = self.server.into_server().map_err(ServeError::config)?;
        // There is nobody between this process and the one that started it.
        let local = Grant::new(Principal::new("stdio", "local")).scopes(Scopes::all());
        let mut lines = Lines::new(server.clone()).grant(local);
        if let Some(bytes) = self.max_line_size {
            lines = lines.max_line_size(bytes);
        }
        tracing::info!("serving standard input and output");
        let drain = server.sessions().drain_on(shutdown);
        let mut drained = false;
        let ended = tokio::select! {
            ended = lines.serve(input, output) => ended,
            () = async { drain.await; drained = true; pending::<()>().await } => Ok(()),
        };
        if drained {
            server.drained().await;
        }
        if drained || self.owned {
            server.close().await;
        }
        ended.map_err(ServeError::serve)
    }
}
