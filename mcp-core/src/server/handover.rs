//! What the writer of a stream gives to the connection beside it, which then need not ask the store for it.
//!
//! It is what stands in the log already, so whoever misses it reads it there.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::store::{Event, Generation, Position};

/// A connection that takes less than is written reads the rest from the log: so much waits here at most.
const MOST: usize = 256;
const MOST_BYTES: usize = 256 * 1024;

/// Between the one writer of a log and its reader in the same process.
#[derive(Debug, Default)]
pub(super) struct Handover {
    given: Mutex<Given>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Given {
    generation: Option<Generation>,
    events: VecDeque<Event>,
    bytes: usize,
    /// The log ends with the last of these events.
    sealed: bool,
    /// There was more than waits here.
    missed: bool,
    closed: bool,
}

/// What a reader finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// The events that follow, and whether the log ends with them.
    Events {
        generation: Generation,
        events: VecDeque<Event>,
        sealed: bool,
    },
    /// What follows stands in the log.
    Look(Option<Generation>),
    /// Nothing yet.
    Nothing,
    /// Nothing more is given.
    Closed,
}

impl Handover {
    /// Gives a batch that ends at `last`, to the reader with this number.
    pub(super) fn give(
        &self,
        generation: Generation,
        last: Position,
        batch: &[Bytes],
        seals: bool,
    ) {
        let mut given = self.lock();
        given.generation = Some(generation);
        given.bytes += batch.iter().map(Bytes::len).sum::<usize>();
        let full = given.events.len() + batch.len() > MOST || given.bytes > MOST_BYTES;
        if full && !given.events.is_empty() {
            given.forget();
            given.missed = true;
        } else {
            let first = last
                .seq
                .saturating_sub(batch.len().try_into().unwrap_or(u64::MAX));
            let events = (first + 1..).zip(batch).map(|(seq, payload)| {
                let position = Position { seq, ..last };
                Event::new(position, payload.clone())
            });
            given.events.extend(events);
            given.sealed = seals;
        }
        drop(given);
        self.changed.notify_one();
    }

    /// Nothing more is given: the log has another reader, or its writer has ended.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// What follows `after`.
    pub(super) fn take(&self, after: Position) -> Taken {
        let mut given = self.lock();
        if mem::take(&mut given.missed) {
            given.forget();
            return Taken::Look(given.generation);
        }
        let known =
            |event: &Event| event.position.epoch == after.epoch && event.position.seq <= after.seq;
        while given.events.front().is_some_and(known) {
            given.events.pop_front();
        }
        let sealed = given.sealed;
        let events = given.forget();
        match (events.front(), given.generation) {
            (Some(first), Some(generation)) if follows(first.position, after) => Taken::Events {
                generation,
                events,
                sealed,
            },
            (Some(_), generation) => Taken::Look(generation),
            (None, _) if given.closed => Taken::Closed,
            (None, _) => Taken::Nothing,
        }
    }

    /// Returns when something was given or it was closed, also when that was before.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Given {
    fn forget(&mut self) -> VecDeque<Event> {
        self.bytes = 0;
        self.sealed = false;
        mem::take(&mut self.events)
    }
}

fn follows(next: Position, after: Position) -> bool {
    let same_life = after == Position::BEGINNING || next.epoch == after.epoch;
    same_life && next.seq == after.seq + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Epoch;

    const READER: Generation = Generation(7);

    fn at(seq: u64) -> Position {
        Position::new(Epoch(5), seq)
    }

    fn given(last: u64, texts: &[&'static str], seals: bool) -> Handover {
        let handover = Handover::default();
        give(&handover, last, texts, seals);
        handover
    }

    fn give(handover: &Handover, last: u64, texts: &[&'static str], seals: bool) {
        let batch: Vec<Bytes> = texts.iter().copied().map(Bytes::from).collect();
        handover.give(READER, at(last), &batch, seals);
    }

    fn events(first: u64, texts: &[&'static str], sealed: bool) -> Taken {
        let events = (first..).zip(texts);
        let events = events.map(|(seq, text)| Event::new(at(seq), Bytes::from(*text)));
        Taken::Events {
            generation: READER,
            events: events.collect(),
            sealed,
        }
    }

    #[test]
    fn what_follows_is_taken_once() {
        let handover = given(2, &["a", "b"], false);
        give(&handover, 3, &["c"], true);
        let all = events(1, &["a", "b", "c"], true);
        assert_eq!(handover.take(Position::BEGINNING), all);
        assert_eq!(handover.take(at(3)), Taken::Nothing);
        handover.close();
        assert_eq!(handover.take(at(3)), Taken::Closed);
    }

    #[test]
    fn what_was_read_from_the_log_is_left_out() {
        let handover = given(4, &["c", "d"], false);
        assert_eq!(handover.take(at(3)), events(4, &["d"], false));
        give(&handover, 4, &["d"], true);
        assert_eq!(handover.take(at(4)), Taken::Nothing);
    }

    #[test]
    fn what_does_not_follow_is_read_from_the_log() {
        assert_eq!(
            given(9, &["i"], false).take(at(7)),
            Taken::Look(Some(READER))
        );
        let other_life = Position::new(Epoch(6), 8);
        assert_eq!(
            given(9, &["i"], false).take(other_life),
            Taken::Look(Some(READER))
        );
        let later = given(9, &["i"], false);
        assert_eq!(later.take(Position::BEGINNING), Taken::Look(Some(READER)));
    }

    #[test]
    fn more_than_waits_is_read_from_the_log() {
        let handover = given(1, &["a"], false);
        for seq in 2..=300 {
            give(&handover, seq, &["x"], false);
        }
        assert_eq!(
            handover.take(Position::BEGINNING),
            Taken::Look(Some(READER))
        );
        assert!(handover.lock().events.len() <= MOST);
        let large = given(1, &["a"], false);
        large.give(READER, at(2), &[vec![0; MOST_BYTES].into()], true);
        assert_eq!(large.take(Position::BEGINNING), Taken::Look(Some(READER)));
    }
}
