//! From messages to bytes: one write for each, and never more of them than the client takes.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::{Instant, Sleep, sleep_until},
};

/// So many messages may wait before nothing more is let in.
const MESSAGES: usize = 64;

/// The same, in bytes.
const BYTES: usize = 1024 * 1024;

/// The messages that wait to be written.
#[derive(Debug)]
pub(super) struct LineWriter<W> {
    sink: W,
    queue: VecDeque<Bytes>,
    /// The bytes in the queue.
    queued: usize,
    /// What is being written, with its line break.
    line: BytesMut,
    flushed: bool,
    deadline: Option<Duration>,
    /// Runs while a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<W: AsyncWrite + Unpin> LineWriter<W> {
    pub(super) fn new(sink: W, deadline: Option<Duration>) -> Self {
        Self {
            sink,
            queue: VecDeque::new(),
            queued: 0,
            line: BytesMut::new(),
            flushed: true,
            deadline,
            stalled: None,
        }
    }

    /// Puts messages in line.
    pub(super) fn extend(&mut self, messages: impl IntoIterator<Item = Bytes>) {
        for message in messages {
            self.queued += message.len();
            self.queue.push_back(message);
            self.flushed = false;
        }
    }

    /// Whether the client takes what is written fast enough for more.
    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < MESSAGES && self.queued < BYTES
    }

    /// Whether everything has been written.
    pub(super) fn is_idle(&self) -> bool {
        self.flushed
    }

    /// Writes all there is. Cancel safe: what is left is written by the next call.
    pub(super) async fn write(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            let written = self.poll_write(cx);
            self.watch(cx, written)
        })
        .await
    }

    /// Writes all there is, and says that nothing follows.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        self.write().await?;
        self.sink.shutdown().await
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.line.is_empty() {
                let Some(message) = self.queue.pop_front() else {
                    break;
                };
                self.queued -= message.len();
                self.put(&message);
            }
            let written = ready!(Pin::new(&mut self.sink).poll_write(cx, &self.line))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.line.advance(written);
            self.stalled = None;
        }
        ready!(Pin::new(&mut self.sink).poll_flush(cx))?;
        self.flushed = true;
        Poll::Ready(Ok(()))
    }

    /// A line break in JSON is white space between tokens, so a space says the same.
    fn put(&mut self, message: &[u8]) {
        self.line.clear();
        self.line.reserve(message.len() + 1);
        self.line.put_slice(message);
        for byte in self.line.iter_mut() {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        self.line.put_u8(b'\n');
    }

    /// Fails a write that has waited for too long.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some(deadline) = self.deadline.filter(|_| written.is_pending()) else {
            self.stalled = None;
            return written;
        };
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + deadline)));
        stalled
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    /// Notes each write.
    #[derive(Debug, Default)]
    struct Noted(Vec<String>);

    impl AsyncWrite for Noted {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(String::from_utf8(bytes.to_vec()).unwrap());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            unreachable!("one buffer is one write")
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_message_is_one_write_and_one_line() {
        let mut writer = LineWriter::new(Noted::default(), None);
        writer.extend([
            Bytes::from_static(b"{\"a\":\r\n1}"),
            Bytes::from_static(b"{}"),
        ]);
        writer.write().await.unwrap();
        assert_eq!(writer.sink.0, ["{\"a\":  1}\n", "{}\n"]);
        assert!(writer.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_fails_the_write_at_its_deadline() {
        let (sink, _peer) = duplex(4);
        let mut writer = LineWriter::new(sink, Some(Duration::from_secs(30)));
        writer.extend([Bytes::from_static(b"12345678")]);
        let began = Instant::now();
        let error = writer.write().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed(), Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_write_that_is_dropped_goes_on_where_it_was() {
        let (sink, mut peer) = duplex(4);
        let mut writer = LineWriter::new(sink, None);
        writer.extend([Bytes::from_static(b"12345678")]);
        tokio::select! {
            biased;
            _ = writer.write() => panic!("the pipe is too small"),
            () = std::future::ready(()) => {}
        }
        let mut read = [0; 9];
        let (written, _) = tokio::join!(writer.write(), peer.read_exact(&mut read));
        written.unwrap();
        assert_eq!(&read, b"12345678\n");
    }

    #[test]
    fn what_waits_is_bounded_in_number_and_in_bytes() {
        let mut many = LineWriter::new(Noted::default(), None);
        many.extend([const { Bytes::from_static(b"{}") }; MESSAGES]);
        assert!(!many.has_room());
        let mut large = LineWriter::new(Noted::default(), None);
        large.extend([vec![b' '; BYTES].into()]);
        assert!(!large.has_room());
    }
}
