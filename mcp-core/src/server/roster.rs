//! Who listens to a session, at whatever instance: the GET connection that came last hears, the others keep
//! still.
//!
//! It stands in the session's own log: each connection writes that it came, and somebody that it left. All
//! read the same order, so they agree who hears; a wake-up only makes them look earlier than the poll would.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{Limits, Server, entry, listen::GET_STREAM};
use crate::store::{
    Append, Audience, InstanceId, LogKey, Position, Read, ReaderId, Retention, SessionId,
    StoreError, StoreErrorKind,
};

/// What the log keeps. Who came before all of this is taken for gone.
const KEPT: Retention = Retention {
    events: 64,
    bytes: 64 * 1024,
    age: None,
};

/// How many ends wait to be written; while the store is away, those of more connections are forgotten
/// until their instance ends.
const MOST: usize = 4096;

/// How many of them are written in one turn.
const AT_ONCE: usize = 64;

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Presence {
    Came(Who),
    Left(Who),
}

/// A connection, as an entry names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Who {
    instance: InstanceId,
    connection: u64,
}

impl From<&ReaderId> for Who {
    fn from(id: &ReaderId) -> Self {
        Self {
            instance: id.instance.clone(),
            connection: id.connection,
        }
    }
}

impl Who {
    fn is(&self, id: &ReaderId) -> bool {
        self.instance == id.instance && self.connection == id.connection
    }
}

/// The connections of a session, in the order in which they came, as far as the log was read.
#[derive(Debug)]
pub(super) struct Roster {
    present: Vec<ReaderId>,
    after: Position,
}

/// What became of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// It was read to its end.
    Here,
    /// It is another one than before, or none.
    Lost,
    /// Nothing is written to it any more.
    Ended,
}

impl Roster {
    /// Nobody yet.
    pub(super) fn new() -> Self {
        Self {
            present: Vec::new(),
            after: Position::BEGINNING,
        }
    }

    /// Only this connection, whose coming is the first entry.
    pub(super) fn of_one(id: &ReaderId, came: Position) -> Self {
        Self {
            present: vec![id.clone()],
            after: came,
        }
    }

    /// How far the log was read.
    pub(super) fn place(&self) -> Position {
        self.after
    }

    /// Who hears.
    pub(super) fn hearer(&self) -> Option<&ReaderId> {
        self.present.last()
    }

    pub(super) fn has(&self, id: &ReaderId) -> bool {
        self.present.contains(id)
    }

    /// Who heard before this one came.
    pub(super) fn before(&self, id: &ReaderId) -> Option<&ReaderId> {
        let at = self.present.iter().position(|present| present == id)?;
        self.present[..at].last()
    }

    fn note(&mut self, presence: Presence) {
        match presence {
            Presence::Came(who) => {
                let id = ReaderId::new(who.instance, who.connection);
                self.present.push(id);
            }
            Presence::Left(who) => self.present.retain(|id| !who.is(id)),
        }
    }

    /// Reads what was written since.
    pub(super) async fn look(
        &mut self,
        server: &Server,
        log: &LogKey,
    ) -> Result<Looked, StoreError> {
        let events = &server.0.stores.events;
        loop {
            let read = events.read(log, self.after, None, Limits::page()).await;
            match server.noted(read)? {
                Read::Events {
                    events,
                    more,
                    sealed,
                } => {
                    for event in events {
                        self.after = event.position;
                        if let Some(presence) = entry::decode(&event.payload) {
                            self.note(presence);
                        }
                    }
                    if sealed {
                        return Ok(Looked::Ended);
                    }
                    if !more {
                        return Ok(Looked::Here);
                    }
                }
                Read::Gap { floor, .. } => {
                    let begins = self.after == Position::BEGINNING;
                    if !begins && floor.epoch != self.after.epoch {
                        return Ok(Looked::Lost);
                    }
                    self.present.clear();
                    self.after = floor;
                }
                Read::Unknown | Read::Superseded => return Ok(Looked::Lost),
            }
        }
    }
}

/// Connections that have left, and of which that must still be written.
#[derive(Debug, Default)]
pub(crate) struct Left(Mutex<VecDeque<Gone>>);

/// A connection that has left, and how far the log was read by whoever says so.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub(super) session: SessionId,
    pub(super) id: ReaderId,
    pub(super) seen: Position,
}

impl Left {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Gone>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a connection has left, here or at an instance that is gone.
    pub(super) fn note(&self, gone: Gone) {
        let mut left = self.lock();
        let known = left.iter().any(|known| known.id == gone.id);
        if left.len() < MOST && !known {
            left.push_back(gone);
        }
    }
}

