//! Names held for a time: [`LeaseStore`].

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::StoreError;

/// Largest size of the facts a holder publishes with its lease.
pub const MAX_FACTS: usize = 1024;

/// Grows with every holder of a name; a write with an older one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a number and nothing else")]
pub struct Fence(pub u64);

/// A live lease, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The name that is held.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Its fencing number.
    pub fence: Fence,
    /// What the holder says about itself, at most [`MAX_FACTS`] bytes.
    pub facts: Bytes,
}

impl Lease {
    /// What a store answers to `list`.
    #[must_use]
    pub fn new(name: String, holder: String, fence: Fence, facts: Bytes) -> Self {
        Self {
            name,
            holder,
            fence,
            facts,
        }
    }
}

/// Who holds which name, until when.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes a free name; `None` while somebody (also this holder) has it.
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError>;

    /// Starts the time of a lease again, with new facts; `false` when it is no longer held under `fence`.
    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError>;

    /// Gives a name back; `false` when it was no longer held under `fence`.
    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError>;

    /// The live leases whose names begin with `prefix`, by name.
    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError>;
}
