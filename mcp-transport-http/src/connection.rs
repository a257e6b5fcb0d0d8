//! Connections that can be cut: when their peer takes nothing or says nothing for too long, or when
//! the server has closed and they do not end.

use std::{
    collections::HashMap,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::serve::Listener;
use futures_util::task::AtomicWaker;
use mcp_core::server::{Phase, Server};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::yield_now,
    time::{Instant, Sleep, sleep_until},
};

use crate::silence::{Activity, Silence, Ticks};

/// So much is read at once, so that HTTP does not get a larger buffer for each large body.
const AT_ONCE: usize = 128 * 1024;

/// After so many bytes others have a turn. HTTP reads on while there is something to read, and a large body
/// is there for milliseconds.
const TURN: usize = 256 * 1024;

/// The open connections of one listener. Clones are the same connections.
#[derive(Clone, Debug)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    open: Mutex<HashMap<u64, Arc<Cut>>>,
    next: AtomicU64,
    ticks: Ticks,
    /// One permit for each connection that may still be opened.
    room: Arc<Semaphore>,
}

/// What a connection does, and the way to tell it that it is cut.
#[derive(Debug, Default)]
struct Cut {
    activity: Arc<Activity>,
    done: AtomicBool,
    /// Whatever task polls the connection.
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Cut {
    fn cut(&self) {
        self.done.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }
}

impl Connections {
    /// At most `most` at the same time.
    pub(crate) fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner {
            open: Mutex::default(),
            next: AtomicU64::default(),
            ticks: Ticks::default(),
            room: Arc::new(Semaphore::new(most)),
        }))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Cut>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, room: Option<OwnedSemaphorePermit>) -> Entry {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let cut = Arc::new(Cut {
            activity: Arc::new(Activity::new(self.0.ticks.clone())),
            ..Cut::default()
        });
        self.open().insert(number, Arc::clone(&cut));
        metrics::gauge!("mcp.connections.open").increment(1.0);
        Entry {
            connections: self.clone(),
            number,
            cut,
            _room: room,
        }
    }

    /// Ready when one more connection may be opened, or the server closes: what has connected until
    /// then is still heard.
    async fn room(&self, server: &Server) -> Option<OwnedSemaphorePermit> {
        let room = &self.0.room;
        if let Ok(room) = Arc::clone(room).try_acquire_owned() {
            return Some(room);
        }
        tracing::warn!("there are as many connections as are allowed; others wait");
        metrics::counter!("mcp.connections.waited").increment(1);
        tokio::select! {
            room = Arc::clone(room).acquire_owned() => room.ok(),
            () = server.reached(Phase::Closing) => None,
        }
    }

    /// Makes every connection that is open now fail; says how many there were.
    pub(crate) fn cut(&self) -> usize {
        let open: Vec<_> = self.open().values().map(Arc::clone).collect();
        for connection in &open {
            connection.cut();
        }
        open.len()
    }

    /// Cuts whoever is silent for too long, for ever.
    pub(crate) async fn watch(&self, silence: Silence) {
        let (period, head, idle) = silence.in_ticks();
        loop {
            sleep_until(Instant::now() + period).await;
            let now = self.0.ticks.advance();
            let overdue: Vec<_> = {
                let open = self.open();
                let all = open.values();
                let overdue = all.filter_map(|connection| {
                    let reason = connection.activity.overdue(now, head, idle)?;
                    Some((Arc::clone(connection), reason))
                });
                overdue.collect()
            };
            for (connection, reason) in overdue {
                metrics::counter!("mcp.connections.cut", "reason" => reason).increment(1);
                connection.cut();
            }
        }
    }
}

