//! What a process does besides serving requests: it reads the logs that concern it, shows that it
//! lives, and keeps the sessions alive that are in use here.

use std::{sync::Weak, time::Duration};

use tokio::{sync::oneshot, time::timeout};

use super::{Inner, Server, renewal::Renewal, supervise::supervise, tail::Tail, upkeep::Upkeep};
use crate::store::InstanceId;

/// Every lease of an instance begins with this.
pub(super) const LEASE_PREFIX: &str = "instance/";

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

/// The server, unless it has been dropped.
pub(super) fn server(inner: &Weak<Inner>) -> Option<Server> {
    inner.upgrade().map(Server)
}

/// How long a transport waits for the background work to begin before it serves without it.
const BEGINNING: Duration = Duration::from_secs(1);

impl Server {
    /// Joins the other instances, if the stores are shared: a transport calls this before it accepts
    /// connections, so that the first request finds what the others know.
    ///
    /// Returns after a second at most. When the store is away, the server goes on trying, and serves
    /// what it can meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Safe: the joining goes on in the background.
    pub async fn join(&self) {
        if self.has_joined() {
            return;
        }
        let (done, joined) = oneshot::channel();
        let server = self.clone();
        self.0.tasks.spawn_until_stopped(async move {
            server.start().await;
            // What the store was asked for too early is asked for again.
            if let Err(error) = server.secrets().await {
                tracing::debug!(%error, "the shared keys are not known yet");
            }
            // Whoever waited may have given up.
            let _: Result<(), ()> = done.send(());
        });
        if timeout(BEGINNING, joined).await.is_err() {
            tracing::warn!("the store does not answer; joining goes on");
        }
    }

    /// Whether this server hears what concerns it and knows what all instances share, which takes a store
    /// that has answered; always, when it shares nothing.
    #[must_use]
    pub fn has_joined(&self) -> bool {
        let heard = self.0.started.initialized() && self.0.health.has_answered();
        !self.0.stores.shared || (heard && self.known_secrets().is_some())
    }

    /// Begins the background work, once; ready when this process hears what concerns it.
    pub(crate) async fn start(&self) {
        self.0
            .started
            .get_or_init(|| async {
                if let Err(error) = self.secrets().await {
                    tracing::warn!(%error, "the shared keys are not known yet");
                }
                let tail = Tail::begin(self).await;
                let renewal = Renewal::begin(self).await;
                self.compare_with_others().await;
                let tasks = &self.0.tasks;
                tasks.spawn_until_stopped(supervise("tail", tail));
                // Its own task: a slow session store must not cost the lease.
                tasks.spawn_until_stopped(supervise("renewal", renewal));
                tasks.spawn_until_stopped(supervise("upkeep", Upkeep::new(self)));
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
}
