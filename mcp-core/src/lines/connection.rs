//! One connection: reads, runs and writes in one task.

use std::{fmt, io, time::Duration};

use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until, timeout},
};

use super::{conversation::Conversation, read::LineReader, write::LineWriter};
use crate::{
    auth::Grant,
    server::{Caller, Phase, Server},
    store::Principal,
};

/// How long the last answers may take to be said and to be sent.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Serves one connection of newline-delimited JSON-RPC.
///
/// The connection ends when the client ends it, when a session is terminated, or when the server
/// drains: what runs is then finished within
/// [`Limits::drain_timeout`](crate::server::Limits::drain_timeout).
#[must_use = "a connection is only served by `serve` or `spawn`"]
pub struct Lines {
    server: Server,
    caller: Caller,
    longest: usize,
    write_deadline: Option<Duration>,
}

impl Lines {
    /// A connection to this server, of nobody in particular.
    pub fn new(server: Server) -> Self {
        Self {
            server,
            caller: Caller::default(),
            longest: 4 * 1024 * 1024,
            write_deadline: None,
        }
    }

    /// Who is at the other end.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.caller.principal = Some(principal);
        self
    }

    /// Who is at the other end, and what they may do.
    pub fn grant(mut self, grant: Grant) -> Self {
        self.caller = self.caller.with_grant(grant);
        self
    }

    /// Attaches something to every request, for handlers to find.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.caller.extensions.insert(value);
        self
    }

    /// Longest line in bytes. Default 4 MiB; a longer one is answered with −32600 and passed over.
    pub fn max_line_size(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// A client that takes nothing for this long is disconnected. Default: never.
    pub fn write_deadline(mut self, deadline: Duration) -> Self {
        self.write_deadline = Some(deadline);
        self
    }

    /// Serves until one side ends the connection.
    ///
    /// Requests run at the same time, and what each says keeps its order. When the client ends its
    /// side, requests that still run are cancelled.
    ///
    /// # Errors
    ///
    /// When the stream fails otherwise than by its end.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the connection ends, and all that runs on it.
    pub async fn serve<R, W>(self, source: R, sink: W) -> io::Result<()>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        // A request may bring what another instance has sealed.
        self.server.join().await;
        let mut connection = Connection {
            longest: self.longest,
            conversation: Conversation::new(self.server.clone(), self.caller),
            lines: LineReader::new(source, self.longest),
            out: LineWriter::new(sink, self.write_deadline),
        };
        let served = match connection.run(&self.server).await {
            Ok(()) => connection.finish().await,
            Err(error) => Err(error),
        };
        served.or_else(|error| if is_end(&error) { Ok(()) } else { Err(error) })
    }

    /// Serves in a task of its own, for which the server waits when it drains and closes.
    pub fn spawn<R, W>(self, source: R, sink: W)
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let server = self.server.clone();
        server.spawn_connection(async move {
            if let Err(error) = self.serve(source, sink).await {
                tracing::debug!(%error, "a connection failed");
            }
        });
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("longest", &self.longest)
            .field("write_deadline", &self.write_deadline)
            .finish_non_exhaustive()
    }
}

struct Connection<R, W> {
    longest: usize,
    conversation: Conversation,
    lines: LineReader<R>,
    out: LineWriter<W>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// Goes on until there is nothing more to do.
    async fn run(&mut self, server: &Server) -> io::Result<()> {
        let mut closing = std::pin::pin!(server.reached(Phase::Closing).fuse());
        let mut overdue = std::pin::pin!(overdue(server));
        loop {
            let Self {
                conversation,
                lines,
                out,
                ..
            } = self;
            if conversation.has_ended() {
                return Ok(());
            }
            let done = conversation.is_idle() && out.is_idle();
            if done && server.phase() >= Phase::Closing {
                return Ok(());
            }
            // While the client reads nothing it is not read either, and what runs stands still.
            let room = out.has_room();
            tokio::select! {
                written = out.write(), if !out.is_idle() => written?,
                said = conversation.next(), if room && !conversation.is_idle() => out.extend(said),
                line = lines.next(), if room => match line? {
                    Some(line) => {
                        out.extend(conversation.take(line, self.longest).await);
                    }
                    None => return Ok(()),
                },
                () = &mut closing => {}
                () = &mut overdue => return Ok(()),
            }
        }
    }

    /// Sends what is ready. What is not will never be.
    async fn finish(&mut self) -> io::Result<()> {
        while self.out.has_room()
            && !self.conversation.is_idle()
            && let Some(said) = self.conversation.next().now_or_never()
        {
            self.out.extend(said);
        }
        let sent = timeout(LAST_ANSWERS, self.out.finish()).await;
        sent.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// Ready a while after the server has closed.
async fn overdue(server: &Server) {
    server.reached(Phase::Closed).await;
    sleep_until(Instant::now() + LAST_ANSWERS).await;
}

/// Whether the error only says that the peer is away.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected
    )
}
