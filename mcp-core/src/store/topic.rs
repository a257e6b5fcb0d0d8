//! Following logs: [`Tail`].

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::{
    Event, EventStore, Head, LogKey, Position, Read, ReadLimit, StoreError, StoreErrorKind,
};

/// What one poll reads of one log unless told.
const PAGE: ReadLimit = ReadLimit {
    events: 256,
    bytes: 1024 * 1024,
};

/// How many logs are read at the same time.
const AT_ONCE: usize = 16;

/// What a [`Tail`] hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TailEvent {
    /// The next event of a log.
    Event {
        /// The log.
        log: LogKey,
        /// The event.
        event: Event,
    },
    /// Events of this log are gone. What follows begins after the hole.
    Gap {
        /// The log.
        log: LogKey,
    },
}

/// How far a set of logs has been read, and the way to read on.
///
/// A subscription is a log read from a position, wake-ups, and a poll that is always on. This is
/// the first and the last of these, the same for every store: it finds the logs that moved with one
/// call, and hands out what is new or says that something is gone. Who calls it, and when, is up to
/// the one task of a process that owns it:
///
/// 1. [`listen`](super::Notifier::listen) first, so that no wake-up is missed from here on,
/// 2. then [`arm`](Tail::arm): what is appended after it returned will be handed out,
/// 3. then, for ever: [`look`](Tail::look) at a log when a wake-up names it, [`poll`](Tail::poll)
///    all of them when one may have been lost, when the interval has passed, and at once while the
///    tail [is behind](Tail::is_behind).
///
/// # Contract
///
/// * BP-02: the events of one log come in the order of their positions.
/// * BP-03: each event that was appended after [`arm`](Self::arm) returned comes exactly once, or
/// * BP-04: a [`TailEvent::Gap`] that names its log comes instead. Never neither.
/// * BP-05: a gap comes once for each loss, before any later event of that log.
/// * BP-10: large events come whole.
/// * BP-16: wake-ups are not needed for any of this, only [`poll`](Self::poll).
/// * X-07: dropping a future of this type loses nothing; the next call hands out the same again.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use mcp_core::store::{
///     Append, EventStore, LogKey, MemoryEventStore, Retention, StoreError, Tail, TailEvent,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let store = MemoryEventStore::new();
/// let mut tail = Tail::new([LogKey::Broadcast(0), LogKey::Broadcast(1)]);
/// tail.arm(&store).await?;
///
/// let keep = Retention { events: 100, bytes: 1 << 20, age: None };
/// let events = [Bytes::from_static(b"hello")];
/// store.append(&LogKey::Broadcast(1), Append::new(&events, keep)).await?;
///
/// for new in tail.poll(&store).await? {
///     match new {
///         TailEvent::Event { event, .. } => assert_eq!(event.payload, "hello"),
///         TailEvent::Gap { log } => println!("something of {log:?} is gone"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Tail {
    cursors: BTreeMap<LogKey, Cursor>,
    page: ReadLimit,
    /// Why a log could not be read by a poll that had something else to hand out.
    failed: Option<StoreError>,
}

#[derive(Clone, Copy, Debug)]
struct Cursor {
    after: Position,
    /// The last page ended before the log did.
    more: bool,
}

impl Tail {
    /// Follows `logs`, each from its beginning until [`arm`](Self::arm) says otherwise.
    #[must_use]
    pub fn new(logs: impl IntoIterator<Item = LogKey>) -> Self {
        let cursors = logs
            .into_iter()
            .map(|log| (log, Cursor::at(Position::BEGINNING)));
        Self {
            cursors: cursors.collect(),
            page: PAGE,
            failed: None,
        }
    }

    /// How much one call may read of one log; 256 events or 1 MiB unless told.
    #[must_use]
    pub fn page(mut self, page: ReadLimit) -> Self {
        self.page = page;
        self
    }

    /// Follows `log` from now on, strictly after `after`.
    pub fn follow(&mut self, log: LogKey, after: Position) {
        self.cursors.insert(log, Cursor::at(after));
    }

    /// Lets go of `log`.
    pub fn unfollow(&mut self, log: &LogKey) {
        self.cursors.remove(log);
    }

    /// How far `log` has been handed out; `None` when it is not followed.
    #[must_use]
    pub fn position(&self, log: &LogKey) -> Option<Position> {
        self.cursors.get(log).map(|cursor| cursor.after)
    }

