//! [`HttpTransport`]: from a router to a listening server in one expression.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use axum::http::request::Parts;
use mcp_core::{
    BoxError,
    protocol::Revision,
    router::{McpRequest, McpResponse, McpRouter, McpService},
    server::{KeyRing, Limits, Server, ServerBuilder, SessionHandle, SessionMode},
    store::{Backend, EventStore, InstanceId, LeaseStore, Notifier, Principal, SessionStore},
    transport::{IntoServer, ServeError, Transport, signal, until_second_signal},
};
use serde_json::value::RawValue;
use tokio::net::{TcpListener, ToSocketAddrs};
use tower::{Layer, Service};

use crate::{
    auth::{Authenticator, ProtectedResource},
    config::Config,
    endpoint,
    listener::{self, HttpListener},
};

/// Streamable HTTP for a router or a built server.
///
/// ```no_run
/// use mcp_core::McpRouter;
/// use mcp_transport_http::HttpTransport;
///
/// # async fn run() -> Result<(), mcp_core::BoxError> {
/// let router = McpRouter::new().server_info("my-server", "1.0.0");
/// HttpTransport::new(router).serve("127.0.0.1:3000").await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a transport does nothing until it serves"]
pub struct HttpTransport<S = ServerBuilder> {
    server: S,
    config: Config,
}

impl HttpTransport<Server> {
    /// Serves a server that is built already; other transports may serve it too.
    pub fn serving(server: Server) -> Self {
        Self {
            server,
            config: Config::default(),
        }
    }
}

/// Settings of the server behind the endpoint.
impl HttpTransport<ServerBuilder> {
    /// Serves a router, with memory stores and finite limits unless told otherwise.
    pub fn new(router: impl Into<ServerBuilder>) -> Self {
        Self {
            server: router.into(),
            config: Config::default(),
        }
    }

