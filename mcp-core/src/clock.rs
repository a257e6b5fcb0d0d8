//! Time is passed in, so that tests can move it.

use std::{
    fmt,
    ops::{Add, Sub},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }
}

/// Tells the time.
///
/// Only for what this process decides by itself; expiry in a store is decided by the backend's clock.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now. Never goes back.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock, read once; from there on the time that passed is counted.
///
/// When somebody sets the clock of the system, this one goes on as before.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let (began, since) = ANCHOR.get_or_init(anchor);
        *began + since.elapsed()
    }
}

/// The one reading of the system's time that all later ones count from.
static ANCHOR: OnceLock<(Timestamp, Instant)> = OnceLock::new();

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the system"
)]
fn anchor() -> (Timestamp, Instant) {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (Timestamp::default() + since, Instant::now())
}

/// A clock that stands until a test moves it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock standing at `start`.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(start.0)))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_clock_counts_from_one_reading_of_the_system() {
        let first = SystemClock.now();
        let (began, since) = *ANCHOR.get().unwrap();
        let second = SystemClock.now();
        assert!(began <= first && first <= second);
        assert!(second <= began + since.elapsed());
    }
}
