//! [`Notifier`] by NOTIFY and LISTEN.

use std::sync::Arc;

use async_trait::async_trait;
use mcp_core::store::{Audience, InstanceId, Listener, LogKey, Notifier, StoreError, WakeUp};

use crate::{PostgresBackend, ear::Ear, hub::Hub, message};

#[async_trait]
impl Notifier for PostgresBackend {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError> {
        let Some(publisher) = self.publisher() else {
            return Ok(());
        };
        let channel = match audience {
            Audience::Everyone => self.space().everyone(),
            Audience::Instance(instance) => self.space().instance(instance),
        };
        publisher.send(channel, message::look(log)).await
    }

    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        let Some(hub) = self.hub() else {
            return Ok(Box::new(Quiet));
        };
        let ear = hub.listen(instance).await?;
        let _hub = Arc::clone(hub);
        Ok(Box::new(PostgresListener { ear, _hub }))
    }
}

struct PostgresListener {
    ear: Arc<Ear>,
    /// Hears as long as somebody has it.
    _hub: Arc<Hub>,
}

#[async_trait]
impl Listener for PostgresListener {
    async fn next(&mut self) -> Option<WakeUp> {
        self.ear.next().await
    }
}

/// The listener of a process that only polls.
struct Quiet;

#[async_trait]
impl Listener for Quiet {
    async fn next(&mut self) -> Option<WakeUp> {
        std::future::pending().await
    }
}
