//! Standard input and output, read and written by threads of their own.
//!
//! A read from a terminal or a pipe cannot be called off. In tokio's own pool it would hold up the end
//! of the runtime until the client sends one more byte; a plain thread ends with the process.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// Takes both streams away from the rest of the process.
///
/// Reading the null device is an end of input at once, and what is printed goes to standard error.
#[cfg(unix)]
pub(crate) fn take() -> io::Result<(Input, Output)> {
    use std::{fs::File, os::fd::AsFd};

    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok((Input::new(input)?, Output::new(output)?))
}

/// Both streams, which the rest of the process must leave alone.
#[cfg(not(unix))]
pub(crate) fn take() -> io::Result<(Input, Output)> {
    Ok((Input::new(io::stdin())?, Output::new(io::stdout())?))
}

/// What a thread reads.
#[derive(Debug)]
pub(crate) struct Input {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    chunk: Bytes,
}

impl Input {
    fn new(source: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, chunks) = mpsc::channel(1);
        let thread = thread::Builder::new().name("mcp-stdin".to_owned());
        thread.spawn(move || read(source, &sender))?;
        Ok(Self {
            chunks,
            chunk: Bytes::new(),
        })
    }
}

/// Reads until there is an end, an error, or nobody left to read for.
fn read(mut source: impl Read, chunks: &mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let chunk = match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => Ok(Bytes::copy_from_slice(&buffer[..length])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if chunks.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}

impl AsyncRead for Input {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.chunk.is_empty() {
            match ready!(self.chunks.poll_recv(cx)) {
                Some(chunk) => self.chunk = chunk?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.chunk.len().min(buffer.remaining());
        buffer.put_slice(&self.chunk[..length]);
        self.chunk.advance(length);
        Poll::Ready(Ok(()))
    }
}

/// What a thread writes, one piece at a time.
#[derive(Debug)]
pub(crate) struct Output {
    pieces: Option<mpsc::Sender<Bytes>>,
    written: mpsc::Receiver<io::Result<()>>,
    /// A piece is being written.
    busy: bool,
}

impl Output {
    fn new(sink: impl Write + Send + 'static) -> io::Result<Self> {
        let (pieces, queue) = mpsc::channel(1);
        let (results, written) = mpsc::channel(1);
        let thread = thread::Builder::new().name("mcp-stdout".to_owned());
        thread.spawn(move || write(sink, queue, &results))?;
        Ok(Self {
            pieces: Some(pieces),
            written,
            busy: false,
        })
    }
}

/// Writes until there is an error or nothing more to write.
fn write(
    mut sink: impl Write,
    mut pieces: mpsc::Receiver<Bytes>,
    results: &mpsc::Sender<io::Result<()>>,
) {
    while let Some(piece) = pieces.blocking_recv() {
        let written = sink.write_all(&piece).and_then(|()| sink.flush());
        let failed = written.is_err();
        if results.blocking_send(written).is_err() || failed {
            return;
        }
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().poll_flush(cx))?;
        let pieces = self.pieces.as_ref();
        let sent = pieces.map(|pieces| pieces.try_send(Bytes::copy_from_slice(bytes)));
        let Some(Ok(())) = sent else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        self.busy = true;
        Poll::Ready(Ok(bytes.len()))
    }

    /// Waits until the thread has written what it was given.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.busy {
            return Poll::Ready(Ok(()));
        }
        let written = ready!(self.written.poll_recv(cx));
        self.busy = false;
        Poll::Ready(written.unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into())))
    }

    /// Ends the thread, which closes the stream.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        self.pieces = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_goes_in_comes_out() {
        let text: Vec<u8> = (0..=255).cycle().take(3 * CHUNK + 7).collect();
        let mut input = Input::new(io::Cursor::new(text.clone())).unwrap();
        let mut read = Vec::new();
        input.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, text);
    }

    #[tokio::test]
    async fn what_is_flushed_is_written_in_the_pieces_it_was_given() {
        let (reader, writer) = io::pipe().unwrap();
        let mut output = Output::new(writer).unwrap();
        output.write_all(b"one\n").await.unwrap();
        output.write_all(b"two\n").await.unwrap();
        output.flush().await.unwrap();
        let mut input = Input::new(reader).unwrap();
        let mut read = [0; 8];
        input.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"one\ntwo\n");
        output.shutdown().await.unwrap();
        drop(output);
        assert_eq!(input.read(&mut read).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn nobody_at_the_other_end_is_an_error() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut output = Output::new(writer).unwrap();
        output.write_all(b"one\n").await.unwrap();
        let error = output.flush().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
