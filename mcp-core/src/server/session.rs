//! One session as this process sees it: a cache of the store's record and what runs here.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    clock::Timestamp,
    handler::Context,
    jsonrpc::{ErrorObject, RequestId},
    store::{SessionId, SessionRecord, Version, Versioned},
};

use super::listen::GetConnection;

/// A session in this process. The truth stands in the store.
#[derive(Debug)]
pub(crate) struct Session {
    id: SessionId,
    created_at: Timestamp,
    /// Lives and ends with one connection; no store knows it.
    of_connection: bool,
    cached: RwLock<Cached>,
    verified_at: AtomicU64,
    used_at: AtomicU64,
    /// The store knows that the session is in use, so it has its full life time.
    confirmed: AtomicBool,
    refresh: AtomicBool,
    /// It was loaded, and the store has not heard yet that it is used.
    loaded: AtomicBool,
    ended: AtomicBool,
    /// Open streams and running requests: while there is one, this process keeps the session alive.
    holds: AtomicUsize,
    pending_asks: AtomicUsize,
    running: Mutex<Vec<Context>>,
    connections: Mutex<Vec<Arc<GetConnection>>>,
    changed: Notify,
}

#[derive(Debug)]
struct Cached {
    record: Arc<SessionRecord>,
    version: Version,
}

impl Session {
    pub(crate) fn new(stored: Versioned, now: Timestamp) -> Self {
        Self {
            id: stored.record.id.clone(),
            created_at: stored.created_at,
            of_connection: false,
            confirmed: AtomicBool::new(stored.record.initialized),
            cached: RwLock::new(Cached {
                record: Arc::new(stored.record),
                version: stored.version,
            }),
            verified_at: AtomicU64::new(now.as_millis()),
            used_at: AtomicU64::new(now.as_millis()),
            refresh: AtomicBool::new(false),
            loaded: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            holds: AtomicUsize::new(0),
            pending_asks: AtomicUsize::new(0),
            running: Mutex::default(),
            connections: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// A session that was loaded. Until [`verified`](Self::verified) it may have ended meanwhile.
    pub(crate) fn restored(stored: Versioned, now: Timestamp) -> Self {
        Self {
            verified_at: AtomicU64::new(0),
            loaded: AtomicBool::new(true),
            ..Self::new(stored, now)
        }
    }

    /// A session that is as long as its connection, and that only this process knows.
    pub(crate) fn of_connection(record: SessionRecord, now: Timestamp) -> Self {
        Self {
            of_connection: true,
            confirmed: AtomicBool::new(true),
            ..Self::new(Versioned::new(record, Version(1), now), now)
        }
    }

    /// Whether this session ends with its connection, and no store knows it.
    pub(crate) fn is_of_connection(&self) -> bool {
        self.of_connection
    }

    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    pub(crate) fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// The record as last seen. Good for saying yes; before a refusal the store is asked.
    pub(crate) fn record(&self) -> Arc<SessionRecord> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&cached.record)
    }

    /// Takes over what the store has, unless a newer version is known.
    pub(crate) fn learn(&self, stored: SessionRecord, version: Version) {
        {
            let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
            if version < cached.version {
                return;
            }
            if stored.initialized {
                self.confirmed.store(true, Ordering::Relaxed);
            }
            *cached = Cached {
                record: Arc::new(stored),
                version,
            };
        }
        self.changed.notify_waiters();
    }

    /// Changes the record of a session that no store knows.
    pub(crate) fn change(&self, change: impl Fn(&mut SessionRecord)) {
        {
            let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
            change(Arc::make_mut(&mut cached.record));
            cached.version.0 += 1;
        }
        self.changed.notify_waiters();
        for connection in self.connections().iter() {
            connection.wake();
        }
    }

    pub(crate) fn version(&self) -> Version {
        self.seen().1
    }

