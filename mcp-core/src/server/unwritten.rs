//! What a stream has said and its log has not got yet, because the store does not answer.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;

use crate::store::{LogKey, Position};

/// Most events that wait for one log, and their most bytes; then the handler's own buffer fills up.
const MOST: usize = 1000;
const MOST_BYTES: usize = 1024 * 1024;

/// Most events of one write.
const BATCH: usize = 64;

/// Events that are written together, always under the same key.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) events: Arc<[Bytes]>,
    pub(super) key: u64,
    /// The log ends with it.
    pub(super) seals: bool,
}

/// What a batch that the store does not take means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TooLarge {
    /// Its events go one by one.
    Together,
    /// A message of so many bytes is left out.
    Message(usize),
    /// The log must end with something else.
    Last,
}

/// The encoded events of one stream that wait for its log, in order.
#[derive(Debug)]
pub(super) struct Unwritten {
    /// Where the log ends, as its one writer knows.
    place: Position,
    /// Has been tried, so it must be tried again as it is.
    first: Option<Batch>,
    later: VecDeque<Bytes>,
    /// So many of the next events go alone, because they were too large together.
    alone: usize,
    bytes: usize,
    /// What the log ends with, until it is in a batch.
    last: Option<Bytes>,
    /// It is known what the log ends with.
    ended: bool,
    outage: bool,
    batches: u64,
}

impl Unwritten {
    /// Nothing yet, for a log that ends here.
    pub(super) fn after(place: Position) -> Self {
        Self {
            place,
            first: None,
            later: VecDeque::new(),
            alone: 0,
            bytes: 0,
            last: None,
            ended: false,
            outage: false,
            batches: 0,
        }
    }

    pub(super) fn add(&mut self, events: impl Iterator<Item = Bytes>) {
        for event in events {
            self.bytes += event.len();
            self.later.push_back(event);
        }
    }

    /// What is to be written next.
    pub(super) fn first(&mut self) -> Option<Batch> {
        if self.first.is_none() && (!self.later.is_empty() || self.last.is_some()) {
            let most = if self.alone > 0 { 1 } else { BATCH };
            self.alone = self.alone.saturating_sub(1);
            self.batches += 1;
            let now = most.min(self.later.len());
            let last = self.last.take_if(|_| now == self.later.len() && now < most);
            let seals = last.is_some();
            let events = self.later.drain(..now).chain(last);
            self.first = Some(Batch {
                events: events.collect(),
                key: self.batches,
                seals,
            });
        }
        self.first.clone()
    }

    /// The first batch stands in the log, which ends here now.
    pub(super) fn written(&mut self, place: Position) -> Option<Batch> {
        self.place = place;
        self.outage = false;
        let batch = self.first.take()?;
        self.bytes -= batch.events.iter().map(Bytes::len).sum::<usize>();
        Some(batch)
    }

    /// The first batch is too large for the store.
    pub(super) fn too_large(&mut self) -> TooLarge {
        let Some(batch) = self.first.take() else {
            return TooLarge::Together;
        };
        if let [event] = &*batch.events {
            self.bytes -= event.len();
            return if batch.seals {
                TooLarge::Last
            } else {
                TooLarge::Message(event.len())
            };
        }
        let mut events = batch.events.iter().cloned();
        if batch.seals {
            self.last = events.next_back();
        }
        self.alone = events.len();
        for event in events.rev() {
            self.later.push_front(event);
        }
        TooLarge::Together
    }

    /// The store does not answer.
    pub(super) fn in_outage(&mut self) {
        self.outage = true;
    }

    /// Whether more should be taken although it cannot be written now.
    pub(super) fn has_room_in_outage(&self) -> bool {
        let waiting = self.later.len();
        self.outage && !self.ended && waiting < MOST && self.bytes < MOST_BYTES
    }

    /// This is what the log ends with.
    pub(super) fn end(&mut self, last: Bytes) {
        self.ended = true;
        self.bytes += last.len();
        self.last = Some(last);
    }

    /// Whether it is known what the log ends with.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// What may go out before it is written; nothing while the store answers.
    pub(super) fn offer(&self) -> Option<Offer> {
        if !self.outage {
            return None;
        }
        let first = self.first.iter().flat_map(|batch| batch.events.iter());
        let events = first.chain(&self.later).chain(&self.last).cloned();
        Some(Offer {
            after: self.place,
            events: events.collect(),
        })
    }
}

/// Events that follow the end of a log.
#[derive(Debug)]
pub(super) struct Offer {
    after: Position,
    events: Vec<Bytes>,
}

/// What the streams of this process offer to its own connections, while the store does not answer.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    offers: Mutex<HashMap<LogKey, Offer>>,
    /// How many there are; almost always none.
    count: AtomicUsize,
}

impl Offers {
    fn lock(&self) -> MutexGuard<'_, HashMap<LogKey, Offer>> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers this, or nothing any more.
    pub(super) fn put(&self, log: &LogKey, offer: Option<Offer>) {
        let mut offers = self.lock();
        match offer {
            Some(offer) => offers.insert(log.clone(), offer),
            None => offers.remove(log),
        };
        self.count.store(offers.len(), Ordering::Release);
    }

