//! Ordered logs of messages: [`EventStore`] and what it keeps.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Append, Appended, Attached, From, Generation, ReaderId, SessionId, StoreError};

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

/// What a log holds at one position. `Debug` shows the size of the payload only.
#[derive(Clone, PartialEq, Eq)]
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

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("position", &self.position)
            .field("bytes", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// The answer of [`EventStore::seal`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sealing {
    /// This call ended the log; `false` when it was ended already, or its session was purged.
    pub is_first: bool,
    /// Who reads the log now, so that the one who ended it wakes exactly that process.
    pub reader: Option<ReaderId>,
}

impl Sealing {
    /// What a store answers to `seal`.
    #[must_use]
    pub fn new(is_first: bool, reader: Option<ReaderId>) -> Self {
        Self { is_first, reader }
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
///
/// # Contract
///
/// The store, whatever it keeps the logs in:
///
/// * EL-01: positions count from 1 in an epoch, without a hole.
/// * EL-02: concurrent writers get distinct positions, each its own in its own order.
/// * EL-03: who has seen an event has seen all before it: none appears later at a lower position.
/// * EL-04: what `append` returned is read by every process.
/// * EL-05, EL-25: the same events under a known key are not added again, and answered with the
///   first position and `duplicate`; others are a `Conflict`. A key lives at least as long as its
///   entry, and is looked at before seal and epoch.
/// * EL-06: an append whose reply was lost can be repeated under its key.
/// * EL-07: `read` gives what lies strictly after a position, in order, of this log only.
/// * EL-08, EL-17: no log sees, delays or evicts the events of another.
/// * EL-09: a position of another log is never good for this one's events by chance: it is of
///   another epoch.
/// * EL-11: a position below the floor is a `Gap`, never a part of what follows. The
///   [beginning](Position::BEGINNING) is one only if something was trimmed.
/// * EL-12: a position of another epoch is a `Gap`, whatever its number.
/// * EL-13: a position ahead of the head is a `Gap`, never something to wait for.
/// * EL-14: an append whose `writer_seen` is ahead of the head, or of another epoch, begins a new
///   random epoch in the same step. The reader stays; nothing else does.
/// * EL-15: a page keeps to both limits but has at least one event; `more` is exact; paging sees
///   each event once while appends go on.
/// * EL-16: what is newer than the retention is not trimmed, the floor never goes back, and who
///   races a trim gets the event or a `Gap`. [`LogKey::Config`] is never trimmed.
/// * EL-18: the first `seal`, by itself or of an `append`, ends the log: a later `append` is a `Conflict`,
///   and `sealed` shows on the page that reaches the end. The last event stays until `keep` is over, then
///   the log is gone.
/// * EL-19: `purge` leaves nothing, and an append that raced it is purged too or a `Conflict`.
/// * EL-20: payloads come back byte for byte, or are `TooLarge` and nothing is stored.
/// * EL-21: a log outlives its events: a trimmed one still knows its head.
/// * EL-22: from replay to what is new nothing is lost, repeated or reordered.
/// * EL-23: positions mean the same to every process.
/// * EL-26: the last of many `attach` wins, reads of the others answer `Superseded`. The reader of an
///   `append` comes before all of them: it attaches to a log that nobody has read, and to no other.
/// * EL-27: what a reader acknowledged is remembered without it.
/// * EL-28: `heads` of many logs is one call.
///
/// The caller:
///
/// * passes positions it got from the store; what a client sent is checked for form first (EL-10),
/// * gives with every append of a log that it wrote or read before what it has seen of it,
/// * uses a key for an append that it may have to repeat after an `Unknown`,
/// * reads with its generation, and passes as `after` only what was handed on,
/// * seals or purges the logs it no longer needs.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Adds a batch of events; positions are given by the backend as they become visible.
    ///
    /// # Errors
    ///
    /// `Conflict` when the log is sealed, its session purged, or the key used for other events.
    /// `TooLarge` when a payload is larger than the store takes. `InvalidArgument` when the batch
    /// is empty. Nothing is stored then.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the batch stands as a whole or not at all.
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError>;

    /// Makes `reader` the one reader of the log; `None` when there is no log to read.
    ///
    /// # Errors
    ///
    /// Only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the reader is attached or not; whoever does not know attaches
    /// again, which supersedes the first.
    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError>;

    /// The events strictly after `after`; with a generation it also acknowledges `after`.
    ///
    /// What the newest reader acknowledges counts, also when it lies before what another did. A
    /// position of another epoch, or ahead of the head, acknowledges nothing.
    ///
    /// # Errors
    ///
    /// `Corrupt` or `Unsupported` when an event cannot be decoded; else only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it may have acknowledged `after`. Reading again gives the same.
    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError>;

    /// The state of many logs at once, in the order asked; `None` for a log that does not exist.
    ///
    /// # Errors
    ///
    /// Only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError>;

    /// Ends the log, with a last event if given; the first sealer wins. Says who reads it.
    ///
    /// A missing log is made and ended. `keep` after this call it is gone. Sealing again adds nothing,
    /// but a shorter `keep` counts: so a reader says that it has everything.
    ///
    /// # Errors
    ///
    /// `TooLarge` when the event is larger than the store takes; the log is not sealed then.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the log is sealed with its last event or open without it.
    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError>;

    /// Removes every stream log of a session; says how many there were.
    ///
    /// The session takes no stream logs for a while: `append` is a `Conflict`, `seal` is not
    /// the first, `attach` answers `None`.
    ///
    /// # Errors
    ///
    /// Only when the backend fails; some of the logs may be gone then.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, some of the logs may be gone; purging again is harmless.
    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError>;

    /// Frees what up to `limit` logs past their retention still hold; says how many were freed.
    ///
    /// A store whose backend does this by itself has nothing to do.
    ///
    /// # Errors
    ///
    /// Only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the next call goes on.
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let _ = limit;
        Ok(0)
    }
}
