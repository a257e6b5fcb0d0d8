//! Shutting down without losing an answer.

use std::time::Duration;

use tokio::{sync::watch, time::timeout};

use super::{Server, instance::pause};
use crate::store::LogKey;

/// How long the last entries of streams may take to be written.
const LAST_WRITES: Duration = Duration::from_secs(2);

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
        let number = self.phase() as u8;
        metrics::gauge!("mcp.drain.state").set(f64::from(number));
        self.report();
    }

    fn report(&self) {
        let running = u32::try_from(self.running()).unwrap_or(u32::MAX);
        metrics::gauge!("mcp.drain.remaining").set(f64::from(running));
    }

    /// Says again and again what still runs.
    async fn report_running(&self) {
        loop {
            self.report();
            pause(Duration::from_secs(1)).await;
        }
    }

    /// Says that this server is not ready any more, for load balancers. It goes on serving.
    pub fn begin_drain(&self) {
        self.enter(Phase::Draining);
    }

    /// Ends the streams that only listen, with a word on when to come back; requests go on. Many
    /// streams end one after the other, a thousand a second.
    pub fn close_listeners(&self) {
        self.enter(Phase::Draining);
        self.enter(Phase::Closing);
        self.end_listening();
    }

    /// How many requests run in this process.
    #[must_use]
    pub fn running(&self) -> usize {
        let sessions = self.0.sessions.all();
        let of_sessions = sessions.iter().map(|session| session.running_calls());
        of_sessions.sum::<usize>() + self.0.alone.len()
    }

    /// Goes from serving to closed: not ready, `pre_stop_delay`, listeners end, running requests
    /// finish within `drain_timeout`, what is left is answered with an error.
    ///
    /// Returns once the listeners have ended, which is when a transport should stop accepting; the
    /// rest goes on in the background, until [`Phase::Closed`].
    ///
    /// # Cancel safety
    ///
    /// When dropped, the server stays in the phase it has reached.
    pub async fn drain(&self) {
        self.begin_drain();
        pause(self.limits().pre_stop_delay).await;
        self.close_listeners();
        let server = self.clone();
        self.0.tasks.spawn_until_stopped(async move {
            tokio::select! {
                () = pause(server.limits().drain_timeout) => {}
                () = server.report_running() => {}
            }
            server.end_work().await;
        });
    }

    /// Answers what still runs with an error, then ends every stream.
    async fn end_work(&self) {
        self.enter(Phase::Closed);
        let sessions = self.0.sessions.all();
        let of_sessions = sessions.iter().map(|session| session.stop_calls());
        let stopped = of_sessions.sum::<usize>() + self.0.alone.stop();
        if stopped > 0 {
            tracing::warn!(stopped, "requests are ended because the server closes");
        }
        if timeout(LAST_WRITES, self.0.tasks.idle()).await.is_err() {
            tracing::warn!("some streams could not be ended in time");
        }
        for session in self.0.sessions.all() {
            session.end();
        }
        self.0.readers.wake_all();
        self.wake_listeners();
    }

    /// Waits until nothing runs on behalf of a request any more, or the drain timeout is over.
    ///
    /// A transport calls it when its connections have ended: calls whose clients are away still run.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost.
    pub async fn drained(&self) {
        tokio::select! {
            () = self.0.tasks.idle() => {}
            () = self.reached(Phase::Closed) => {}
        }
    }

    /// Ends everything: what still runs is answered with an error, background work stops, the lease
    /// is given back. Sessions stay in the store.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the server is closed but its tasks may still run.
    pub async fn close(&self) {
        self.close_listeners();
        self.end_work().await;
        self.0.tasks.stop();
        self.0.tasks.finished().await;
        if self.0.started.initialized() {
            self.release_lease().await;
        }
    }

    /// Whether the event store answers within a second.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is changed.
    pub async fn store_answers(&self) -> bool {
        let heads = self.0.stores.events.heads(&[LogKey::Config]);
        let answer = timeout(Duration::from_secs(1), heads).await;
        matches!(answer, Ok(Ok(_)))
    }

    /// When a client that is sent away should come back.
    pub(super) fn retry_elsewhere(&self) -> Duration {
        self.limits().stream_retry
    }
}
