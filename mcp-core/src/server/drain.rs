//! Shutting down without losing an answer.

use std::time::Duration;

use tokio::sync::watch;

use super::Server;

/// Where a server stands between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// Serves everything.
    Running,
    /// Says that it is not ready, serves what comes.
    Draining,
    /// Ends its idle streams; running requests go on.
    Closing,
    /// Ends everything.
    Closed,
}

/// The phase, and everyone who waits for the next.
#[derive(Debug)]
pub(crate) struct Phases(watch::Sender<Phase>);

impl Default for Phases {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Running))
    }
}

impl Server {
    /// Where this server stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.0.phases.0.borrow()
    }

    /// Waits until the server has come to `phase`.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost.
    pub async fn reached(&self, phase: Phase) {
        let mut phases = self.0.phases.0.subscribe();
        // The sender lives as long as this server.
        let _ = phases.wait_for(|now| *now >= phase).await;
    }

    fn enter(&self, phase: Phase) {
        self.0.phases.0.send_if_modified(|now| {
            let later = phase > *now;
            *now = (*now).max(phase);
            later
        });
    }

    /// Says that this server is not ready any more, for load balancers. It goes on serving.
    pub fn begin_drain(&self) {
        self.enter(Phase::Draining);
    }

    /// Ends the streams that only listen, with a word on when to come back; requests go on.
    pub fn close_listeners(&self) {
        self.enter(Phase::Draining);
        self.enter(Phase::Closing);
        self.wake_listeners();
    }

    /// How many requests run in this process.
    #[must_use]
    pub fn running(&self) -> usize {
        let sessions = self.0.sessions.all();
        sessions.iter().map(|session| session.running_calls()).sum()
    }

    /// Ends everything: what still runs is cancelled, background work stops, the lease is given back.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the server is closed but its tasks may still run.
    pub async fn close(&self) {
        self.close_listeners();
        self.enter(Phase::Closed);
        for session in self.0.sessions.all() {
            session.end();
        }
        self.wake_listeners();
        self.0.tasks.stop();
        self.0.tasks.finished().await;
        if self.0.started.initialized() {
            self.release_lease().await;
        }
    }

    /// When a client that is sent away should come back.
    pub(super) fn retry_elsewhere(&self) -> Duration {
        self.limits().stream_retry
    }
}
