//! From a router to a server.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use serde_json::value::RawValue;
use tokio::sync::OnceCell;
use tower::{Layer, Service};

use super::{
    Inner, KeyRing, Limits, Server, Stores,
    alone::Alone,
    ask::Pending,
    catalogue::Current,
    clients::Clients,
    drain::Phases,
    greeting::Greetings,
    health::Health,
    listen::Listening,
    lookup::Loading,
    metrics::Metrics,
    mint,
    readers::Readers,
    roster::Left,
    secrets::{Holder, Origin},
    session::Sessions,
    subscription::Subscriptions,
    terminate::Endings,
    unsaid::Unsaid,
    unwritten::Offers,
};
use crate::{
    clock::{Clock, SystemClock},
    error::BoxError,
    protocol::Revision,
    router::{BuildError, McpRequest, McpResponse, McpRouter, McpService},
    spawn::Tasks,
    store::{
        Backend, EventStore, InstanceId, LeaseStore, MemoryEventStore, MemoryLeaseStore,
        MemoryNotifier, MemorySessionStore, Notifier, SessionStore,
    },
};

/// Whether the session-oriented revisions get sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionMode {
    /// `initialize` begins a session.
    #[default]
    On,
    /// No session id, no streams to listen to, no store; every request stands alone.
    Off,
}

type OnCatalogue = dyn Fn(&McpRouter, &RawValue) -> Result<McpRouter, BoxError> + Send + Sync;

/// Configures a [`Server`]. Everything has a default: memory stores, finite limits.
#[must_use = "a builder does nothing until `build`"]
pub struct ServerBuilder {
    router: McpRouter,
    limits: Limits,
    clock: Arc<dyn Clock>,
    mode: SessionMode,
    revisions: Vec<Revision>,
    audience: String,
    instance: Option<InstanceId>,
    keys: Option<KeyRing>,
    sessions: Option<Arc<dyn SessionStore>>,
    events: Option<Arc<dyn EventStore>>,
    notifier: Option<Arc<dyn Notifier>>,
    leases: Option<Arc<dyn LeaseStore>>,
    on_catalogue: Option<Box<OnCatalogue>>,
}

impl From<McpRouter> for ServerBuilder {
    fn from(router: McpRouter) -> Self {
        Self {
            router,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            mode: SessionMode::On,
            revisions: Revision::ALL.to_vec(),
            audience: String::new(),
            instance: None,
            keys: None,
            sessions: None,
            events: None,
            notifier: None,
            leases: None,
            on_catalogue: None,
        }
    }
}

impl ServerBuilder {
    /// Keeps sessions in this store instead of in memory.
    pub fn session_store(mut self, store: Arc<dyn SessionStore>) -> Self {
        self.sessions = Some(store);
        self
    }

    /// Keeps streams and answers in this store instead of in memory.
    pub fn event_store(mut self, store: Arc<dyn EventStore>) -> Self {
        self.events = Some(store);
        self
    }

    /// Wakes other instances through this notifier.
    pub fn notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// Shows this instance to others through this store.
    pub fn lease_store(mut self, store: Arc<dyn LeaseStore>) -> Self {
        self.leases = Some(store);
        self
    }

    /// Keeps everything in this backend, which all instances share.
    pub fn backend(self, backend: impl Into<Backend>) -> Self {
        let backend = backend.into();
        self.session_store(backend.sessions)
            .event_store(backend.events)
            .notifier(backend.notifier)
            .lease_store(backend.leases)
    }

    /// Wraps every request in a tower layer, made once; see [`McpRouter::layer`].
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<McpService> + Clone + Send + Sync + 'static,
        L::Service: Service<McpRequest, Response = McpResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<McpRequest>>::Error: Into<BoxError>,
        <L::Service as Service<McpRequest>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    /// Replaces every bound.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Changes some bounds.
    pub fn with_limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// A session ends when it has not been used for this long. Default 30 minutes.
    pub fn session_ttl(mut self, ttl: Duration) -> Self {
        self.limits.session_idle = ttl;
        self
    }

