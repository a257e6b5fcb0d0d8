//! Whether the stores answer, as this process sees it.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use super::{Server, facts::Facts};
use crate::{
    clock::Timestamp,
    store::{Lease, StoreError},
};

/// Nothing has been asked yet.
const UNKNOWN: u64 = 0;
/// The last call failed.
const AWAY: u64 = u64::MAX;

/// Since when every call has been answered.
#[derive(Debug, Default)]
pub(crate) struct Health {
    since: AtomicU64,
    ever: AtomicBool,
}

impl Health {
    fn answered(&self, now: Timestamp) {
        self.ever.store(true, Ordering::Relaxed);
        let began = self.since.load(Ordering::Relaxed);
        if began == UNKNOWN || began == AWAY {
            self.since.store(now.as_millis().max(1), Ordering::Relaxed);
        }
    }

    fn failed(&self) {
        self.since.store(AWAY, Ordering::Relaxed);
    }

    /// Whether any call has ever been answered.
    pub(super) fn has_answered(&self) -> bool {
        self.ever.load(Ordering::Relaxed)
    }

    /// Whether the last call failed, so that the next would probably only wait for its deadline.
    pub(super) fn is_away(&self) -> bool {
        self.since.load(Ordering::Relaxed) == AWAY
    }

    /// How long every call has been answered.
    pub(super) fn uninterrupted(&self, now: Timestamp) -> Duration {
        match self.since.load(Ordering::Relaxed) {
            UNKNOWN | AWAY => Duration::ZERO,
            began => now.since(Timestamp::from_millis(began)),
        }
    }
}

impl Server {
    /// Remembers whether the store answered.
    pub(super) fn noted<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        match &answer {
            Err(error) if error.is_retryable() => self.0.health.failed(),
            _ => self.0.health.answered(self.0.clock.now()),
        }
        answer
    }

    /// Whether this instance may say by itself that another one is gone: after an outage every
    /// instance that lived through it must have had the time to renew its lease.
    pub(super) fn may_judge(&self) -> bool {
        self.0.health.uninterrupted(self.0.clock.now()) >= self.limits().lease * 2
    }

    /// The same, for one that sees what those who live say of themselves. Whoever began a short while
    /// ago may rely on somebody who could have judged at the last renewal: that was within one lease,
    /// for which this instance has reached the store itself.
    pub(super) fn may_judge_with(&self, alive: &[Lease]) -> bool {
        let seen = self.0.health.uninterrupted(self.0.clock.now());
        let judges = || alive.iter().any(|lease| Facts::read(&lease.facts).judges);
        self.may_judge() || (seen >= self.limits().lease && judges())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_after_a_failure_begins_to_count_anew() {
        let health = Health::default();
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        assert_eq!(health.uninterrupted(at(9)), Duration::ZERO);
        health.answered(at(10));
        health.answered(at(20));
        assert_eq!(health.uninterrupted(at(25)), Duration::from_secs(15));
        health.failed();
        assert!(health.is_away());
        assert_eq!(health.uninterrupted(at(30)), Duration::ZERO);
        health.answered(at(31));
        assert!(!health.is_away());
        assert_eq!(health.uninterrupted(at(32)), Duration::from_secs(1));
    }
}
