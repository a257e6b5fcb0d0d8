//! Stores of leases that break a rule.

use std::time::Duration;

use async_trait::async_trait;
use mcp_core::store::{Fence, Lease, LeaseStore, MemoryLeaseStore, StoreError};

use crate::{
    broken::{Broken, broken},
    mutants,
};

type Answer<T> = Result<T, StoreError>;

/// What a broken store does instead of the right thing; whatever is not overridden is right.
#[async_trait]
pub(crate) trait Twist: Send + Sync + 'static {
    async fn hold(
        &self,
        store: &MemoryLeaseStore,
        (name, holder): (&str, &str),
        ttl: Duration,
        facts: &[u8],
    ) -> Answer<Option<Fence>> {
        store.hold(name, holder, ttl, facts).await
    }

    async fn renew(
        &self,
        store: &MemoryLeaseStore,
        (name, fence): (&str, Fence),
        ttl: Duration,
        facts: &[u8],
    ) -> Answer<bool> {
        store.renew(name, fence, ttl, facts).await
    }

    async fn release(&self, store: &MemoryLeaseStore, name: &str, fence: Fence) -> Answer<bool> {
        store.release(name, fence).await
    }

    async fn list(&self, store: &MemoryLeaseStore, prefix: &str) -> Answer<Vec<Lease>> {
        store.list(prefix).await
    }
}

/// A store with a twist.
pub(crate) struct Twisted<T>(MemoryLeaseStore, T);

#[async_trait]
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

fn twisted<T: Twist + Clone>(twist: T) -> Broken<MemoryLeaseStore, Twisted<T>> {
    broken(MemoryLeaseStore::with_clock, move |store| {
        Twisted(store, twist.clone())
    })
}

mutants! { lease_store,
    ls_01_every_holder_gets_a_greater_fence => twisted(OneFenceForAll);
}

#[derive(Clone)]
struct OneFenceForAll;

#[async_trait]
impl Twist for OneFenceForAll {
    async fn hold(
        &self,
        store: &MemoryLeaseStore,
        (name, holder): (&str, &str),
        ttl: Duration,
        facts: &[u8],
    ) -> Answer<Option<Fence>> {
        let held = store.hold(name, holder, ttl, facts).await?;
        Ok(held.map(|_| Fence(1)))
    }
}