    /// Sessions that this process holds at most, see [`Limits::sessions`]. Default 10 000.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.limits.sessions = sessions;
        self
    }

    /// With or without sessions.
    pub fn sessions(mut self, mode: SessionMode) -> Self {
        self.mode = mode;
        self
    }

    /// The revisions to speak. Default: all.
    pub fn revisions(mut self, revisions: impl IntoIterator<Item = Revision>) -> Self {
        self.revisions = revisions.into_iter().collect();
        self.revisions.sort_unstable();
        self.revisions.dedup();
        self
    }

    /// Names this deployment in what it seals for clients, so that another one that has the same keys
    /// does not accept it. Default: nothing.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// The secrets shared by all instances. Default: those that stand in the store, when sessions and
    /// events are in one; else random, good for this process only.
    pub fn state_keys(mut self, keys: KeyRing) -> Self {
        self.keys = Some(keys);
        self
    }

    /// The id of this start of the process. Default: random. Must never be used twice.
    pub fn instance(mut self, id: InstanceId) -> Self {
        self.instance = Some(id);
        self
    }

    /// Tells the time to everything this process decides by itself.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the next router from the present one and the payload of
    /// [`Server::change_catalogue`]. Runs on every instance, in the order of the changes; must give
    /// the same router everywhere.
    pub fn on_catalogue(
        mut self,
        change: impl Fn(&McpRouter, &RawValue) -> Result<McpRouter, BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.on_catalogue = Some(Box::new(change));
        self
    }

    /// What does not work between instances with what was given, a sentence each.
    fn gaps(&self) -> Vec<&'static str> {
        let given = [
            (
                self.events.is_none(),
                "`session_store` without `event_store`: streams and answers stay in this process, so \
                 another instance resumes no stream and hears of no cancellation",
            ),
            (
                self.notifier.is_none(),
                "`session_store` without `notifier`: instances hear of each other only at their next poll",
            ),
            (
                self.leases.is_none(),
                "`session_store` without `lease_store`: instances do not know of each other, so a stream \
                 whose instance is gone does not end",
            ),
            (
                self.keys.is_none() && self.events.is_none(),
                "`session_store` without `event_store` or `state_keys`: the keys are random, so another \
                 instance, or this one after a restart, does not recognise the ids of these sessions",
            ),
        ];
        if self.mode == SessionMode::Off {
            return Vec::new();
        }
        if self.sessions.is_none() {
            let alone = "`event_store` without `session_store`: sessions stay in this process, so nobody \
                         else can read their streams";
            return self.events.iter().map(|_| alone).collect();
        }
        let missing = given.into_iter().filter(|(missing, _)| *missing);
        missing.map(|(_, gap)| gap).collect()
    }

    /// Builds the server. Its background work begins with its first session.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the router or a setting contradicts itself.
    pub fn build(self) -> Result<Server, BuildError> {
        for gap in self.gaps() {
            tracing::warn!("{gap}");
        }
        let limits = self.limits.checked()?;
        let instance = self.instance.unwrap_or_else(mint::instance_id);
        check(&instance)?;
        if self.revisions.is_empty() {
            return Err(BuildError::NoRevision);
        }
        let shared = self.sessions.is_some();
        let origin = match self.keys {
            Some(ring) => Origin::Given(ring),
            None if shared && self.events.is_some() => Origin::Namespace,
            None => Origin::Given(KeyRing::random()),
        };
        let clock = &self.clock;
        let stores = Stores {
            sessions: self
                .sessions
                .unwrap_or_else(|| Arc::new(MemorySessionStore::with_clock(Arc::clone(clock)))),
            events: self
                .events
                .unwrap_or_else(|| Arc::new(MemoryEventStore::with_clock(Arc::clone(clock)))),
            notifier: self
                .notifier
                .unwrap_or_else(|| Arc::new(MemoryNotifier::new())),
            leases: self
                .leases
                .unwrap_or_else(|| Arc::new(MemoryLeaseStore::with_clock(Arc::clone(clock)))),
            shared,
        };
        Ok(Server(Arc::new(Inner {
            instance,
            current: Current::new(self.router, self.on_catalogue)?,
            metrics: Metrics::new(&self.revisions),
            limits,
            clock: self.clock,
            revisions: self.revisions,
            mode: self.mode,
            stores,
            sessions: Sessions::default(),
            clients: Clients::default(),
            greetings: Greetings::default(),
            left: Left::default(),
            alone: Alone::default(),
            loading: Loading::default(),
            pending: Pending::default(),
            endings: Endings::default(),
            readers: Readers::default(),
            listening: Listening::default(),
            subscriptions: Subscriptions::default(),
            secrets: Holder::new(origin, self.audience),
            health: Health::default(),
            unsaid: Unsaid::default(),
            offers: Offers::default(),
            phases: Phases::default(),
            tasks: Tasks::default(),
            started: OnceCell::new(),
            counter: AtomicU64::new(1),
        })))
    }
}

/// Whether the id may stand in event ids and names of leases.
fn check(instance: &InstanceId) -> Result<(), BuildError> {
    let name = instance.as_str();
    let mut bytes = name.bytes();
    let legal = bytes.all(|byte| byte.is_ascii_graphic() && byte != b'.');
    if !legal || !(1..=64).contains(&name.len()) {
        return Err(BuildError::InvalidInstance(name.to_owned()));
    }
    Ok(())
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("limits", &self.limits)
            .field("mode", &self.mode)
            .field("revisions", &self.revisions)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> ServerBuilder {
        ServerBuilder::from(McpRouter::new())
    }

    #[test]
    fn memory_alone_lacks_nothing() {
        assert!(builder().gaps().is_empty());
    }

    #[test]
    fn shared_sessions_alone_lack_what_instances_need() {
        let sessions = builder().session_store(Arc::new(MemorySessionStore::new()));
        let gaps = sessions.gaps();
        for missing in [
            "event_store",
            "notifier",
            "lease_store",
            "event_store` or `state_keys",
        ] {
            let named = format!("without `{missing}`");
            assert!(gaps.iter().any(|gap| gap.contains(&named)), "{missing}");
        }
        let all = sessions
            .event_store(Arc::new(MemoryEventStore::new()))
            .notifier(Arc::new(MemoryNotifier::new()))
            .lease_store(Arc::new(MemoryLeaseStore::new()));
        assert!(all.gaps().is_empty());
    }

    #[test]
    fn shared_streams_of_sessions_that_are_not_shared_are_pointless() {
        let events = builder().event_store(Arc::new(MemoryEventStore::new()));
        let gaps = events.gaps();
        assert_eq!(gaps.len(), 1);
        assert!(gaps[0].contains("`event_store` without `session_store`"));
    }
}
