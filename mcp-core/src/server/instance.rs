//! What a process does besides serving requests: it reads the logs that concern it, shows that it
//! lives, and keeps the sessions alive that are in use here.

use std::{sync::Weak, time::Duration};

use serde_json::json;

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

impl Server {
    /// Begins the background work, once; ready when this process hears what concerns it.
    pub(crate) async fn start(&self) {
        self.0
            .started
            .get_or_init(|| async {
                let tail = Tail::begin(self).await;
                let renewal = Renewal::begin(self).await;
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

    /// What others may know of this instance: small, and without secrets.
    pub(super) fn facts(&self) -> Vec<u8> {
        let secrets = self.known_secrets();
        let facts = json!({
            "id": self.instance(),
            "version": env!("CARGO_PKG_VERSION"),
            "catalogue": self.0.current.get().digest_of_all().to_string(),
            "keys": secrets.as_ref().map(|secrets| &secrets.key_ids),
            "phase": self.phase() as u8,
        });
        facts.to_string().into_bytes()
    }
}
