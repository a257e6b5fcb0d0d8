//! Telling wrongly.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use mcp_core::store::{Audience, InstanceId, LogKey, MemoryNotifier, Notifier, SessionId};
use tokio::task::{block_in_place, yield_now};

use super::twist::{Answer, Twist};
use crate::broken::Troubles;

/// What is meant for one is told to all.
#[derive(Clone)]
pub(super) struct TellsEveryone;

#[async_trait]
impl Twist for TellsEveryone {
    async fn publish(&self, notifier: &MemoryNotifier, _: &Audience, log: &LogKey) -> Answer<()> {
        notifier.publish(&Audience::Everyone, log).await
    }
}

/// What is meant for all is told to one, as from a queue.
#[derive(Clone)]
pub(super) struct TellsOne;

#[async_trait]
impl Twist for TellsOne {
    async fn publish(&self, notifier: &MemoryNotifier, _: &Audience, log: &LogKey) -> Answer<()> {
        let first = Audience::Instance(InstanceId::new("0"));
        notifier.publish(&first, log).await
    }
}

/// Names end where those of the backend do.
#[derive(Clone)]
pub(super) struct CutsNames;

fn cut(name: &str) -> String {
    name.chars().take(63).collect()
}

#[async_trait]
impl Twist for CutsNames {
    async fn publish(
        &self,
        notifier: &MemoryNotifier,
        audience: &Audience,
        log: &LogKey,
    ) -> Answer<()> {
        let log = match log {
            LogKey::Stream { session, stream } => LogKey::Stream {
                session: SessionId::new(cut(session.as_str())),
                stream: cut(stream).into(),
            },
            LogKey::Inbox(instance) => LogKey::Inbox(InstanceId::new(cut(instance.as_str()))),
            other => other.clone(),
        };
        notifier.publish(audience, &log).await
    }
}

/// A wake-up that cannot be sent counts as sent.
#[derive(Clone)]
pub(super) struct SaysItToNobody(pub(super) Arc<Troubles>);

#[async_trait]
impl Twist for SaysItToNobody {
    async fn publish(
        &self,
        notifier: &MemoryNotifier,
        audience: &Audience,
        log: &LogKey,
    ) -> Answer<()> {
        if self.0.is_down() {
            return Ok(());
        }
        notifier.publish(audience, log).await
    }
}

/// Who is given up while it publishes leaves the connection locked.
#[derive(Clone, Default)]
pub(super) struct LeavesALock(Arc<AtomicBool>);

#[async_trait]
impl Twist for LeavesALock {
    async fn publish(
        &self,
        notifier: &MemoryNotifier,
        audience: &Audience,
        log: &LogKey,
    ) -> Answer<()> {
        if self.0.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        yield_now().await;
        let published = notifier.publish(audience, log).await;
        self.0.store(false, Ordering::SeqCst);
        published
    }
}

/// Waits for something else with the thread in its hands.
#[derive(Clone)]
pub(super) struct Blocks;

#[async_trait]
impl Twist for Blocks {
    async fn publish(
        &self,
        notifier: &MemoryNotifier,
        audience: &Audience,
        log: &LogKey,
    ) -> Answer<()> {
        block_in_place(|| ());
        notifier.publish(audience, log).await
    }
}
