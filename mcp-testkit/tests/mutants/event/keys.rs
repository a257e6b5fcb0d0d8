//! Wrong with idempotency keys.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use mcp_core::store::{Append, Appended, EventStore, LogKey, Sealed, StoreError, StoreErrorKind};
use tokio::task::yield_now;

use super::twist::{head, twist};

fn without_key(mut batch: Append<'_>) -> Append<'_> {
    batch.key = None;
    batch
}

#[derive(Clone)]
pub(super) struct ForgetsKeys;
twist! { ForgetsKeys:
    append(self, store, log, batch) {
        store.append(log, without_key(batch)).await
    }
}

#[derive(Clone)]
pub(super) struct TidiesKeys;
twist! { TidiesKeys:
    append(self, store, log, batch) {
        let mut batch = batch;
        batch.key = batch.key.map(|key| key.trim_end_matches('\0'));
        store.append(log, batch).await
    }
}

/// What was answered under a key, by log.
type Known = Arc<Mutex<HashMap<(LogKey, String), Appended>>>;

/// The key is looked up and written in steps of their own.
#[derive(Clone, Default)]
pub(super) struct LooksThenAppends(Known);
twist! { LooksThenAppends:
    append(self, store, log, batch) {
        let Some(key) = batch.key else {
            return store.append(log, batch).await;
        };
        let key = (log.clone(), key.to_owned());
        if let Some(known) = self.0.lock().unwrap().get(&key).cloned() {
            return Ok(Appended::new(known.last, known.reader, true));
        }
        yield_now().await;
        let appended = store.append(log, without_key(batch)).await?;
        yield_now().await;
        self.0.lock().unwrap().insert(key, appended.clone());
        Ok(appended)
    }
}

/// A key of one log is known in all.
#[derive(Clone, Default)]
pub(super) struct OneKeyForAll(Arc<Mutex<HashMap<String, Appended>>>);
twist! { OneKeyForAll:
    append(self, store, log, batch) {
        let Some(key) = batch.key else {
            return store.append(log, batch).await;
        };
        if let Some(known) = self.0.lock().unwrap().get(key).cloned() {
            return Ok(Appended::new(known.last, known.reader, true));
        }
        let appended = store.append(log, batch.clone()).await?;
        self.0.lock().unwrap().insert(key.to_owned(), appended.clone());
        Ok(appended)
    }
}

/// Keys of an earlier epoch are still known.
#[derive(Clone, Default)]
pub(super) struct KeysStay(Known);
twist! { KeysStay:
    append(self, store, log, batch) {
        let Some(key) = batch.key else {
            return store.append(log, batch).await;
        };
        let key = (log.clone(), key.to_owned());
        if let Some(known) = self.0.lock().unwrap().get(&key).cloned() {
            return Ok(Appended::new(known.last, known.reader, true));
        }
        let appended = store.append(log, batch).await?;
        self.0.lock().unwrap().insert(key, appended.clone());
        Ok(appended)
    }
}

/// A known key is answered without a look at the events.
#[derive(Clone)]
pub(super) struct TheKeyIsEnough;
twist! { TheKeyIsEnough:
    append(self, store, log, batch) {
        let keyed = batch.key.is_some();
        match store.append(log, batch).await {
            Err(error) if keyed && error.kind() == StoreErrorKind::Conflict => {
                let last = head(store, log).await?.map(|head| head.last);
                Ok(Appended::new(last.ok_or(error)?, None, true))
            }
            answer => answer,
        }
    }
}

/// Keys are dropped by number, whatever is still kept.
#[derive(Clone)]
pub(super) struct KeysOfTheFirstForty;
twist! { KeysOfTheFirstForty:
    append(self, store, log, batch) {
        let late = head(store, log).await?.is_some_and(|head| head.last.seq >= 40);
        let batch = if late { without_key(batch) } else { batch };
        store.append(log, batch).await
    }
}

#[derive(Clone)]
pub(super) struct EpochBeforeKey;
twist! { EpochBeforeKey:
    append(self, store, log, batch) {
        let epoch = head(store, log).await?.map(|head| head.last.epoch);
        let moves = batch.writer_seen.map(|seen| seen.epoch) != epoch;
        let batch = if moves { without_key(batch) } else { batch };
        store.append(log, batch).await
    }
}

#[derive(Clone)]
pub(super) struct SealBeforeKey;
twist! { SealBeforeKey:
    append(self, store, log, batch) {
        let head = head(store, log).await?;
        if head.is_some_and(|head| head.sealed == Sealed::Sealed) {
            let message = "the log is sealed";
            return Err(StoreError::new(StoreErrorKind::Conflict, "event.append", message));
        }
        store.append(log, batch).await
    }
}
