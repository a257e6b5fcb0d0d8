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
pub(crate) trait Twist: Clone + Send + Sync + 'static {
    fn publish(
        &self,
        notifier: &MemoryNotifier,
        audience: &Audience,
        log: &LogKey,
    ) -> impl Future<Output = Answer<()>> + Send {
        async move { notifier.publish(audience, log).await }
    }

    fn listen(
        &self,
        notifier: &MemoryNotifier,
        instance: &InstanceId,
    ) -> impl Future<Output = Answer<Ear>> + Send {
        async move { notifier.listen(instance).await }
    }
}

/// A notifier in memory that a [`Twist`] answers for.
pub(crate) struct TwistedNotifier<T>(MemoryNotifier, T);

#[async_trait]
impl<T: Twist> Notifier for TwistedNotifier<T> {
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
pub(super) fn twisted<T: Twist>(
    twist: T,
) -> Broken<Stores, (MemoryEventStore, TwistedNotifier<T>)> {
    troubled(move |_| twist.clone())
}

/// The same with a twist that knows what the harness does to its backend.
pub(super) fn troubled<T: Twist>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Stores, (MemoryEventStore, TwistedNotifier<T>)> {
    broken(stores, move |(events, notifier), troubles| {
        (events, TwistedNotifier(notifier, twist(troubles)))
    })
}

/// A log with a twist, of which each handle has a clone, beside a good notifier.
pub(super) fn twisted_log<T: event::Twist>(
    twist: T,
) -> Broken<Stores, (Twisted<T>, MemoryNotifier)> {
    troubled_log(move |_| twist.clone())
}

/// The same with a twist that knows what the harness does to its backend.
pub(super) fn troubled_log<T: event::Twist>(
    twist: impl Fn(Arc<Troubles>) -> T + Send + Sync + 'static,
) -> Broken<Stores, (Twisted<T>, MemoryNotifier)> {
    broken(stores, move |(events, notifier), troubles| {
        (Twisted(events, twist(troubles)), notifier)
    })
}