    fn server(self, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Self {
        Self {
            server: change(self.server),
            config: self.config,
        }
    }

    /// Keeps sessions in this store instead of in memory.
    pub fn session_store(self, store: Arc<dyn SessionStore>) -> Self {
        self.server(|server| server.session_store(store))
    }

    /// Keeps streams and answers in this store instead of in memory.
    pub fn event_store(self, store: Arc<dyn EventStore>) -> Self {
        self.server(|server| server.event_store(store))
    }

    /// Wakes other instances through this notifier.
    pub fn notifier(self, notifier: Arc<dyn Notifier>) -> Self {
        self.server(|server| server.notifier(notifier))
    }

    /// Shows this instance to others through this store.
    pub fn lease_store(self, store: Arc<dyn LeaseStore>) -> Self {
        self.server(|server| server.lease_store(store))
    }

    /// Keeps everything in this backend, which all instances share.
    pub fn backend(self, backend: impl Into<Backend>) -> Self {
        self.server(|server| server.backend(backend))
    }

    /// A session ends when it has not been used for this long. Default 30 minutes.
    pub fn session_ttl(self, ttl: Duration) -> Self {
        self.server(|server| server.session_ttl(ttl))
    }

    /// Sessions that this process holds at most. Default 10 000; one more gets 503.
    pub fn max_sessions(self, sessions: usize) -> Self {
        self.server(|server| server.max_sessions(sessions))
    }

    /// Changes other bounds of the server.
    pub fn with_limits(self, change: impl FnOnce(&mut Limits)) -> Self {
        self.server(|server| server.with_limits(change))
    }

    /// With or without sessions. Without, nothing is stored and the server cannot ask the client.
    pub fn sessions(self, mode: SessionMode) -> Self {
        self.server(|server| server.sessions(mode))
    }

    /// The revisions to speak. Default: all.
    pub fn revisions(self, revisions: impl IntoIterator<Item = Revision>) -> Self {
        self.server(|server| server.revisions(revisions))
    }

    /// The secrets shared by all instances. Default: one that the instances agree on in a shared backend,
    /// else random and good for this process only.
    pub fn state_keys(self, keys: KeyRing) -> Self {
        self.server(|server| server.state_keys(keys))
    }

    /// The id of this start of the process. Default: random.
    pub fn instance(self, id: InstanceId) -> Self {
        self.server(|server| server.instance(id))
    }

    /// Makes the next router at [`Server::change_catalogue`]; see [`ServerBuilder::on_catalogue`].
    pub fn on_catalogue(
        self,
        change: impl Fn(&McpRouter, &RawValue) -> Result<McpRouter, BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.server(|server| server.on_catalogue(change))
    }

    /// Wraps every MCP request in a tower layer, made once. Layers over HTTP requests, such as
    /// `tower_http::trace::TraceLayer`, belong on the axum router instead.
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

/// Settings of the endpoint.
impl<S> HttpTransport<S> {
    fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Where the MCP endpoint is. Default `/mcp`.
    pub fn path(self, path: impl Into<String>) -> Self {
        self.config(|config| config.path = path.into())
    }

    /// Largest body of a request in bytes. Default 4 MiB; a larger one gets 413.
    pub fn max_body_size(self, bytes: usize) -> Self {
        self.config(|config| config.max_body_size = bytes)
    }

    /// A silent stream carries a comment this often. Default 15 s.
    pub fn keep_alive(self, every: Duration) -> Self {
        self.config(|config| config.keep_alive = every)
    }

    /// Connections that may be open at once. Default 16 384; further ones wait until one ends.
    pub fn max_connections(self, connections: usize) -> Self {
        self.config(|config| config.max_connections = connections)
    }

    /// The head of a request must arrive within this time, counted from its first byte, or from the
    /// begin of a connection that says nothing; else the connection is cut. Default 30 s, and never
    /// less than two [keep-alives](Self::keep_alive).
    pub fn head_deadline(self, deadline: Duration) -> Self {
        self.config(|config| config.head_deadline = deadline)
    }

    /// A connection that waits for its next request longer than this is cut. Default 620 s, and never
    /// less than two [keep-alives](Self::keep_alive).
    ///
    /// It is longer than load balancers keep connections that nobody uses (60 s to 600 s), so that they
    /// close them and never send a request on one that is being closed here.
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.config(|config| config.idle_timeout = timeout)
    }

    /// The body of a request must arrive within this time, else 408. Default 30 s.
    pub fn read_deadline(self, deadline: Duration) -> Self {
        self.config(|config| config.read_deadline = deadline)
    }

    /// A connection that takes nothing for this long is closed; its stream can be resumed. Default 30 s.
    pub fn write_deadline(self, deadline: Duration) -> Self {
        self.config(|config| config.write_deadline = deadline)
    }

    /// How long a draining server still hears its connections after it has stopped listening. Default
    /// 1 s, and never longer than the drain timeout.
    ///
    /// A proxy may have sent a request on an idle connection, or on one that it has only just opened;
    /// whatever arrives within this time is answered, with `Connection: close`. Stopping takes at
    /// least as long.
    pub fn linger(self, time: Duration) -> Self {
        self.config(|config| config.linger = time)
    }

    /// Browser origins that may call, such as `https://app.example.com`. Loopback origins always
    /// may; requests without `Origin` do not come from a browser and pass.
    pub fn allowed_origins<O: Into<String>>(self, origins: impl IntoIterator<Item = O>) -> Self {
        let origins = origins.into_iter().map(Into::into);
        self.config(|config| config.allowed_origins.extend(origins))
    }

    /// Names under which this server is reached. Checked when set; loopback names are checked by
    /// default when the listener is bound to loopback.
    pub fn allowed_hosts<H: Into<String>>(self, hosts: impl IntoIterator<Item = H>) -> Self {
        let hosts = hosts.into_iter().map(Into::into);
        self.config(|config| config.allowed_hosts.extend(hosts))
    }

    /// Answers preflight requests and adds CORS headers for the allowed origins. Default off.
    pub fn cors(self) -> Self {
        self.config(|config| config.cors = true)
    }

    /// Reads the credentials of every request, and refuses those without. Sessions belong to the
    /// principal that made them: to anybody else they do not exist. `/health`, `/ready` and the
    /// metadata of [`protected_resource`](Self::protected_resource) need no credentials.
    pub fn authenticator(self, authenticator: impl Authenticator) -> Self {
        self.config(|config| config.authenticator = Some(Arc::new(authenticator)))
    }

    /// Says where tokens for this endpoint come from, in refusals and at its well-known address.
    pub fn protected_resource(self, resource: ProtectedResource) -> Self {
        self.config(|config| config.resource = Some(resource))
    }

    /// Requests of one principal that this process serves: on average `per_second`, and `burst` at once.
    /// Default 1000 and 2000; a further one gets 429 with `Retry-After`. Requests of nobody in particular
    /// are not counted: a proxy in front can tell them apart.
    pub fn rate_limit(self, per_second: u32, burst: u32) -> Self {
        self.config(|config| {
            config.quota.per_second = per_second;
            config.quota.burst = burst;
        })
    }

    /// Streams that only listen (GET, `subscriptions/listen`) of one principal in this process. Default
    /// 100; a further one gets 429.
    pub fn streams_per_principal(self, streams: usize) -> Self {
        self.config(|config| config.quota.streams = streams)
    }

    /// Tells who sends a request from what a proxy or a layer attached, without refusing anybody. A
    /// [`Grant`](mcp_core::auth::Grant) among the extensions of a request comes first.
    pub fn with_principal(
        self,
        principal: impl Fn(&Parts) -> Option<Principal> + Send + Sync + 'static,
    ) -> Self {
        self.config(|config| config.principal = Some(Arc::new(principal)))
    }
}

/// Ways to serve.
impl<S: IntoServer> HttpTransport<S> {
    /// Builds the server, so that what contradicts itself is known before it is served.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the router or a setting contradicts itself.
    pub fn build(self) -> Result<HttpTransport<Server>, ServeError> {
        Ok(HttpTransport {
            server: self.server.into_server().map_err(ServeError::config)?,
            config: self.config,
        })
    }

