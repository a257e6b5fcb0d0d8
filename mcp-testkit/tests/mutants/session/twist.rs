//! A store with a twist.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
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
pub(crate) trait Twist: Send + Sync + 'static {
    fn create<'a>(
        &'a self,
        store: &'a Store,
        record: &'a SessionRecord,
        ttl: Ttl,
        caps: &'a Caps,
    ) -> BoxFuture<'a, Answer<Created>> {
        store.create(record, ttl, caps)
    }

    fn load<'a>(
        &'a self,
        store: &'a Store,
        id: &'a SessionId,
    ) -> BoxFuture<'a, Answer<Option<Versioned>>> {
        store.load(id)
    }

    fn update<'a>(
        &'a self,
        store: &'a Store,
        id: &'a SessionId,
        expected: Version,
        change: &'a SessionChange,
    ) -> BoxFuture<'a, Answer<Option<Version>>> {
        store.update(id, expected, change)
    }

    fn touch<'a>(
        &'a self,
        store: &'a Store,
        ids: &'a [SessionId],
    ) -> BoxFuture<'a, Answer<Vec<Option<Version>>>> {
        store.touch(ids)
    }

    fn delete<'a>(&'a self, store: &'a Store, id: &'a SessionId) -> BoxFuture<'a, Answer<bool>> {
        store.delete(id)
    }

    fn list<'a>(
        &'a self,
        store: &'a Store,
        after: Option<&'a SessionId>,
        limit: usize,
    ) -> BoxFuture<'a, Answer<Vec<Versioned>>> {
        store.list(after, limit)
    }

    fn sweep<'a>(&'a self, store: &'a Store, limit: usize) -> BoxFuture<'a, Answer<usize>> {
        store.sweep(limit)
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
        fn create<'a>(&'a $me, $store: &'a Store, $record: &'a SessionRecord, $ttl: Ttl, $caps: &'a Caps) -> ::futures_util::future::BoxFuture<'a, Answer<Created>> { Box::pin(async move $body) }
    };
    (@load $me:ident ($store:tt, $id:tt) $body:block) => {
        fn load<'a>(&'a $me, $store: &'a Store, $id: &'a SessionId) -> ::futures_util::future::BoxFuture<'a, Answer<Option<Versioned>>> { Box::pin(async move $body) }
    };
    (@update $me:ident ($store:tt, $id:tt, $expected:tt, $change:tt) $body:block) => {
        fn update<'a>(&'a $me, $store: &'a Store, $id: &'a SessionId, $expected: Version, $change: &'a SessionChange) -> ::futures_util::future::BoxFuture<'a, Answer<Option<Version>>> { Box::pin(async move $body) }
    };
    (@touch $me:ident ($store:tt, $ids:tt) $body:block) => {
        fn touch<'a>(&'a $me, $store: &'a Store, $ids: &'a [SessionId]) -> ::futures_util::future::BoxFuture<'a, Answer<Vec<Option<Version>>>> { Box::pin(async move $body) }
    };
    (@delete $me:ident ($store:tt, $id:tt) $body:block) => {
        fn delete<'a>(&'a $me, $store: &'a Store, $id: &'a SessionId) -> ::futures_util::future::BoxFuture<'a, Answer<bool>> { Box::pin(async move $body) }
    };
    (@list $me:ident ($store:tt, $after:tt, $limit:tt) $body:block) => {
        fn list<'a>(&'a $me, $store: &'a Store, $after: Option<&'a SessionId>, $limit: usize) -> ::futures_util::future::BoxFuture<'a, Answer<Vec<Versioned>>> { Box::pin(async move $body) }
    };
    (@sweep $me:ident ($store:tt, $limit:tt) $body:block) => {
        fn sweep<'a>(&'a $me, $store: &'a Store, $limit: usize) -> ::futures_util::future::BoxFuture<'a, Answer<usize>> { Box::pin(async move $body) }
    };
}
pub(crate) use twist;

/// A store in memory that a [`Twist`] answers for.
pub(crate) struct Twisted(Store, Arc<dyn Twist>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl SessionStore for Twisted {
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
pub(super) fn twisted<T: Twist + Clone>(twist: T) -> Broken<Store, Twisted> {
    with(Store::with_clock, twist)
}

/// A store made by `make`, with a twist.
pub(super) fn with<T: Twist + Clone>(
    make: fn(Arc<dyn Clock>) -> Store,
    twist: T,
) -> Broken<Store, Twisted> {
    broken(make, move |store, _| {
        Twisted(store, Arc::new(twist.clone()))
    })
}

/// A good store with a twist that knows what the harness does to its backend.
pub(super) fn troubled<T: Twist + Clone>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Store, Twisted> {
    broken(Store::with_clock, move |store, troubles| {
        Twisted(store, Arc::new(twist(troubles)))
    })
}
