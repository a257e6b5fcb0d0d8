//! What one listener has heard and not yet taken.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use mcp_core::store::{Listener, LogKey, WakeUp};
use tokio::sync::Notify;

use crate::ear::Ear;

/// How many different logs wait before the listener is told to look at all of them.
const WAITING: usize = 256;

pub(crate) struct PostgresListener {
    heard: Arc<Heard>,
    /// Hears as long as somebody has it.
    _ear: Arc<Ear>,
}

impl PostgresListener {
    pub(crate) fn new(heard: Arc<Heard>, ear: Arc<Ear>) -> Self {
        Self { heard, _ear: ear }
    }
}

#[async_trait]
impl Listener for PostgresListener {
    async fn next(&mut self) -> Option<WakeUp> {
        loop {
            {
                let mut waiting = self.heard.lock();
                let next = waiting.take();
                if next.is_some() || waiting.ended {
                    return next;
                }
            }
            // What is said between the look and this line leaves a permit behind.
            self.heard.changed.notified().await;
        }
    }
}

/// Shared by a listener and the ear that it listens with.
#[derive(Default)]
pub(crate) struct Heard {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    /// Logs to look at, in the order they were first named.
    logs: VecDeque<LogKey>,
    /// The same, to fold what is said twice.
    named: HashSet<LogKey>,
    lost: bool,
    ended: bool,
}

impl Heard {
    pub(crate) fn look(&self, log: &LogKey) {
        self.lock().look(log);
        self.changed.notify_one();
    }

    pub(crate) fn may_have_lost(&self) {
        self.lock().lose();
        self.changed.notify_one();
    }

    /// Nothing will be heard any more.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn look(&mut self, log: &LogKey) {
        // "Look at everything" is still to be said, and covers this log too.
        if self.lost || self.named.contains(log) {
            return;
        }
        if self.logs.len() >= WAITING {
            return self.lose();
        }
        self.named.insert(log.clone());
        self.logs.push_back(log.clone());
    }

    fn lose(&mut self) {
        self.logs.clear();
        self.named.clear();
        self.lost = true;
    }

    fn take(&mut self) -> Option<WakeUp> {
        if std::mem::take(&mut self.lost) {
            return Some(WakeUp::MayHaveLost);
        }
        let log = self.logs.pop_front()?;
        self.named.remove(&log);
        Some(WakeUp::Look(log))
    }
}
