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
///
/// # Contract
///
/// The store, whatever it keeps the leases in:
///
/// * LS-01: of many concurrent `hold` of a name exactly one succeeds; each success carries a fence
///   greater than every earlier one of that name.
/// * LS-02: a lease that is not renewed ends when its time is over, by the backend's clock; renewing
///   it afterwards answers `false`.
/// * LS-03: who no longer holds a name changes nothing.
/// * LS-05: no two names collide, whatever characters they have; namespaces share nothing.
/// * LS-07: `list` shows exactly the live leases, with their latest facts; facts of more than
///   [`MAX_FACTS`] bytes are `TooLarge`.
///
/// The caller:
///
/// * LS-04: is fenced by what others have ended for it, not by its own clock: who lost its lease finds
///   its streams sealed, and adds nothing to them.
/// * LS-06: judges a lease gone only when it has itself reached the store for two lease times.
/// * Does not renew with a fence after a `renew` of it answered `false`.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Takes a free name; `None` while somebody (also this holder) has it.
    ///
    /// # Errors
    ///
    /// `TooLarge` when the facts are; else only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the name is held under an unknown fence, until its time is over,
    /// or free.
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError>;

    /// Starts the time of a lease again, with new facts; `false` when it is no longer held under `fence`.
    ///
    /// # Errors
    ///
    /// `TooLarge` when the facts are, and the lease stays as it was; else only when the backend
    /// fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the lease is renewed or not; renewing again is harmless.
    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError>;

    /// Gives a name back; `false` when it was no longer held under `fence`.
    ///
    /// # Errors
    ///
    /// Only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the name is held or free; releasing again is harmless.
    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError>;

    /// The live leases whose names begin with `prefix`, in the order of the bytes of their names.
    ///
    /// # Errors
    ///
    /// Only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError>;
}
