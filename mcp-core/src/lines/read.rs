//! From bytes to lines.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::oversize::Oversize;
use crate::jsonrpc::RequestId;

/// How much room there is for a read, at least.
const CHUNK: usize = 8 * 1024;

/// One line of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// What stands in it, without the line break.
    Text(Bytes),
    /// Longer than a line may be; with the id of the request that it is.
    TooLong(Option<RequestId>),
}

/// Finds the lines in a stream of bytes. Blank ones do not count.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    source: R,
    buffer: BytesMut,
    /// Up to here there is no line break.
    searched: usize,
    longest: usize,
    /// A line that is too long, and still to end.
    oversize: Option<Oversize>,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(super) fn new(source: R, longest: usize) -> Self {
        Self {
            source,
            buffer: BytesMut::new(),
            searched: 0,
            longest,
            oversize: None,
        }
    }

    /// The next line; `None` at the end. Cancel safe: what has been read stays in the buffer.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            self.buffer.reserve(CHUNK);
            if self.source.read_buf(&mut self.buffer).await? == 0 {
                return Ok(self.last());
            }
        }
    }

    /// The next line that has arrived whole.
    fn take(&mut self) -> Option<Line> {
        loop {
            let unsearched = &self.buffer[self.searched..];
            let Some(at) = unsearched.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                self.pass_over();
                return None;
            };
            let line = self.buffer.split_to(self.searched + at + 1).freeze();
            self.searched = 0;
            if let Some(line) = self.line(&line) {
                return Some(line);
            }
        }
    }

    /// Keeps nothing of a line that is too long already.
    fn pass_over(&mut self) {
        // A carriage return may still be taken off.
        if self.oversize.is_none() && self.buffer.len() <= self.longest + 1 {
            return;
        }
        let oversize = self.oversize.get_or_insert_default();
        oversize.feed(&self.buffer);
        self.searched = 0;
        if self.buffer.capacity() > 2 * CHUNK {
            self.buffer = BytesMut::new();
        } else {
            self.buffer.clear();
        }
    }

    /// What stands behind the last line break.
    fn last(&mut self) -> Option<Line> {
        self.searched = 0;
        let rest = self.buffer.split().freeze();
        self.line(&rest)
    }

    /// What the rest of a line makes of it, if it holds anything.
    fn line(&mut self, rest: &Bytes) -> Option<Line> {
        let too_long = rest.trim_ascii_end().len() > self.longest;
        let oversize = self.oversize.take();
        if let Some(mut oversize) = oversize.or_else(|| too_long.then(Oversize::default)) {
            oversize.feed(rest);
            return Some(Line::TooLong(oversize.id()));
        }
        let text = rest.trim_ascii();
        (!text.is_empty()).then(|| Line::Text(rest.slice_ref(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(bytes: &[u8], longest: usize) -> Vec<String> {
        let mut found = Vec::new();
        let mut lines = LineReader::new(bytes, longest);
        while let Some(line) = lines.next().await.unwrap() {
            found.push(match line {
                Line::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                Line::TooLong(id) => format!("too long {id:?}"),
            });
        }
        found
    }

    #[tokio::test]
    async fn lines_end_with_or_without_a_carriage_return() {
        assert_eq!(
            lines(b"one\r\ntwo\nthree", 9).await,
            ["one", "two", "three"]
        );
    }

    #[tokio::test]
    async fn blank_lines_do_not_count() {
        assert_eq!(lines(b"\n\r\n  \t\none\n\n", 9).await, ["one"]);
    }

    #[tokio::test]
    async fn what_follows_a_line_that_is_too_long_is_read() {
        let expected = ["12345", "too long None", "54321"];
        assert_eq!(lines(b"12345\r\n123456\n54321\r\n", 5).await, expected);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_takes_no_memory() {
        let mut long = vec![b' '; 1024 * 1024];
        long.splice(..0, *br#"{"method":"a","id":"#);
        long.extend(b"7}\nnext");
        let mut reader = LineReader::new(&long[..], 100);
        let id = Some(RequestId::from(7));
        assert_eq!(reader.next().await.unwrap(), Some(Line::TooLong(id)));
        assert!(reader.buffer.capacity() <= 2 * CHUNK);
        let next = Some(Line::Text(Bytes::from_static(b"next")));
        assert_eq!(reader.next().await.unwrap(), next);
        assert_eq!(reader.next().await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_and_never_ends_is_said_at_the_end() {
        assert_eq!(lines(&vec![b'x'; 100_000], 9).await, ["too long None"]);
    }
}
