//! [`MemoryEventStore`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    fmt,
    hash::Hasher,
    sync::{Arc, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use siphasher::sip128::{Hasher128, SipHasher13};

use super::{
    log::{Key, Log},
    shard::Shards,
};
use crate::{
    clock::{Clock, SystemClock, Timestamp},
    store::{
        Append, Appended, Attached, Epoch, EventStore, From, Generation, Head, LogKey, Position,
        Read, ReadLimit, ReaderId, Sealing, SessionId, StoreError, StoreErrorKind,
    },
};

/// The largest payload unless told: a message of 4 MiB and what wraps it, twice over.
const MAX_PAYLOAD: usize = 8 * 1024 * 1024;

/// How long nobody may ask for an open stream log or inbox before it vanishes.
const ABANDONED: Duration = Duration::from_hours(24);

/// How long a purged session takes no new logs: longer than any append can be under way.
const PURGED: Duration = Duration::from_mins(15);

/// How many logs a write that makes one frees on its way.
const FREED_BY_WRITE: usize = 2;

/// Logs in this process's memory. A clone is another handle to the same logs.
#[derive(Clone)]
pub struct MemoryEventStore {
    clock: Arc<dyn Clock>,
    max_payload: usize,
    abandoned: Duration,
    logs: Arc<Shards<Logs>>,
}

impl MemoryEventStore {
    /// An empty store that goes by the operating system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store that goes by `clock`.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            max_payload: MAX_PAYLOAD,
            abandoned: ABANDONED,
            logs: Arc::new(Shards::new()),
        }
    }

    /// The largest payload of one event, in bytes; 8 MiB unless told.
    #[must_use]
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// After how long without any call an open stream log or inbox vanishes; a day unless told.
    ///
    /// It catches the logs of sessions that expired while nobody looked, so make it longer than
    /// sessions may be idle.
    #[must_use]
    pub fn abandoned_after(mut self, time: Duration) -> Self {
        self.abandoned = time;
        self
    }

    fn check_size(&self, operation: &'static str, payload: &Bytes) -> Result<(), StoreError> {
        if payload.len() <= self.max_payload {
            return Ok(());
        }
        Err(StoreError::new(
            StoreErrorKind::TooLarge,
            operation,
            format!("a payload is larger than {} bytes", self.max_payload),
        ))
    }

    /// The shard of a log. All logs of a session are in one, so that `purge` is one step.
    fn shard(&self, log: &LogKey) -> MutexGuard<'_, Logs> {
        match log {
            LogKey::Stream { session, .. } => self.logs.lock(session),
            other => self.logs.lock(other),
        }
    }
}

