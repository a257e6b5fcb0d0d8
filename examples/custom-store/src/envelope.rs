//! What stands in a file.

use std::time::Duration;

use mcp_core::{
    clock::Timestamp,
    store::{SessionRecord, StoreError, StoreErrorKind, Ttl, Version, Versioned},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The format that is written, and the oldest version of this store that can read it.
const FORMAT: u32 = 1;

/// A session, or the tombstone of one.
#[derive(Serialize, Deserialize)]
pub(crate) struct Envelope {
    version: u32,
    readable_from: u32,
    /// From this moment on it is as if the file were not there.
    pub(crate) due: Timestamp,
    idle: Duration,
    absolute: Duration,
    created_at: Timestamp,
    revision: Version,
    /// `None` is a tombstone. The record keeps its bytes.
    record: Option<Box<RawValue>>,
}

/// What every envelope will ever have.
#[derive(Deserialize)]
struct Readable {
    readable_from: u32,
}

impl Envelope {
    pub(crate) fn new(
        record: &SessionRecord,
        ttl: Ttl,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut envelope = Self {
            version: FORMAT,
            readable_from: FORMAT,
            due: now,
            idle: ttl.idle,
            absolute: ttl.absolute,
            created_at: now,
            revision: Version(1),
            record: None,
        };
        envelope.write(record)?;
        envelope.touch(now);
        Ok(envelope)
    }

    /// What stands for a deleted session until `due`.
    pub(crate) fn tombstone(due: Timestamp) -> Self {
        Self {
            version: FORMAT,
            readable_from: FORMAT,
            due,
            idle: Duration::ZERO,
            absolute: Duration::ZERO,
            created_at: due,
            revision: Version(0),
            record: None,
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let readable: Readable = serde_json::from_slice(bytes).map_err(|_| corrupt())?;
        if readable.readable_from > FORMAT {
            let message = "a later version of this store wrote it";
            return Err(StoreError::new(
                StoreErrorKind::Unsupported,
                "session.decode",
                message,
            ));
        }
        serde_json::from_slice(bytes).map_err(|_| corrupt())
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|_| corrupt())
    }

    /// Replaces the record of a session.
    pub(crate) fn replace(&mut self, record: &SessionRecord) -> Result<Version, StoreError> {
        self.write(record)?;
        self.revision = Version(self.revision.0.saturating_add(1));
        Ok(self.revision)
    }

    pub(crate) fn live_for(&mut self, ttl: Ttl, now: Timestamp) {
        (self.idle, self.absolute) = (ttl.idle, ttl.absolute);
        self.touch(now);
    }

    /// Starts the idle time again, never past the absolute one.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.due = (now + self.idle).min(self.created_at + self.absolute);
    }

    pub(crate) fn revision(&self) -> Version {
        self.revision
    }

    /// The session; `None` of a tombstone.
    pub(crate) fn session(&self) -> Result<Option<Versioned>, StoreError> {
        let Some(record) = &self.record else {
            return Ok(None);
        };
        let record = serde_json::from_str(record.get()).map_err(|_| corrupt())?;
        Ok(Some(Versioned::new(record, self.revision, self.created_at)))
    }

    fn write(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        let record = serde_json::value::to_raw_value(record).map_err(|_| corrupt())?;
        self.record = Some(record);
        Ok(())
    }
}

/// What serde says would show the data.
fn corrupt() -> StoreError {
    StoreError::new(
        StoreErrorKind::Corrupt,
        "session.decode",
        "it cannot be decoded",
    )
}
