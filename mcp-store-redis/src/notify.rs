//! [`Notifier`].

use async_trait::async_trait;
use deadpool_redis::redis::cmd;
use mcp_core::store::{Audience, InstanceId, Listener, LogKey, Notifier, StoreError, WakeUp};

use crate::{
    RedisBackend,
    hub::{Hub, Place},
    message,
};

#[async_trait]
impl Notifier for RedisBackend {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError> {
        let channel = match audience {
            Audience::Everyone => self.keys().everyone(),
            Audience::Instance(instance) => self.keys().instance(instance),
        };
        self.say("notify.publish", &channel, &message::look(log))
            .await
    }

    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        let place = Hub::join(self, self.keys().instance(instance)).await?;
        Ok(Box::new(RedisListener { place }))
    }
}

impl RedisBackend {
    /// Publishes a message. Nobody needs to hear it.
    pub(crate) async fn say(
        &self,
        operation: &'static str,
        channel: &str,
        message: &str,
    ) -> Result<(), StoreError> {
        let mut publish = cmd("PUBLISH");
        publish.arg(channel).arg(message);
        self.begin(operation).command(&publish).await.map(drop)
    }
}

struct RedisListener {
    place: Place,
}

#[async_trait]
impl Listener for RedisListener {
    async fn next(&mut self) -> Option<WakeUp> {
        self.place.ear().next().await
    }
}
