//! A store with a twist.

use std::sync::Arc;

use async_trait::async_trait;
use mcp_core::{
    clock::Clock,
    store::{
        Caps, Created, MemorySessionStore, SessionChange, SessionId, SessionRecord, SessionStore,
        StoreError, Ttl, Version, Versioned,
    },
};

use crate::broken::{Broken, Troubles, broken};

pub(super) type Store = MemorySessionStore;
pub(super) type Answer<T> = Result<T, StoreError>;

/// What a broken store does instead of the right thing; whatever is not overridden is right.
pub(crate) trait Twist: Clone + Send + Sync + 'static {
    fn create(
        &self,
        store: &Store,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> impl Future<Output = Answer<Created>> + Send {
        async move { store.create(record, ttl, caps).await }
    }

    fn load(
        &self,
        store: &Store,
        id: &SessionId,
    ) -> impl Future<Output = Answer<Option<Versioned>>> + Send {
        async move { store.load(id).await }
    }

    fn update(
        &self,
        store: &Store,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> impl Future<Output = Answer<Option<Version>>> + Send {
        async move { store.update(id, expected, change).await }
    }

    fn touch(
        &self,
        store: &Store,
        ids: &[SessionId],
    ) -> impl Future<Output = Answer<Vec<Option<Version>>>> + Send {
        async move { store.touch(ids).await }
    }

    fn delete(&self, store: &Store, id: &SessionId) -> impl Future<Output = Answer<bool>> + Send {
        async move { store.delete(id).await }
    }

    fn list(
        &self,
        store: &Store,
        after: Option<&SessionId>,
        limit: usize,
    ) -> impl Future<Output = Answer<Vec<Versioned>>> + Send {
        async move { store.list(after, limit).await }
    }

    fn sweep(&self, store: &Store, limit: usize) -> impl Future<Output = Answer<usize>> + Send {
        async move { store.sweep(limit).await }
    }
}

/// Overrides methods of [`Twist`] for a type, without their types:
/// `Type: method(self, store, ..) { .. }`.
macro_rules! twist {
    ($type:ty: $($method:ident($me:ident, $($parameter:tt),*) $body:block)*) => {
        impl $crate::session::twist::Twist for $type {
            $($crate::session::twist::twist! { @$method $me ($($parameter),*) $body })*
        }
    };
    (@create $me:ident ($store:tt, $record:tt, $ttl:tt, $caps:tt) $body:block) => {
        async fn create(&$me, $store: &Store, $record: &SessionRecord, $ttl: Ttl, $caps: &Caps) -> Answer<Created> $body
    };
    (@load $me:ident ($store:tt, $id:tt) $body:block) => {
        async fn load(&$me, $store: &Store, $id: &SessionId) -> Answer<Option<Versioned>> $body
    };
    (@update $me:ident ($store:tt, $id:tt, $expected:tt, $change:tt) $body:block) => {
        async fn update(&$me, $store: &Store, $id: &SessionId, $expected: Version, $change: &SessionChange) -> Answer<Option<Version>> $body
    };
    (@touch $me:ident ($store:tt, $ids:tt) $body:block) => {
        async fn touch(&$me, $store: &Store, $ids: &[SessionId]) -> Answer<Vec<Option<Version>>> $body
    };
    (@delete $me:ident ($store:tt, $id:tt) $body:block) => {
        async fn delete(&$me, $store: &Store, $id: &SessionId) -> Answer<bool> $body
    };
    (@list $me:ident ($store:tt, $after:tt, $limit:tt) $body:block) => {
        async fn list(&$me, $store: &Store, $after: Option<&SessionId>, $limit: usize) -> Answer<Vec<Versioned>> $body
    };
    (@sweep $me:ident ($store:tt, $limit:tt) $body:block) => {
        async fn sweep(&$me, $store: &Store, $limit: usize) -> Answer<usize> $body
    };
}
pub(crate) use twist;

/// A store in memory that a [`Twist`] answers for.
pub(crate) struct Twisted<T>(Store, T);

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

/// A store that is broken by how it is made.
pub(super) fn made(make: fn(Arc<dyn Clock>) -> Store) -> Broken<Store, Store> {
    broken(make, |store, _| store)
}

/// A good store with a twist.
pub(super) fn twisted<T: Twist>(twist: T) -> Broken<Store, Twisted<T>> {
    with(Store::with_clock, twist)
}

/// A store made by `make`, with a twist.
pub(super) fn with<T: Twist>(
    make: fn(Arc<dyn Clock>) -> Store,
    twist: T,
) -> Broken<Store, Twisted<T>> {
    broken(make, move |store, _| Twisted(store, twist.clone()))
}

/// A good store with a twist that knows what the harness does to its backend.
pub(super) fn troubled<T: Twist>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Store, Twisted<T>> {
    broken(Store::with_clock, move |store, troubles| {
        Twisted(store, twist(troubles))
    })
}
