//! Wrong about the lives of a log.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_core::store::{
    Epoch, EventStore, From, Head, InstanceId, LogKey, Position, Read, ReaderId, Sealed,
};

use super::twist::{head, twist};

/// A position is its number.
#[derive(Clone)]
pub(super) struct EpochsDoNotCount;
twist! { EpochsDoNotCount:
    read(self, store, log, after, reader, limit) {
        let mut after = after;
        if after != Position::BEGINNING
            && let Some(head) = head(store, log).await?
        {
            after.epoch = head.last.epoch;
        }
        store.read(log, after, reader, limit).await
    }
}

const THE_ONE: Epoch = Epoch(1);

fn in_the_one(position: Position) -> Position {
    Position::new(THE_ONE, position.seq)
}

/// All logs are always in the same epoch.
#[derive(Clone)]
pub(super) struct OneEpochForAll;
twist! { OneEpochForAll:
    append(self, store, log, batch) {
        let mut batch = batch;
        batch.writer_seen = None;
        let mut appended = store.append(log, batch).await?;
        appended.last = in_the_one(appended.last);
        Ok(appended)
    }

    heads(self, store, logs) {
        let mut heads = store.heads(logs).await?;
        for head in heads.iter_mut().flatten() {
            head.last = in_the_one(head.last);
        }
        Ok(heads)
    }

    read(self, store, log, after, reader, limit) {
        let mut found = EpochsDoNotCount.read(store, log, after, reader, limit).await?;
        match &mut found {
            Read::Events { events, .. } => {
                for event in events {
                    event.position = in_the_one(event.position);
                }
            }
            Read::Gap { floor, head } => {
                *floor = in_the_one(*floor);
                *head = in_the_one(*head);
            }
            _ => {}
        }
        Ok(found)
    }
}

#[derive(Clone)]
pub(super) struct WritersKnowNothing;
twist! { WritersKnowNothing:
    append(self, store, log, batch) {
        store.append(log, batch.writer_seen(None)).await
    }
}

#[derive(Clone)]
pub(super) struct WritersEpochDoesNotCount;
twist! { WritersEpochDoesNotCount:
    append(self, store, log, batch) {
        let epoch = head(store, log).await?.map(|head| head.last.epoch);
        let seen = batch.writer_seen.zip(epoch);
        let seen = seen.map(|(seen, epoch)| Position::new(epoch, seen.seq));
        store.append(log, batch.writer_seen(seen)).await
    }
}

#[derive(Clone)]
pub(super) struct AnyOtherPositionIsALoss;
twist! { AnyOtherPositionIsALoss:
    append(self, store, log, batch) {
        let last = head(store, log).await?.map(|head| head.last);
        let seen = match (batch.writer_seen, last) {
            (Some(seen), Some(last)) if seen != last => {
                Some(Position::new(last.epoch, last.seq + 1))
            }
            (seen, _) => seen,
        };
        store.append(log, batch.writer_seen(seen)).await
    }
}

#[derive(Clone)]
pub(super) struct AnEpochBreaksTheSeal;
twist! { AnEpochBreaksTheSeal:
    append(self, store, log, batch) {
        let sealed = head(store, log).await?;
        let sealed = sealed.is_some_and(|head| head.sealed == Sealed::Sealed);
        if sealed && batch.writer_seen.is_some() {
            store.seal(log, None, Duration::ZERO).await?;
        }
        store.append(log, batch).await
    }
}

#[derive(Clone)]
pub(super) struct AnEpochEndsTheReader;
twist! { AnEpochEndsTheReader:
    append(self, store, log, batch) {
        let before = head(store, log).await?.map(|head| head.last.epoch);
        let appended = store.append(log, batch).await?;
        if before.is_some_and(|epoch| epoch != appended.last.epoch) {
            let nobody = ReaderId::new(InstanceId::new("nobody"), 0);
            store.attach(log, &nobody, From::Acknowledged).await?;
        }
        Ok(appended)
    }
}

/// A log without events is no log.
#[derive(Clone)]
pub(super) struct EmptyLogsVanish;
twist! { EmptyLogsVanish:
    heads(self, store, logs) {
        let heads = store.heads(logs).await?.into_iter();
        let has_events = |head: &Head| head.last.seq > head.floor;
        Ok(heads.map(|head| head.filter(has_events)).collect())
    }
}

/// A log that was there once is always there.
#[derive(Clone, Default)]
pub(crate) struct VanishedLogsStay(Arc<Mutex<HashMap<LogKey, Head>>>);
twist! { VanishedLogsStay:
    heads(self, store, logs) {
        let heads = store.heads(logs).await?;
        let mut known = self.0.lock().unwrap();
        for (log, head) in logs.iter().zip(&heads) {
            known.extend(head.map(|head| (log.clone(), head)));
        }
        Ok(logs.iter().map(|log| known.get(log).copied()).collect())
    }
}

/// Who resumes what is not there finds it there.
#[derive(Clone)]
pub(super) struct ResumingMakesLogs;
twist! { ResumingMakesLogs:
    attach(self, store, log, reader, from) {
        match store.attach(log, reader, from).await? {
            None => store.attach(log, reader, From::Acknowledged).await,
            attached => Ok(attached),
        }
    }
}
