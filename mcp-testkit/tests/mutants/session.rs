//! Stores of sessions that break a rule.

use async_trait::async_trait;
use mcp_core::store::{
    Caps, Created, MemorySessionStore, SessionChange, SessionId, SessionRecord, SessionStore,
    StoreError, StoreErrorKind, Ttl, Version, Versioned,
};

use crate::{
    broken::{Broken, broken},
    mutants,
};

type Answer<T> = Result<T, StoreError>;

/// What a broken store does instead of the right thing; whatever is not overridden is right.
#[async_trait]
pub(crate) trait Twist: Send + Sync + 'static {
    async fn create(
        &self,
        store: &MemorySessionStore,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Answer<Created> {
        store.create(record, ttl, caps).await
    }

    async fn load(&self, store: &MemorySessionStore, id: &SessionId) -> Answer<Option<Versioned>> {
        store.load(id).await
    }

    async fn update(
        &self,
        store: &MemorySessionStore,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Answer<Option<Version>> {
        store.update(id, expected, change).await
    }

    async fn touch(
        &self,
        store: &MemorySessionStore,
        ids: &[SessionId],
    ) -> Answer<Vec<Option<Version>>> {
        store.touch(ids).await
    }

    async fn delete(&self, store: &MemorySessionStore, id: &SessionId) -> Answer<bool> {
        store.delete(id).await
    }

    async fn list(
        &self,
        store: &MemorySessionStore,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Answer<Vec<Versioned>> {
        store.list(after, limit).await
    }

    async fn sweep(&self, store: &MemorySessionStore, limit: usize) -> Answer<usize> {
        store.sweep(limit).await
    }
}

/// A store with a twist.
pub(crate) struct Twisted<T>(MemorySessionStore, T);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Twist> SessionStore for Twisted<T> {
    async fn create(&self, record: &SessionRecord, ttl: Ttl, caps: &Caps) -> Answer<Created> {
        self.1.create(&self.0, record, ttl, caps).await
    }

    async fn load(&self, id: &SessionId) -> Answer<Option<Versioned>> {
        self.1.load(&self.0, id).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Answer<Option<Version>> {
        self.1.update(&self.0, id, expected, change).await
    }

    async fn touch(&self, ids: &[SessionId]) -> Answer<Vec<Option<Version>>> {
        self.1.touch(&self.0, ids).await
    }

    async fn delete(&self, id: &SessionId) -> Answer<bool> {
        self.1.delete(&self.0, id).await
    }

    async fn list(&self, after: Option<&SessionId>, limit: usize) -> Answer<Vec<Versioned>> {
        self.1.list(&self.0, after, limit).await
    }

    async fn sweep(&self, limit: usize) -> Answer<usize> {
        self.1.sweep(&self.0, limit).await
    }
}

fn twisted<T: Twist + Clone>(twist: T) -> Broken<MemorySessionStore, Twisted<T>> {
    broken(MemorySessionStore::with_clock, move |store| {
        Twisted(store, twist.clone())
    })
}

mutants! { session_store,
    ss_02_only_one_create_wins => twisted(CreateReplaces);
    ss_05_a_stale_version_conflicts => twisted(AnyVersionWill);
}

#[derive(Clone)]
struct CreateReplaces;

#[async_trait]
impl Twist for CreateReplaces {
    async fn create(
        &self,
        store: &MemorySessionStore,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Answer<Created> {
        match store.create(record, ttl, caps).await? {
            Created::Exists => Ok(Created::Created(Version(1))),
            created => Ok(created),
        }
    }
}

#[derive(Clone)]
struct AnyVersionWill;

#[async_trait]
impl Twist for AnyVersionWill {
    async fn update(
        &self,
        store: &MemorySessionStore,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Answer<Option<Version>> {
        match store.update(id, expected, change).await {
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                let current = store.load(id).await?.map(|found| found.version);
                store.update(id, current.unwrap(), change).await
            }
            answer => answer,
        }
    }
}
