//! [`MemoryLeaseStore`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Bound,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use super::shard::lock;
use crate::{
    clock::{Clock, SystemClock, Timestamp},
    store::{Fence, Lease, LeaseStore, MAX_FACTS, StoreError, StoreErrorKind},
};

/// How many ended leases a `hold` frees on its way.
const FREED_BY_HOLD: usize = 4;

/// Leases in this process's memory. A clone is another handle to the same leases.
#[derive(Clone)]
pub struct MemoryLeaseStore {
    clock: Arc<dyn Clock>,
    leases: Arc<Mutex<Leases>>,
}

impl MemoryLeaseStore {
    /// An empty store that goes by the operating system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store that goes by `clock`.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            leases: Arc::default(),
        }
    }
}

impl Default for MemoryLeaseStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryLeaseStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLeaseStore")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl LeaseStore for MemoryLeaseStore {
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError> {
        let facts = take_facts("lease.hold", facts)?;
        let now = self.clock.now();
        let mut leases = lock(&self.leases);
        leases.free(FREED_BY_HOLD, now);
        if leases.held(name, now).is_some() {
            return Ok(None);
        }
        leases.last_fence += 1;
        let fence = Fence(leases.last_fence);
        let lease = Lease::new(name.to_owned(), holder.to_owned(), fence, facts);
        leases.put(lease, now + ttl);
        Ok(Some(fence))
    }

    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError> {
        let facts = take_facts("lease.renew", facts)?;
        let now = self.clock.now();
        let mut leases = lock(&self.leases);
        let Some(held) = leases.held_under(name, fence, now) else {
            return Ok(false);
        };
        let lease = Lease {
            facts,
            ..held.clone()
        };
        leases.put(lease, now + ttl);
        Ok(true)
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut leases = lock(&self.leases);
        let held = leases.held_under(name, fence, now).is_some();
        if held {
            leases.remove(name);
        }
        Ok(held)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        let now = self.clock.now();
        let leases = lock(&self.leases);
        let named = leases
            .slots
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        Ok(named
            .take_while(|(name, _)| name.starts_with(prefix))
            .filter(|(_, slot)| now < slot.due)
            .map(|(_, slot)| slot.lease.clone())
            .collect())
    }
}

/// All leases. One lock is enough: instances ask every few seconds, requests never.
#[derive(Default)]
struct Leases {
    slots: BTreeMap<String, Slot>,
    /// When each slot ends; exactly one entry for each.
    due: BTreeSet<(Timestamp, String)>,
    /// Counted over all names, so that a name may be forgotten and its fences still grow.
    last_fence: u64,
}

struct Slot {
    lease: Lease,
    due: Timestamp,
}

impl Leases {
    fn held(&self, name: &str, now: Timestamp) -> Option<&Lease> {
        let slot = self.slots.get(name).filter(|slot| now < slot.due)?;
        Some(&slot.lease)
    }

    fn held_under(&self, name: &str, fence: Fence, now: Timestamp) -> Option<&Lease> {
        self.held(name, now).filter(|lease| lease.fence == fence)
    }

    fn put(&mut self, lease: Lease, due: Timestamp) {
        self.remove(&lease.name);
        self.due.insert((due, lease.name.clone()));
        self.slots.insert(lease.name.clone(), Slot { lease, due });
    }

    fn remove(&mut self, name: &str) {
        if let Some((name, slot)) = self.slots.remove_entry(name) {
            self.due.remove(&(slot.due, name));
        }
    }

    fn free(&mut self, limit: usize, now: Timestamp) {
        for _ in 0..limit {
            match self.due.first() {
                Some((due, _)) if *due <= now => {}
                _ => return,
            }
            if let Some((_, name)) = self.due.pop_first() {
                self.slots.remove(&name);
            }
        }
    }
}

fn take_facts(operation: &'static str, facts: &[u8]) -> Result<Bytes, StoreError> {
    if facts.len() <= MAX_FACTS {
        return Ok(Bytes::copy_from_slice(facts));
    }
    Err(StoreError::new(
        StoreErrorKind::TooLarge,
        operation,
        format!("the facts are larger than {MAX_FACTS} bytes"),
    ))
}
