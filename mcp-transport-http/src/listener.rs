//! The TCP side: one write per answer, and no connection that takes nothing for ever.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::{Listener, ListenerExt};
use mcp_core::{
    server::{Phase, Server},
    transport::{ServeError, Transport},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpListener,
    time::{Instant, Sleep, sleep_until},
};

use crate::{config::Config, endpoint};

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
    let listener = Deadlines::new(listener, &config);
    let drain = server.sessions().drain_on(shutdown);
    let app = endpoint::app(server.clone(), config);
    until_closed(
        axum::serve(listener, app).with_graceful_shutdown(drain),
        server,
    )
    .await
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
    let listener = Deadlines::new(listener, &config).tap_io(|_| ());
    let drain = server.sessions().drain_on(shutdown);
    let app = endpoint::app(server.clone(), config);
    let app = app.into_make_service_with_connect_info::<L::Addr>();
    until_closed(
        axum::serve(listener, app).with_graceful_shutdown(drain),
        server,
    )
    .await
}

async fn until_closed(
    serve: impl IntoFuture<Output = io::Result<()>, IntoFuture: Send>,
    server: Server,
) -> Result<(), ServeError> {
    let serve = serve.into_future();
    let serving = async {
        serve.await.map_err(ServeError::serve)?;
        server.drained().await;
        Ok(())
    };
    // A connection that neither speaks nor ends must not keep a closed server running.
    tokio::select! {
        ended = serving => ended?,
        () = overdue(&server) => tracing::warn!("connections are cut"),
    }
    server.close().await;
    Ok(())
}

/// Ready a while after the server has closed.
async fn overdue(server: &Server) {
    server.reached(Phase::Closed).await;
    sleep_until(Instant::now() + LAST_ANSWERS).await;
}

/// Accepts connections, each with a deadline for its writes.
struct Deadlines<L> {
    listener: L,
    write: Duration,
}

impl<L> Deadlines<L> {
    fn new(listener: L, config: &Config) -> Self {
        Self {
            listener,
            write: config.write_deadline,
        }
    }
}

impl<L: Listener> Listener for Deadlines<L> {
    type Io = Connection<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // axum's own implementations wait and try again when a connection cannot be accepted.
        let (stream, address) = self.listener.accept().await;
        let connection = Connection {
            stream,
            write: self.write,
            stalled: None,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection whose writes fail when the peer takes nothing for too long.
struct Connection<S> {
    stream: S,
    write: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Connection<S> {
    /// Starts the deadline at the first write that must wait, and ends it at the first that need not.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let deadline = self.write;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + deadline)));
        stalled
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_write_that_nobody_takes_fails_at_its_deadline() {
        let (stream, _peer) = duplex(16);
        let mut connection = Connection {
            stream,
            write: Duration::from_secs(30),
            stalled: None,
        };
        let began = Instant::now();
        connection.write_all(&[0; 16]).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        let error = connection.write_all(&[0; 16]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), Duration::from_secs(30));
    }
}
