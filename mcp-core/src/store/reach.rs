//! Waiting for a backend that comes up later than the server.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::{StoreError, StoreErrorKind};

/// Shortest and longest pause between two tries.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Tries while a backend is [`Unavailable`](StoreErrorKind::Unavailable), until `within` is over: it may have
/// been started at the same time. Any other error is told at once.
///
/// # Errors
///
/// That of the last try.
///
/// # Cancel safety
///
/// That of a try.
pub async fn reach<T, F>(within: Duration, mut attempt: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let until = Instant::now() + within;
    let mut pause = SHORTEST_PAUSE;
    loop {
        match attempt().await {
            Err(error) if is_away(&error) && Instant::now() + pause < until => {
                tracing::warn!(%error, "the store is not reached yet");
                sleep_until(Instant::now() + pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            done => return done,
        }
    }
}

fn is_away(error: &StoreError) -> bool {
    error.kind() == StoreErrorKind::Unavailable
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Tries `within` a time what fails `failures` times; how it ended, and how often it was tried.
    async fn tried(
        within: Duration,
        failures: u32,
        kind: StoreErrorKind,
    ) -> (Result<(), StoreErrorKind>, u32) {
        let tries = AtomicU32::new(0);
        let done = reach(within, async || {
            let fails = tries.fetch_add(1, Ordering::Relaxed) < failures;
            let error = StoreError::new(kind, "store.check", "no");
            if fails { Err(error) } else { Ok(()) }
        });
        let done = done.await.map_err(|error| error.kind());
        (done, tries.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_time_is_reached() {
        let began = Instant::now();
        let (second, away) = (Duration::from_secs(1), StoreErrorKind::Unavailable);
        assert_eq!(tried(second * 30, 6, away).await, (Ok(()), 7));
        let waited = Duration::from_millis(100 + 200 + 400 + 800 + 1600 + 2000);
        assert_eq!(began.elapsed(), waited);
        assert_eq!(tried(second, 6, away).await, (Err(away), 4));
        assert_eq!(tried(Duration::ZERO, 1, away).await, (Err(away), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wrong_is_told_at_once() {
        let minute = Duration::from_mins(1);
        for wrong in [StoreErrorKind::InvalidArgument, StoreErrorKind::Unknown] {
            assert_eq!(tried(minute, 1, wrong).await, (Err(wrong), 1));
        }
    }
}