    /// Binds `addr` and serves until SIGTERM or Ctrl-C, then drains; a second one ends it at once.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the router contradicts itself or the address cannot be bound.
    ///
    /// # Cancel safety
    ///
    /// When dropped, connections end without draining.
    pub async fn serve<A: ToSocketAddrs>(self, addr: A) -> Result<(), ServeError> {
        until_second_signal(self.serve_with_shutdown(addr, signal())).await
    }

    /// Binds `addr` and serves until `shutdown` is ready, then drains.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    ///
    /// When dropped, connections end without draining.
    pub async fn serve_with_shutdown<A: ToSocketAddrs>(
        self,
        addr: A,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let listener = TcpListener::bind(addr).await.map_err(ServeError::bind)?;
        self.serve_listener(listener, shutdown).await
    }

    /// Serves a listener that is bound already, until `shutdown` is ready, then drains.
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    ///
    /// When dropped, connections end without draining.
    pub async fn serve_listener(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let server = self.server.into_server().map_err(ServeError::config)?;
        HttpListener::new(listener, self.config)
            .serve(server, shutdown)
            .await
    }

    /// Serves what any listener accepts, until `shutdown` is ready, then drains: Unix sockets, or
    /// connections that your own code has wrapped. Writes have their deadline here too, and every
    /// request carries the address of its connection as [`ConnectInfo`](axum::extract::ConnectInfo).
    ///
    /// `Host` is only checked against [`allowed_hosts`](Self::allowed_hosts). A listener that is not
    /// [`Draining`](crate::Draining) accepts until the connections that are open have been heard for
    /// the last time, see [`linger`](Self::linger); what connects in that moment may be reset.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the router contradicts itself or the listener fails.
    ///
    /// # Cancel safety
    ///
    /// When dropped, connections end without draining.
    pub async fn serve_on<L>(
        self,
        listener: L,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError>
    where
        L: axum::serve::Listener,
        L::Addr: Clone + fmt::Debug + Sync + 'static,
    {
        let server = self.server.into_server().map_err(ServeError::config)?;
        listener::serve_on(listener, self.config, server, shutdown).await
    }

    /// The endpoint with `/health` and `/ready` as an axum router, for your own listener.
    ///
    /// A router that contradicts itself is logged, and every request answered with an error; use
    /// [`Server::builder`] and [`serving`](HttpTransport::serving) to see the error at once.
    pub fn into_router(self) -> axum::Router {
        match self.server.into_server() {
            Ok(server) => endpoint::app(server, self.config),
            Err(error) => endpoint::broken(&error),
        }
    }

    /// The same, with a handle to look at the sessions and to drain.
    ///
    /// ```no_run
    /// # use mcp_core::McpRouter;
    /// # use mcp_transport_http::HttpTransport;
    /// # async fn run() -> Result<(), mcp_core::BoxError> {
    /// let (app, handle) = HttpTransport::new(McpRouter::new()).into_router_with_handle();
    /// let listener = tokio::net::TcpListener::bind("0.0.0.0:3000").await?;
    /// axum::serve(listener, app)
    ///     .with_graceful_shutdown(handle.drain_on(async {
    ///         tokio::signal::ctrl_c().await.ok();
    ///     }))
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Never; but a router that contradicts itself leaves the handle with an empty server.
    pub fn into_router_with_handle(self) -> (axum::Router, SessionHandle) {
        match self.server.into_server() {
            Ok(server) => {
                let handle = server.sessions();
                (endpoint::app(server, self.config), handle)
            }
            Err(error) => (endpoint::broken(&error), SessionHandle::empty()),
        }
    }

    /// Only the MCP endpoint, for mounting into an app that has its own health checks.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when the router or a setting contradicts itself.
    pub fn endpoint(self) -> Result<axum::Router, ServeError> {
        let server = self.server.into_server().map_err(ServeError::config)?;
        Ok(endpoint::endpoint(server, self.config))
    }
}
