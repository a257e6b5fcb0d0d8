//! The TCP side: one write per answer, and no connection that takes nothing for ever.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::pin,
    time::Duration,
};

use axum::{
    Extension, Router,
    extract::{ConnectInfo, Request},
    response::Response,
    serve::{Listener, ListenerExt},
};
use mcp_core::{
    server::{Phase, Server},
    transport::{ServeError, Transport},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep_until, timeout},
};
use tower::{Layer, Service};

use crate::{
    config::Config,
    connection::{Connections, Cuttable},
    drain::Draining,
    endpoint,
    silence::PerConnection,
};

/// How long the last answers of a closed server may take to be sent.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// An endpoint on a bound address.
#[derive(Debug)]
pub struct HttpListener {
    listener: TcpListener,
    config: Config,
}

impl HttpListener {
    pub(crate) fn new(listener: TcpListener, config: Config) -> Self {
        Self { listener, config }
    }
}

impl Transport for HttpListener {
    type Error = ServeError;

    async fn serve(
        self,
        server: Server,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let mut config = self.config;
        let local = self.listener.local_addr().map_err(ServeError::serve)?;
        config.loopback = local.ip().is_loopback();
        tracing::info!(address = %local, path = config.path, "listening");
        let listener = Draining::new(self.listener, server.clone()).tap_io(|stream| {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY cannot be set");
            }
        });
        serve(listener, config, server, shutdown).await
    }
}

