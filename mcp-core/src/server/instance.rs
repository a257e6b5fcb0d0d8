//! What a process does besides serving requests: it reads the logs that concern it, shows that it
//! lives, and keeps the sessions alive that are in use here.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use serde_json::json;
use tokio::time::{Instant, timeout};

use super::{
    Inner, Phase, Server, broadcast,
    entry::{self, Broadcast, InboxEntry},
    session::Session,
};
use crate::store::{self, Fence, InstanceId, Listener, LogKey, Sealed, TailEvent, WakeUp};

/// Every lease of an instance begins with this.
pub(super) const LEASE_PREFIX: &str = "instance/";

/// How many expired things are freed at once.
const SWEEP: usize = 256;

/// The lease under which an instance shows that it lives.
pub(super) fn lease_name(instance: &InstanceId) -> String {
    format!("{LEASE_PREFIX}{instance}")
}

/// Waits for time to pass, where there is no event to wait for.
#[expect(
    clippy::disallowed_methods,
    reason = "the pace of background work and retries"
)]
pub(super) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

fn server(inner: &Weak<Inner>) -> Option<Server> {
    inner.upgrade().map(Server)
}

impl Server {
    /// Begins the background work, once; ready when this process hears what concerns it.
    pub(crate) async fn start(&self) {
        self.0
            .started
            .get_or_init(|| async {
                let inner = Arc::downgrade(&self.0);
                let mut tail = Tail::new(self);
                tail.arm(self).await;
                let upkeep = Upkeep::begin(self).await;
                self.0
                    .tasks
                    .spawn_until_stopped(tail.run(Weak::clone(&inner)));
                self.0.tasks.spawn_until_stopped(upkeep.run(inner));
            })
            .await;
    }

    /// Ends the lease of this instance, so that nobody waits for it to run out.
    pub(super) async fn release_lease(&self) {
        let name = lease_name(self.instance());
        let leases = &self.0.stores.leases;
        let held = leases.list(&name).await.unwrap_or_default();
        for lease in held.iter().filter(|lease| lease.name == name) {
            if let Err(error) = leases.release(&name, lease.fence).await {
                tracing::debug!(%error, "the lease is left to run out");
            }
        }
    }

    /// What others may know of this instance: small, and without secrets.
    fn facts(&self) -> Vec<u8> {
        let facts = json!({
            "id": self.instance(),
            "version": env!("CARGO_PKG_VERSION"),
            "catalogue": self.0.current.get().digest_of_all().to_string(),
            "keys": self.0.key_ids,
            "phase": self.phase() as u8,
        });
        facts.to_string().into_bytes()
    }
}

impl Server {
    /// Nothing reads the streams of a session that the store no longer has.
    async fn purge_if_gone(&self, session: &Session) {
        let gone = matches!(self.0.stores.sessions.load(session.id()).await, Ok(None));
        if gone && let Err(error) = self.0.stores.events.purge(session.id()).await {
            tracing::debug!(%error, "streams of an expired session are left to their retention");
        }
    }
}

/// Reads the inbox and the broadcast logs, and wakes the connections whose streams moved.
struct Tail {
    tails: store::Tail,
    ear: Option<Box<dyn Listener>>,
    armed: bool,
}

impl Tail {
    fn new(server: &Server) -> Self {
        let inbox = LogKey::Inbox(server.instance().clone());
        Self {
            tails: store::Tail::new(broadcast::logs().chain([inbox])),
            ear: None,
            armed: false,
        }
    }

    /// First hears, then looks where the logs stand: nothing can fall between.
    async fn arm(&mut self, server: &Server) {
        if self.ear.is_none() {
            match server.0.stores.notifier.listen(server.instance()).await {
                Ok(ear) => self.ear = Some(ear),
                Err(error) => tracing::warn!(%error, "no wake-ups; the logs are polled"),
            }
        }
        if !self.armed {
            match self.tails.arm(&*server.0.stores.events).await {
                Ok(()) => self.armed = true,
                Err(error) => tracing::warn!(%error, "the logs cannot be read yet"),
            }
        }
    }

    async fn run(mut self, inner: Weak<Inner>) {
        let mut next_poll = Instant::now();
        loop {
            let Some(interval) = server(&inner).map(|server| server.limits().poll) else {
                return;
            };
            let woken = self.wait(next_poll).await;
            let Some(server) = server(&inner) else { return };
            match woken {
                Some(WakeUp::Look(log @ LogKey::Stream { .. })) => server.0.readers.wake(&log),
                Some(WakeUp::Look(log)) => self.look(&server, &log).await,
                Some(WakeUp::MayHaveLost) | None => {
                    next_poll = Instant::now() + interval;
                    self.poll(&server).await;
                }
            }
        }
    }

    /// The next wake-up; `None` when it is time to poll.
    async fn wait(&mut self, until: Instant) -> Option<WakeUp> {
        let Some(ear) = &mut self.ear else {
            tokio::time::sleep_until(until).await;
            return None;
        };
        match tokio::time::timeout_at(until, ear.next()).await {
            Ok(Some(woken)) => Some(woken),
            Ok(None) => {
                self.ear = None;
                Some(WakeUp::MayHaveLost)
            }
            Err(_) => None,
        }
    }

    async fn look(&mut self, server: &Server, log: &LogKey) {
        if !self.armed {
            return self.poll(server).await;
        }
        match self.tails.look(&*server.0.stores.events, log).await {
            Ok(events) => self.handle(server, events).await,
            Err(error) => tracing::warn!(%error, "a log could not be read"),
        }
    }

