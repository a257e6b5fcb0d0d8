//! Reading wrongly.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use mcp_core::store::{Event, EventStore, Head, LogKey, Position, Read, Sealed};
use tokio::task::yield_now;

use super::twist::{Answer, head, twist};

/// What was found, with a change.
fn changed(found: Answer<Read>, change: impl FnOnce(&mut Vec<Event>)) -> Answer<Read> {
    let mut found = found?;
    if let Read::Events { events, .. } = &mut found {
        change(events);
    }
    Ok(found)
}

/// The newest event is visible before the one in front of it.
#[derive(Clone)]
pub(super) struct ShowsTheLastFirst;
twist! { ShowsTheLastFirst:
    read(self, store, log, after, reader, limit) {
        changed(store.read(log, after, reader, limit).await, |events| {
            if events.len() > 1 {
                events.remove(events.len() - 2);
            }
        })
    }
}

#[derive(Clone)]
pub(super) struct LosesEverySeventh;
twist! { LosesEverySeventh:
    read(self, store, log, after, reader, limit) {
        changed(store.read(log, after, reader, limit).await, |events| {
            events.retain(|event| event.position.seq % 7 != 0);
        })
    }
}

/// What was trimmed, and every seventh event, is passed over in silence.
#[derive(Clone)]
pub(super) struct HidesLosses;
twist! { HidesLosses:
    read(self, store, log, after, reader, limit) {
        let found = GapsAreSkipped.read(store, log, after, reader, limit).await;
        changed(found, |events| events.retain(|event| event.position.seq % 7 != 0))
    }
}

#[derive(Clone)]
pub(crate) struct RepeatsTheLast;
twist! { RepeatsTheLast:
    read(self, store, log, after, reader, limit) {
        changed(store.read(log, after, reader, limit).await, |events| {
            events.extend(events.last().cloned());
        })
    }
}

/// A full page is taken for a sign that there is more.
#[derive(Clone)]
pub(super) struct MoreIsAGuess;
twist! { MoreIsAGuess:
    read(self, store, log, after, reader, limit) {
        let mut found = store.read(log, after, reader, limit).await?;
        if let Read::Events { events, more, .. } = &mut found {
            *more = events.len() == limit.events;
        }
        Ok(found)
    }
}

/// `sealed` is said of the log, not of the page.
#[derive(Clone)]
pub(super) struct EveryPageIsTheEnd;
twist! { EveryPageIsTheEnd:
    read(self, store, log, after, reader, limit) {
        let mut found = store.read(log, after, reader, limit).await?;
        if let Read::Events { sealed, .. } = &mut found {
            let head = head(store, log).await?;
            *sealed = head.is_some_and(|head| head.sealed == Sealed::Sealed);
        }
        Ok(found)
    }
}

/// Every handle shows other events.
pub(crate) struct EachSeesItsOwn(Arc<AtomicUsize>, usize);

impl EachSeesItsOwn {
    pub(crate) fn new() -> Self {
        Self(Arc::default(), 0)
    }
}

impl Clone for EachSeesItsOwn {
    fn clone(&self) -> Self {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0), number)
    }
}
twist! { EachSeesItsOwn:
    read(self, store, log, after, reader, limit) {
        let mut found = store.read(log, after, reader, limit).await?;
        if let Read::Events { events, .. } = &mut found {
            for event in events {
                event.payload = [&event.payload, self.1.to_string().as_bytes()].concat().into();
            }
        }
        Ok(found)
    }
}

#[derive(Clone)]
pub(super) struct ReadsFrom;
twist! { ReadsFrom:
    read(self, store, log, after, reader, limit) {
        let from = Position::new(after.epoch, after.seq.saturating_sub(1));
        store.read(log, from, reader, limit).await
    }
}

/// A log that does not exist looks empty.
#[derive(Clone)]
pub(super) struct NothingIsUnknown;
twist! { NothingIsUnknown:
    read(self, store, log, after, reader, limit) {
        match store.read(log, after, reader, limit).await? {
            Read::Unknown => Ok(Read::Events {
                events: Vec::new(),
                more: false,
                sealed: false,
            }),
            found => Ok(found),
        }
    }
}

/// What is gone is left out without a word.
#[derive(Clone)]
pub(crate) struct GapsAreSkipped;
twist! { GapsAreSkipped:
    read(self, store, log, after, reader, limit) {
        match store.read(log, after, reader, limit).await? {
            Read::Gap { floor, .. } => store.read(log, floor, reader, limit).await,
            found => Ok(found),
        }
    }
}

#[derive(Clone)]
pub(super) struct WaitsForWhatIsAhead;
twist! { WaitsForWhatIsAhead:
    read(self, store, log, after, reader, limit) {
        let last = head(store, log).await?.map(|head| head.last);
        if last.is_some_and(|last| last.epoch == after.epoch && last.seq < after.seq) {
            return Ok(Read::Events {
                events: Vec::new(),
                more: false,
                sealed: false,
            });
        }
        store.read(log, after, reader, limit).await
    }
}

/// What was read once is gone, whoever got it.
#[derive(Clone, Default)]
pub(crate) struct ReadsAreTaken(Arc<Mutex<HashMap<LogKey, Position>>>);
twist! { ReadsAreTaken:
    read(self, store, log, after, reader, limit) {
        let taken = self.0.lock().unwrap().get(log).copied();
        let after = taken.unwrap_or(after);
        let found = store.read(log, after, reader, limit).await?;
        if let Read::Events { events, .. } = &found
            && let Some(Event { position, .. }) = events.last()
        {
            self.0.lock().unwrap().insert(log.clone(), *position);
        }
        yield_now().await;
        Ok(found)
    }
}

#[derive(Clone)]
pub(super) struct HeadsAreSorted;
twist! { HeadsAreSorted:
    heads(self, store, logs) {
        let mut sorted = logs.to_vec();
        sorted.sort();
        store.heads(&sorted).await
    }
}

#[derive(Clone)]
pub(crate) struct HeadsAreAhead;
twist! { HeadsAreAhead:
    heads(self, store, logs) {
        let mut heads = store.heads(logs).await?;
        for head in heads.iter_mut().flatten() {
            head.last.seq += 1;
        }
        Ok(heads)
    }
}

/// The first answer of a handle is its last.
#[derive(Clone, Default)]
pub(crate) struct HeadsAreOld(Arc<Mutex<Option<Vec<Option<Head>>>>>);
twist! { HeadsAreOld:
    heads(self, store, logs) {
        let found = store.heads(logs).await?;
        Ok(self.0.lock().unwrap().get_or_insert(found).clone())
    }
}

#[derive(Clone)]
pub(super) struct HalfTheFloor;
twist! { HalfTheFloor:
    heads(self, store, logs) {
        let mut heads = store.heads(logs).await?;
        for head in heads.iter_mut().flatten() {
            head.floor /= 2;
        }
        Ok(heads)
    }
}
