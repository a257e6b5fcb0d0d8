//! What is added to a log at once, and what follows from it.

use std::{fmt, time::Duration};

use bytes::Bytes;

use super::{Generation, Position, ReaderId};

/// How much of a log is kept. What goes beyond is trimmed from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the three bounds of a log")]
pub struct Retention {
    /// At most this many events.
    pub events: u64,
    /// At most this many bytes of payload; a single event beyond it is trimmed at once.
    pub bytes: u64,
    /// No event older than this; `None` while the log lives.
    pub age: Option<Duration>,
}

/// What [`EventStore::append`](super::EventStore::append) writes. `Debug` shows neither payloads nor key.
#[derive(Clone)]
#[non_exhaustive]
pub struct Append<'a> {
    /// The payloads, in order; they become visible together.
    pub events: &'a [Bytes],
    /// Makes a repeated append of the same events harmless, and one of others a `Conflict`.
    pub key: Option<&'a str>,
    /// The highest position this writer knows of this log; a log that is shorter begins a new epoch.
    pub writer_seen: Option<Position>,
    /// What is kept afterwards.
    pub retention: Retention,
    /// Becomes the one reader of a log that nobody has read, in the same step.
    pub reader: Option<&'a ReaderId>,
    /// Ends the log with this batch, as [`EventStore::seal`](super::EventStore::seal) does: so long it is
    /// kept.
    pub seal: Option<Duration>,
}

impl<'a> Append<'a> {
    /// Appends `events` without a key.
    #[must_use]
    pub fn new(events: &'a [Bytes], retention: Retention) -> Self {
        Self {
            events,
            key: None,
            writer_seen: None,
            retention,
            reader: None,
            seal: None,
        }
    }

    /// Under an idempotency key.
    #[must_use]
    pub fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// With what this writer knows of the log.
    #[must_use]
    pub fn writer_seen(mut self, seen: Option<Position>) -> Self {
        self.writer_seen = seen;
        self
    }

    /// For a reader, if the log has none yet.
    #[must_use]
    pub fn reader(mut self, reader: Option<&'a ReaderId>) -> Self {
        self.reader = reader;
        self
    }

    /// The last of the log, if so: how long the log is kept then.
    #[must_use]
    pub fn seal(mut self, keep: Option<Duration>) -> Self {
        self.seal = keep;
        self
    }
}

impl fmt::Debug for Append<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Append")
            .field("events", &self.events.len())
            .field("writer_seen", &self.writer_seen)
            .field("retention", &self.retention)
            .field("reader", &self.reader)
            .field("seal", &self.seal)
            .finish_non_exhaustive()
    }
}

/// The answer of [`EventStore::append`](super::EventStore::append).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The position of the last event of the batch (of the first batch under the same key).
    pub last: Position,
    /// Who reads the log now, so that the writer wakes exactly that process, and its fencing number.
    pub reader: Option<(ReaderId, Generation)>,
    /// The key was known, nothing was added.
    pub duplicate: bool,
}

impl Appended {
    /// What a store answers to `append`.
    #[must_use]
    pub fn new(last: Position, reader: Option<(ReaderId, Generation)>, duplicate: bool) -> Self {
        Self {
            last,
            reader,
            duplicate,
        }
    }
}
