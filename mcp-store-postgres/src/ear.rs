//! What a listener has heard and not yet taken: [`Ear`].

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use mcp_core::store::{LogKey, WakeUp};
use tokio::sync::Notify;

/// How many different logs wait before the listener is told to look at all of them.
const WAITING: usize = 256;

/// A bounded box between the connection, which never waits, and a listener.
#[derive(Default)]
pub(crate) struct Ear {
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

impl Ear {
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

    /// The next of it; `None` when nothing will follow.
    pub(crate) async fn next(&self) -> Option<WakeUp> {
        loop {
            {
                let mut waiting = self.lock();
                let next = waiting.take();
                if next.is_some() || waiting.ended {
                    return next;
                }
            }
            // What is said between the look and this line leaves a permit behind.
            self.changed.notified().await;
        }
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
