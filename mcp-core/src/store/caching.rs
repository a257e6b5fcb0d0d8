//! Session records kept for a moment: [`CachingSessionStore`].

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{
    Caps, Created, SessionChange, SessionId, SessionRecord, SessionStore, StoreError, Ttl, Version,
    Versioned,
};
use crate::clock::{Clock, SystemClock, Timestamp};

/// A session store whose `load` may answer from memory, for `freshness` at most.
///
/// What another process changed or deleted is seen at the latest after `freshness`; what this one
/// changes or deletes is seen at once. Whoever cannot live with that (SS-04 and SS-08 hold only after
/// `freshness`) does not cache. Everything but `load` goes to the store, so compare-and-swap, expiry
/// and `touch` keep their full promises: a record that was answered from memory cannot be overwritten
/// when it is no longer the current one.
///
/// A [`Server`](crate::Server) has a cache of its own that is told about changes; this one is for
/// other users of the store.
///
/// ```
/// use std::time::Duration;
///
/// use mcp_core::store::{CachingSessionStore, MemorySessionStore};
///
/// let sessions = CachingSessionStore::new(MemorySessionStore::new(), Duration::from_secs(5), 10_000);
/// # drop(sessions);
/// ```
pub struct CachingSessionStore<S> {
    inner: S,
    freshness: Duration,
    most: usize,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cached: HashMap<SessionId, Cached>,
    /// How often something was forgotten: what was asked for before may be old.
    changes: u64,
}

struct Cached {
    session: Versioned,
    read: Timestamp,
}

impl<S> CachingSessionStore<S> {
    /// Keeps at most `most` records, each for `freshness`.
    #[must_use]
    pub fn new(inner: S, freshness: Duration, most: usize) -> Self {
        Self {
            inner,
            freshness,
            most,
            clock: Arc::new(SystemClock),
            state: Mutex::default(),
        }
    }

    /// Tells the time that `freshness` is counted by.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, id: &SessionId) {
        let mut state = self.state();
        state.cached.remove(id);
        state.changes += 1;
    }

    fn fresh(&self, id: &SessionId) -> Option<Versioned> {
        let now = self.clock.now();
        let mut state = self.state();
        let known = state.cached.get(id)?;
        if now.since(known.read) < self.freshness {
            return Some(known.session.clone());
        }
        state.cached.remove(id);
        None
    }

    /// Keeps what was asked for at `asked`, unless something has changed since.
    fn keep(&self, session: &Versioned, asked: Timestamp, changes: u64) {
        let freshness = self.freshness;
        let mut state = self.state();
        if state.changes != changes {
            return;
        }
        let cached = &mut state.cached;
        if cached.len() >= self.most {
            cached.retain(|_, known| asked.since(known.read) < freshness);
        }
        if cached.len() < self.most {
            let session = session.clone();
            let id = session.record.id.clone();
            cached.insert(
                id,
                Cached {
                    session,
                    read: asked,
                },
            );
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SessionStore> SessionStore for CachingSessionStore<S> {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        self.inner.create(record, ttl, caps).await
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        if let Some(session) = self.fresh(id) {
            return Ok(Some(session));
        }
        let (asked, changes) = (self.clock.now(), self.state().changes);
        let loaded = self.inner.load(id).await?;
        if let Some(session) = &loaded {
            self.keep(session, asked, changes);
        }
        Ok(loaded)
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        let updated = self.inner.update(id, expected, change).await;
        self.forget(id);
        updated
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        let touched = self.inner.touch(ids).await?;
        for (id, version) in ids.iter().zip(&touched) {
            let known = self
                .state()
                .cached
                .get(id)
                .map(|known| known.session.version);
            if known.is_some() && known != *version {
                self.forget(id);
            }
        }
        Ok(touched)
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        let deleted = self.inner.delete(id).await;
        self.forget(id);
        deleted
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        self.inner.list(after, limit).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(limit).await
    }
}

impl<S> fmt::Debug for CachingSessionStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingSessionStore")
            .field("freshness", &self.freshness)
            .finish_non_exhaustive()
    }
}
