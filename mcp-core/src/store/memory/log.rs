//! One log: what [`MemoryEventStore`](super::MemoryEventStore) keeps under a key.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;

use crate::{
    clock::Timestamp,
    store::{
        Append, Appended, Attached, Epoch, Event, From, Generation, Head, Position, Read,
        ReadLimit, ReaderId, Retention, Sealed, Sealing, StoreError, StoreErrorKind,
    },
};

pub(super) struct Log {
    epoch: Epoch,
    /// Everything up to and including this `seq` has been trimmed.
    floor: u64,
    /// The events after the floor, without a hole.
    entries: VecDeque<Entry>,
    /// Bytes of payload in `entries`.
    bytes: u64,
    /// The idempotency keys of `entries`.
    keys: HashMap<Arc<str>, Keyed>,
    retention: Option<Retention>,
    reader: Option<ReaderId>,
    generation: Generation,
    /// What the present reader, or the one before it, has handed on.
    acknowledged: Position,
    /// Set by `seal`: when the log vanishes.
    sealed_until: Option<Timestamp>,
    /// When the log was last asked for.
    used: Timestamp,
}

struct Entry {
    payload: Bytes,
    at: Timestamp,
    /// The key of the batch that ends here.
    key: Option<Arc<str>>,
}

struct Keyed {
    last: u64,
    digest: u128,
}

/// An idempotency key and what was sent under it.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) key: &'a str,
    pub(super) digest: u128,
}

impl Log {
    pub(super) fn new(epoch: Epoch, now: Timestamp) -> Self {
        Self {
            epoch,
            floor: 0,
            entries: VecDeque::new(),
            bytes: 0,
            keys: HashMap::new(),
            retention: None,
            reader: None,
            generation: Generation(0),
            acknowledged: Position::BEGINNING,
            sealed_until: None,
            used: now,
        }
    }

    pub(super) fn head(&self) -> Head {
        let sealed = match self.sealed_until {
            Some(_) => Sealed::Sealed,
            None => Sealed::Open,
        };
        Head::new(self.last(), self.floor, sealed)
    }

    /// Notes that somebody asked for the log, and trims what has become too old.
    pub(super) fn use_at(&mut self, now: Timestamp) {
        self.used = now;
        self.trim_by_age(now);
    }

    /// When the log vanishes; `abandoned` is how long nobody may ask for an open one.
    pub(super) fn vanishes_at(&self, abandoned: Option<Duration>) -> Option<Timestamp> {
        self.sealed_until
            .or_else(|| abandoned.map(|time| self.used + time))
    }

    /// When the next event becomes too old.
    pub(super) fn trims_at(&self) -> Option<Timestamp> {
        if self.sealed_until.is_some() {
            return None;
        }
        let age = self.retention?.age?;
        self.entries.front().map(|entry| entry.at + age)
    }

    /// What an earlier append under this key answered, unless it carried something else.
    pub(super) fn find_key(&self, key: Key<'_>) -> Result<Option<Appended>, StoreError> {
        let Some(known) = self.keys.get(key.key) else {
            return Ok(None);
        };
        if known.digest != key.digest {
            return Err(StoreError::new(
                StoreErrorKind::Conflict,
                "event.append",
                "the key was used for another payload",
            ));
        }
        let last = Position::new(self.epoch, known.last);
        Ok(Some(Appended::new(last, self.read_by(), true)))
    }

    /// Whether a writer that has seen `seen` shows that this log lost its end.
    pub(super) fn is_behind(&self, seen: Option<Position>) -> bool {
        seen.is_some_and(|seen| {
            seen != Position::BEGINNING && (seen.epoch != self.epoch || seen.seq > self.last().seq)
        })
    }

    /// Begins another life with nothing in it. Readers stay, their cursors become gaps.
    pub(super) fn begin_epoch(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.floor = 0;
        self.bytes = 0;
        self.entries.clear();
        self.keys.clear();
    }

    /// Adds a batch to an open log whose keys and epoch have been looked at; `trims` unless it keeps all.
    pub(super) fn append(
        &mut self,
        batch: &Append<'_>,
        key: Option<Key<'_>>,
        trims: bool,
        now: Timestamp,
    ) -> Appended {
        for payload in batch.events {
            self.push(payload.clone(), now);
        }
        let last = self.last();
        if let (Some(key), Some(entry)) = (key, self.entries.back_mut()) {
            let name: Arc<str> = key.key.into();
            entry.key = Some(Arc::clone(&name));
            let (last, digest) = (last.seq, key.digest);
            self.keys.insert(name, Keyed { last, digest });
        }
        if let (Some(reader), None) = (batch.reader, &self.reader) {
            self.attach(reader, From::Acknowledged, now);
        }
        if trims {
            self.retention = Some(batch.retention);
        }
        match batch.seal {
            Some(keep) => self.end(1, keep, now),
            None => self.trim_to_size(0),
        }
        self.trim_by_age(now);
        Appended::new(last, self.read_by(), false)
    }

