//! Keeps the sessions alive that are in use here, forgets the others, frees what expired.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use super::{
    Inner, Phase, Server,
    instance::{pause, server},
    supervise::Work,
};
use crate::store::SessionId;

/// How many expired things are freed at once.
const SWEEP: usize = 256;

/// How often idle sessions are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Of how many forgotten sessions the store is asked in one turn, so that the others are verified in
/// time.
const FORGOTTEN: usize = 64;

/// Verifies the sessions in use, forgets the others, frees what expired.
pub(super) struct Upkeep {
    inner: Weak<Inner>,
    swept: Instant,
    /// Sessions that have left this process, and whose streams may have nobody left to read them.
    forgotten: VecDeque<SessionId>,
}

impl Work for Upkeep {
    async fn run(&mut self) {
        loop {
            let Some(freshness) = server(&self.inner).map(|server| server.limits().freshness)
            else {
                return;
            };
            pause((freshness / 4).min(Duration::from_secs(1))).await;
            let Some(server) = server(&self.inner) else {
                return;
            };
            self.verify(&server).await;
            server.say_left().await;
            if self.swept.elapsed() >= SWEEP_EVERY {
                self.swept = Instant::now();
                self.sweep(&server).await;
            }
            self.purge(&server).await;
        }
    }
}

impl Upkeep {
    pub(super) fn new(server: &Server) -> Self {
        Self {
            inner: Arc::downgrade(&server.0),
            swept: Instant::now(),
            forgotten: VecDeque::new(),
        }
    }

    /// Touches the sessions in use in one call, and ends those that the store no longer has.
    async fn verify(&mut self, server: &Server) {
        let half = server.limits().freshness / 2;
        let now = server.0.clock.now();
        let mut sessions = server.0.sessions.all();
        for session in sessions.iter().filter(|session| session.is_held()) {
            session.used(now);
        }
        sessions.retain(|session| session.needs_touch(now, half));
        let ids: Vec<_> = sessions
            .iter()
            .map(|session| session.id().clone())
            .collect();
        if ids.is_empty() {
            return;
        }
        let touched = server.0.stores.sessions.touch(&ids).await;
        let touched = match server.noted(touched) {
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
                self.forgotten.push_back(session.id().clone());
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
    async fn sweep(&mut self, server: &Server) {
        let idle = server.limits().session_idle;
        let unused = server.limits().unused_ttl().idle;
        let now = server.0.clock.now();
        for session in server.0.sessions.all() {
            let limit = if session.is_confirmed() { idle } else { unused };
            if !session.is_held() && now.since(session.used_at()) >= limit {
                server.0.sessions.remove(session.id());
                metrics::counter!("mcp.sessions.ended", "reason" => "idle").increment(1);
                self.forgotten.push_back(session.id().clone());
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

    /// Removes the streams of forgotten sessions that the store has no longer: nothing reads them.
    async fn purge(&mut self, server: &Server) {
        let some = self.forgotten.len().min(FORGOTTEN);
        let stores = &server.0.stores;
        for id in self.forgotten.drain(..some) {
            let gone = matches!(stores.sessions.load(&id).await, Ok(None));
            if gone && let Err(error) = stores.events.purge(&id).await {
                tracing::debug!(%error, "streams of an expired session are left to their retention");
            }
        }
    }
}
