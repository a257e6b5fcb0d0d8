//! Which logs the connections of this process read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::closing::Farewell;
use crate::store::{LogKey, Position};

/// The logs that connections of this process read, and whom to wake when they move.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<HashMap<LogKey, Vec<Arc<Wake>>>>);

/// Wakes one connection, and knows how far it has read.
#[derive(Debug, Default)]
pub(super) struct Wake {
    pub(super) moved: Notify,
    seen: Mutex<Option<Position>>,
    /// Whoever reads what another instance produces reads on elsewhere.
    pub(super) farewell: Farewell,
}

impl Wake {
    /// It has read up to here.
    pub(super) fn has_seen(&self, place: Position) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    fn has_read_to(&self, last: Position) -> bool {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == Some(last)
    }

    pub(super) fn close(&self) {
        self.farewell.say();
        self.moved.notify_one();
    }
}

impl Readers {
    fn lock(&self) -> MutexGuard<'_, HashMap<LogKey, Vec<Arc<Wake>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, log: &LogKey) -> Arc<Wake> {
        let wake = Arc::new(Wake::default());
        self.lock()
            .entry(log.clone())
            .or_default()
            .push(Arc::clone(&wake));
        wake
    }

    pub(super) fn remove(&self, log: &LogKey, wake: &Arc<Wake>) {
        let mut logs = self.lock();
        if let Some(readers) = logs.get_mut(log) {
            readers.retain(|reader| !Arc::ptr_eq(reader, wake));
            if readers.is_empty() {
                logs.remove(log);
            }
        }
    }

    /// Wakes every connection that reads this log here.
    pub(crate) fn wake(&self, log: &LogKey) {
        if let Some(readers) = self.lock().get(log) {
            for reader in readers {
                reader.moved.notify_one();
            }
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Wake>> {
        self.lock().values().flatten().map(Arc::clone).collect()
    }

    /// Wakes every connection.
    pub(crate) fn wake_all(&self) {
        for reader in self.lock().values().flatten() {
            reader.moved.notify_one();
        }
    }

    /// Wakes whoever has not seen this position.
    pub(crate) fn wake_behind(&self, log: &LogKey, last: Position) {
        if let Some(readers) = self.lock().get(log) {
            for reader in readers {
                if !reader.has_read_to(last) {
                    reader.moved.notify_one();
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The logs that are read now.
    pub(crate) fn logs(&self) -> Vec<LogKey> {
        self.lock().keys().cloned().collect()
    }
}
