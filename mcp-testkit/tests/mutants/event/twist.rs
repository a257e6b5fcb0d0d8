//! A store with a twist.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::store::{
    Append, Appended, Attached, EventStore, From, Generation, Head, LogKey, MemoryEventStore,
    Position, Read, ReadLimit, ReaderId, SessionId, StoreError,
};

use crate::broken::{Broken, Troubles, broken};

pub(crate) type Store = MemoryEventStore;
pub(crate) type Answer<T> = Result<T, StoreError>;

/// What a broken store does instead of the right thing; whatever is not overridden is right.
pub(crate) trait Twist: Clone + Send + Sync + 'static {
    fn append(
        &self,
        store: &Store,
        log: &LogKey,
        batch: Append<'_>,
    ) -> impl Future<Output = Answer<Appended>> + Send {
        async move { store.append(log, batch).await }
    }

    fn attach(
        &self,
        store: &Store,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> impl Future<Output = Answer<Option<Attached>>> + Send {
        async move { store.attach(log, reader, from).await }
    }

    fn read(
        &self,
        store: &Store,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> impl Future<Output = Answer<Read>> + Send {
        async move { store.read(log, after, reader, limit).await }
    }

    fn heads(
        &self,
        store: &Store,
        logs: &[LogKey],
    ) -> impl Future<Output = Answer<Vec<Option<Head>>>> + Send {
        async move { store.heads(logs).await }
    }

    fn seal(
        &self,
        store: &Store,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> impl Future<Output = Answer<bool>> + Send {
        async move { store.seal(log, last, keep).await }
    }

    fn purge(
        &self,
        store: &Store,
        session: &SessionId,
    ) -> impl Future<Output = Answer<u64>> + Send {
        async move { store.purge(session).await }
    }

    fn sweep(&self, store: &Store, limit: usize) -> impl Future<Output = Answer<usize>> + Send {
        async move { store.sweep(limit).await }
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
        async fn append(
            &$me,
            $store: &$crate::event::twist::Store,
            $log: &::mcp_core::store::LogKey,
            $batch: ::mcp_core::store::Append<'_>,
        ) -> $crate::event::twist::Answer<::mcp_core::store::Appended> $body
    };
    (@attach $me:ident ($store:tt, $log:tt, $reader:tt, $from:tt) $body:block) => {
        async fn attach(
            &$me,
            $store: &$crate::event::twist::Store,
            $log: &::mcp_core::store::LogKey,
            $reader: &::mcp_core::store::ReaderId,
            $from: ::mcp_core::store::From,
        ) -> $crate::event::twist::Answer<Option<::mcp_core::store::Attached>> $body
    };
    (@read $me:ident ($store:tt, $log:tt, $after:tt, $reader:tt, $limit:tt) $body:block) => {
        async fn read(
            &$me,
            $store: &$crate::event::twist::Store,
            $log: &::mcp_core::store::LogKey,
            $after: ::mcp_core::store::Position,
            $reader: Option<::mcp_core::store::Generation>,
            $limit: ::mcp_core::store::ReadLimit,
        ) -> $crate::event::twist::Answer<::mcp_core::store::Read> $body
    };
    (@heads $me:ident ($store:tt, $logs:tt) $body:block) => {
        async fn heads(
            &$me,
            $store: &$crate::event::twist::Store,
            $logs: &[::mcp_core::store::LogKey],
        ) -> $crate::event::twist::Answer<Vec<Option<::mcp_core::store::Head>>> $body
    };
    (@seal $me:ident ($store:tt, $log:tt, $last:tt, $keep:tt) $body:block) => {
        async fn seal(
            &$me,
            $store: &$crate::event::twist::Store,
            $log: &::mcp_core::store::LogKey,
            $last: Option<::bytes::Bytes>,
            $keep: ::std::time::Duration,
        ) -> $crate::event::twist::Answer<bool> $body
    };
    (@purge $me:ident ($store:tt, $session:tt) $body:block) => {
        async fn purge(
            &$me,
            $store: &$crate::event::twist::Store,
            $session: &::mcp_core::store::SessionId,
        ) -> $crate::event::twist::Answer<u64> $body
    };
    (@sweep $me:ident ($store:tt, $limit:tt) $body:block) => {
        async fn sweep(
            &$me,
            $store: &$crate::event::twist::Store,
            $limit: usize,
        ) -> $crate::event::twist::Answer<usize> $body
    };
}
pub(crate) use twist;

/// A store in memory that a [`Twist`] answers for.
pub(crate) struct Twisted<T>(pub(crate) Store, pub(crate) T);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Twist> EventStore for Twisted<T> {
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

    async fn seal(&self, log: &LogKey, last: Option<Bytes>, keep: Duration) -> Answer<bool> {
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
pub(super) fn twisted<T: Twist>(twist: T) -> Broken<Store, Twisted<T>> {
    broken(Store::with_clock, move |store, _| {
        Twisted(store, twist.clone())
    })
}

/// A good store with a twist that knows what the harness does to its backend.
pub(super) fn troubled<T: Twist>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Store, Twisted<T>> {
    broken(Store::with_clock, move |store, troubles| {
        Twisted(store, twist(troubles))
    })
}

/// The head of one log.
pub(super) async fn head(store: &Store, log: &LogKey) -> Answer<Option<Head>> {
    Ok(store.heads(std::slice::from_ref(log)).await?[0])
}
