//! From bytes to lines.

use std::{io, mem};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much room there is for a read, at least.
const CHUNK: usize = 8 * 1024;

/// One line of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// What stands in it, without the line break.
    Text(Bytes),
    /// Longer than a line may be. What is left of it is passed over.
    TooLong,
}

/// Finds the lines in a stream of bytes. Blank ones do not count.
#[derive(Debug)]
pub(super) struct LineReader<R> {
    source: R,
    buffer: BytesMut,
    /// Up to here there is no line break.
    searched: usize,
    longest: usize,
    /// The rest of a line that was too long is still to come.
    skipping: bool,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(super) fn new(source: R, longest: usize) -> Self {
        Self {
            source,
            buffer: BytesMut::new(),
            searched: 0,
            longest,
            skipping: false,
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

    /// The next line that has arrived whole, or the word that it cannot.
    fn take(&mut self) -> Option<Line> {
        loop {
            let unsearched = &self.buffer[self.searched..];
            let Some(at) = unsearched.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len();
                return self.outgrown().then_some(Line::TooLong);
            };
            let line = self.buffer.split_to(self.searched + at + 1).freeze();
            self.searched = 0;
            if mem::take(&mut self.skipping) {
                continue;
            }
            if line.trim_ascii_end().len() > self.longest {
                return Some(Line::TooLong);
            }
            if let Some(line) = text(&line) {
                return Some(line);
            }
        }
    }

    /// Gives up a line without an end when it is too long; `true` when that is news.
    fn outgrown(&mut self) -> bool {
        // A carriage return may still be taken off.
        if !self.skipping && self.buffer.len() <= self.longest + 1 {
            return false;
        }
        // The memory goes, too.
        self.buffer = BytesMut::new();
        self.searched = 0;
        !mem::replace(&mut self.skipping, true)
    }

    /// What stands behind the last line break.
    fn last(&mut self) -> Option<Line> {
        self.searched = 0;
        let rest = mem::take(&mut self.buffer).freeze();
        if mem::take(&mut self.skipping) {
            return None;
        }
        if rest.trim_ascii_end().len() > self.longest {
            return Some(Line::TooLong);
        }
        text(&rest)
    }
}

/// What a line holds, if anything.
fn text(line: &Bytes) -> Option<Line> {
    let text = line.trim_ascii();
    (!text.is_empty()).then(|| Line::Text(line.slice_ref(text)))
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
                Line::TooLong => "too long".to_owned(),
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
        let expected = ["12345", "too long", "54321"];
        assert_eq!(lines(b"12345\r\n123456\n54321\r\n", 5).await, expected);
    }

    #[tokio::test]
    async fn an_endless_line_takes_no_memory() {
        let endless = vec![b'x'; 1024 * 1024];
        let mut reader = LineReader::new(&endless[..], 100);
        assert_eq!(reader.next().await.unwrap(), Some(Line::TooLong));
        assert!(reader.buffer.capacity() <= 2 * CHUNK);
        assert_eq!(reader.next().await.unwrap(), None);
        assert!(reader.buffer.capacity() <= 2 * CHUNK);
    }
}
