//! Stores that say what they do: [`Observed`].

use std::{fmt, future::Future, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    Append, Appended, Attached, Audience, Caps, Created, EventStore, Fence, From, Generation, Head,
    InstanceId, Lease, LeaseStore, Listener, LogKey, Notifier, Position, Read, ReadLimit, ReaderId,
    Sealing, SessionChange, SessionId, SessionRecord, SessionStore, StoreError, Ttl, Version,
    Versioned,
};

/// How long calls take: `mcp.store.operation.duration`, by store, operation and outcome.
const DURATION: &str = "mcp.store.operation.duration";

/// Any store, with a span and a measured duration around every call.
///
/// The span `mcp.store` is at level debug and carries the names of the store and of the operation;
/// the histogram `mcp.store.operation.duration` (seconds) has them as labels besides the outcome:
/// `ok`, or the [kind](super::StoreErrorKind) of the error. Neither shows ids or payloads.
///
/// ```
/// use mcp_core::store::{MemorySessionStore, Observed};
///
/// let sessions = Observed::new("memory", MemorySessionStore::new());
/// # drop(sessions);
/// ```
#[derive(Clone)]
pub struct Observed<S> {
    name: &'static str,
    inner: S,
}

impl<S> Observed<S> {
    /// Observes `inner` under a name, for instance `"redis"`.
    #[must_use]
    pub fn new(name: &'static str, inner: S) -> Self {
        Self { name, inner }
    }
}

impl<S: Sync> Observed<S> {
    async fn watch<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let span = tracing::debug_span!("mcp.store", store = self.name, operation);
        let began = now();
        let answer = call.instrument(span).await;
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(error) => error.kind().as_str(),
        };
        let took = metrics::histogram!(
            DURATION, "store" => self.name, "operation" => operation, "outcome" => outcome,
        );
        took.record(began.elapsed());
        answer
    }
}

/// When a call began, for its duration.
fn now() -> Instant {
    Instant::now()
}

impl<S> fmt::Debug for Observed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observed").field(&self.name).finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SessionStore> SessionStore for Observed<S> {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        self.watch("session.create", self.inner.create(record, ttl, caps))
            .await
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        self.watch("session.load", self.inner.load(id)).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        self.watch("session.update", self.inner.update(id, expected, change))
            .await
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        self.watch("session.touch", self.inner.touch(ids)).await
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.watch("session.delete", self.inner.delete(id)).await
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        self.watch("session.list", self.inner.list(after, limit))
            .await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.watch("session.sweep", self.inner.sweep(limit)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: EventStore> EventStore for Observed<S> {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        self.watch("event.append", self.inner.append(log, batch))
            .await
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        self.watch("event.attach", self.inner.attach(log, reader, from))
            .await
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        self.watch("event.read", self.inner.read(log, after, reader, limit))
            .await
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        self.watch("event.heads", self.inner.heads(logs)).await
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        self.watch("event.seal", self.inner.seal(log, last, keep))
            .await
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        self.watch("event.purge", self.inner.purge(session)).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.watch("event.sweep", self.inner.sweep(limit)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Notifier> Notifier for Observed<S> {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError> {
        self.watch("notify.publish", self.inner.publish(audience, log))
            .await
    }

    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        self.watch("notify.listen", self.inner.listen(instance))
            .await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: LeaseStore> LeaseStore for Observed<S> {
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError> {
        self.watch("lease.hold", self.inner.hold(name, holder, ttl, facts))
            .await
    }

    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError> {
        self.watch("lease.renew", self.inner.renew(name, fence, ttl, facts))
            .await
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError> {
        self.watch("lease.release", self.inner.release(name, fence))
            .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        self.watch("lease.list", self.inner.list(prefix)).await
    }
}
