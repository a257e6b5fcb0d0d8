//! The TCP side: one write per answer, and no connection that takes nothing for ever.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::pin,
    time::Duration,
};

use axum::serve::{Listener, ListenerExt};
use mcp_core::{
    server::{Phase, Server},
    transport::{ServeError, Transport},
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    config::Config,
    connection::{Connections, Cuttable},
    endpoint,
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
        let listener = self.listener.tap_io(|stream| {
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
    let (listener, connections) = cuttable(listener, &config);
    server.join().await;
    let drain = server.sessions().drain_on(shutdown);
    let app = endpoint::app(server.clone(), config);
    let serve = axum::serve(listener, app).with_graceful_shutdown(drain);
    until_closed(serve, &connections, server).await
}

/// The same, where every request carries the address of its connection as
/// [`ConnectInfo`](axum::extract::ConnectInfo).
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
    let (listener, connections) = cuttable(listener, &config);
    server.join().await;
    let drain = server.sessions().drain_on(shutdown);
    let app = endpoint::app(server.clone(), config);
    let app = app.into_make_service_with_connect_info::<L::Addr>();
    let serve = axum::serve(listener.tap_io(|_| ()), app).with_graceful_shutdown(drain);
    until_closed(serve, &connections, server).await
}

fn cuttable<L>(listener: L, config: &Config) -> (Cuttable<L>, Connections) {
    let connections = Connections::default();
    let listener = Cuttable {
        listener,
        connections: connections.clone(),
        write: config.write_deadline,
    };
    (listener, connections)
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
