//! Appending wrongly.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use mcp_core::store::{
    Append, Appended, EventStore, LogKey, MemoryEventStore, Position, Retention, StoreError,
    StoreErrorKind,
};
use tokio::task::{block_in_place, yield_now};

use super::twist::{head, twist};
use crate::broken::{Broken, broken};

/// Every process has a store of its own.
pub(super) fn alone() -> Broken<MemoryEventStore, MemoryEventStore> {
    broken(MemoryEventStore::with_clock, |_, _| MemoryEventStore::new())
}

/// The same batch of other events.
pub(super) fn of<'a>(batch: &Append<'a>, events: &'a [Bytes]) -> Append<'a> {
    let mut other = batch.clone();
    other.events = events;
    other
}

/// The position of the first event instead of the last.
#[derive(Clone)]
pub(super) struct AnswersTheFirst;
twist! { AnswersTheFirst:
    append(self, store, log, batch) {
        let more = batch.events.len() as u64 - 1;
        let mut appended = store.append(log, batch).await?;
        appended.last.seq -= more;
        Ok(appended)
    }
}

/// Positions are counted before the step that makes the events visible.
#[derive(Clone)]
pub(super) struct CountsByItself;
twist! { CountsByItself:
    append(self, store, log, batch) {
        let before = head(store, log).await?.map_or(0, |head| head.last.seq);
        yield_now().await;
        let counted = before + batch.events.len() as u64;
        let mut appended = store.append(log, batch).await?;
        appended.last.seq = counted;
        Ok(appended)
    }
}

#[derive(Clone)]
pub(super) struct TextOnly;
twist! { TextOnly:
    append(self, store, log, batch) {
        let text = |payload: &Bytes| String::from_utf8_lossy(payload).into_owned().into();
        let events: Vec<Bytes> = batch.events.iter().map(text).collect();
        store.append(log, of(&batch, &events)).await
    }
}

/// A payload is cut at the limit of some transport.
#[derive(Clone)]
pub(crate) struct CutsPayloads;
twist! { CutsPayloads:
    append(self, store, log, batch) {
        let cut = |payload: &Bytes| payload.slice(..payload.len().min(8000));
        let events: Vec<Bytes> = batch.events.iter().map(cut).collect();
        store.append(log, of(&batch, &events)).await
    }
}

/// A batch is as many appends as it has events.
#[derive(Clone)]
pub(super) struct OneByOne;
twist! { OneByOne:
    append(self, store, log, batch) {
        let mut appended = None;
        for event in batch.events {
            let one = of(&batch, std::slice::from_ref(event));
            appended = Some(store.append(log, one).await?);
            yield_now().await;
        }
        match appended {
            Some(appended) => Ok(appended),
            None => store.append(log, batch).await,
        }
    }
}

/// An empty batch is no mistake.
#[derive(Clone)]
pub(super) struct NothingIsFine;
twist! { NothingIsFine:
    append(self, store, log, batch) {
        if batch.events.is_empty() {
            return Ok(Appended::new(Position::BEGINNING, None, false));
        }
        store.append(log, batch).await
    }
}

/// The retention is another one.
fn keeping(batch: Append<'_>, change: impl Fn(&mut Retention)) -> Append<'_> {
    let mut batch = batch;
    change(&mut batch.retention);
    batch
}

#[derive(Clone)]
pub(super) struct KeepsOneMore;
twist! { KeepsOneMore:
    append(self, store, log, batch) {
        let more = |retention: &mut Retention| {
            retention.events = retention.events.saturating_add(1);
        };
        store.append(log, keeping(batch, more)).await
    }
}

#[derive(Clone)]
pub(super) struct NothingIsHeavy;
twist! { NothingIsHeavy:
    append(self, store, log, batch) {
        let light = |retention: &mut Retention| retention.bytes = u64::MAX;
        store.append(log, keeping(batch, light)).await
    }
}

#[derive(Clone)]
pub(super) struct NothingAges;
twist! { NothingAges:
    append(self, store, log, batch) {
        let young = |retention: &mut Retention| retention.age = None;
        store.append(log, keeping(batch, young)).await
    }
}

/// Waits for something else with the thread in its hands.
#[derive(Clone)]
pub(super) struct Blocks;
twist! { Blocks:
    append(self, store, log, batch) {
        block_in_place(|| ());
        store.append(log, batch).await
    }
}

/// Errors quote what could not be written, and where.
#[derive(Clone)]
pub(super) struct TellsEverything;
twist! { TellsEverything:
    append(self, store, log, batch) {
        let LogKey::Stream { session, .. } = log else {
            return store.append(log, batch).await;
        };
        let appended = store.append(log, batch).await;
        appended.map_err(|error| {
            let cause = format!("while writing for {}", session.as_str());
            StoreError::new(error.kind(), "event.append", "it failed").with_source(cause)
        })
    }
}

/// What cannot be written counts as written.
#[derive(Clone)]
pub(super) struct SwallowsConflicts;
twist! { SwallowsConflicts:
    append(self, store, log, batch) {
        match store.append(log, batch).await {
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                let last = head(store, log).await?.map_or(Position::BEGINNING, |head| head.last);
                Ok(Appended::new(last, None, false))
            }
            answer => answer,
        }
    }
}

/// Works for twenty callers.
#[derive(Clone, Default)]
pub(super) struct RefusesACrowd(Arc<AtomicU32>);
twist! { RefusesACrowd:
    append(self, store, log, batch) {
        let callers = self.0.fetch_add(1, Ordering::SeqCst);
        for _ in 0..50 {
            yield_now().await;
        }
        let appended = store.append(log, batch).await;
        self.0.fetch_sub(1, Ordering::SeqCst);
        if callers >= 20 {
            let message = "no connection is free";
            return Err(StoreError::new(StoreErrorKind::Unavailable, "event.append", message));
        }
        appended
    }
}