    /// The record as last seen and its version, which belong together: what is made of another record
    /// would undo what came between.
    pub(crate) fn seen(&self) -> (Arc<SessionRecord>, Version) {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&cached.record), cached.version)
    }

    /// Waits until `notifications/initialized` has arrived somewhere.
    pub(crate) async fn initialized(&self) {
        loop {
            let changed = self.changed.notified();
            if self.record().initialized {
                return;
            }
            changed.await;
        }
    }

    /// `true` for the one caller who tells the store that a loaded session is used here now.
    pub(crate) fn begins_here(&self) -> bool {
        self.loaded.load(Ordering::Relaxed) && self.loaded.swap(false, Ordering::Relaxed)
    }

    /// Says that the session has its full life; `true` for the one caller who must tell the store.
    pub(crate) fn confirm(&self) -> bool {
        !self.confirmed.load(Ordering::Relaxed) && !self.confirmed.swap(true, Ordering::Relaxed)
    }

    /// Takes [`confirm`](Self::confirm) back, because the store could not be told.
    pub(crate) fn unconfirm(&self) {
        self.confirmed.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed.load(Ordering::Relaxed)
    }

    pub(crate) fn running_calls(&self) -> usize {
        self.running().len()
    }

    /// How long ago the store last said that this session lives.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        now.since(Timestamp::from_millis(
            self.verified_at.load(Ordering::Relaxed),
        ))
    }

    /// The store said at `now` that this session lives.
    pub(crate) fn verified(&self, now: Timestamp) {
        self.verified_at
            .fetch_max(now.as_millis(), Ordering::Relaxed);
        self.refresh.store(false, Ordering::Relaxed);
    }

    /// Marks the session as used at `now`.
    pub(crate) fn used(&self, now: Timestamp) {
        self.used_at.store(now.as_millis(), Ordering::Relaxed);
    }

    pub(crate) fn used_at(&self) -> Timestamp {
        Timestamp::from_millis(self.used_at.load(Ordering::Relaxed))
    }

    /// Asks the upkeep task to verify this session soon.
    pub(crate) fn want_refresh(&self) {
        self.refresh.store(true, Ordering::Relaxed);
    }

    /// Whether the upkeep task should verify this session now.
    pub(crate) fn needs_touch(&self, now: Timestamp, half: Duration) -> bool {
        let wanted = self.is_held() || self.refresh.load(Ordering::Relaxed);
        wanted && !self.of_connection && self.age(now) >= half
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Ends everything that runs or streams here.
    pub(crate) fn end(&self) {
        let running = {
            let mut running = self.running();
            // Under the lock, so that no call begins behind the end.
            self.ended.store(true, Ordering::Release);
            std::mem::take(&mut *running)
        };
        for call in running {
            call.cancel();
        }
        for connection in self.connections().iter() {
            connection.wake();
        }
        self.changed.notify_waiters();
    }

    /// Keeps the session alive until the guard is dropped.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.holds.fetch_add(1, Ordering::Relaxed);
        Hold(Arc::clone(self))
    }

    /// Room for one more request to the client, unless `limit` wait already.
    pub(crate) fn begin_ask(self: &Arc<Self>, limit: usize) -> Option<AskSlot> {
        let before = self.pending_asks.fetch_add(1, Ordering::Relaxed);
        let slot = AskSlot(Arc::clone(self));
        (before < limit).then_some(slot)
    }

    fn running(&self) -> MutexGuard<'_, Vec<Context>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a call so that it can be cancelled, unless the session has ended or `limit` run
    /// already.
    pub(crate) fn begin_call(
        self: &Arc<Self>,
        call: &Context,
        limit: usize,
    ) -> Result<Running, NotBegun> {
        let mut running = self.running();
        if self.has_ended() {
            return Err(NotBegun::Ended);
        }
        if running.len() >= limit {
            metrics::counter!("mcp.calls.refused", "reason" => "too_many_calls").increment(1);
            return Err(NotBegun::TooMany);
        }
        running.push(call.clone());
        drop(running);
        Ok(Running {
            hold: self.hold(),
            call: call.clone(),
        })
    }

    /// Answers every running call with an error, because the server shuts down.
    pub(crate) fn stop_calls(&self) -> usize {
        let running = self.running();
        running.iter().map(Context::stop).count()
    }

    /// Cancels every running call with this id.
    pub(crate) fn cancel(&self, request: &RequestId) -> usize {
        let running = self.running();
        let matching = running.iter().filter(|call| call.request_id() == request);
        matching.map(Context::cancel).count()
    }

    /// The GET connection here that hears, if one does.
    pub(crate) fn hearing(&self) -> Option<Arc<GetConnection>> {
        let connections = self.connections();
        let newest = connections.iter().rev();
        newest.filter(|one| one.hears()).map(Arc::clone).next()
    }

    /// The open GET connections, oldest first.
    pub(crate) fn connections(&self) -> MutexGuard<'_, Vec<Arc<GetConnection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The resources this session wants to hear of.
    pub(crate) fn subscriptions(&self) -> BTreeSet<String> {
        self.record().subscriptions.clone()
    }
}

