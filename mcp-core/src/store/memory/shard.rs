//! State split over several locks, so that unrelated keys do not wait for each other.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// One for each value of four bits of a hash.
const SHARDS: usize = 16;

/// One `T` for each of a fixed number of groups of keys.
pub(super) struct Shards<T> {
    hasher: RandomState,
    shards: [Mutex<T>; SHARDS],
}

impl<T: Default> Shards<T> {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl<T> Shards<T> {
    /// The group `key` belongs to.
    pub(super) fn lock(&self, key: &impl Hash) -> MutexGuard<'_, T> {
        let hash = self.hasher.hash_one(key);
        let top_bits = usize::from(hash.to_be_bytes()[0] >> 4);
        lock(&self.shards[top_bits % SHARDS])
    }

    /// Every group, one after the other. A caller that lets each go before it takes the next
    /// never holds two.
    pub(super) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.shards.iter().map(lock)
    }
}

/// Locks, and goes on after a panic elsewhere: no state here is left half-changed by one.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
