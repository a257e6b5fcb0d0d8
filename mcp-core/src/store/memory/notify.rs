//! [`MemoryNotifier`].

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::shard::lock;
use crate::store::{Audience, InstanceId, Listener, LogKey, Notifier, StoreError, WakeUp};

/// How many different logs wait for a listener before it is told to look at all of them.
const WAITING: usize = 256;

/// Wake-ups within this process. A clone speaks to the same listeners.
#[derive(Clone)]
pub struct MemoryNotifier {
    waiting: usize,
    ears: Arc<Ears>,
}

impl MemoryNotifier {
    /// A notifier without listeners.
    #[must_use]
    pub fn new() -> Self {
        Self {
            waiting: WAITING,
            ears: Arc::default(),
        }
    }

    /// How many different logs wait for one listener before it is told
    /// [`WakeUp::MayHaveLost`] instead; 256 unless told. Counts for listeners of this handle.
    #[must_use]
    pub fn buffer(mut self, logs: usize) -> Self {
        self.waiting = logs;
        self
    }

    /// How many listeners there are.
    #[must_use]
    pub fn listeners(&self) -> usize {
        let registry = self.ears.registry.read();
        registry.unwrap_or_else(PoisonError::into_inner).ears.len()
    }
}

impl Default for MemoryNotifier {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryNotifier")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for MemoryNotifier {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError> {
        let registry = self.ears.registry.read();
        let registry = registry.unwrap_or_else(PoisonError::into_inner);
        for ear in registry.ears.values() {
            let meant = match audience {
                Audience::Everyone => true,
                Audience::Instance(instance) => ear.instance == *instance,
            };
            if meant {
                ear.hear(log);
            }
        }
        Ok(())
    }

    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        let ear = Arc::new(Ear {
            instance: instance.clone(),
            limit: self.waiting,
            heard: Mutex::default(),
            changed: Notify::new(),
        });
        let number = self.ears.add(Arc::clone(&ear));
        Ok(Box::new(MemoryListener {
            number,
            ear,
            ears: Arc::downgrade(&self.ears),
        }))
    }
}

/// Every listener there is.
#[derive(Default)]
struct Ears {
    registry: RwLock<Registry>,
}

#[derive(Default)]
struct Registry {
    next: u64,
    ears: HashMap<u64, Arc<Ear>>,
}

impl Ears {
    fn add(&self, ear: Arc<Ear>) -> u64 {
        let registry = self.registry.write();
        let mut registry = registry.unwrap_or_else(PoisonError::into_inner);
        let number = registry.next;
        registry.next += 1;
        registry.ears.insert(number, ear);
        number
    }

    fn remove(&self, number: u64) {
        let registry = self.registry.write();
        let mut registry = registry.unwrap_or_else(PoisonError::into_inner);
        registry.ears.remove(&number);
    }
}

/// The last handle is gone: nobody will ever publish again.
impl Drop for Ears {
    fn drop(&mut self) {
        let registry = self.registry.get_mut();
        let registry = registry.unwrap_or_else(PoisonError::into_inner);
        for ear in registry.ears.values() {
            lock(&ear.heard).closed = true;
            ear.changed.notify_one();
        }
    }
}

struct Ear {
    instance: InstanceId,
    limit: usize,
    heard: Mutex<Heard>,
    changed: Notify,
}

#[derive(Default)]
struct Heard {
    /// Logs to look at, in the order they were first named.
    logs: VecDeque<LogKey>,
    /// The same, to fold what is said twice.
    named: HashSet<LogKey>,
    lost: bool,
    closed: bool,
}

impl Ear {
    fn hear(&self, log: &LogKey) {
        lock(&self.heard).hear(log, self.limit);
        self.changed.notify_one();
    }
}

impl Heard {
    fn hear(&mut self, log: &LogKey, limit: usize) {
        // "Look at everything" is still to be said, and covers this log too.
        if self.lost || self.named.contains(log) {
            return;
        }
        if self.logs.len() >= limit {
            self.logs.clear();
            self.named.clear();
            self.lost = true;
            return;
        }
        self.named.insert(log.clone());
        self.logs.push_back(log.clone());
    }

    fn next(&mut self) -> Option<WakeUp> {
        if std::mem::take(&mut self.lost) {
            return Some(WakeUp::MayHaveLost);
        }
        let log = self.logs.pop_front()?;
        self.named.remove(&log);
        Some(WakeUp::Look(log))
    }
}

struct MemoryListener {
    number: u64,
    ear: Arc<Ear>,
    ears: Weak<Ears>,
}

#[async_trait]
impl Listener for MemoryListener {
    async fn next(&mut self) -> Option<WakeUp> {
        loop {
            {
                let mut heard = lock(&self.ear.heard);
                let next = heard.next();
                if next.is_some() || heard.closed {
                    return next;
                }
            }
            // What is said between the look and this line leaves a permit behind.
            self.ear.changed.notified().await;
        }
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        if let Some(ears) = self.ears.upgrade() {
            ears.remove(self.number);
        }
    }
}