/// Serves what `listener` accepts until `shutdown` is ready, then drains and closes the server.
pub(crate) async fn serve<L>(
    listener: L,
    config: Config,
    server: Server,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError>
where
    L: Listener,
    L::Addr: fmt::Debug,
{
    serve_each(listener, config, server, shutdown, |app, _| app.clone()).await
}

/// The same, where every request carries the address of its connection as
/// [`ConnectInfo`].
pub(crate) async fn serve_on<L>(
    listener: L,
    config: Config,
    server: Server,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError>
where
    L: Listener,
    L::Addr: Clone + fmt::Debug + Sync + 'static,
{
    serve_each(listener, config, server, shutdown, |app, address| {
        Extension(ConnectInfo(address.clone())).layer(app.clone())
    })
    .await
}

/// Serves each connection with what `service` makes for its address.
async fn serve_each<L, S>(
    listener: L,
    config: Config,
    server: Server,
    shutdown: impl Future<Output = ()> + Send + 'static,
    service: impl Fn(&Router, &L::Addr) -> S + Send + 'static,
) -> Result<(), ServeError>
where
    L: Listener,
    L::Addr: fmt::Debug,
    S: Service<Request, Response = Response, Error = Infallible, Future: Send + Unpin>
        + Clone
        + Send
        + 'static,
{
    let connections = Connections::new(config.max_connections);
    let listener = Cuttable {
        listener,
        connections: connections.clone(),
        server: server.clone(),
        write: config.write_deadline,
    };
    let silence = config.silence();
    server.join().await;
    let drain = drained(&server, shutdown, config.linger);
    let app = endpoint::app(server.clone(), config);
    let each = PerConnection(move |address: &L::Addr| service(&app, address));
    let serve = axum::serve(listener, each).with_graceful_shutdown(drain);
    tokio::select! {
        ended = until_closed(serve, &connections, server) => ended,
        () = connections.watch(silence) => Ok(()),
    }
}

/// Ready when the connections of a server that drains have been heard for the last time.
fn drained(
    server: &Server,
    shutdown: impl Future<Output = ()> + Send + 'static,
    linger: Duration,
) -> impl Future<Output = ()> + Send + 'static {
    let server = server.clone();
    async move {
        server.sessions().drain_on(shutdown).await;
        // The listener closes now; requests may be on their way on what is open.
        tokio::select! {
            () = sleep_until(Instant::now() + linger) => {}
            () = server.reached(Phase::Closed) => {}
        }
    }
}

async fn until_closed(
    serve: impl IntoFuture<Output = io::Result<()>, IntoFuture: Send>,
    connections: &Connections,
    server: Server,
) -> Result<(), ServeError> {
    let serve = serve.into_future();
    let mut serving = pin!(async {
        serve.await.map_err(ServeError::serve)?;
        server.drained().await;
        Ok(())
    });
    // A connection that neither speaks nor ends must not keep a closed server running.
    tokio::select! {
        ended = &mut serving => ended?,
        () = overdue(&server) => {
            let cut = connections.cut();
            tracing::warn!(cut, "connections are cut because the server closes");
            // A handler that does not let go of its thread must not keep the server either.
            if let Ok(ended) = timeout(LAST_ANSWERS, serving).await {
                ended?;
            }
        }
    }
    server.close().await;
    Ok(())
}

/// Ready a while after the server has closed.
async fn overdue(server: &Server) {
    server.reached(Phase::Closed).await;
    sleep_until(Instant::now() + LAST_ANSWERS).await;
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use mcp_core::{McpRouter, server::ServerBuilder};
    use tokio::{
        io::{self, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        sync::mpsc,
    };

    use super::*;

    struct Duplexes(mpsc::Receiver<DuplexStream>);

    impl Listener for Duplexes {
        type Io = DuplexStream;
        type Addr = ();

        async fn accept(&mut self) -> (DuplexStream, ()) {
            match self.0.recv().await {
                Some(stream) => (stream, ()),
                None => std::future::pending().await,
            }
        }

        fn local_addr(&self) -> io::Result<()> {
            Ok(())
        }
    }

    const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";

    /// A server for `connections` at once, and the way to connect to it.
    fn started(connections: usize) -> (impl Future<Output = ()>, mpsc::Sender<DuplexStream>) {
        let server = ServerBuilder::from(McpRouter::new()).build().unwrap();
        let config = Config {
            max_connections: connections,
            ..Config::default()
        };
        let (send, accepted) = mpsc::channel(1);
        let run = serve(Duplexes(accepted), config, server, std::future::pending());
        (run.map(Result::unwrap), send)
    }

    async fn connect(to: &mpsc::Sender<DuplexStream>) -> DuplexStream {
        let (client, stream) = duplex(1024);
        to.send(stream).await.unwrap();
        client
    }

    /// What comes until the connection is cut, and when that is.
    async fn until_cut(client: &mut DuplexStream) -> (String, Duration) {
        let began = Instant::now();
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.unwrap();
        (heard, began.elapsed())
    }

    fn is_about(time: Duration, seconds: u64) -> bool {
        (seconds..=seconds + 2).contains(&time.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn who_connects_and_says_nothing_is_cut() {
        let (run, server) = started(9);
        let client = async {
            let (heard, time) = until_cut(&mut connect(&server).await).await;
            assert!(heard.is_empty() && is_about(time, 30), "{heard} {time:?}");
        };
        tokio::select! { () = run => {}, () = client => {} }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_in_pieces_has_the_time_of_one() {
        let (run, server) = started(9);
        let client = async {
            let (mut read, mut write) = io::split(connect(&server).await);
            let dribble = async {
                let mut sent = write.write_all(b"GET /health HTTP/1.1\r\nx-slow: ").await;
                while sent.is_ok() {
                    sleep_until(Instant::now() + Duration::from_secs(1)).await;
                    sent = write.write_all(b"a").await;
                }
            };
            let began = Instant::now();
            let mut heard = Vec::new();
            let ((), read) = tokio::join!(dribble, read.read_to_end(&mut heard));
            assert_eq!(read.unwrap(), 0);
            assert!(is_about(began.elapsed(), 30), "{:?}", began.elapsed());
        };
        tokio::select! { () = run => {}, () = client => {} }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_not_used_again_is_cut() {
        let (run, server) = started(9);
        let client = async {
            let mut client = connect(&server).await;
            client.write_all(HEALTH).await.unwrap();
            let (heard, time) = until_cut(&mut client).await;
            assert!(heard.starts_with("HTTP/1.1 200"), "{heard}");
            assert!(is_about(time, 620), "{time:?}");
        };
        tokio::select! { () = run => {}, () = client => {} }
    }

    #[tokio::test(start_paused = true)]
    async fn one_connection_too_many_waits_until_another_ends() {
        let (run, server) = started(1);
        let client = async {
            let first = connect(&server).await;
            let mut second = connect(&server).await;
            second.write_all(HEALTH).await.unwrap();
            let mut heard = [0; 12];
            let waited = timeout(Duration::from_secs(10), second.read_exact(&mut heard)).await;
            assert!(waited.is_err(), "it was served: {heard:?}");
            drop(first);
            second.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"HTTP/1.1 200");
        };
        tokio::select! { () = run => {}, () = client => {} }
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_does_not_keep_a_closed_server() {
        let builder = ServerBuilder::from(McpRouter::new());
        let server = builder.with_limits(|limits| limits.drain_timeout = Duration::ZERO);
        let server = server.build().unwrap();
        let (send, accepted) = mpsc::channel(1);
        let (mut client, stream) = duplex(1024);
        client.write_all(b"POST /mcp HTTP/1.1\r\n").await.unwrap();
        send.send(stream).await.unwrap();
        let read = async {
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await
        };
        let shutdown = sleep_until(Instant::now() + Duration::from_secs(1));
        let run = serve(Duplexes(accepted), Config::default(), server, shutdown);
        let (ended, read) = tokio::join!(run, read);
        ended.unwrap();
        assert_eq!(read.unwrap(), 0, "the connection was closed");
    }
}
