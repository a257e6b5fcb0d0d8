//! A harness for the stores in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mcp_core::{
    BoxError,
    clock::{Clock, ManualClock, Timestamp},
};
use mcp_testkit::{Harness, Namespace};

type Places<S> = HashMap<Namespace, (ManualClock, S)>;

/// Stores in this process, one for each namespace, on a clock that the harness moves.
pub(crate) struct Memory<S> {
    make: fn(Arc<dyn Clock>) -> S,
    places: Mutex<Places<S>>,
}

impl<S: Clone> Memory<S> {
    pub(crate) fn new(make: fn(Arc<dyn Clock>) -> S) -> Self {
        Self {
            make,
            places: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places<S>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, namespace: &Namespace) -> (ManualClock, S) {
        let mut places = self.lock();
        let place = places.entry(namespace.clone()).or_insert_with(|| {
            let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
            let store = (self.make)(Arc::new(clock.clone()));
            (clock, store)
        });
        place.clone()
    }
}

impl<S> Harness for Memory<S>
where
    S: Clone + Send + Sync + 'static,
{
    type Store = S;

    async fn open(&self, namespace: &Namespace) -> Result<S, BoxError> {
        Ok(self.place(namespace).1)
    }

    async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
        self.place(namespace).0.advance(by);
        Ok(())
    }

    async fn close(&self, namespace: &Namespace) -> Result<(), BoxError> {
        self.lock().remove(namespace);
        Ok(())
    }
}
