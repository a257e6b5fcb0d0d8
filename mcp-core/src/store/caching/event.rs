//! Ends of logs kept for a moment: [`CachingEventStore`].

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use super::kept::Kept;
use crate::{
    clock::Clock,
    store::{
        Append, Appended, Attached, Event, EventStore, From, Generation, Head, LogKey, Position,
        Read, ReadLimit, ReaderId, Sealing, SessionId, StoreError,
    },
};

/// An event store whose `read` may answer from memory what will not change: the end of a sealed log.
///
/// A log that may still grow is always read from the store: a cache of it would answer with what was
/// its end. So is a read with a [`Generation`], which acknowledges and may be superseded. What is left
/// are the last pages of sealed logs, read by whoever looks at them without being their reader; such a
/// page is answered from memory for `freshness` at most. Until then a log that another process purged,
/// or whose time is over, may still be seen (EL-18 and EL-19 hold only after `freshness`); what
/// this process seals or purges is forgotten at once.
///
/// A [`Server`](crate::Server) reads each log once, as its reader, and has no use for this; it is for
/// others who look into the store.
///
/// ```
/// use std::time::Duration;
///
/// use mcp_core::store::{CachingEventStore, MemoryEventStore};
///
/// let events = CachingEventStore::new(MemoryEventStore::new(), Duration::from_secs(5), 1_000);
/// # drop(events);
/// ```
pub struct CachingEventStore<S> {
    inner: S,
    kept: Kept<LogKey, Page>,
}

/// The last page of a sealed log.
struct Page {
    after: Position,
    events: Vec<Event>,
}

impl Page {
    /// What a store would answer, or `None` when this page does not begin early enough.
    fn read(&self, after: Position, limit: ReadLimit) -> Option<Read> {
        let begin = if after == self.after {
            0
        } else {
            let mut events = self.events.iter();
            1 + events.position(|event| event.position == after)?
        };
        let rest = self.events.get(begin..)?;
        let mut bytes = 0;
        let fits = rest.iter().enumerate().take(limit.events);
        let fits = fits.take_while(|(index, event)| {
            let fits = *index == 0 || bytes < limit.bytes;
            bytes += event.payload.len();
            fits
        });
        let events: Vec<_> = fits.map(|(_, event)| event.clone()).collect();
        let more = events.len() < rest.len();
        let sealed = !more;
        Some(Read::Events {
            events,
            more,
            sealed,
        })
    }
}

impl<S> CachingEventStore<S> {
    /// Keeps the last pages of at most `most` logs, each for `freshness`.
    ///
    /// A page has as many bytes as its reader's [`ReadLimit`] allowed.
    #[must_use]
    pub fn new(inner: S, freshness: Duration, most: usize) -> Self {
        Self {
            inner,
            kept: Kept::new(freshness, most),
        }
    }

    /// Tells the time that `freshness` is counted by.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.kept.set_clock(clock);
        self
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: EventStore> EventStore for CachingEventStore<S> {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        let seals = batch.seal.is_some();
        let appended = self.inner.append(log, batch).await;
        if seals {
            self.kept.forget(log);
        }
        appended
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        self.inner.attach(log, reader, from).await
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        if reader.is_some() {
            return self.inner.read(log, after, reader, limit).await;
        }
        let known = self.kept.get(log, |page| page.read(after, limit));
        if let Some(page) = known.flatten() {
            return Ok(page);
        }
        let asked = self.kept.asked();
        let read = self.inner.read(log, after, None, limit).await?;
        if let Read::Events {
            events,
            sealed: true,
            ..
        } = &read
        {
            let events = events.clone();
            self.kept.keep(log.clone(), Page { after, events }, asked);
        }
        Ok(read)
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        self.inner.heads(logs).await
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        let sealed = self.inner.seal(log, last, keep).await;
        self.kept.forget(log);
        sealed
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        let purged = self.inner.purge(session).await;
        self.kept.forget_all(
            |log| matches!(log, LogKey::Stream { session: owner, .. } if owner == session),
        );
        purged
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.inner.sweep(limit).await
    }
}

impl<S> fmt::Debug for CachingEventStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingEventStore")
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}
