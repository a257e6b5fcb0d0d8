//! Session records kept for a moment: [`CachingSessionStore`].

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::kept::Kept;
use crate::{
    clock::Clock,
    store::{
        Caps, Created, SessionChange, SessionId, SessionRecord, SessionStore, StoreError, Ttl,
        Version, Versioned,
    },
};

/// A session store whose `load` may answer from memory, for `freshness` at most.
///
/// What another process changed or deleted, and what expired, is seen at the latest after `freshness`;
/// what this one changes or deletes is seen at once. Whoever cannot live with that (SS-04, SS-08, SS-13
/// and SS-18 hold for `load` only after `freshness`) does not cache. Everything but `load` goes to the
/// store, so compare-and-swap and `touch` keep their full promises: a record that was answered from
/// memory cannot be overwritten when it is no longer the current one.
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
    kept: Kept<SessionId, Versioned>,
}

impl<S> CachingSessionStore<S> {
    /// Keeps at most `most` records, each for `freshness`.
    #[must_use]
    pub fn new(inner: S, freshness: Duration, most: usize) -> Self {
        Self {
            inner,
            kept: Kept::new(freshness, most),
        }
    }

    /// Tells the time that `freshness` is counted by.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.kept.set_clock(clock);
        self
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
        if let Some(session) = self.kept.get(id, Versioned::clone) {
            return Ok(Some(session));
        }
        let asked = self.kept.asked();
        let loaded = self.inner.load(id).await?;
        if let Some(session) = &loaded {
            self.kept.keep(id.clone(), session.clone(), asked);
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
        self.kept.forget(id);
        updated
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        let touched = self.inner.touch(ids).await?;
        for (id, version) in ids.iter().zip(&touched) {
            let known = self.kept.get(id, |session| session.version);
            if known.is_some() && known != *version {
                self.kept.forget(id);
            }
        }
        Ok(touched)
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        let deleted = self.inner.delete(id).await;
        self.kept.forget(id);
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
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}
