//! Random histories, compared with the reference call by call.
//!
//! Both stores are asked the same; positions and generations of one stand for those of the other.
//! What the contract leaves open is not asked: a key whose entry was trimmed, an age that ends on a
//! sealed log, a moment that is close to a deadline.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_core::{
    BoxError,
    clock::{ManualClock, Timestamp},
    store::{
        Append, Appended, Attached, Epoch, Event, EventStore, From, Generation, Head, LogKey,
        MemoryEventStore, Position, Read, ReadLimit, ReaderId, Retention, StoreError,
    },
};

use super::event_support::{ALL, MINUTE, reader, stream};
use crate::{Case, CaseResult, Harness, dice::Dice};

/// Deadlines lie between the moments that time stops at.
const HALF: Duration = Duration::from_secs(30);

/// Calls of one history before its sessions are purged, and after.
const STEPS: (usize, usize) = (80, 10);

pub async fn x_15_random_histories_match_the_reference<H>(case: &Case<'_, H>) -> CaseResult
where
    H: Harness<Store: EventStore>,
{
    let stores = case.crowd(3).await?;
    for seed in 0..case.rounds() {
        let mut history = History::new(seed as u64);
        for step in 0..STEPS.0 + STEPS.1 {
            if history.dice.below(8) == 0 && step < STEPS.0 {
                let by = minutes(&mut history.dice, 3);
                history.clock.advance(by);
                case.advance(by).await?;
                history.heads(&*stores[0]).await?;
            }
            if step == STEPS.0 {
                history.purge(&*stores[0], 0).await?;
            }
            let store = history.dice.below(stores.len());
            let done = history.step(&*stores[store]).await;
            done.map_err(|error| format!("history {seed}, step {step}: {error}"))?;
        }
        history.end(&*stores[0]).await?;
    }
    Ok(())
}

/// A reference and what was done to both stores.
struct History {
    dice: Dice,
    clock: ManualClock,
    reference: MemoryEventStore,
    logs: Vec<(LogKey, Retention)>,
    /// What the other store calls an epoch of the reference.
    epochs: BTreeMap<Epoch, Epoch>,
    /// Positions of the reference, by log.
    positions: Vec<(usize, Position)>,
    /// Generations of both, by log.
    generations: Vec<(usize, Generation, Generation)>,
    /// Keys, what was written under them, and where it ends in the reference.
    keys: Vec<(usize, String, Vec<Bytes>, Position)>,
}

impl History {
    /// Sessions have a name for each history, so that none meets the purge of another.
    fn new(seed: u64) -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
        let session = |name| format!("{name}{seed}");
        let young = Some(MINUTE * 2 + HALF);
        Self {
            dice: Dice::new(seed),
            reference: MemoryEventStore::with_clock(Arc::new(clock.clone())),
            clock,
            logs: vec![
                (stream(&session("s"), "all"), ALL),
                (stream(&session("s"), "few"), Retention { events: 4, ..ALL }),
                (stream(&session("t"), "all"), ALL),
                (
                    stream(&session("t"), "small"),
                    Retention { bytes: 9, ..ALL },
                ),
                (
                    stream(&session("u"), "young"),
                    Retention { age: young, ..ALL },
                ),
            ],
            epochs: BTreeMap::new(),
            positions: Vec::new(),
            generations: Vec::new(),
            keys: Vec::new(),
        }
    }

    async fn step(&mut self, store: &dyn EventStore) -> CaseResult {
        let log = self.dice.below(self.logs.len());
        match self.dice.below(12) {
            0..4 => self.append(store, log).await?,
            4 => self.repeat(store).await?,
            5..7 => self.attach(store, log).await?,
            7..11 => self.read(store, log).await?,
            // Only what is kept for ever is sealed.
            _ => self.seal(store, if log < 3 { 0 } else { 2 }).await?,
        }
        self.heads(store).await
    }

    async fn append(&mut self, store: &dyn EventStore, log: usize) -> CaseResult {
        let (name, retention) = self.logs[log].clone();
        let events = events(&mut self.dice);
        let key = format!("k{}", self.keys.len());
        let seen = (self.dice.below(2) == 0).then(|| self.position(log));
        let theirs = seen.map(|seen| self.translated(seen));
        let keyed = self.dice.below(3) == 0;
        let who = (self.dice.below(4) == 0).then(|| reader(self.dice.throw(u64::MAX)));
        let keep = (retention == ALL && self.dice.below(12) == 0).then(|| self.keep_for());
        let batch = |seen| {
            let batch = Append::new(&events, retention).writer_seen(seen);
            let batch = batch.reader(who.as_ref()).seal(keep);
            if keyed { batch.key(&key) } else { batch }
        };
        let ours = self.reference.append(&name, batch(seen)).await;
        let answer = store.append(&name, batch(theirs)).await;
        let what = format!("append of {events:?} after {seen:?} to {name:?}");
        if let Some(appended) = self.appended(&what, log, ours, answer)?
            && keyed
        {
            self.keys.push((log, key, events, appended.last));
        }
        Ok(())
    }

    /// The same, or something else, under a key whose entry is still there.
    async fn repeat(&mut self, store: &dyn EventStore) -> CaseResult {
        let Some((log, key, mut events, last)) = pick(&mut self.dice, &self.keys) else {
            return Ok(());
        };
        let (name, retention) = self.logs[log].clone();
        let head = self.reference.heads(std::slice::from_ref(&name)).await?[0];
        if head.is_none_or(|head| head.last.epoch != last.epoch || head.floor >= last.seq) {
            return Ok(());
        }
        if self.dice.below(2) == 0 {
            events.push(Bytes::from_static(b"other"));
        }
        let batch = || Append::new(&events, retention).key(&key);
        let ours = self.reference.append(&name, batch()).await;
        let answer = store.append(&name, batch()).await;
        let what = format!("repetition of {key} with {events:?} in {name:?}");
        self.appended(&what, log, ours, answer).map(drop)
    }

    fn appended(
        &mut self,
        what: &str,
        log: usize,
        ours: Result<Appended, StoreError>,
        answer: Result<Appended, StoreError>,
    ) -> Result<Option<Appended>, BoxError> {
        let (ours, answer) = match (ours, answer) {
            (Ok(ours), Ok(answer)) => (ours, answer),
            (ours, answer) => {
                same(
                    what,
                    &ours.err().map(|error| error.kind()),
                    &answer.err().map(|error| error.kind()),
                )?;
                return Ok(None);
            }
        };
        self.meet(what, ours.last, answer.last)?;
        let who = |appended: &Appended| appended.reader.as_ref().map(|(who, _)| who.clone());
        same(
            what,
            &(who(&ours), ours.duplicate),
            &(who(&answer), answer.duplicate),
        )?;
        if let (Some((_, ours)), Some((_, answer))) = (&ours.reader, &answer.reader) {
            self.meet_reader(what, log, *ours, *answer)?;
        }
        self.positions.push((log, ours.last));
        Ok(Some(ours))
    }

    /// The generation of a reader that an append names: known, or that of the first reader.
    fn meet_reader(
        &mut self,
        what: &str,
        log: usize,
        ours: Generation,
        answer: Generation,
    ) -> CaseResult {
        let known = self.generations.iter().rfind(|(of, ..)| *of == log);
        if known.is_none_or(|(_, known, _)| *known != ours) {
            self.generations.push((log, ours, answer));
            return Ok(());
        }
        same(what, &known.map(|known| known.2), &Some(answer))
    }

    async fn attach(&mut self, store: &dyn EventStore, log: usize) -> CaseResult {
        let name = self.logs[log].0.clone();
        let who: ReaderId = reader(self.dice.throw(u64::MAX));
        let (from, theirs) = if self.dice.below(2) == 0 {
            (From::Acknowledged, From::Acknowledged)
        } else {
            let after = self.position(log);
            (From::After(after), From::After(self.translated(after)))
        };
        let ours = self.reference.attach(&name, &who, from).await?;
        let answer = store.attach(&name, &who, theirs).await?;
        let what = format!("attach {from:?} to {name:?}");
        match (ours, answer) {
            (Some(ours), Some(answer)) => self.attached(&what, log, ours, answer),
            (ours, answer) => same(&what, &ours.is_some(), &answer.is_some()),
        }
    }

    fn attached(&mut self, what: &str, log: usize, ours: Attached, answer: Attached) -> CaseResult {
        self.meet(what, ours.head.last, answer.head.last)?;
        // What was acknowledged in an earlier epoch says nothing any more.
        if ours.after.epoch == ours.head.last.epoch && ours.after.seq > 0 {
            same(what, &self.translated(ours.after), &answer.after)?;
        }
        let of_log = |(of, ..): &&(usize, _, _)| *of == log;
        if let Some((_, _, before)) = self.generations.iter().rfind(of_log) {
            same(what, &true, &(answer.generation > *before))?;
        }
        self.generations
            .push((log, ours.generation, answer.generation));
        Ok(())
    }

    async fn read(&mut self, store: &dyn EventStore, log: usize) -> CaseResult {
        let name = self.logs[log].0.clone();
        let after = self.position(log);
        let limit = ReadLimit {
            events: 1 + self.dice.below(4),
            bytes: self.dice.below(12),
        };
        let of_log = self.generations.iter().filter(|(of, ..)| *of == log);
        let readers: Vec<_> = of_log.copied().collect();
        let newest = &readers[readers.len().saturating_sub(2)..];
        let reader = pick(&mut self.dice, newest).filter(|_| self.dice.below(4) > 0);
        let ours = self
            .reference
            .read(&name, after, reader.map(|own| own.1), limit);
        let ours = ours.await?;
        let theirs = self.translated(after);
        let answer = store
            .read(&name, theirs, reader.map(|own| own.2), limit)
            .await?;
        let what = format!("read after {after:?} by {reader:?} in {name:?}");
        let expected = self.translated_read(&ours);
        if let (Read::Gap { floor, head }, Read::Gap { .. }) = (&ours, &answer) {
            self.positions.extend([(log, *floor), (log, *head)]);
        }
        same(&what, &expected, &answer)
    }

    async fn seal(&mut self, store: &dyn EventStore, log: usize) -> CaseResult {
        let name = self.logs[log].0.clone();
        let end = (self.dice.below(2) == 0).then(|| Bytes::from_static(b"end"));
        let keep = self.keep_for();
        let ours = self.reference.seal(&name, end.clone(), keep).await?;
        let answer = store.seal(&name, end, keep).await?;
        same(&format!("seal of {name:?}"), &ours, &answer)
    }

    /// How long a log is kept that ends.
    fn keep_for(&mut self) -> Duration {
        minutes(&mut self.dice, 4) + HALF
    }

    async fn heads(&mut self, store: &dyn EventStore) -> CaseResult {
        let names: Vec<_> = self.logs.iter().map(|(name, _)| name.clone()).collect();
        let ours = self.reference.heads(&names).await?;
        let answer = store.heads(&names).await?;
        same("heads", &ours.len(), &answer.len())?;
        for (log, (ours, answer)) in ours.into_iter().zip(answer).enumerate() {
            let what = format!("head of {:?}", names[log]);
            match (ours, answer) {
                (Some(ours), Some(answer)) => self.head(&what, ours, answer)?,
                (ours, answer) => same(&what, &ours.is_some(), &answer.is_some())?,
            }
            if ours.is_none() {
                // A log that comes back counts its readers anew.
                self.generations.retain(|(of, ..)| *of != log);
            }
        }
        Ok(())
    }

    fn head(&mut self, what: &str, ours: Head, answer: Head) -> CaseResult {
        self.meet(what, ours.last, answer.last)?;
        same(what, &ours.sealed, &answer.sealed)
    }

    async fn purge(&self, store: &dyn EventStore, log: usize) -> CaseResult {
        let LogKey::Stream { session, .. } = &self.logs[log].0 else {
            return Ok(());
        };
        let ours = self.reference.purge(session).await?;
        same("purge", &ours, &store.purge(session).await?)
    }

    /// Nothing stays that would make the next histories slower.
    async fn end(&self, store: &dyn EventStore) -> CaseResult {
        for log in 0..self.logs.len() {
            self.purge(store, log).await?;
        }
        store.sweep(1000).await?;
        Ok(())
    }

    /// Somewhere in a log of the reference, or not in it at all.
    fn position(&mut self, log: usize) -> Position {
        let of_log = self.positions.iter().filter(|(of, _)| *of == log);
        let known: Vec<_> = of_log.map(|(_, position)| *position).collect();
        let recent = &known[known.len().saturating_sub(6)..];
        let Some(position) = pick(&mut self.dice, recent) else {
            return Position::BEGINNING;
        };
        match self.dice.below(12) {
            0 => Position::BEGINNING,
            1 => Position::new(position.epoch, position.seq + 3),
            2..5 => Position::new(position.epoch, position.seq.saturating_sub(1)),
            _ => position,
        }
    }

    /// The same place in the other store.
    fn translated(&self, ours: Position) -> Position {
        match self.epochs.get(&ours.epoch) {
            Some(epoch) => Position::new(*epoch, ours.seq),
            None => ours,
        }
    }

    fn translated_read(&self, ours: &Read) -> Read {
        let event =
            |event: &Event| Event::new(self.translated(event.position), event.payload.clone());
        match ours {
            Read::Events {
                events,
                more,
                sealed,
            } => Read::Events {
                events: events.iter().map(event).collect(),
                more: *more,
                sealed: *sealed,
            },
            Read::Gap { floor, head } => Read::Gap {
                floor: self.translated(*floor),
                head: self.translated(*head),
            },
            other => other.clone(),
        }
    }

    /// The same place in both stores, seen for the first time or again.
    fn meet(&mut self, what: &str, ours: Position, answer: Position) -> CaseResult {
        let met = self.epochs.values().any(|epoch| *epoch == answer.epoch);
        let known = self.epochs.get(&ours.epoch).copied();
        same(what, &known.is_some(), &met)?;
        self.epochs.entry(ours.epoch).or_insert(answer.epoch);
        same(what, &self.translated(ours), &answer)
    }
}

fn same<T: PartialEq + fmt::Debug>(what: &str, expected: &T, answer: &T) -> CaseResult {
    if expected == answer {
        return Ok(());
    }
    Err(format!("{what}: {answer:?} instead of {expected:?}").into())
}

fn pick<T: Clone>(dice: &mut Dice, of: &[T]) -> Option<T> {
    (!of.is_empty()).then(|| of[dice.below(of.len())].clone())
}

/// One to three events of up to five bytes.
fn events(dice: &mut Dice) -> Vec<Bytes> {
    let count = 1 + dice.below(3);
    let event = |_| Bytes::from(vec![b'x'; dice.below(6)]);
    (0..count).map(event).collect()
}

/// Some minutes, but not more than `most`.
fn minutes(dice: &mut Dice, most: u64) -> Duration {
    Duration::from_mins(1 + dice.throw(most))
}
