//! The lease under which an instance shows that it lives.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

use super::{
    Inner, Server,
    instance::{lease_name, pause, server},
    supervise::Work,
};
use crate::store::{Fence, StoreError};

/// Holds the lease of this instance, and renews it.
pub(super) struct Renewal {
    inner: Weak<Inner>,
    lease: Option<Fence>,
    /// The facts of the lease have changed.
    swapped: Arc<Notify>,
}

impl Renewal {
    /// Takes the lease, if the store can be reached.
    pub(super) async fn begin(server: &Server) -> Self {
        let mut renewal = Self {
            inner: Arc::downgrade(&server.0),
            lease: None,
            swapped: server.0.current.swapped(),
        };
        renewal.renew(server).await;
        renewal
    }

    async fn renew(&mut self, server: &Server) {
        // Whatever the store does after this, the lease is over.
        let bound = server.limits().lease;
        let renewed = timeout(bound, self.try_renew(server)).await;
        match renewed.map(|renewed| server.noted(renewed)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the lease was not renewed"),
            Err(_) => tracing::warn!("the lease was not renewed in time"),
        }
    }

    async fn try_renew(&mut self, server: &Server) -> Result<(), StoreError> {
        let leases = &server.0.stores.leases;
        let name = lease_name(server.instance());
        let (ttl, facts) = (server.limits().lease, server.facts());
        if let Some(fence) = self.lease {
            if leases.renew(&name, fence, ttl, &facts).await? {
                return Ok(());
            }
            tracing::warn!("the lease ran out; others may have given this instance up");
            self.lease = None;
        }
        let holder = server.instance().as_str();
        self.lease = leases.hold(&name, holder, ttl, &facts).await?;
        if self.lease.is_some() {
            return Ok(());
        }
        // Somebody has it: this instance, when it was interrupted before it knew the fence.
        let held = leases.list(&name).await?;
        let own = held
            .into_iter()
            .find(|lease| lease.name == name && lease.holder == holder);
        let Some(own) = own else {
            tracing::error!("another process has the id of this instance");
            return Ok(());
        };
        if leases.renew(&name, own.fence, ttl, &facts).await? {
            self.lease = Some(own.fence);
        }
        Ok(())
    }

    /// Waits until it is time to renew, or there is something new to say.
    async fn wait(&self, lease: Duration) {
        tokio::select! {
            () = pause(self.pace(lease)) => {}
            () = self.swapped.notified() => {}
        }
    }

    /// When to try next: well before the end, sooner when there is no lease.
    fn pace(&self, lease: Duration) -> Duration {
        match self.lease {
            Some(_) => lease * 3 / 10,
            None => lease / 10,
        }
    }
}

impl Work for Renewal {
    async fn run(&mut self) {
        loop {
            let Some(lease) = server(&self.inner).map(|server| server.limits().lease) else {
                return;
            };
            self.wait(lease).await;
            let Some(server) = server(&self.inner) else {
                return;
            };
            self.renew(&server).await;
            if let Err(error) = server.settle_catalogue().await {
                tracing::debug!(%error, "the other catalogues were not looked at");
            }
        }
    }
}