/// Why a call does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotBegun {
    Ended,
    TooMany,
}

impl NotBegun {
    pub(crate) fn error(self) -> ErrorObject {
        match self {
            Self::Ended => {
                ErrorObject::invalid_request("the session has ended").reason("unknown_session")
            }
            Self::TooMany => ErrorObject::internal("too many requests of this session are running")
                .reason("too_many_calls"),
        }
    }
}

/// Keeps a session alive while it exists.
#[derive(Debug)]
pub(crate) struct Hold(Arc<Session>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.holds.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request to the client that waits for its answer.
#[derive(Debug)]
pub(crate) struct AskSlot(Arc<Session>);

impl Drop for AskSlot {
    fn drop(&mut self) {
        self.0.pending_asks.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A running call; gone from the session's list when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    hold: Hold,
    call: Context,
}

impl Drop for Running {
    fn drop(&mut self) {
        let call = self.call.address();
        let mut running = self.hold.0.running();
        if let Some(at) = running.iter().position(|other| other.address() == call) {
            running.swap_remove(at);
        }
    }
}

const SHARDS: usize = 64;

/// The sessions of this process, in shards so that no lock is shared by all requests.
#[derive(Debug)]
pub(crate) struct Sessions {
    shards: Vec<RwLock<HashMap<SessionId, Arc<Session>>>>,
    count: AtomicUsize,
    /// Sessions that are being made and do not count yet.
    beginning: AtomicUsize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            count: AtomicUsize::new(0),
            beginning: AtomicUsize::new(0),
        }
    }
}

/// Room for a session that is being made.
#[derive(Debug)]
pub(crate) struct Beginning<'a>(&'a AtomicUsize);

impl Drop for Beginning<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sessions {
    fn shard(&self, id: &str) -> &RwLock<HashMap<SessionId, Arc<Session>>> {
        // Ids are random, so any of their bytes tell them apart; hashing is left to the map.
        let bytes = id.as_bytes().iter().rev().take(2);
        let sum: usize = bytes.fold(0, |sum, byte| sum * 7 + usize::from(*byte));
        &self.shards[sum % SHARDS]
    }

    /// Keeps room for one more session, unless there are `limit`.
    pub(crate) fn begin(&self, limit: usize) -> Option<Beginning<'_>> {
        let before = self.beginning.fetch_add(1, Ordering::Relaxed);
        let room = Beginning(&self.beginning);
        (self.len() + before < limit).then_some(room)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        let shard = self.shard(id).read();
        let shard = shard.unwrap_or_else(PoisonError::into_inner);
        shard.get(id).map(Arc::clone)
    }

    /// Adds a session, or gives the one that is there already.
    pub(crate) fn insert(&self, session: Arc<Session>) -> Arc<Session> {
        let shard = self.shard(session.id().as_str()).write();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        if let Some(present) = shard.get(session.id()) {
            return Arc::clone(present);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        shard.insert(session.id().clone(), Arc::clone(&session));
        session
    }

    /// Adds a session that can be loaded again, as can others: when there are `limit`, the one of its shard
    /// goes that nobody has in hand and that was used least recently.
    pub(crate) fn insert_restored(&self, session: Arc<Session>, limit: usize) -> Arc<Session> {
        if self.len() >= limit {
            let shard = self.shard(session.id().as_str()).write();
            let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
            let idle = shard
                .values()
                .filter(|session| Arc::strong_count(session) == 1);
            let oldest = idle.min_by_key(|session| session.used_at());
            if let Some(id) = oldest.map(|session| session.id().clone()) {
                shard.remove(&id);
                self.count.fetch_sub(1, Ordering::Relaxed);
                metrics::counter!("mcp.sessions.evicted").increment(1);
            }
        }
        self.insert(session)
    }

    /// Forgets a session. What it runs here goes on unless the caller [ends](Session::end) it.
    pub(crate) fn remove(&self, id: &SessionId) -> Option<Arc<Session>> {
        let shard = self.shard(id.as_str()).write();
        let removed = shard.unwrap_or_else(PoisonError::into_inner).remove(id);
        if removed.is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        removed
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// All of them, shard by shard; no lock is held while the caller works.
    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        let mut all = Vec::with_capacity(self.len());
        for shard in &self.shards {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.values().map(Arc::clone));
        }
        all
    }
}