/// The log of a session that says who listens to it.
pub(super) fn log(session: &SessionId) -> LogKey {
    LogKey::Stream {
        session: session.clone(),
        stream: GET_STREAM.into(),
    }
}

impl Server {
    /// Writes that a connection came; where that stands.
    pub(super) async fn say_came(
        &self,
        log: &LogKey,
        id: &ReaderId,
    ) -> Result<Position, StoreError> {
        // Said again when it is not known whether it was said.
        let key = format!("{}.{}", id.instance, id.connection);
        self.write_presence(log, &Presence::Came(id.into()), Some(&key), None)
            .await
    }

    /// Writes that connections have left, and wakes who hears instead of them. Some at a time: there is
    /// another turn soon.
    pub(super) async fn say_left(&self) {
        for _ in 0..AT_ONCE {
            let Some(gone) = self.0.left.lock().pop_front() else {
                return;
            };
            if let Err(error) = self.write_left(&gone).await {
                tracing::debug!(%error, "the end of a GET stream is told later");
                if error.is_retryable() {
                    self.0.left.note(gone);
                }
                return;
            }
        }
    }

    async fn write_left(&self, gone: &Gone) -> Result<(), StoreError> {
        let log = &log(&gone.session);
        let left = Presence::Left((&gone.id).into());
        match self.write_presence(log, &left, None, Some(gone.seen)).await {
            // The session has ended, and nobody listens to it.
            Err(error) if error.kind() == StoreErrorKind::Conflict => return Ok(()),
            written => written?,
        };
        let mut roster = Roster::new();
        if roster.look(self, log).await? == Looked::Here
            && let Some(next) = roster.hearer()
        {
            self.wake_at(&next.instance, log).await;
        }
        Ok(())
    }

    async fn write_presence(
        &self,
        log: &LogKey,
        presence: &Presence,
        key: Option<&str>,
        seen: Option<Position>,
    ) -> Result<Position, StoreError> {
        let unwritable = |error: serde_json::Error| {
            StoreError::new(
                StoreErrorKind::InvalidArgument,
                "event.append",
                error.to_string(),
            )
        };
        let events = [entry::encode(presence).map_err(unwritable)?];
        let mut batch = Append::new(&events, KEPT).writer_seen(seen);
        batch.key = key;
        let appended = self.0.stores.events.append(log, batch).await;
        Ok(self.noted(appended)?.last)
    }

    /// Wakes those who read `log` at an instance. A lost word is found by their poll.
    pub(super) async fn wake_at(&self, instance: &InstanceId, log: &LogKey) {
        if instance == self.instance() {
            return self.0.readers.wake(log);
        }
        let audience = Audience::Instance(instance.clone());
        if let Err(error) = self.0.stores.notifier.publish(&audience, log).await {
            tracing::debug!(%error, "a wake-up was not sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(connection: u64) -> ReaderId {
        ReaderId::new(InstanceId::new("a"), connection)
    }

    fn roster(entries: &[(bool, u64)]) -> Roster {
        let mut roster = Roster::new();
        for (comes, connection) in entries {
            let who = Who::from(&id(*connection));
            roster.note(if *comes {
                Presence::Came(who)
            } else {
                Presence::Left(who)
            });
        }
        roster
    }

    #[test]
    fn who_came_last_hears_until_it_leaves() {
        let (came, left) = (true, false);
        assert_eq!(roster(&[]).hearer(), None);
        assert_eq!(roster(&[(came, 1), (came, 2)]).hearer(), Some(&id(2)));
        let second_left = [(came, 1), (came, 2), (left, 2)];
        assert_eq!(roster(&second_left).hearer(), Some(&id(1)));
        let third_came = [(came, 1), (came, 2), (came, 3), (left, 2)];
        assert_eq!(roster(&third_came).hearer(), Some(&id(3)));
        let all_left = [(came, 1), (left, 1), (left, 1)];
        assert_eq!(roster(&all_left).hearer(), None);
    }

    #[test]
    fn who_heard_before_is_the_one_that_came_before() {
        let roster = roster(&[(true, 1), (true, 2), (false, 1), (true, 3)]);
        assert_eq!(roster.before(&id(3)), Some(&id(2)));
        assert_eq!(roster.before(&id(2)), None);
        assert!(roster.has(&id(2)) && !roster.has(&id(1)));
    }

    #[test]
    fn entries_come_back() {
        for presence in [
            Presence::Came((&id(7)).into()),
            Presence::Left((&id(8)).into()),
        ] {
            let bytes = entry::encode(&presence).unwrap();
            assert_eq!(entry::decode(&bytes), Some(presence));
        }
    }
}
