//! What a transport serves: a router, the stores, and everything between them.
//!
//! A transport frames bytes and maps outcomes to its own status codes; the rest is here. The way of
//! a message: [`Server::session`] finds the session, [`Server::call`] runs a request,
//! [`Outcome`] says how its reply begins.

mod alone;
mod answer;
mod ask;
mod broadcast;
mod builder;
mod call;
mod catalogue;
mod clients;
mod closing;
mod complete;
mod connection;
mod drain;
mod entry;
mod event_stream;
mod facts;
mod get_stream;
mod greeting;
mod handle;
mod handover;
mod health;
mod initialize;
mod instance;
mod keys;
mod limits;
mod listen;
mod lookup;
mod lost;
mod metrics;
mod mint;
mod notice;
mod notification;
mod outbox;
mod pace;
mod reader;
mod readers;
mod refusal;
mod renewal;
mod roster;
mod secrets;
mod session;
mod sessionless;
mod state;
mod stream;
mod subscription;
mod supervise;
mod tail;
mod terminate;
mod unsaid;
mod unwritten;
mod upkeep;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use tokio::sync::OnceCell;

use self::{
    alone::Alone, ask::Pending, catalogue::Current, clients::Clients, drain::Phases,
    greeting::Greetings, health::Health, listen::Listening, lookup::Loading, metrics::Metrics,
    readers::Readers, roster::Left, secrets::Holder, session::Sessions,
    subscription::Subscriptions, terminate::Endings, unsaid::Unsaid, unwritten::Offers,
};
use crate::{
    clock::Clock,
    protocol::Revision,
    spawn::Tasks,
    store::{EventStore, InstanceId, LeaseStore, Notifier, SessionStore},
};

pub(crate) use self::{
    ask::ask,
    call::Link,
    connection::Opened,
    entry::raw,
    notification::change_session,
    outbox::{Outbox, Outgoing},
    state::{Binding, SealedJournal},
};
pub use self::{
    builder::{ServerBuilder, SessionMode},
    call::{Call, Caller, Outcome, Reply},
    drain::Phase,
    event_stream::{EventStream, StreamEvent},
    handle::{SessionHandle, SessionInfo},
    initialize::Initialized,
    keys::{KeyRing, KeyRingError},
    limits::Limits,
    lookup::{SessionRef, Surface},
    refusal::{Refusal, RefusalKind},
};

/// A running server: one router, its stores, its sessions. Cheap to clone; all clones are one server.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

pub(crate) struct Inner {
    instance: InstanceId,
    limits: Limits,
    clock: Arc<dyn Clock>,
    revisions: Vec<Revision>,
    mode: SessionMode,
    stores: Stores,
    sessions: Sessions,
    clients: Clients,
    greetings: Greetings,
    left: Left,
    alone: Alone,
    loading: Loading,
    pending: Pending,
    endings: Endings,
    readers: Readers,
    listening: Listening,
    subscriptions: Subscriptions,
    secrets: Holder,
    current: Current,
    health: Health,
    unsaid: Unsaid,
    offers: Offers,
    phases: Phases,
    metrics: Metrics,
    tasks: Tasks,
    started: OnceCell<()>,
    counter: AtomicU64,
}

/// Where the state of this server lives.
pub(crate) struct Stores {
    sessions: Arc<dyn SessionStore>,
    events: Arc<dyn EventStore>,
    notifier: Arc<dyn Notifier>,
    leases: Arc<dyn LeaseStore>,
    /// The session store was given, so other instances may share it.
    shared: bool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Server {
    /// Begins a server for a router.
    pub fn builder(router: impl Into<ServerBuilder>) -> ServerBuilder {
        router.into()
    }

    /// The id of this start of the process.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        &self.0.instance
    }

    /// The bounds of this server.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The time that this server goes by.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The revisions this server speaks, oldest first.
    #[must_use]
    pub fn revisions(&self) -> &[Revision] {
        &self.0.revisions
    }

    /// Whether this server keeps sessions.
    #[must_use]
    pub fn session_mode(&self) -> SessionMode {
        self.0.mode
    }

    /// A handle to look at the sessions of this process.
    #[must_use]
    pub fn sessions(&self) -> SessionHandle {
        SessionHandle::new(self.clone())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("instance", &self.0.instance)
            .field("sessions", &self.0.sessions.len())
            .finish_non_exhaustive()
    }
}
