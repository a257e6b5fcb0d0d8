//! A store of leases with a twist.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_core::store::{Fence, Lease, LeaseStore, MemoryLeaseStore, StoreError};

use crate::broken::{Broken, Troubles, broken};

pub(super) type Store = MemoryLeaseStore;
pub(super) type Answer<T> = Result<T, StoreError>;

/// What a broken store does instead of the right thing; whatever is not overridden is right.
pub(crate) trait Twist: Clone + Send + Sync + 'static {
    fn hold(
        &self,
        store: &Store,
        (name, holder): (&str, &str),
        ttl: Duration,
        facts: &[u8],
    ) -> impl Future<Output = Answer<Option<Fence>>> + Send {
        async move { store.hold(name, holder, ttl, facts).await }
    }

    fn renew(
        &self,
        store: &Store,
        (name, fence): (&str, Fence),
        ttl: Duration,
        facts: &[u8],
    ) -> impl Future<Output = Answer<bool>> + Send {
        async move { store.renew(name, fence, ttl, facts).await }
    }

    fn release(
        &self,
        store: &Store,
        name: &str,
        fence: Fence,
    ) -> impl Future<Output = Answer<bool>> + Send {
        async move { store.release(name, fence).await }
    }

    fn list(&self, store: &Store, prefix: &str) -> impl Future<Output = Answer<Vec<Lease>>> + Send {
        async move { store.list(prefix).await }
    }
}

/// Overrides methods of [`Twist`] for a type, without their types:
/// `Type: method(self, store, ..) { .. }`.
macro_rules! twist {
    ($type:ty: $($method:ident($me:ident, $($parameter:tt),*) $body:block)*) => {
        impl $crate::lease::twist::Twist for $type {
            $($crate::lease::twist::twist! { @$method $me ($($parameter),*) $body })*
        }
    };
    (@hold $me:ident ($store:tt, $whose:tt, $ttl:tt, $facts:tt) $body:block) => {
        async fn hold(&$me, $store: &Store, $whose: (&str, &str), $ttl: Duration, $facts: &[u8]) -> Answer<Option<Fence>> $body
    };
    (@renew $me:ident ($store:tt, $whose:tt, $ttl:tt, $facts:tt) $body:block) => {
        async fn renew(&$me, $store: &Store, $whose: (&str, Fence), $ttl: Duration, $facts: &[u8]) -> Answer<bool> $body
    };
    (@release $me:ident ($store:tt, $name:tt, $fence:tt) $body:block) => {
        async fn release(&$me, $store: &Store, $name: &str, $fence: Fence) -> Answer<bool> $body
    };
    (@list $me:ident ($store:tt, $prefix:tt) $body:block) => {
        async fn list(&$me, $store: &Store, $prefix: &str) -> Answer<Vec<Lease>> $body
    };
}
pub(crate) use twist;

/// A store in memory that a [`Twist`] answers for.
pub(crate) struct Twisted<T>(Store, T);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: Twist> LeaseStore for Twisted<T> {
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Answer<Option<Fence>> {
        self.1.hold(&self.0, (name, holder), ttl, facts).await
    }

    async fn renew(&self, name: &str, fence: Fence, ttl: Duration, facts: &[u8]) -> Answer<bool> {
        self.1.renew(&self.0, (name, fence), ttl, facts).await
    }

    async fn release(&self, name: &str, fence: Fence) -> Answer<bool> {
        self.1.release(&self.0, name, fence).await
    }

    async fn list(&self, prefix: &str) -> Answer<Vec<Lease>> {
        self.1.list(&self.0, prefix).await
    }
}

/// A good store with a twist.
pub(super) fn twisted<T: Twist>(twist: T) -> Broken<Store, Twisted<T>> {
    troubled(move |_| twist.clone())
}

/// A good store with a twist that knows what the harness does to its backend.
pub(super) fn troubled<T: Twist>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Store, Twisted<T>> {
    broken(Store::with_clock, move |store, troubles| {
        Twisted(store, twist(troubles))
    })
}