    /// Whether the last page of some log ended before the log did: poll again at once.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.cursors.values().any(|cursor| cursor.more)
    }

    /// Moves to the present end of every log. What is appended after this returned is handed out.
    ///
    /// # Errors
    ///
    /// Those of [`EventStore::heads`]; nothing has moved then.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has moved nothing.
    pub async fn arm(&mut self, store: &dyn EventStore) -> Result<(), StoreError> {
        let heads = self.heads(store).await?;
        for (cursor, (_, head)) in self.cursors.values_mut().zip(heads) {
            *cursor = Cursor::at(head.map_or(Position::BEGINNING, |head| head.last));
        }
        Ok(())
    }

    /// Finds the logs that moved, with one call, and reads a page of each.
    ///
    /// # Errors
    ///
    /// Those of [`EventStore::heads`] and [`EventStore::read`]. A log that cannot be read does not
    /// hold back the others: what they gave comes first, the error comes from the next call.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has handed out nothing and moved nothing.
    pub async fn poll(&mut self, store: &dyn EventStore) -> Result<Vec<TailEvent>, StoreError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let heads = self.heads(store).await?;
        let mut steps = Vec::new();
        let mut moved = Vec::new();
        for (cursor, (log, head)) in self.cursors.values().zip(heads) {
            match cursor.compare(head) {
                Moved::No => {}
                Moved::Yes => moved.push((log, cursor.after)),
                Moved::Gone => steps.push((log, Step::lost())),
            }
        }
        let mut failed = None;
        for group in moved.chunks(AT_ONCE) {
            let reads: Vec<_> = group
                .iter()
                .map(|(log, after)| step(store, log, *after, self.page))
                .collect();
            for ((log, _), read) in group.iter().zip(join_all(reads).await) {
                match read {
                    Ok(step) => steps.push((log.clone(), step)),
                    Err(error) => failed = Some(error),
                }
            }
            // The next group would wait for the same outage.
            if failed.as_ref().is_some_and(StoreError::is_retryable) {
                break;
            }
        }
        let events = self.take(steps);
        match failed {
            Some(error) if events.is_empty() => Err(error),
            failed => {
                self.failed = failed;
                Ok(events)
            }
        }
    }

    /// Reads a page of one log, as a wake-up suggests. A log that is not followed gives nothing.
    ///
    /// # Errors
    ///
    /// Those of [`EventStore::read`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has handed out nothing and moved nothing.
    pub async fn look(
        &mut self,
        store: &dyn EventStore,
        log: &LogKey,
    ) -> Result<Vec<TailEvent>, StoreError> {
        let Some(after) = self.position(log) else {
            return Ok(Vec::new());
        };
        let step = step(store, log, after, self.page).await?;
        Ok(self.take(vec![(log.clone(), step)]))
    }

    /// The heads of all logs, in the order of the cursors.
    async fn heads(
        &self,
        store: &dyn EventStore,
    ) -> Result<Vec<(LogKey, Option<Head>)>, StoreError> {
        if self.cursors.is_empty() {
            return Ok(Vec::new());
        }
        let logs: Vec<LogKey> = self.cursors.keys().cloned().collect();
        let heads = store.heads(&logs).await?;
        if heads.len() == logs.len() {
            return Ok(logs.into_iter().zip(heads).collect());
        }
        Err(StoreError::new(
            StoreErrorKind::Corrupt,
            "event.heads",
            "the store answered for another number of logs",
        ))
    }

    /// Moves the cursors and hands out what they passed: nothing is awaited in between.
    fn take(&mut self, steps: Vec<(LogKey, Step)>) -> Vec<TailEvent> {
        let mut taken = Vec::new();
        for (log, step) in steps {
            if let Some(cursor) = self.cursors.get_mut(&log) {
                *cursor = step.cursor;
            }
            if step.gap {
                taken.push(TailEvent::Gap { log: log.clone() });
            }
            taken.extend(step.events.into_iter().map(|event| TailEvent::Event {
                log: log.clone(),
                event,
            }));
        }
        taken
    }
}

enum Moved {
    No,
    Yes,
    /// The log was there and is not any more.
    Gone,
}

impl Cursor {
    fn at(after: Position) -> Self {
        Self { after, more: false }
    }

    fn compare(self, head: Option<Head>) -> Moved {
        match head {
            None if self.after == Position::BEGINNING => Moved::No,
            None => Moved::Gone,
            Some(head) if head.last == self.after => Moved::No,
            Some(head) if self.after == Position::BEGINNING && head.last.seq == 0 => Moved::No,
            Some(_) => Moved::Yes,
        }
    }
}

/// What is new in one log.
struct Step {
    gap: bool,
    events: Vec<Event>,
    cursor: Cursor,
}

impl Step {
    /// Nothing is left. If the log comes back, all of it is new.
    fn lost() -> Self {
        Self {
            gap: true,
            events: Vec::new(),
            cursor: Cursor::at(Position::BEGINNING),
        }
    }
}

/// Reads a page after `after`; after a gap, what lies behind it.
async fn step(
    store: &dyn EventStore,
    log: &LogKey,
    mut after: Position,
    page: ReadLimit,
) -> Result<Step, StoreError> {
    let mut gap = false;
    let mut events = Vec::new();
    let mut more = false;
    // A second gap means that the log is trimmed faster than it is read: leave it for the next call.
    for _ in 0..2 {
        match store.read(log, after, None, page).await? {
            Read::Events {
                events: found,
                more: rest,
                ..
            } => {
                after = found.last().map_or(after, |event| event.position);
                events = found;
                more = rest;
                break;
            }
            Read::Gap { floor, .. } => {
                after = floor;
                gap = true;
                more = true;
            }
            Read::Unknown if after == Position::BEGINNING => break,
            Read::Unknown => return Ok(Step::lost()),
            // Nobody supersedes a read without a generation.
            Read::Superseded => break,
        }
    }
    let cursor = Cursor { after, more };
    Ok(Step {
        gap,
        events,
        cursor,
    })
}
