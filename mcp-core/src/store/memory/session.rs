//! [`MemorySessionStore`].

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;

use super::shard::Shards;
use crate::{
    clock::{Clock, SystemClock, Timestamp},
    store::{
        Caps, Created, Principal, SessionChange, SessionId, SessionRecord, SessionStore,
        StoreError, StoreErrorKind, Ttl, Version, Versioned,
    },
};

/// How long a deleted id stays taken: longer than any instance serves from what it remembers.
const TOMBSTONE: Duration = Duration::from_mins(15);

/// How many expired sessions a `create` frees on its way.
const FREED_BY_CREATE: usize = 2;

/// Sessions in this process's memory. A clone is another handle to the same sessions.
#[derive(Clone)]
pub struct MemorySessionStore {
    clock: Arc<dyn Clock>,
    tombstone: Duration,
    state: Arc<State>,
}

impl MemorySessionStore {
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
            tombstone: TOMBSTONE,
            state: Arc::new(State {
                sessions: Shards::new(),
                owners: Shards::new(),
            }),
        }
    }

    /// How long the id of a deleted session stays taken; 15 minutes unless told.
    #[must_use]
    pub fn tombstones_for(mut self, time: Duration) -> Self {
        self.tombstone = time;
        self
    }
}

impl Default for MemorySessionStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemorySessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessionStore")
            .field("clock", &self.clock)
            .field("tombstone", &self.tombstone)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for MemorySessionStore {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        let now = self.clock.now();
        let (created, freed) = match &record.principal {
            Some(owner) => self.state.create_owned(owner, record, ttl, *caps, now),
            None => self.state.create(record, ttl, now),
        };
        self.state.unindex_all(&freed, now);
        Ok(created)
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        let now = self.clock.now();
        let found = self.state.sessions.lock(id).live(id, now).map(Live::share);
        // The record is copied after the lock is gone.
        Ok(found.map(Live::into_versioned))
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        let refuse =
            |kind, message: &'static str| Err(StoreError::new(kind, "session.update", message));
        if change.record.id != *id {
            return refuse(StoreErrorKind::InvalidArgument, "the record has another id");
        }
        let record = Arc::new(change.record.clone());
        let now = self.clock.now();
        let mut sessions = self.state.sessions.lock(id);
        let Some(live) = sessions.live_mut(id, now) else {
            return Ok(None);
        };
        if live.record.principal != record.principal {
            return refuse(StoreErrorKind::InvalidArgument, "the owner cannot change");
        }
        if live.version != expected {
            return refuse(
                StoreErrorKind::Conflict,
                "the version is not the current one",
            );
        }
        live.record = record;
        live.version = Version(expected.0.saturating_add(1));
        let version = live.version;
        if let Some(ttl) = change.ttl {
            live.ttl = ttl;
            let due = live.due_if_used(now);
            sessions.reschedule(id, due);
        }
        Ok(Some(version))
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        let now = self.clock.now();
        let touch = |id: &SessionId| {
            let mut sessions = self.state.sessions.lock(id);
            let live = sessions.live(id, now)?;
            let (version, due) = (live.version, live.due_if_used(now));
            sessions.reschedule(id, due);
            Some(version)
        };
        Ok(ids.iter().map(touch).collect())
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let tombstone_ends = now + self.tombstone;
        let removed = self.state.sessions.lock(id).bury(id, now, tombstone_ends);
        let deleted = removed.is_some();
        self.state.unindex_all(removed.as_slice(), now);
        Ok(deleted)
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        let now = self.clock.now();
        let mut page = Vec::new();
        for sessions in self.state.sessions.each() {
            page.extend(sessions.live_after(after, now).take(limit).map(Live::share));
        }
        page.sort_unstable_by(|a, b| a.record.id.cmp(&b.record.id));
        page.truncate(limit);
        Ok(page.into_iter().map(Live::into_versioned).collect())
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let mut freed = 0;
        for mut sessions in self.state.sessions.each() {
            let (count, records) = sessions.free(now, limit - freed);
            // The owners' locks come before the sessions'.
            drop(sessions);
            self.state.unindex_all(&records, now);
            freed += count;
        }
        Ok(freed)
    }
}

/// What all handles share. Whoever holds both kinds of lock took the owner's first.
struct State {
    sessions: Shards<Sessions>,
    /// The ids each principal created. An id may be left over; whoever counts looks it up.
    owners: Shards<HashMap<Principal, BTreeSet<SessionId>>>,
}

impl State {
    fn create(&self, record: &SessionRecord, ttl: Ttl, now: Timestamp) -> (Created, Freed) {
        let kept = Arc::new(record.clone());
        let mut sessions = self.sessions.lock(&record.id);
        let (_, freed) = sessions.free(now, FREED_BY_CREATE);
        (sessions.create(kept, ttl, now), freed)
    }

    /// Creates while the owner's lock is held, so that the cap is exact.
    fn create_owned(
        &self,
        owner: &Principal,
        record: &SessionRecord,
        ttl: Ttl,
        caps: Caps,
        now: Timestamp,
    ) -> (Created, Freed) {
        let mut owners = self.owners.lock(owner);
        if self.sessions.lock(&record.id).is_taken(&record.id, now) {
            return (Created::Exists, Freed::new());
        }
        if let Some(cap) = caps.per_principal {
            let live = owners
                .get_mut(owner)
                .map_or(0, |ids| self.keep_live(owner, ids, now));
            if live >= usize::try_from(cap).unwrap_or(usize::MAX) {
                return (Created::LimitExceeded, Freed::new());
            }
        }
        let (created, freed) = self.create(record, ttl, now);
        if matches!(created, Created::Created(_)) {
            owners
                .entry(owner.clone())
                .or_default()
                .insert(record.id.clone());
        }
        (created, freed)
    }

