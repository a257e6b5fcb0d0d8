//! One connection, whose first byte has been read to see what it speaks.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::UnixStream,
    sync::OwnedSemaphorePermit,
};

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Http,
    /// Newline-delimited JSON-RPC.
    Lines,
}

impl Dialect {
    /// A method of HTTP is a word; a message of JSON-RPC is an object or an array, maybe after space.
    fn of(first: u8) -> Self {
        match first {
            b'{' | b'[' | b' ' | b'\t' | b'\r' | b'\n' => Self::Lines,
            _ => Self::Http,
        }
    }
}

/// A connection, with its place among those that may be open.
#[derive(Debug)]
pub(crate) struct Connection {
    /// To be read before what is still in the stream.
    first: Option<u8>,
    stream: UnixStream,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Waits for the first byte; `None` when there is none.
    pub(crate) async fn open(
        mut stream: UnixStream,
        place: OwnedSemaphorePermit,
    ) -> io::Result<Option<(Self, Dialect)>> {
        let mut first = [0];
        if stream.read(&mut first).await? == 0 {
            return Ok(None);
        }
        let connection = Self {
            first: Some(first[0]),
            stream,
            _place: place,
        };
        Ok(Some((connection, Dialect::of(first[0]))))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buffer.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_dialect() {
        for first in *b"{[ \t\r\n" {
            assert_eq!(Dialect::of(first), Dialect::Lines);
        }
        for first in *b"GPDOHg\x16\xef7\"" {
            assert_eq!(Dialect::of(first), Dialect::Http);
        }
    }
}
