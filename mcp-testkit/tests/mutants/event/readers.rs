//! Wrong about the one reader of a log.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use mcp_core::store::{Epoch, EventStore, From, Generation, LogKey, Position, Read};
use tokio::task::yield_now;

use super::twist::twist;

/// Generations are counted, and nobody looks at them.
#[derive(Clone)]
pub(super) struct NobodyIsSuperseded;
twist! { NobodyIsSuperseded:
    read(self, store, log, after, reader, limit) {
        match store.read(log, after, reader, limit).await? {
            Read::Superseded => store.read(log, after, None, limit).await,
            found => Ok(found),
        }
    }
}

/// Each log counts its readers, from 1.
#[derive(Clone, Default)]
pub(super) struct CountsInEachLog(Arc<Mutex<HashMap<Epoch, Vec<Generation>>>>);
twist! { CountsInEachLog:
    attach(self, store, log, reader, from) {
        let mut attached = store.attach(log, reader, from).await?;
        if let Some(attached) = &mut attached {
            let mut logs = self.0.lock().unwrap();
            let generations = logs.entry(attached.head.last.epoch).or_default();
            generations.push(attached.generation);
            attached.generation = Generation(generations.len() as u64);
        }
        Ok(attached)
    }

    read(self, store, log, after, reader, limit) {
        let Some(reader) = reader else {
            return store.read(log, after, None, limit).await;
        };
        let Some(head) = store.heads(std::slice::from_ref(log)).await?[0] else {
            return Ok(Read::Unknown);
        };
        let meant = {
            let logs = self.0.lock().unwrap();
            let generations = logs.get(&head.last.epoch).into_iter().flatten();
            generations.zip(1..).find(|(_, n)| *n == reader.0).map(|(meant, _)| *meant)
        };
        store.read(log, after, meant.or(Some(Generation(0))), limit).await
    }
}

#[derive(Clone)]
pub(super) struct NamesNobody;
twist! { NamesNobody:
    append(self, store, log, batch) {
        let mut appended = store.append(log, batch).await?;
        appended.reader = None;
        Ok(appended)
    }
}

/// Whoever brings a reader takes the log for it.
#[derive(Clone)]
pub(super) struct EveryAppendAttaches;
twist! { EveryAppendAttaches:
    append(self, store, log, batch) {
        if let Some(reader) = batch.reader {
            store.attach(log, reader, From::Acknowledged).await?;
        }
        store.append(log, batch).await
    }
}

#[derive(Clone)]
pub(super) struct SealsNameNobody;
twist! { SealsNameNobody:
    seal(self, store, log, last, keep) {
        let mut sealing = store.seal(log, last, keep).await?;
        sealing.reader = None;
        Ok(sealing)
    }
}

/// What is given counts as handed on.
#[derive(Clone)]
pub(super) struct AcknowledgesWhatItGives;
twist! { AcknowledgesWhatItGives:
    read(self, store, log, after, reader, limit) {
        let found = store.read(log, after, reader, limit).await?;
        if let Read::Events { events, .. } = &found
            && let Some(last) = events.last()
        {
            store.read(log, last.position, reader, limit).await?;
        }
        Ok(found)
    }
}

/// What was acknowledged once stays so.
#[derive(Clone, Default)]
pub(super) struct NeverTakesBack(Arc<Mutex<HashMap<LogKey, Position>>>);
twist! { NeverTakesBack:
    read(self, store, log, after, reader, limit) {
        let found = store.read(log, after, reader, limit).await?;
        let most = {
            let mut acknowledged = self.0.lock().unwrap();
            let most = acknowledged.entry(log.clone()).or_insert(after);
            if most.seq < after.seq {
                *most = after;
            }
            *most
        };
        store.read(log, most, reader, limit).await?;
        Ok(found)
    }
}

/// Whoever reads acknowledges for the reader.
#[derive(Clone, Default)]
pub(super) struct EveryReadAcknowledges(Arc<Mutex<HashMap<LogKey, Generation>>>);
twist! { EveryReadAcknowledges:
    attach(self, store, log, reader, from) {
        let attached = store.attach(log, reader, from).await?;
        if let Some(attached) = &attached {
            let mut readers = self.0.lock().unwrap();
            readers.insert(log.clone(), attached.generation);
        }
        Ok(attached)
    }

    read(self, store, log, after, reader, limit) {
        let newest = self.0.lock().unwrap().get(log).copied();
        store.read(log, after, reader.or(newest), limit).await
    }
}

/// Who is given up while it attaches leaves the log locked.
#[derive(Clone, Default)]
pub(super) struct LeavesALock(Arc<AtomicBool>);
twist! { LeavesALock:
    attach(self, store, log, reader, from) {
        if self.0.swap(true, Ordering::SeqCst) {
            return Ok(None);
        }
        yield_now().await;
        let attached = store.attach(log, reader, from).await;
        self.0.store(false, Ordering::SeqCst);
        attached
    }
}
