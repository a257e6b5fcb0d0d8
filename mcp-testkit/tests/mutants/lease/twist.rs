//! A store of leases with a twist.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use mcp_core::store::{Fence, Lease, LeaseStore, MemoryLeaseStore, StoreError};

use crate::broken::{Broken, Troubles, broken};

pub(super) type Store = MemoryLeaseStore;
pub(super) type Answer<T> = Result<T, StoreError>;

/// What a broken store does instead of the right thing; whatever is not overridden is right.
pub(crate) trait Twist: Send + Sync + 'static {
    fn hold<'a>(
        &'a self,
        store: &'a Store,
        (name, holder): (&'a str, &'a str),
        ttl: Duration,
        facts: &'a [u8],
    ) -> BoxFuture<'a, Answer<Option<Fence>>> {
        store.hold(name, holder, ttl, facts)
    }

    fn renew<'a>(
        &'a self,
        store: &'a Store,
        (name, fence): (&'a str, Fence),
        ttl: Duration,
        facts: &'a [u8],
    ) -> BoxFuture<'a, Answer<bool>> {
        store.renew(name, fence, ttl, facts)
    }

    fn release<'a>(
        &'a self,
        store: &'a Store,
        name: &'a str,
        fence: Fence,
    ) -> BoxFuture<'a, Answer<bool>> {
        store.release(name, fence)
    }

    fn list<'a>(&'a self, store: &'a Store, prefix: &'a str) -> BoxFuture<'a, Answer<Vec<Lease>>> {
        store.list(prefix)
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
        fn hold<'a>(&'a $me, $store: &'a Store, $whose: (&'a str, &'a str), $ttl: Duration, $facts: &'a [u8]) -> ::futures_util::future::BoxFuture<'a, Answer<Option<Fence>>> { Box::pin(async move $body) }
    };
    (@renew $me:ident ($store:tt, $whose:tt, $ttl:tt, $facts:tt) $body:block) => {
        fn renew<'a>(&'a $me, $store: &'a Store, $whose: (&'a str, Fence), $ttl: Duration, $facts: &'a [u8]) -> ::futures_util::future::BoxFuture<'a, Answer<bool>> { Box::pin(async move $body) }
    };
    (@release $me:ident ($store:tt, $name:tt, $fence:tt) $body:block) => {
        fn release<'a>(&'a $me, $store: &'a Store, $name: &'a str, $fence: Fence) -> ::futures_util::future::BoxFuture<'a, Answer<bool>> { Box::pin(async move $body) }
    };
    (@list $me:ident ($store:tt, $prefix:tt) $body:block) => {
        fn list<'a>(&'a $me, $store: &'a Store, $prefix: &'a str) -> ::futures_util::future::BoxFuture<'a, Answer<Vec<Lease>>> { Box::pin(async move $body) }
    };
}
pub(crate) use twist;

/// A store in memory that a [`Twist`] answers for.
pub(crate) struct Twisted(Store, Arc<dyn Twist>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LeaseStore for Twisted {
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
pub(super) fn twisted<T: Twist + Clone>(twist: T) -> Broken<Store, Twisted> {
    troubled(move |_| twist.clone())
}

/// A good store with a twist that knows what the harness does to its backend.
pub(super) fn troubled<T: Twist + Clone>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Store, Twisted> {
    broken(Store::with_clock, move |store, troubles| {
        Twisted(store, Arc::new(twist(troubles)))
    })
}
