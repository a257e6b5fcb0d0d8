//! The one reader of a stream log.

use super::{Head, InstanceId, Position};

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

/// The answer of [`EventStore::attach`](super::EventStore::attach).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The fencing number to read with.
    pub generation: Generation,
    /// Nobody has read this log before.
    pub is_first: bool,
    /// Read after this position first.
    pub after: Position,
    /// Where the log stands.
    pub head: Head,
}

impl Attached {
    /// What a store answers to `attach`.
    #[must_use]
    pub fn new(generation: Generation, is_first: bool, after: Position, head: Head) -> Self {
        Self {
            generation,
            is_first,
            after,
            head,
        }
    }
}
