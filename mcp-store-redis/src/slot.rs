//! One of the connections that are held for good.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadpool_redis::{Connection as Pooled, Pool, PoolError, redis::aio::MultiplexedConnection};
use mcp_core::store::{StoreError, StoreErrorKind};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};

use crate::error::{self, Sent};

/// How long to wait after the first failed attempt to connect, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The place of one connection. It connects when somebody needs it: one attempt at a time, with a
/// pause after each that failed.
pub(crate) struct Slot {
    state: Mutex<State>,
    /// The right to connect.
    turn: Semaphore,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// How many attempts to connect have begun.
    attempts: u64,
    /// The last attempt that failed, unless a later one succeeded.
    failed: Option<Failed>,
}

struct Held {
    connection: Pooled,
    /// Which attempt made it.
    number: u64,
    /// How many connections had been lost before.
    losses: u64,
}

struct Failed {
    number: u64,
    failure: Failure,
    /// How many failed in a row.
    row: u32,
    /// No attempt before this moment.
    until: Instant,
}

/// A handle to the connection of a slot.
pub(crate) struct Lent {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) number: u64,
}

/// Why there is no connection. Callers that waited for the same attempt share it.
#[derive(Clone)]
pub(crate) struct Failure(Arc<PoolError>);

impl Failure {
    pub(crate) fn into_error(self, operation: &'static str) -> StoreError {
        if let PoolError::Backend(error) = &*self.0 {
            return error::translate(operation, error, Sent::No).0;
        }
        let message = "the pool has no connection";
        StoreError::new(StoreErrorKind::Unavailable, operation, message)
    }
}

impl Slot {
    /// A handle to the connection. `losses` counts the connections of the pool that have ended: who
    /// was made before the last of them is checked by the pool before it is used again.
    pub(crate) async fn lend(&self, pool: &Pool, losses: u64) -> Result<Lent, Failure> {
        let arrived = {
            let state = self.lock();
            if let Some(lent) = state.lend(losses) {
                return Ok(lent);
            }
            state.attempts
        };
        // The semaphore is never closed.
        let _turn = self.turn.acquire().await;
        let pause = {
            let state = self.lock();
            if let Some(lent) = state.lend(losses) {
                return Ok(lent);
            }
            match &state.failed {
                // It began after this call did, so it speaks for it, too.
                Some(failed) if failed.number > arrived => return Err(failed.failure.clone()),
                failed => failed.as_ref().map(|failed| failed.until),
            }
        };
        if let Some(until) = pause {
            sleep_until(until).await;
        }
        self.connect(pool, losses).await
    }

    /// Lets go of a connection that is broken, or may be. One that was made later stays.
    pub(crate) fn discard(&self, number: u64) {
        let broken = self.lock().held.take_if(|held| held.number == number);
        if let Some(held) = broken {
            metrics::counter!("mcp.store.connections.lost").increment(1);
            // Not given back: the pool would wait for an answer of it.
            drop(Pooled::take(held.connection));
        }
    }

    /// Takes a connection from the pool. Whoever does this has the turn.
    async fn connect(&self, pool: &Pool, losses: u64) -> Result<Lent, Failure> {
        let (number, old) = {
            let mut state = self.lock();
            state.attempts += 1;
            (state.attempts, state.held.take())
        };
        // Given back: if it is still good, it is what the pool lends.
        drop(old);
        match pool.get().await {
            Ok(connection) => {
                let lent = Lent {
                    connection: MultiplexedConnection::clone(&connection),
                    number,
                };
                let mut state = self.lock();
                state.failed = None;
                state.held = Some(Held {
                    connection,
                    number,
                    losses,
                });
                Ok(lent)
            }
            Err(error) => {
                metrics::counter!("mcp.store.connections.failed").increment(1);
                Err(self.lock().fail(number, error))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            turn: Semaphore::new(1),
        }
    }
}

impl State {
    fn lend(&self, losses: u64) -> Option<Lent> {
        let held = self.held.as_ref().filter(|held| held.losses >= losses)?;
        Some(Lent {
            connection: MultiplexedConnection::clone(&held.connection),
            number: held.number,
        })
    }

    fn fail(&mut self, number: u64, error: PoolError) -> Failure {
        let row = self.failed.as_ref().map_or(0, |failed| failed.row) + 1;
        let failure = Failure(Arc::new(error));
        self.failed = Some(Failed {
            number,
            failure: failure.clone(),
            row,
            until: Instant::now() + pause(row),
        });
        failure
    }
}

/// How long to wait after `row` failures in a row: twice as long each time, up to a bound, and never
/// the same in two processes.
pub(crate) fn pause(row: u32) -> Duration {
    let longest = FIRST_PAUSE
        .saturating_mul(1 << row.saturating_sub(1).min(16))
        .min(LONGEST_PAUSE);
    // Without randomness everyone waits equally long, which is no reason to fail.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    longest / 2 + (longest / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_never_none() {
        for row in 1..40 {
            let pause = pause(row);
            assert!(pause >= FIRST_PAUSE / 2, "{pause:?}");
            assert!(pause <= LONGEST_PAUSE, "{pause:?}");
        }
        assert!(pause(1) <= FIRST_PAUSE);
        assert!(pause(30) >= LONGEST_PAUSE / 2);
    }
}
