//! Cross-process "look at that log": [`Notifier`].

use async_trait::async_trait;

use super::{InstanceId, LogKey, StoreError};

/// Who a wake-up is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a notifier must route each")]
pub enum Audience {
    /// Every process of the namespace.
    Everyone,
    /// One process.
    Instance(InstanceId),
}

/// What a process hears.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a listener must handle each")]
pub enum WakeUp {
    /// Something was appended to this log.
    Look(LogKey),
    /// Wake-ups may have been lost: look at every log you read.
    MayHaveLost,
}

/// Tells other processes that a log moved. Holds nothing.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Wakes the listeners. A wake-up may be lost; the reader's poll finds the event then.
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError>;

    /// Begins to hear what is meant for everyone and for `instance`; armed when it returns.
    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError>;
}

/// One process's ear.
#[async_trait]
pub trait Listener: Send {
    /// The next wake-up; `None` when the notifier is closed for good.
    async fn next(&mut self) -> Option<WakeUp>;
}