    /// The event that follows the end of `log` and the events that were told beyond it; for a reader
    /// that has read the log to its end.
    pub(super) fn next(&self, log: &LogKey, after: Position, told: &Told) -> Option<Bytes> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let offers = self.lock();
        let offer = offers.get(log)?;
        let next = offer.events.get(told.0.len())?;
        (offer.after == after).then(|| next.clone())
    }
}

/// What a connection was told before it stood in the log.
#[derive(Debug, Default)]
pub(super) struct Told(VecDeque<Bytes>);

impl Told {
    pub(super) fn add(&mut self, event: Bytes) {
        self.0.push_back(event);
    }

    /// Whether the next event of the log was told already.
    pub(super) fn knows(&mut self, event: &Bytes) -> bool {
        // What was too large for the store is never met in the log.
        let known = self.0.iter().position(|told| told == event);
        match known {
            Some(at) => drop(self.0.drain(..=at)),
            None => self.0.clear(),
        }
        known.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::*;

    fn at(seq: u64) -> Position {
        Position {
            seq,
            ..Position::BEGINNING
        }
    }

    fn log() -> LogKey {
        LogKey::Broadcast(0)
    }

    fn said(texts: &[&'static str]) -> Unwritten {
        let mut unwritten = Unwritten::after(at(4));
        let events = texts.iter().map(|text| Bytes::from_static(text.as_bytes()));
        unwritten.add(events);
        unwritten
    }

    #[test]
    fn a_batch_keeps_its_key_and_its_events_until_it_is_written() {
        let mut unwritten = said(&["a", "b"]);
        assert_eq!(unwritten.first().unwrap().key, 1);
        unwritten.add(iter::once("c".into()));
        let again = unwritten.first().unwrap();
        assert_eq!((again.key, again.events.len()), (1, 2));
        unwritten.written(at(6));
        let next = unwritten.first().unwrap();
        assert_eq!((next.key, &next.events[0][..]), (2, &b"c"[..]));
        unwritten.written(at(7));
        assert!(unwritten.first().is_none());
        assert_eq!(unwritten.bytes, 0);
    }

    #[test]
    fn what_is_too_large_together_goes_alone() {
        let mut unwritten = said(&["a", "b"]);
        unwritten.first();
        assert_eq!(unwritten.too_large(), TooLarge::Together);
        assert_eq!(unwritten.first().unwrap().events.len(), 1);
        assert_eq!(unwritten.too_large(), TooLarge::Message(1));
        assert_eq!(unwritten.first().unwrap().events[0], "b");
    }

    #[test]
    fn the_last_entry_goes_with_what_was_said_before_it() {
        let mut unwritten = said(&["a", "b"]);
        unwritten.end("end".into());
        let batch = unwritten.first().unwrap();
        assert_eq!((batch.events.len(), batch.seals), (3, true));
        assert_eq!(unwritten.too_large(), TooLarge::Together);
        for alone in ["a", "b"] {
            let batch = unwritten.first().unwrap();
            assert_eq!((&*batch.events, batch.seals), (&[alone.into()][..], false));
            unwritten.written(at(5));
        }
        assert!(unwritten.first().unwrap().seals);
        assert_eq!(unwritten.too_large(), TooLarge::Last);
        assert_eq!(unwritten.bytes, 0);
        unwritten.end("it was too large".into());
        assert!(unwritten.first().unwrap().seals);
        assert!(unwritten.written(at(7)).unwrap().seals);
        assert!(unwritten.first().is_none());
    }

    #[test]
    fn a_full_batch_does_not_end_the_log() {
        let mut unwritten = said(&["x"; BATCH]);
        unwritten.end("end".into());
        let batch = unwritten.first().unwrap();
        assert_eq!((batch.events.len(), batch.seals), (BATCH, false));
        unwritten.written(at(68));
        let batch = unwritten.first().unwrap();
        assert_eq!((batch.events.len(), batch.seals), (1, true));
    }

    #[test]
    fn only_an_outage_lets_events_out_before_they_are_written() {
        let mut unwritten = said(&["a", "b"]);
        unwritten.first();
        assert!(unwritten.offer().is_none());
        assert!(!unwritten.has_room_in_outage());
        unwritten.in_outage();
        assert!(unwritten.has_room_in_outage());
        unwritten.add(iter::once("c".into()));
        unwritten.end("end".into());
        assert!(!unwritten.has_room_in_outage());
        let offers = Offers::default();
        offers.put(&log(), unwritten.offer());
        let mut told = Told::default();
        assert_eq!(offers.next(&log(), at(3), &told), None, "not read that far");
        for expected in ["a", "b", "c", "end"] {
            let next = offers.next(&log(), at(4), &told).unwrap();
            assert_eq!(next, expected);
            told.add(next);
        }
        assert_eq!(offers.next(&log(), at(4), &told), None);
        unwritten.written(at(6));
        offers.put(&log(), unwritten.offer());
        assert_eq!(offers.next(&log(), at(6), &Told::default()), None);
    }

    #[test]
    fn what_was_told_is_known_when_it_comes_from_the_log() {
        let mut told = Told::default();
        for event in ["a", "b", "c"] {
            told.add(event.into());
        }
        assert!(told.knows(&"a".into()));
        assert!(told.knows(&"c".into()), "b was left out");
        told.add("d".into());
        assert!(!told.knows(&"an error of somebody else".into()));
        assert!(!told.knows(&"d".into()));
    }
}
