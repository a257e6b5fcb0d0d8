//! Stores that misbehave, and a clock that goes with the paused time of a test.

use std::{future::pending, panic::panic_any, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::{
    clock::{Clock, Timestamp},
    store::{
        Append, Appended, Attached, Caps, Created, EventStore, Fence, From, Generation, Head,
        Lease, LeaseStore, LogKey, Position, Read, ReadLimit, ReaderId, Sealing, SessionChange,
        SessionId, SessionRecord, SessionStore, StoreError, StoreErrorKind, Ttl, Version,
        Versioned,
    },
};
use tokio::{task::yield_now, time::Instant};

/// What goes wrong with a store call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The backend is away.
    Away,
    Panic,
    /// No answer, ever.
    Hang,
    /// Others run first.
    Yield,
    /// It is done, but no answer comes.
    HangAfterwards,
}

type Hook = dyn Fn(&'static str) -> Fault + Send + Sync;

/// A store that goes wrong as its hook says, by the name of the call.
pub(crate) struct Faulty<S> {
    inner: S,
    hook: Box<Hook>,
}

impl<S: Sync> Faulty<S> {
    pub(crate) fn new(
        inner: S,
        hook: impl Fn(&'static str) -> Fault + Send + Sync + 'static,
    ) -> Arc<Self> {
        let hook = Box::new(hook);
        Arc::new(Self { inner, hook })
    }

    #[expect(clippy::panic, reason = "a panic is what this fault is")]
    async fn run<T: Send>(
        &self,
        call: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match (self.hook)(call) {
            Fault::None => work.await,
            Fault::Away => Err(StoreError::new(StoreErrorKind::Unavailable, call, "away")),
            Fault::Panic => panic_any(call),
            Fault::Hang => pending().await,
            Fault::Yield => {
                yield_now().await;
                work.await
            }
            Fault::HangAfterwards => {
                work.await?;
                pending().await
            }
        }
    }
}

#[async_trait]
impl<S: EventStore> EventStore for Faulty<S> {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        self.run("append", self.inner.append(log, batch)).await
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        self.run("attach", self.inner.attach(log, reader, from))
            .await
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        self.run("read", self.inner.read(log, after, reader, limit))
            .await
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        self.run("heads", self.inner.heads(logs)).await
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        self.run("seal", self.inner.seal(log, last, keep)).await
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        self.run("purge", self.inner.purge(session)).await
    }
}

#[async_trait]
impl<S: SessionStore> SessionStore for Faulty<S> {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        self.run("create", self.inner.create(record, ttl, caps))
            .await
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        self.run("load", self.inner.load(id)).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        self.run("update", self.inner.update(id, expected, change))
            .await
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        self.run("touch", self.inner.touch(ids)).await
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.run("delete", self.inner.delete(id)).await
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        self.run("list", self.inner.list(after, limit)).await
    }
}

#[async_trait]
impl<S: LeaseStore> LeaseStore for Faulty<S> {
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError> {
        self.run("hold", self.inner.hold(name, holder, ttl, facts))
            .await
    }

    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError> {
        self.run("renew", self.inner.renew(name, fence, ttl, facts))
            .await
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError> {
        self.run("release", self.inner.release(name, fence)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        self.run("leases", self.inner.list(prefix)).await
    }
}

/// Shows the time of the runtime, which a test pauses and moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PausedClock(Instant);

impl PausedClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_000_000) + self.0.elapsed()
    }
}

/// Lets paused time go on, with everything that happens meanwhile.
pub(crate) async fn pass(time: Duration) {
    let _ = tokio::time::timeout(time, pending::<()>()).await;
}
