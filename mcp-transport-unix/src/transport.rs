//! [`UnixSocketTransport`]: from a router to a listening socket in one expression.

use std::{fmt, future::Future, os::unix::net, path::Path, time::Duration};

use mcp_core::{
    auth::Scopes,
    server::{Server, ServerBuilder},
    transport::{IntoServer, ServeError, signal, until_second_signal},
};
use mcp_transport_http::HttpTransport;
use tokio::net::UnixListener;

use crate::{
    accept::{Accepting, LineSettings},
    bind::{Access, Bound, bind},
    credentials::{PeerCredentials, PeerScopes},
    systemd,
};

/// Changes the HTTP dialect.
type Http = Box<dyn FnOnce(HttpTransport<Server>) -> HttpTransport<Server> + Send>;

/// Streamable HTTP and newline-delimited JSON-RPC on one Unix domain socket.
#[must_use = "a transport does nothing until it serves"]
pub struct UnixSocketTransport<S = ServerBuilder> {
    server: S,
    access: Access,
    connections: usize,
    trust_peer_credentials: bool,
    lines: LineSettings,
    peers: PeerScopes,
    http: Option<Http>,
}

impl UnixSocketTransport<ServerBuilder> {
    /// Serves a router, or a server that is configured but not built.
    pub fn new(router: impl Into<ServerBuilder>) -> Self {
        Self::with(router.into())
    }
}

impl UnixSocketTransport<Server> {
    /// Serves a server that is built already; other transports may serve it too.
    pub fn serving(server: Server) -> Self {
        Self::with(server)
    }
}

/// Settings of the socket, and ways to serve.
impl<S: IntoServer> UnixSocketTransport<S> {
    fn with(server: S) -> Self {
        Self {
            server,
            access: Access {
                mode: 0o600,
                user: None,
                group: None,
            },
            connections: 512,
            trust_peer_credentials: false,
            lines: LineSettings {
                longest: 4 * 1024 * 1024,
                write_deadline: Duration::from_secs(30),
            },
            peers: PeerScopes::default(),
            http: None,
        }
    }

    /// The permissions of the socket's file. Default `0o600`: only its owner may connect.
    pub fn mode(mut self, mode: u32) -> Self {
        self.access.mode = mode;
        self
    }

    /// The user and group of the socket's file, by number. Default: those of this process.
    pub fn owner(mut self, user: impl Into<Option<u32>>, group: impl Into<Option<u32>>) -> Self {
        self.access.user = user.into();
        self.access.group = group.into();
        self
    }

    /// Connections that may be open at once. Default 512; further ones wait until one ends.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Largest message in bytes, a body or a line. Default 4 MiB.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.lines.longest = bytes;
        self
    }

    /// A connection that takes nothing for this long is closed. Default 30 s. A stream of a session
    /// over HTTP can be resumed.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.lines.write_deadline = deadline;
        self
    }

    /// Says what the user at the other end may do, where it counts: always for newline-delimited JSON-RPC,
    /// and over HTTP with [`trust_peer_credentials`](Self::trust_peer_credentials). Default: nothing that
    /// requires scopes.
    pub fn peer_scopes(
        mut self,
        scopes: impl Fn(&PeerCredentials) -> Scopes + Send + Sync + 'static,
    ) -> Self {
        self.peers = PeerScopes::new(scopes);
        self
    }

    /// Changes what else can be set about the HTTP dialect, such as its
    /// [`authenticator`](HttpTransport::authenticator) behind a proxy. Sizes and deadlines of this
    /// transport are set before.
    pub fn http(
        mut self,
        change: impl FnOnce(HttpTransport<Server>) -> HttpTransport<Server> + Send + 'static,
    ) -> Self {
        self.http = Some(Box::new(change));
        self
    }

    /// Takes the user of the connecting process as the owner of what a request over HTTP does, as it
    /// always is for newline-delimited JSON-RPC. Not behind a proxy: there every client would have
    /// the proxy's user.
    pub fn trust_peer_credentials(mut self) -> Self {
        self.trust_peer_credentials = true;
        self
    }

    /// Binds `path` and serves until SIGTERM or Ctrl-C, then drains and removes the socket. A second
    /// signal ends it at once.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the router contradicts itself, somebody listens on the path already, or
    /// the path cannot be bound.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the socket is removed and nobody can connect; open connections go on until their
    /// clients end them.
    pub async fn serve(self, path: impl AsRef<Path>) -> Result<(), ServeError> {
        until_second_signal(self.serve_with_shutdown(path, signal())).await
    }

    /// Binds `path` and serves until `shutdown` is ready, then drains and removes the socket.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    ///
    /// As [`serve`](Self::serve).
    pub async fn serve_with_shutdown(
        self,
        path: impl AsRef<Path>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let path = path.as_ref();
        let bound = bind(path, self.access).await.map_err(ServeError::bind)?;
        let Bound { listener, file } = bound;
        tracing::info!(path = %path.display(), "listening");
        let served = self.run(listener, shutdown).await;
        drop(file);
        served
    }

    /// Serves a socket that is bound already, such as [`activated`](crate::activated), until
    /// `shutdown` is ready, then drains. The socket's file is left alone.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the router contradicts itself or the socket cannot be used.
    ///
    /// # Cancel safety
    ///
    /// As [`serve`](Self::serve).
    pub async fn serve_listener(
        self,
        listener: net::UnixListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        listener.set_nonblocking(true).map_err(ServeError::bind)?;
        let listener = UnixListener::from_std(listener).map_err(ServeError::bind)?;
        tracing::info!("listening on a socket that was passed on");
        self.run(listener, shutdown).await
    }

    async fn run(
        self,
        listener: UnixListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let server = self.server.into_server().map_err(ServeError::config)?;
        let mut http = HttpTransport::serving(server.clone())
            .max_body_size(self.lines.longest)
            .write_deadline(self.lines.write_deadline);
        if self.trust_peer_credentials {
            http = http.authenticator(self.peers.clone());
        }
        if let Some(change) = self.http {
            http = change(http);
        }
        let (lines, peers) = (self.lines, self.peers);
        let accepting = Accepting::new(listener, server, lines, peers, self.connections);
        systemd::notify("READY=1");
        let shutdown = async {
            shutdown.await;
            systemd::notify("STOPPING=1");
        };
        http.serve_on(accepting, shutdown).await
    }
}

impl<S: fmt::Debug> fmt::Debug for UnixSocketTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnixSocketTransport")
            .field("server", &self.server)
            .field("access", &self.access)
            .field("connections", &self.connections)
            .field("trust_peer_credentials", &self.trust_peer_credentials)
            .field("lines", &self.lines)
            .finish_non_exhaustive()
    }
}