impl Default for MemoryEventStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryEventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEventStore")
            .field("clock", &self.clock)
            .field("max_payload", &self.max_payload)
            .field("abandoned", &self.abandoned)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for MemoryEventStore {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        const OPERATION: &str = "event.append";
        if batch.events.is_empty() {
            let message = "the batch is empty";
            return Err(StoreError::new(
                StoreErrorKind::InvalidArgument,
                OPERATION,
                message,
            ));
        }
        for payload in batch.events {
            self.check_size(OPERATION, payload)?;
        }
        let key = batch.key.map(|key| Key {
            key,
            digest: digest(batch.events),
        });
        let now = self.clock.now();
        let mut logs = self.shard(log);
        let Some(found) = logs.find_or_make(log, self.abandoned, now)? else {
            return Err(ended(OPERATION));
        };
        if let Some(key) = key
            && let Some(appended) = found.find_key(key)?
        {
            return Ok(appended);
        }
        if found.is_sealed() {
            return Err(ended(OPERATION));
        }
        if found.is_behind(batch.writer_seen) {
            found.begin_epoch(random_epoch(OPERATION)?);
        }
        let trims = *log != LogKey::Config;
        let appended = found.append(&batch, key, trims, now);
        logs.schedule(log, self.abandoned);
        Ok(appended)
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        let now = self.clock.now();
        let mut logs = self.shard(log);
        let found = match from {
            From::After(_) => logs.find(log, self.abandoned, now),
            From::Acknowledged => logs.find_or_make(log, self.abandoned, now)?,
        };
        Ok(found.map(|log| log.attach(reader, from, now)))
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        let now = self.clock.now();
        let mut logs = self.shard(log);
        let found = logs.find(log, self.abandoned, now);
        Ok(found.map_or(Read::Unknown, |log| log.read(after, reader, limit)))
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        let now = self.clock.now();
        let head = |key: &LogKey| {
            let mut logs = self.shard(key);
            let found = logs.find(key, self.abandoned, now);
            found.map(|log| log.head())
        };
        Ok(logs.iter().map(head).collect())
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        if let Some(payload) = &last {
            self.check_size("event.seal", payload)?;
        }
        let now = self.clock.now();
        let mut logs = self.shard(log);
        match logs.find_or_make(log, self.abandoned, now)? {
            None => Ok(Sealing::default()),
            Some(found) => {
                let sealing = found.seal(last, keep, now);
                logs.schedule(log, self.abandoned);
                Ok(sealing)
            }
        }
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        let now = self.clock.now();
        Ok(self.logs.lock(session).purge(session, self.abandoned, now))
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let mut freed = 0;
        for mut logs in self.logs.each() {
            freed += logs.free(limit - freed, self.abandoned, now);
        }
        Ok(freed)
    }
}

/// The logs of one shard.
#[derive(Default)]
struct Logs {
    slots: BTreeMap<LogKey, Slot>,
    /// When to look at a log again. At most one entry for each, never too late.
    due: BTreeSet<(Timestamp, LogKey)>,
    /// Sessions that take no logs any more, and until when this is remembered.
    purged: HashMap<SessionId, Timestamp>,
    /// The same, oldest first.
    purges: VecDeque<(Timestamp, SessionId)>,
}

struct Slot {
    log: Log,
    /// The log's entry in `due`.
    due: Option<Timestamp>,
}

impl Logs {
    /// The log, unless it does not exist or has vanished.
    fn find(&mut self, key: &LogKey, abandoned: Duration, now: Timestamp) -> Option<&mut Log> {
        if self
            .slots
            .get(key)?
            .log
            .vanishes_at(patience(key, abandoned))
            .is_some_and(|at| at <= now)
        {
            self.remove(key);
        }
        let log = &mut self.slots.get_mut(key)?.log;
        log.use_at(now);
        Some(log)
    }

    /// The log, made if it is missing; `None` when its session was purged.
    fn find_or_make(
        &mut self,
        key: &LogKey,
        abandoned: Duration,
        now: Timestamp,
    ) -> Result<Option<&mut Log>, StoreError> {
        if self.is_purged(key, now) {
            return Ok(None);
        }
        if self.find(key, abandoned, now).is_none() {
            let log = Log::new(random_epoch("event.epoch")?, now);
            self.slots.insert(key.clone(), Slot { log, due: None });
            self.schedule(key, abandoned);
            self.free(FREED_BY_WRITE, abandoned, now);
        }
        Ok(self.slots.get_mut(key).map(|slot| &mut slot.log))
    }

    fn is_purged(&self, key: &LogKey, now: Timestamp) -> bool {
        let LogKey::Stream { session, .. } = key else {
            return false;
        };
        self.purged.get(session).is_some_and(|until| now < *until)
    }

    /// Sees to it that the log is looked at when it has something to free.
    fn schedule(&mut self, key: &LogKey, abandoned: Duration) {
        let Some(slot) = self.slots.get_mut(key) else {
            return;
        };
        let vanishes = slot.log.vanishes_at(patience(key, abandoned));
        let trims = slot.log.trims_at();
        let Some(next) = vanishes.into_iter().chain(trims).min() else {
            return;
        };
        // A later moment is found out when the earlier one has come.
        if slot.due.is_none_or(|due| next < due) {
            let old = slot.due.replace(next);
            self.due.insert((next, key.clone()));
            if let Some(old) = old {
                self.due.remove(&(old, key.clone()));
            }
        }
    }