    /// Who reads the log, and the number of its turn.
    fn read_by(&self) -> Option<(ReaderId, Generation)> {
        let reader = self.reader.clone()?;
        Some((reader, self.generation))
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.sealed_until.is_some()
    }

    /// Ends the log; says whether this did it. Later calls can only make `keep` shorter.
    pub(super) fn seal(&mut self, last: Option<Bytes>, keep: Duration, now: Timestamp) -> Sealing {
        if let Some(until) = &mut self.sealed_until {
            *until = (*until).min(now + keep);
            return Sealing::new(false, self.reader.clone());
        }
        let final_events = usize::from(last.is_some());
        if let Some(payload) = last {
            self.push(payload, now);
        }
        self.end(final_events, keep, now);
        Sealing::new(true, self.reader.clone())
    }

    /// Nothing follows. The last event stays whatever its size: only `keep` ends it.
    fn end(&mut self, final_events: usize, keep: Duration, now: Timestamp) {
        self.sealed_until = Some(now + keep);
        self.trim_to_size(final_events);
    }

    /// Generations are at least the time, so that they also grow when the log was lost meanwhile.
    pub(super) fn attach(&mut self, reader: &ReaderId, from: From, now: Timestamp) -> Attached {
        let is_first = self.reader.is_none();
        let next = self.generation.0.saturating_add(1);
        self.generation = Generation(next.max(now.as_millis()));
        self.reader = Some(reader.clone());
        let after = match from {
            From::After(position) => position,
            From::Acknowledged => self.acknowledged,
        };
        Attached::new(self.generation, is_first, after, self.head())
    }

    pub(super) fn read(
        &mut self,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Read {
        if reader.is_some_and(|generation| generation != self.generation) {
            return Read::Superseded;
        }
        let last = self.last();
        let seq = match after {
            Position::BEGINNING => 0,
            Position { epoch, seq } if epoch == self.epoch && seq <= last.seq => seq,
            _ => return self.gap(),
        };
        if reader.is_some() {
            self.acknowledged = after;
        }
        if seq < self.floor {
            return self.gap();
        }
        self.page(seq, limit)
    }

    fn gap(&self) -> Read {
        Read::Gap {
            floor: Position::new(self.epoch, self.floor),
            head: self.last(),
        }
    }

    /// What follows `seq`, which is neither below the floor nor ahead of the head.
    fn page(&self, seq: u64, limit: ReadLimit) -> Read {
        let skip = usize::try_from(seq - self.floor).unwrap_or(usize::MAX);
        let mut events = Vec::new();
        let mut bytes = 0;
        for (entry, seq) in self.entries.iter().skip(skip).zip(seq + 1..) {
            if events.len() >= limit.events || (bytes >= limit.bytes && !events.is_empty()) {
                break;
            }
            bytes += entry.payload.len();
            let position = Position::new(self.epoch, seq);
            events.push(Event::new(position, entry.payload.clone()));
        }
        let more = skip + events.len() < self.entries.len();
        Read::Events {
            events,
            more,
            sealed: self.is_sealed() && !more,
        }
    }

    fn last(&self) -> Position {
        Position::new(self.epoch, self.floor + length(self.entries.len()))
    }

    fn push(&mut self, payload: Bytes, at: Timestamp) {
        self.bytes += length(payload.len());
        self.entries.push_back(Entry {
            payload,
            at,
            key: None,
        });
    }

    /// Trims to the counts of the retention, but leaves at least `spare` events.
    fn trim_to_size(&mut self, spare: usize) {
        let Some(retention) = self.retention else {
            return;
        };
        while self.entries.len() > spare
            && (length(self.entries.len()) > retention.events || self.bytes > retention.bytes)
        {
            self.trim_first();
        }
    }

    /// Trims what has become too old; says whether there was anything.
    pub(super) fn trim_by_age(&mut self, now: Timestamp) -> bool {
        let floor = self.floor;
        while self.trims_at().is_some_and(|due| due <= now) {
            self.trim_first();
        }
        self.floor != floor
    }

    fn trim_first(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.floor += 1;
            self.bytes -= length(entry.payload.len());
            if let Some(key) = entry.key {
                self.keys.remove(&key);
            }
        }
    }
}

/// A length in memory as a number in a log.
fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