    /// Drops the ids that are no longer live sessions of `owner`; says how many are left.
    fn keep_live(&self, owner: &Principal, ids: &mut BTreeSet<SessionId>, now: Timestamp) -> usize {
        ids.retain(|id| self.is_live_of(owner, id, now));
        ids.len()
    }

    fn is_live_of(&self, owner: &Principal, id: &SessionId, now: Timestamp) -> bool {
        let sessions = self.sessions.lock(id);
        let live = sessions.live(id, now);
        live.is_some_and(|live| live.record.principal.as_ref() == Some(owner))
    }

    /// Takes removed sessions out of their owners' lists, unless the id has begun a new life.
    fn unindex_all(&self, removed: &[Arc<SessionRecord>], now: Timestamp) {
        for record in removed {
            let Some(owner) = &record.principal else {
                continue;
            };
            let mut owners = self.owners.lock(owner);
            if let Some(ids) = owners.get_mut(owner)
                && !self.is_live_of(owner, &record.id, now)
            {
                ids.remove(&record.id);
                if ids.is_empty() {
                    owners.remove(owner);
                }
            }
        }
    }
}

/// The records that a cleanup removed.
type Freed = Vec<Arc<SessionRecord>>;

/// The sessions of one shard.
#[derive(Default)]
struct Sessions {
    slots: BTreeMap<SessionId, Slot>,
    /// When each slot ends; exactly one entry for each.
    due: BTreeSet<(Timestamp, SessionId)>,
}

/// What is kept under an id.
struct Slot {
    /// From this moment on it is as if the slot were empty.
    due: Timestamp,
    /// `None` is the tombstone of a deleted session.
    live: Option<Live>,
}

struct Live {
    record: Arc<SessionRecord>,
    version: Version,
    created_at: Timestamp,
    ttl: Ttl,
}

impl Sessions {
    fn live(&self, id: &SessionId, now: Timestamp) -> Option<&Live> {
        self.slots.get(id).and_then(|slot| slot.live_at(now))
    }

    fn live_mut(&mut self, id: &SessionId, now: Timestamp) -> Option<&mut Live> {
        let slot = self.slots.get_mut(id)?;
        if slot.due <= now {
            return None;
        }
        slot.live.as_mut()
    }

    fn live_after(&self, after: Option<&SessionId>, now: Timestamp) -> impl Iterator<Item = &Live> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = after.map_or(Unbounded, Excluded);
        let slots = self.slots.range::<SessionId, _>((start, Unbounded));
        slots.filter_map(move |(_, slot)| slot.live_at(now))
    }

    /// Whether a session or a tombstone stands under `id`.
    fn is_taken(&self, id: &SessionId, now: Timestamp) -> bool {
        self.slots.get(id).is_some_and(|slot| slot.due > now)
    }

    fn create(&mut self, record: Arc<SessionRecord>, ttl: Ttl, now: Timestamp) -> Created {
        if self.is_taken(&record.id, now) {
            return Created::Exists;
        }
        let id = record.id.clone();
        let live = Live {
            record,
            version: Version(1),
            created_at: now,
            ttl,
        };
        let due = live.due_if_used(now);
        self.put(
            id,
            Slot {
                due,
                live: Some(live),
            },
        );
        Created::Created(Version(1))
    }

    /// Replaces a live session by a tombstone.
    fn bury(
        &mut self,
        id: &SessionId,
        now: Timestamp,
        due: Timestamp,
    ) -> Option<Arc<SessionRecord>> {
        let record = Arc::clone(&self.live(id, now)?.record);
        self.put(id.clone(), Slot { due, live: None });
        Some(record)
    }

    fn put(&mut self, id: SessionId, slot: Slot) {
        self.due.insert((slot.due, id.clone()));
        let due = slot.due;
        if let Some(old) = self.slots.insert(id.clone(), slot)
            && old.due != due
        {
            self.due.remove(&(old.due, id));
        }
    }

    fn reschedule(&mut self, id: &SessionId, due: Timestamp) {
        if let Some(slot) = self.slots.get_mut(id)
            && slot.due != due
        {
            let entry = (std::mem::replace(&mut slot.due, due), id.clone());
            self.due.remove(&entry);
            self.due.insert((due, entry.1));
        }
    }

    /// Forgets up to `limit` slots that have ended, oldest first.
    fn free(&mut self, now: Timestamp, limit: usize) -> (usize, Freed) {
        let mut count = 0;
        let mut freed = Freed::new();
        while count < limit
            && let Some((due, _)) = self.due.first()
            && *due <= now
            && let Some((_, id)) = self.due.pop_first()
        {
            count += 1;
            let live = self.slots.remove(&id).and_then(|slot| slot.live);
            freed.extend(live.map(|live| live.record));
        }
        (count, freed)
    }
}

impl Slot {
    fn live_at(&self, now: Timestamp) -> Option<&Live> {
        self.live.as_ref().filter(|_| now < self.due)
    }
}

impl Live {
    /// When the session ends if it is used now and never again.
    fn due_if_used(&self, now: Timestamp) -> Timestamp {
        (now + self.ttl.idle).min(self.created_at + self.ttl.absolute)
    }

    fn share(&self) -> Self {
        Self {
            record: Arc::clone(&self.record),
            ..*self
        }
    }

    fn into_versioned(self) -> Versioned {
        let record = Arc::unwrap_or_clone(self.record);
        Versioned::new(record, self.version, self.created_at)
    }
}
