//! A store with a twist.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use mcp_core::store::{
    Append, Appended, Attached, EventStore, From, Generation, Head, LogKey, MemoryEventStore,
    Position, Read, ReadLimit, ReaderId, Sealing, SessionId, StoreError,
};

use crate::broken::{Broken, Troubles, broken};

pub(crate) type Store = MemoryEventStore;
pub(crate) type Answer<T> = Result<T, StoreError>;

/// What a broken store does instead of the right thing; whatever is not overridden is right.
pub(crate) trait Twist: Send + Sync + 'static {
    fn append<'a>(
        &'a self,
        store: &'a Store,
        log: &'a LogKey,
        batch: Append<'a>,
    ) -> BoxFuture<'a, Answer<Appended>> {
        store.append(log, batch)
    }

    fn attach<'a>(
        &'a self,
        store: &'a Store,
        log: &'a LogKey,
        reader: &'a ReaderId,
        from: From,
    ) -> BoxFuture<'a, Answer<Option<Attached>>> {
        store.attach(log, reader, from)
    }

    fn read<'a>(
        &'a self,
        store: &'a Store,
        log: &'a LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> BoxFuture<'a, Answer<Read>> {
        store.read(log, after, reader, limit)
    }

    fn heads<'a>(
        &'a self,
        store: &'a Store,
        logs: &'a [LogKey],
    ) -> BoxFuture<'a, Answer<Vec<Option<Head>>>> {
        store.heads(logs)
    }

    fn seal<'a>(
        &'a self,
        store: &'a Store,
        log: &'a LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> BoxFuture<'a, Answer<Sealing>> {
        store.seal(log, last, keep)
    }

    fn purge<'a>(&'a self, store: &'a Store, session: &'a SessionId) -> BoxFuture<'a, Answer<u64>> {
        store.purge(session)
    }

    fn sweep<'a>(&'a self, store: &'a Store, limit: usize) -> BoxFuture<'a, Answer<usize>> {
        store.sweep(limit)
    }
}

/// Overrides methods of [`Twist`] for a type, without their types:
/// `Type: method(self, store, ..) { .. }`.
macro_rules! twist {
    ($type:ty: $($method:ident($me:ident, $($parameter:tt),*) $body:block)*) => {
        impl $crate::event::twist::Twist for $type {
            $($crate::event::twist::twist! { @$method $me ($($parameter),*) $body })*
        }
    };
    (@append $me:ident ($store:tt, $log:tt, $batch:tt) $body:block) => {
        fn append<'a>(
            &'a $me,
            $store: &'a $crate::event::twist::Store,
            $log: &'a ::mcp_core::store::LogKey,
            $batch: ::mcp_core::store::Append<'a>,
        ) -> ::futures_util::future::BoxFuture<'a, $crate::event::twist::Answer<::mcp_core::store::Appended>> { Box::pin(async move $body) }
    };
    (@attach $me:ident ($store:tt, $log:tt, $reader:tt, $from:tt) $body:block) => {
        fn attach<'a>(
            &'a $me,
            $store: &'a $crate::event::twist::Store,
            $log: &'a ::mcp_core::store::LogKey,
            $reader: &'a ::mcp_core::store::ReaderId,
            $from: ::mcp_core::store::From,
        ) -> ::futures_util::future::BoxFuture<'a, $crate::event::twist::Answer<Option<::mcp_core::store::Attached>>> { Box::pin(async move $body) }
    };
    (@read $me:ident ($store:tt, $log:tt, $after:tt, $reader:tt, $limit:tt) $body:block) => {
        fn read<'a>(
            &'a $me,
            $store: &'a $crate::event::twist::Store,
            $log: &'a ::mcp_core::store::LogKey,
            $after: ::mcp_core::store::Position,
            $reader: Option<::mcp_core::store::Generation>,
            $limit: ::mcp_core::store::ReadLimit,
        ) -> ::futures_util::future::BoxFuture<'a, $crate::event::twist::Answer<::mcp_core::store::Read>> { Box::pin(async move $body) }
    };
    (@heads $me:ident ($store:tt, $logs:tt) $body:block) => {
        fn heads<'a>(
            &'a $me,
            $store: &'a $crate::event::twist::Store,
            $logs: &'a [::mcp_core::store::LogKey],
        ) -> ::futures_util::future::BoxFuture<'a, $crate::event::twist::Answer<Vec<Option<::mcp_core::store::Head>>>> { Box::pin(async move $body) }
    };
    (@seal $me:ident ($store:tt, $log:tt, $last:tt, $keep:tt) $body:block) => {
        fn seal<'a>(
            &'a $me,
            $store: &'a $crate::event::twist::Store,
            $log: &'a ::mcp_core::store::LogKey,
            $last: Option<::bytes::Bytes>,
            $keep: ::std::time::Duration,
        ) -> ::futures_util::future::BoxFuture<'a, $crate::event::twist::Answer<::mcp_core::store::Sealing>> { Box::pin(async move $body) }
    };
    (@purge $me:ident ($store:tt, $session:tt) $body:block) => {
        fn purge<'a>(
            &'a $me,
            $store: &'a $crate::event::twist::Store,
            $session: &'a ::mcp_core::store::SessionId,
        ) -> ::futures_util::future::BoxFuture<'a, $crate::event::twist::Answer<u64>> { Box::pin(async move $body) }
    };
    (@sweep $me:ident ($store:tt, $limit:tt) $body:block) => {
        fn sweep<'a>(
            &'a $me,
            $store: &'a $crate::event::twist::Store,
            $limit: usize,
        ) -> ::futures_util::future::BoxFuture<'a, $crate::event::twist::Answer<usize>> { Box::pin(async move $body) }
    };
}
pub(crate) use twist;

/// A store in memory that a [`Twist`] answers for.
pub(crate) struct Twisted(pub(crate) Store, pub(crate) Arc<dyn Twist>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl EventStore for Twisted {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Answer<Appended> {
        self.1.append(&self.0, log, batch).await
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Answer<Option<Attached>> {
        self.1.attach(&self.0, log, reader, from).await
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Answer<Read> {
        self.1.read(&self.0, log, after, reader, limit).await
    }

    async fn heads(&self, logs: &[LogKey]) -> Answer<Vec<Option<Head>>> {
        self.1.heads(&self.0, logs).await
    }

    async fn seal(&self, log: &LogKey, last: Option<Bytes>, keep: Duration) -> Answer<Sealing> {
        self.1.seal(&self.0, log, last, keep).await
    }

    async fn purge(&self, session: &SessionId) -> Answer<u64> {
        self.1.purge(&self.0, session).await
    }

    async fn sweep(&self, limit: usize) -> Answer<usize> {
        self.1.sweep(&self.0, limit).await
    }
}

/// A good store with a twist, of which each handle has a clone.
pub(super) fn twisted<T: Twist + Clone>(twist: T) -> Broken<Store, Twisted> {
    broken(Store::with_clock, move |store, _| {
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

/// The head of one log.
pub(super) async fn head(store: &Store, log: &LogKey) -> Answer<Option<Head>> {
    Ok(store.heads(std::slice::from_ref(log)).await?[0])
}