    async fn poll(&mut self, server: &Server) {
        self.arm(server).await;
        loop {
            match self.tails.poll(&*server.0.stores.events).await {
                Ok(events) => self.handle(server, events).await,
                Err(error) => tracing::warn!(%error, "the logs could not be read"),
            }
            if !self.tails.is_behind() {
                break;
            }
        }
        Self::poll_streams(server).await;
    }

    /// Wakes the connections whose streams moved without a word.
    async fn poll_streams(server: &Server) {
        let logs = server.0.readers.logs();
        if logs.is_empty() {
            return;
        }
        match server.0.stores.events.heads(&logs).await {
            Ok(heads) => {
                for (log, head) in logs.iter().zip(heads) {
                    match head {
                        Some(head) if head.sealed == Sealed::Open => {
                            server.0.readers.wake_behind(log, head.last.seq);
                        }
                        _ => server.0.readers.wake(log),
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the streams could not be looked at"),
        }
    }

    async fn handle(&mut self, server: &Server, events: Vec<TailEvent>) {
        for event in events {
            match event {
                TailEvent::Event { log, event } => match log {
                    LogKey::Inbox(_) => {
                        if let Some(answer) = entry::decode::<InboxEntry>(&event.payload) {
                            server.0.pending.deliver(answer);
                        }
                    }
                    // Only broadcast logs are tailed besides.
                    _ => {
                        if let Some(entry) = entry::decode::<Broadcast>(&event.payload) {
                            server.hear(entry).await;
                        }
                    }
                },
                TailEvent::Gap { .. } => {
                    metrics::counter!("mcp.backplane.gap").increment(1);
                    server.over_notify();
                }
            }
        }
    }
}

/// Renews the lease, verifies the sessions in use, forgets the others, frees what expired.
struct Upkeep {
    lease: Option<Fence>,
    renewed: Instant,
    swept: Instant,
}

impl Upkeep {
    async fn begin(server: &Server) -> Self {
        let mut upkeep = Self {
            lease: None,
            renewed: Instant::now(),
            swept: Instant::now(),
        };
        upkeep.renew(server).await;
        upkeep
    }

    async fn run(mut self, inner: Weak<Inner>) {
        loop {
            let Some(limits) = server(&inner).map(|server| server.limits().clone()) else {
                return;
            };
            pause((limits.freshness / 4).min(Duration::from_secs(1))).await;
            let Some(server) = server(&inner) else { return };
            if self.renewed.elapsed() >= limits.lease * 3 / 10 {
                self.renew(&server).await;
            }
            Self::verify(&server).await;
            if self.swept.elapsed() >= Duration::from_secs(30) {
                self.swept = Instant::now();
                Self::sweep(&server).await;
            }
        }
    }

    /// The time of a lease counts from before its renewal was sent.
    async fn renew(&mut self, server: &Server) {
        self.renewed = Instant::now();
        let name = lease_name(server.instance());
        let (leases, facts) = (&server.0.stores.leases, server.facts());
        let ttl = server.limits().lease;
        let held = match self.lease {
            Some(fence) => leases.renew(&name, fence, ttl, &facts).await,
            None => Ok(false),
        };
        match held {
            Ok(true) => {}
            Ok(false) => match leases
                .hold(&name, server.instance().as_str(), ttl, &facts)
                .await
            {
                Ok(fence) => self.lease = fence,
                Err(error) => tracing::warn!(%error, "the lease was not taken"),
            },
            Err(error) => tracing::warn!(%error, "the lease was not renewed"),
        }
    }

    /// Touches the sessions in use in one call, and ends those that the store no longer has.
    async fn verify(server: &Server) {
        let half = server.limits().freshness / 2;
        let now = server.0.clock.now();
        let mut sessions = server.0.sessions.all();
        sessions.retain(|session| session.needs_touch(now, half));
        let ids: Vec<_> = sessions
            .iter()
            .map(|session| session.id().clone())
            .collect();
        if ids.is_empty() {
            return;
        }
        let touched = match server.0.stores.sessions.touch(&ids).await {
            Ok(touched) => touched,
            Err(error) => {
                tracing::warn!(%error, "sessions could not be verified");
                return;
            }
        };
        for (session, version) in sessions.iter().zip(touched) {
            let Some(version) = version else {
                metrics::counter!("mcp.sessions.ended", "reason" => "gone").increment(1);
                server.forget(session.id());
                server.purge_if_gone(session).await;
                continue;
            };
            session.verified(now);
            if version > session.version()
                && let Err(error) = server.reload(session).await
            {
                tracing::warn!(%error, "a changed session was not read");
            }
        }
    }

    /// Forgets sessions that nobody used here for their idle time; the store decides their end.
    async fn sweep(server: &Server) {
        let idle = server.limits().session_idle;
        let unused = server.limits().unused_ttl().idle;
        let now = server.0.clock.now();
        for session in server.0.sessions.all() {
            let limit = if session.is_confirmed() { idle } else { unused };
            if !session.is_held() && now.since(session.used_at()) >= limit {
                server.0.sessions.remove(session.id());
                metrics::counter!("mcp.sessions.ended", "reason" => "idle").increment(1);
                server.purge_if_gone(&session).await;
            }
        }
        let bound = server.limits().lease;
        let stores = &server.0.stores;
        let swept = timeout(bound, async {
            let sessions = stores.sessions.sweep(SWEEP).await;
            let events = stores.events.sweep(SWEEP).await;
            sessions.and(events)
        });
        if let Ok(Err(error)) = swept.await {
            tracing::debug!(%error, "what expired is left for later");
        }
        if server.phase() == Phase::Running {
            metrics::gauge!("mcp.sessions.active").set(f64::from(
                u32::try_from(server.0.sessions.len()).unwrap_or(u32::MAX),
            ));
        }
    }
}
