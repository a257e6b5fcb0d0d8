//! Memory stores that write down every call.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::{
    server::ServerBuilder,
    store::{
        Append, Appended, Attached, Audience, Caps, Created, EventStore, Fence, From, Generation,
        Head, InstanceId, Lease, LeaseStore, Listener, LogKey, MemoryEventStore, MemoryLeaseStore,
        MemoryNotifier, MemorySessionStore, Notifier, Position, Read, ReadLimit, ReaderId, Sealing,
        SessionChange, SessionId, SessionRecord, SessionStore, StoreError, Ttl, Version, Versioned,
    },
};
use mcp_transport_http::HttpTransport;

use crate::support::until;

/// The names of all calls, of whichever store.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<&'static str>>>);

impl Calls {
    fn note(&self, name: &'static str) {
        self.0.lock().unwrap().push(name);
    }

    /// Every call since the last look.
    pub(crate) fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Waits until the server has joined the others and looked at the logs, which it does once.
    pub(crate) async fn joined(&self) {
        let looked = |calls: &[&str]| calls.iter().filter(|call| **call == "heads").count() == 2;
        until(|| async { looked(&self.0.lock().unwrap()) }).await;
        self.take();
    }

    /// All four stores, written down here.
    pub(crate) fn of(
        &self,
        transport: HttpTransport<ServerBuilder>,
    ) -> HttpTransport<ServerBuilder> {
        transport
            .session_store(Arc::new(self.counted(MemorySessionStore::new())))
            .event_store(Arc::new(self.counted(MemoryEventStore::new())))
            .notifier(Arc::new(self.counted(MemoryNotifier::new())))
            .lease_store(Arc::new(self.counted(MemoryLeaseStore::new())))
    }

    fn counted<S>(&self, store: S) -> Counted<S> {
        let calls = self.clone();
        Counted { calls, store }
    }
}

struct Counted<S> {
    calls: Calls,
    store: S,
}

impl<S> Counted<S> {
    /// The store, after a note of what is asked of it.
    fn at(&self, name: &'static str) -> &S {
        self.calls.note(name);
        &self.store
    }
}

#[async_trait]
impl SessionStore for Counted<MemorySessionStore> {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        self.at("create").create(record, ttl, caps).await
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        self.at("load").load(id).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        self.at("update").update(id, expected, change).await
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        self.at("touch").touch(ids).await
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.at("delete").delete(id).await
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        self.at("list sessions").list(after, limit).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.at("sweep sessions").sweep(limit).await
    }
}

#[async_trait]
impl EventStore for Counted<MemoryEventStore> {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        self.at("append").append(log, batch).await
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        self.at("attach").attach(log, reader, from).await
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        self.at("read").read(log, after, reader, limit).await
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        self.at("heads").heads(logs).await
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        self.at("seal").seal(log, last, keep).await
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        self.at("purge").purge(session).await
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        self.at("sweep logs").sweep(limit).await
    }
}

#[async_trait]
impl Notifier for Counted<MemoryNotifier> {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError> {
        self.at("publish").publish(audience, log).await
    }

    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        self.at("listen").listen(instance).await
    }
}

#[async_trait]
impl LeaseStore for Counted<MemoryLeaseStore> {
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError> {
        self.at("hold").hold(name, holder, ttl, facts).await
    }

    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError> {
        self.at("renew").renew(name, fence, ttl, facts).await
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError> {
        self.at("release").release(name, fence).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        self.at("list leases").list(prefix).await
    }
}
