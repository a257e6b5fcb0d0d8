//! Hearing wrongly.

use std::{
    collections::HashSet,
    fs::File,
    future::pending,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use mcp_core::store::{Audience, InstanceId, Listener, LogKey, MemoryNotifier, Notifier, WakeUp};
use tokio::{runtime::Handle, task::yield_now};

use super::twist::{Answer, Ear, Twist};
use crate::broken::Troubles;

/// A listener begins to listen when it is first asked.
#[derive(Clone)]
pub(super) struct ArmsLate;

#[async_trait]
impl Twist for ArmsLate {
    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        Ok(Box::new(Late(notifier.clone(), instance.clone(), None)))
    }
}

struct Late(MemoryNotifier, InstanceId, Option<Ear>);

#[async_trait]
impl Listener for Late {
    async fn next(&mut self) -> Option<WakeUp> {
        if self.2.is_none() {
            self.2 = self.0.listen(&self.1).await.ok();
        }
        self.2.as_mut()?.next().await
    }
}

/// Leaves out the wake-ups that `heard` is against.
struct Deaf<F>(Ear, F);

#[async_trait]
impl<F: Fn(&WakeUp) -> bool + Send> Listener for Deaf<F> {
    async fn next(&mut self) -> Option<WakeUp> {
        loop {
            let heard = self.0.next().await?;
            if (self.1)(&heard) {
                return Some(heard);
            }
        }
    }
}

/// What a listener cannot keep is forgotten.
#[derive(Clone)]
pub(super) struct NeverSaysThatItLost;

#[async_trait]
impl Twist for NeverSaysThatItLost {
    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        let ear = notifier.listen(instance).await?;
        Ok(Box::new(Deaf(ear, |heard: &WakeUp| {
            *heard != WakeUp::MayHaveLost
        })))
    }
}

/// A process does not hear itself.
#[derive(Default)]
pub(super) struct NoEcho(Arc<Mutex<HashSet<LogKey>>>);

/// Each handle has said other things.
impl Clone for NoEcho {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[async_trait]
impl Twist for NoEcho {
    async fn publish(
        &self,
        notifier: &MemoryNotifier,
        audience: &Audience,
        log: &LogKey,
    ) -> Answer<()> {
        self.0.lock().unwrap().insert(log.clone());
        notifier.publish(audience, log).await
    }

    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        let own = Arc::clone(&self.0);
        let ear = notifier.listen(instance).await?;
        Ok(Box::new(Deaf(ear, move |heard: &WakeUp| match heard {
            WakeUp::Look(log) => !own.lock().unwrap().contains(log),
            WakeUp::MayHaveLost => true,
        })))
    }
}

/// A listener does not survive an outage, and does not say so.
#[derive(Clone)]
pub(super) struct DeafAfterwards(pub(super) Arc<Troubles>);

#[async_trait]
impl Twist for DeafAfterwards {
    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        let before = self.0.outages();
        let troubles = Arc::clone(&self.0);
        let ear = notifier.listen(instance).await?;
        Ok(Box::new(Deaf(ear, move |_: &WakeUp| {
            troubles.outages() == before
        })))
    }
}

/// Every listener has a task that nobody ends.
#[derive(Clone)]
pub(super) struct LeavesATask;

#[async_trait]
impl Twist for LeavesATask {
    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        drop(Handle::current().spawn(pending::<()>()));
        notifier.listen(instance).await
    }
}

/// Every listener has a connection of its own.
#[derive(Clone)]
pub(super) struct OpensAFile;

struct WithFile(Ear, #[expect(dead_code, reason = "it is only held")] File);

#[async_trait]
impl Listener for WithFile {
    async fn next(&mut self) -> Option<WakeUp> {
        self.0.next().await
    }
}

#[async_trait]
impl Twist for OpensAFile {
    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        let ear = notifier.listen(instance).await?;
        Ok(Box::new(WithFile(ear, File::open("/dev/null").unwrap())))
    }
}

/// Who goes takes the subscription of its instance along, whoever else needs it.
#[derive(Clone, Default)]
pub(super) struct TheLastClosesTheDoor(Arc<Mutex<HashSet<String>>>);

struct Closes(Ear, String, Arc<Mutex<HashSet<String>>>);

#[async_trait]
impl Listener for Closes {
    async fn next(&mut self) -> Option<WakeUp> {
        self.0.next().await
    }
}

impl Drop for Closes {
    fn drop(&mut self) {
        self.2.lock().unwrap().remove(&self.1);
    }
}

#[async_trait]
impl Twist for TheLastClosesTheDoor {
    async fn publish(
        &self,
        notifier: &MemoryNotifier,
        audience: &Audience,
        log: &LogKey,
    ) -> Answer<()> {
        match audience {
            Audience::Instance(name) if !self.0.lock().unwrap().contains(name.as_str()) => Ok(()),
            _ => notifier.publish(audience, log).await,
        }
    }

    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        let name = instance.as_str().to_owned();
        self.0.lock().unwrap().insert(name.clone());
        let ear = notifier.listen(instance).await?;
        Ok(Box::new(Closes(ear, name, Arc::clone(&self.0))))
    }
}

/// A wake-up is taken before it can be handed out.
#[derive(Clone)]
pub(super) struct TakesTooEarly;

struct Early(Ear);

#[async_trait]
impl Listener for Early {
    async fn next(&mut self) -> Option<WakeUp> {
        let heard = self.0.next().await;
        yield_now().await;
        heard
    }
}

#[async_trait]
impl Twist for TakesTooEarly {
    async fn listen(&self, notifier: &MemoryNotifier, instance: &InstanceId) -> Answer<Ear> {
        Ok(Box::new(Early(notifier.listen(instance).await?)))
    }
}