    fn remove(&mut self, key: &LogKey) {
        if let Some(slot) = self.slots.remove(key)
            && let Some(due) = slot.due
        {
            self.due.remove(&(due, key.clone()));
        }
    }

    fn purge(&mut self, session: &SessionId, abandoned: Duration, now: Timestamp) -> u64 {
        let first = LogKey::Stream {
            session: session.clone(),
            stream: "".into(),
        };
        let of_session = |key: &&LogKey| matches!(key, LogKey::Stream { session: owner, .. } if owner == session);
        let keys: Vec<LogKey> = self
            .slots
            .range(first..)
            .map(|(key, _)| key)
            .take_while(of_session)
            .cloned()
            .collect();
        let mut live = 0;
        for key in keys {
            live += u64::from(self.find(&key, abandoned, now).is_some());
            self.remove(&key);
        }
        let until = now + PURGED;
        self.purged.insert(session.clone(), until);
        self.purges.push_back((until, session.clone()));
        live
    }

    /// Frees what up to `limit` logs no longer need; says how many there were.
    fn free(&mut self, limit: usize, abandoned: Duration, now: Timestamp) -> usize {
        self.forget_purges(limit, now);
        let mut freed = 0;
        let mut looked_at = 0;
        while freed < limit
            && looked_at < limit.saturating_mul(4)
            && let Some((due, _)) = self.due.first()
            && *due <= now
            && let Some((_, key)) = self.due.pop_first()
        {
            looked_at += 1;
            freed += usize::from(self.free_one(&key, abandoned, now));
        }
        freed
    }

    /// Looks at a log whose moment has come and which has no entry in `due` any more.
    fn free_one(&mut self, key: &LogKey, abandoned: Duration, now: Timestamp) -> bool {
        let Some(slot) = self.slots.get_mut(key) else {
            return false;
        };
        slot.due = None;
        if slot
            .log
            .vanishes_at(patience(key, abandoned))
            .is_some_and(|at| at <= now)
        {
            self.remove(key);
            return true;
        }
        let trimmed = slot.log.trim_by_age(now);
        self.schedule(key, abandoned);
        trimmed
    }

    fn forget_purges(&mut self, limit: usize, now: Timestamp) {
        for _ in 0..limit {
            let Some((_, session)) = self.purges.pop_front_if(|(until, _)| *until <= now) else {
                return;
            };
            // A session purged again later has a later entry of its own.
            if self.purged.get(&session).is_some_and(|until| *until <= now) {
                self.purged.remove(&session);
            }
        }
    }
}

/// How long an open log lives without being asked for; `None` for those that always stay.
fn patience(log: &LogKey, abandoned: Duration) -> Option<Duration> {
    match log {
        LogKey::Stream { .. } | LogKey::Inbox(_) => Some(abandoned),
        LogKey::Broadcast(_) | LogKey::Config => None,
    }
}

fn ended(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Conflict, operation, "the log is sealed")
}

/// A life of a log that has never been: random, and not the epoch of [`Position::BEGINNING`].
fn random_epoch(operation: &'static str) -> Result<Epoch, StoreError> {
    let number = getrandom::u64().map_err(|source| {
        let message = "the system gave no random number";
        StoreError::new(StoreErrorKind::Unavailable, operation, message).with_source(source)
    })?;
    Ok(Epoch(number.max(1)))
}

/// Tells the payloads of two batches apart.
fn digest(events: &[Bytes]) -> u128 {
    let mut hasher = SipHasher13::new();
    for payload in events {
        hasher.write_usize(payload.len());
        hasher.write(payload);
    }
    hasher.finish128().as_u128()
}