/// A connection's place among the others, until it is dropped.
struct Entry {
    connections: Connections,
    number: u64,
    cut: Arc<Cut>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Entry {
    /// The error of a connection that is cut; else the task of `cx` is woken when it will be.
    fn check(&self, waker: &AtomicWaker, cx: &Context<'_>) -> io::Result<()> {
        waker.register(cx.waker());
        if self.cut.done.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        metrics::gauge!("mcp.connections.open").decrement(1.0);
        self.connections.open().remove(&self.number);
    }
}

/// Accepts connections that can be cut.
pub(crate) struct Cuttable<L> {
    pub(crate) listener: L,
    pub(crate) connections: Connections,
    pub(crate) server: Server,
    /// How long a write may wait for the peer.
    pub(crate) write: Duration,
}

impl<L: Listener> Listener for Cuttable<L> {
    type Io = Connection<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let room = self.connections.room(&self.server).await;
        // axum's own implementations wait and try again when a connection cannot be accepted.
        let (stream, address) = self.listener.accept().await;
        let connection = Connection {
            stream,
            write: self.write,
            stalled: None,
            turn: 0,
            entry: self.connections.add(room),
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection whose writes fail when the peer takes nothing for too long, and that can be cut.
pub(crate) struct Connection<S> {
    stream: S,
    write: Duration,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
    /// How much was read without a pause.
    turn: usize,
    entry: Entry,
}

impl<S> Connection<S> {
    /// What it does, for the service that answers its requests to tell.
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.entry.cut.activity
    }

    /// A flush is no sign of life: HTTP flushes whenever it has looked.
    fn note(&self, written: &Poll<io::Result<usize>>) {
        if written.is_ready() {
            self.activity().said();
        }
    }

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
        self.entry.check(&self.entry.cut.writer, cx)?;
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

impl<S: AsyncRead + Unpin> Connection<S> {
    fn read_some(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = Pin::new(&mut self.stream);
        if buf.remaining() <= AT_ONCE {
            return stream.poll_read(cx, buf);
        }
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(AT_ONCE));
        ready!(stream.poll_read(cx, &mut part))?;
        let read = part.filled().len();
        buf.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.turn >= TURN {
            self.turn = 0;
            // Wakes the task when the runtime has looked what else there is to do.
            ready!(pin!(yield_now()).poll(cx));
        }
        let before = buf.filled().len();
        let read = self.read_some(cx, buf);
        if read.is_pending() {
            self.turn = 0;
            self.entry.check(&self.entry.cut.reader, cx)?;
        } else {
            self.turn += buf.filled().len() - before;
            self.activity().heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note(&written);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note(&written);
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
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    fn connection(stream: DuplexStream, connections: &Connections) -> Connection<DuplexStream> {
        Connection {
            stream,
            write: Duration::from_secs(30),
            stalled: None,
            turn: 0,
            entry: connections.add(None),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_nobody_takes_fails_at_its_deadline() {
        let (stream, _peer) = duplex(16);
        let mut connection = connection(stream, &Connections::new(9));
        let began = Instant::now();
        connection.write_all(&[0; 16]).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
        let error = connection.write_all(&[0; 16]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_reader_of_much_lets_others_have_a_turn() {
        let (stream, mut peer) = duplex(4 * TURN);
        let mut connection = connection(stream, &Connections::new(9));
        peer.write_all(&vec![0; 4 * TURN]).await.unwrap();
        let (mut read, mut turns) = (0, 0);
        let mut buffer = vec![0; 4 * TURN];
        while read < 4 * TURN {
            let mut part = ReadBuf::new(&mut buffer);
            let turn = poll_fn(|cx| {
                let polled = Pin::new(&mut connection).poll_read(cx, &mut part);
                Poll::Ready(polled.is_pending())
            });
            turns += usize::from(turn.await);
            assert!(part.filled().len() <= AT_ONCE);
            read += part.filled().len();
        }
        assert_eq!(turns, 3);
    }

    #[tokio::test]
    async fn a_connection_that_is_cut_wakes_its_reader_and_its_writer() {
        let connections = Connections::new(9);
        let (stream, _peer) = duplex(16);
        let (mut reader, mut writer) = tokio::io::split(connection(stream, &connections));
        let mut buffer = [0; 1];
        let read = reader.read(&mut buffer);
        let write = writer.write_all(&[0; 17]);
        let cut = async { connections.cut() };
        let (read, write, cut) = tokio::join!(read, write, cut);
        assert_eq!(cut, 1);
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        assert_eq!(write.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[test]
    fn a_connection_that_ended_is_forgotten() {
        let connections = Connections::new(9);
        drop(connection(duplex(1).0, &connections));
        assert_eq!(connections.cut(), 0);
    }
}
