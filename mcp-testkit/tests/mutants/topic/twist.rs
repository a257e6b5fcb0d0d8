//! A notifier with a twist, and one beside a log with a twist.

use std::sync::Arc;

use async_trait::async_trait;
use mcp_core::{
    clock::Clock,
    store::{
        Audience, InstanceId, Listener, LogKey, MemoryEventStore, MemoryNotifier, Notifier,
        StoreError,
    },
};

use crate::{
    broken::{Broken, Troubles, broken},
    event::{self, Twisted},
};

pub(super) type Answer<T> = Result<T, StoreError>;
pub(super) type Ear = Box<dyn Listener>;
type Stores = (MemoryEventStore, MemoryNotifier);

/// What a broken notifier does instead of the right thing; whatever is not overridden is right.
#[async_trait]
pub(crate) trait Twist: Send + Sync + 'static {
    async fn publish(
        &self,
        notifier: &MemoryNotifier,
        audience: &Audience,
        log: &LogKey,
    ) -> Answer<()> {
        notifier.publish(audience, log).await
    }

    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        notifier.listen(instance).await
    }
}

/// A notifier in memory that a [`Twist`] answers for.
pub(crate) struct TwistedNotifier(MemoryNotifier, Arc<dyn Twist>);

#[async_trait]
impl Notifier for TwistedNotifier {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Answer<()> {
        self.1.publish(&self.0, audience, log).await
    }

    async fn listen(&self, instance: &InstanceId) -> Answer<Ear> {
        self.1.listen(&self.0, instance).await
    }
}

fn stores(clock: Arc<dyn Clock>) -> Stores {
    (MemoryEventStore::with_clock(clock), MemoryNotifier::new())
}

/// A good log beside a notifier with a twist, of which each handle has a clone.
pub(super) fn twisted<T: Twist + Clone>(
    twist: T,
) -> Broken<Stores, (MemoryEventStore, TwistedNotifier)> {
    troubled(move |_| twist.clone())
}

/// The same with a twist that knows what the harness does to its backend.
pub(super) fn troubled<T: Twist + Clone>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Stores, (MemoryEventStore, TwistedNotifier)> {
    broken(stores, move |(events, notifier), troubles| {
        (events, TwistedNotifier(notifier, Arc::new(twist(troubles))))
    })
}

/// A log with a twist, of which each handle has a clone, beside a good notifier.
pub(super) fn twisted_log<T: event::Twist + Clone>(
    twist: T,
) -> Broken<Stores, (Twisted, MemoryNotifier)> {
    troubled_log(move |_| twist.clone())
}

/// The same with a twist that knows what the harness does to its backend.
pub(super) fn troubled_log<T: event::Twist + Clone>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Stores, (Twisted, MemoryNotifier)> {
    broken(stores, move |(events, notifier), troubles| {
        (Twisted(events, Arc::new(twist(troubles))), notifier)
    })
}
