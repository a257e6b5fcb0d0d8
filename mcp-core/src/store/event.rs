//! Ordered logs of messages: [`EventStore`] and what it keeps.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{SessionId, StoreError};

/// The id of one process start: random, fresh at every start.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(Arc<str>);

impl InstanceId {
    /// Wraps an id; visible ASCII without a dot.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id as it stands in stores and on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstanceId({})", self.0)
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store must place every kind of log"
)]
pub enum LogKey {
    /// One SSE stream of a session: one writer, one logical reader at a time.
    Stream {
        /// The session the stream belongs to.
        session: SessionId,
        /// The stream within the session; names the instance that produces it.
        stream: Arc<str>,
    },
    /// Answers of clients to requests that this instance sent.
    Inbox(InstanceId),
    /// One of the [`BROADCAST_LOGS`] logs that every instance reads, by number.
    Broadcast(u8),
    /// What is decided once per namespace; never trimmed.
    Config,
}

/// How many broadcast logs there are in a namespace.
pub const BROADCAST_LOGS: u8 = 8;

/// One life of a log. A log that lost its end begins a new epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number and nothing else")]
pub struct Epoch(pub u64);

/// A place in a log: a total order inside one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete by definition")]
pub struct Position {
    /// The life of the log this place belongs to.
    pub epoch: Epoch,
    /// The number of the event; the first event of an epoch has 1.
    pub seq: u64,
}

impl Position {
    /// Before the first event of whatever epoch the log is in.
    pub const BEGINNING: Self = Self {
        epoch: Epoch(0),
        seq: 0,
    };

    /// The place `seq` of `epoch`.
    #[must_use]
    pub fn new(epoch: Epoch, seq: u64) -> Self {
        Self { epoch, seq }
    }
}

/// What a log holds at one position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Where it stands.
    pub position: Position,
    /// What the writer gave.
    pub payload: Bytes,
}

impl Event {
    /// What a store answers to `read`.
    #[must_use]
    pub fn new(position: Position, payload: Bytes) -> Self {
        Self { position, payload }
    }
}

/// How much of a log is kept. What goes beyond is trimmed from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the three bounds of a log")]
pub struct Retention {
    /// At most this many events.
    pub events: u64,
    /// At most this many bytes of payload.
    pub bytes: u64,
    /// No event older than this; `None` while the log lives.
    pub age: Option<Duration>,
}

/// What [`EventStore::append`] writes.
#[derive(Clone, Debug)]
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
}

/// The answer of [`EventStore::append`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The position of the last event of the batch (of the first batch under the same key).
    pub last: Position,
    /// Who reads the log now, so that the writer wakes exactly that process.
    pub reader: Option<ReaderId>,
    /// The key was known, nothing was added.
    pub duplicate: bool,
}

impl Appended {
    /// What a store answers to `append`.
    #[must_use]
    pub fn new(last: Position, reader: Option<ReaderId>, duplicate: bool) -> Self {
        Self {
            last,
            reader,
            duplicate,
        }
    }
}

/// One connection that reads a stream log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ReaderId {
    /// The process the connection ends at.
    pub instance: InstanceId,
    /// The connection within the process.
    pub connection: u64,
}

impl ReaderId {
    /// Connection number `connection` of `instance`.
    #[must_use]
    pub fn new(instance: InstanceId, connection: u64) -> Self {
        Self {
            instance,
            connection,
        }
    }
}

/// The fencing number of a reader; grows with every `attach` to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a number and nothing else")]
pub struct Generation(pub u64);

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each")]
pub enum From {
    /// Strictly after this position, as in `Last-Event-ID`. The log must exist.
    After(Position),
    /// After what earlier readers acknowledged, else at the beginning. A missing log is made, empty.
    Acknowledged,
}

/// The answer of [`EventStore::attach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The fencing number to read with; 1 for the first reader of a log.
    pub generation: Generation,
    /// Read after this position first.
    pub after: Position,
    /// Where the log stands.
    pub head: Head,
}

impl Attached {
    /// What a store answers to `attach`.
    #[must_use]
    pub fn new(generation: Generation, after: Position, head: Head) -> Self {
        Self {
            generation,
            after,
            head,
        }
    }
}

/// The state of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// The last event's position; `seq` 0 when the epoch has none yet.
    pub last: Position,
    /// Everything up to and including this `seq` has been trimmed.
    pub floor: u64,
    /// Nothing will follow.
    pub sealed: Sealed,
}

impl Head {
    /// The state of a log.
    #[must_use]
    pub fn new(last: Position, floor: u64, sealed: Sealed) -> Self {
        Self {
            last,
            floor,
            sealed,
        }
    }
}

/// Whether a log may still grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a log is open or it is not")]
pub enum Sealed {
    /// It may grow.
    Open,
    /// Its end stands.
    Sealed,
}

/// How much one `read` may return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the two bounds of a page")]
pub struct ReadLimit {
    /// At most this many events.
    pub events: usize,
    /// Stops after the event that reaches this many bytes of payload.
    pub bytes: usize,
}

/// The answer of [`EventStore::read`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a reader must handle each")]
pub enum Read {
    /// What follows the position, in order, without a hole.
    Events {
        /// The events.
        events: Vec<Event>,
        /// The limit ended the page, there is more.
        more: bool,
        /// The log is sealed and these events reach its end.
        sealed: bool,
    },
    /// What follows the position is no longer (or not) here.
    Gap {
        /// Read after this position to continue with what is kept.
        floor: Position,
        /// Where the log stands.
        head: Position,
    },
    /// A newer reader took over.
    Superseded,
    /// There is no such log.
    Unknown,
}

/// Where messages wait until they are read.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Adds a batch of events; positions are given by the backend as they become visible.
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError>;

    /// Makes `reader` the one reader of the log.
    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError>;

    /// The events strictly after `after`; with a generation it also acknowledges `after`.
    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError>;

    /// The state of many logs at once, in the order asked.
    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError>;

    /// Ends the log, with a last event if given; the first sealer wins and gets `true`.
    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<bool, StoreError>;

    /// Removes every stream log of a session; says how many there were.
    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError>;

    /// Frees what up to `limit` logs past their retention still hold; says how many were freed.
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let _ = limit;
        Ok(0)
    }
}
