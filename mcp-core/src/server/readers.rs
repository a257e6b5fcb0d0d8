//! Which logs the connections of this process read.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use super::closing::Farewell;
use crate::store::LogKey;

/// The logs that connections of this process read, and whom to wake when they move.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<HashMap<LogKey, Vec<Arc<Wake>>>>);

/// Wakes one connection, and knows how far it has read.
#[derive(Debug, Default)]
pub(super) struct Wake {
    pub(super) moved: Notify,
    pub(super) seen: AtomicU64,
    /// Whoever reads what another instance produces reads on elsewhere.
    pub(super) farewell: Farewell,
}

impl Wake {
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
    pub(crate) fn wake_behind(&self, log: &LogKey, last: u64) {
        if let Some(readers) = self.lock().get(log) {
            for reader in readers {
                if reader.seen.load(Ordering::Relaxed) != last {
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
