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
///
/// # Contract
///
/// The notifier, whatever it speaks through:
///
/// * BP-01: `listen` returns when it is armed: what is published from then on is heard.
/// * BP-04: a wake-up is heard, or [`WakeUp::MayHaveLost`] is, also across a reconnect.
/// * BP-06: a slow listener holds back neither publishers nor other listeners; what it cannot keep
///   becomes one `MayHaveLost`.
/// * BP-07: a dropped listener leaves nothing behind.
/// * BP-08: the last listener that goes does not deafen the one that comes.
/// * BP-09: a process hears its own wake-ups.
/// * BP-11, BP-12: no log is mistaken for another, and namespaces do not hear each other.
/// * BP-13, BP-14: a connection that went deaf is noticed and replaced, or the listener ends.
/// * BP-15: a restart, a failover or forgotten scripts of the backend need no restart of the process.
/// * BP-17, BP-18: what it does not understand is skipped.
/// * BP-19: a process uses a fixed small number of channels.
/// * BP-21: what is dropped ends, also without a backend.
///
/// The caller:
///
/// * BP-16: polls as well; a wake-up makes it look earlier and is not needed for anything.
/// * Publishes after the append returned, and does not fail when publishing does.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Wakes the listeners. A wake-up may be lost; the reader's poll finds the event then.
    ///
    /// # Errors
    ///
    /// BP-20: `Unavailable` or `Unknown` when the backend fails. Never reported as success.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the listeners were woken or not.
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError>;

    /// Begins to hear what is meant for everyone and for `instance`; armed when it returns.
    ///
    /// # Errors
    ///
    /// Only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it leaves nothing behind.
    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError>;
}

/// One process's ear.
#[async_trait]
pub trait Listener: Send {
    /// The next wake-up; `None` when the notifier is closed for good.
    ///
    /// The same log may be named once for several wake-ups.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has lost nothing: the next call gives the same.
    async fn next(&mut self) -> Option<WakeUp>;
}
