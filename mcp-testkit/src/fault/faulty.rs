//! A store that misbehaves on purpose: [`Faulty`].

use std::{
    fmt,
    future::{Future, pending},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::store::{
    Append, Appended, Attached, Audience, Caps, Created, EventStore, Fence, From, Generation, Head,
    InstanceId, Lease, LeaseStore, Listener, LogKey, Notifier, Position, Read, ReadLimit, ReaderId,
    Sealing, SessionChange, SessionId, SessionRecord, SessionStore, StoreError, StoreErrorKind,
    Ttl, Version, Versioned,
};
use tokio::time::sleep;

use super::plan::{Fault, FaultPlan, Op};

/// A store between its user and a good one, which misbehaves as planned: for tests of servers, of
/// handlers, of whatever uses stores.
///
/// It has every store trait that the inner one has. A clone misbehaves by the same plan and count.
///
/// ```
/// use mcp_core::store::{MemorySessionStore, SessionId, SessionStore, StoreErrorKind};
/// use mcp_testkit::fault::{FaultPlan, Faulty, Op};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_core::BoxError> {
/// let plan = FaultPlan::none().on(Op::Load).nth(2).fail(StoreErrorKind::Unavailable);
/// let store = Faulty::new(MemorySessionStore::new(), plan);
/// let id = SessionId::new("s");
/// assert!(store.load(&id).await?.is_none());
/// assert!(store.load(&id).await.is_err());
/// assert!(store.load(&id).await?.is_none());
/// assert_eq!(store.calls(), [Op::Load, Op::Load, Op::Load]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Faulty<S> {
    inner: S,
    plan: FaultPlan,
    calls: Arc<Mutex<Vec<Op>>>,
}

impl<S> Faulty<S> {
    /// `inner`, misbehaving as `plan` says.
    pub fn new(inner: S, plan: FaultPlan) -> Self {
        Self {
            inner,
            plan,
            calls: Arc::default(),
        }
    }

    /// Every call so far, in order, also those that failed.
    #[must_use]
    pub fn calls(&self) -> Vec<Op> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.clone()
    }

    /// What the next call of `op` has to suffer.
    fn count(&self, op: Op) -> Option<Fault> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(op);
        let number = calls.iter().filter(|call| **call == op).count();
        self.plan
            .fault(op, u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl<S: Sync> Faulty<S> {
    async fn through<T: Send>(
        &self,
        op: Op,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.count(op) {
            None => call.await,
            Some(Fault::Fail(kind)) => Err(StoreError::new(kind, op.as_str(), "made to fail")),
            Some(Fault::Hang) => pending().await,
            Some(Fault::Delay(time)) => {
                wait(time).await;
                call.await
            }
            Some(Fault::LoseReply) => {
                call.await?;
                let (kind, message) = (StoreErrorKind::Unknown, "the reply was lost");
                Err(StoreError::new(kind, op.as_str(), message))
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a slow store is what this is for; tests pause the time"
)]
async fn wait(time: Duration) {
    sleep(time).await;
}

impl<S: fmt::Debug> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty")
            .field("inner", &self.inner)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: SessionStore> SessionStore for Faulty<S> {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        let call = self.inner.create(record, ttl, caps);
        self.through(Op::Create, call).await
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        self.through(Op::Load, self.inner.load(id)).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        let call = self.inner.update(id, expected, change);
        self.through(Op::Update, call).await
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        self.through(Op::Touch, self.inner.touch(ids)).await
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.through(Op::Delete, self.inner.delete(id)).await
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        let call = self.inner.list(after, limit);
        self.through(Op::ListSessions, call).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let call = self.inner.sweep(limit);
        self.through(Op::SweepSessions, call).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: EventStore> EventStore for Faulty<S> {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        self.through(Op::Append, self.inner.append(log, batch))
            .await
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        let call = self.inner.attach(log, reader, from);
        self.through(Op::Attach, call).await
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        let call = self.inner.read(log, after, reader, limit);
        self.through(Op::Read, call).await
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        self.through(Op::Heads, self.inner.heads(logs)).await
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        self.through(Op::Seal, self.inner.seal(log, last, keep))
            .await
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        self.through(Op::Purge, self.inner.purge(session)).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.through(Op::SweepLogs, self.inner.sweep(limit)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Notifier> Notifier for Faulty<S> {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError> {
        let call = self.inner.publish(audience, log);
        self.through(Op::Publish, call).await
    }

    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        self.through(Op::Listen, self.inner.listen(instance)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: LeaseStore> LeaseStore for Faulty<S> {
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError> {
        let call = self.inner.hold(name, holder, ttl, facts);
        self.through(Op::Hold, call).await
    }

    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError> {
        let call = self.inner.renew(name, fence, ttl, facts);
        self.through(Op::Renew, call).await
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError> {
        self.through(Op::Release, self.inner.release(name, fence))
            .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        self.through(Op::ListLeases, self.inner.list(prefix)).await
    }
}
