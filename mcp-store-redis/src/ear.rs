//! What a listener has heard and not yet handed on.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use mcp_core::store::{LogKey, WakeUp};
use tokio::sync::Notify;

/// How many different logs wait before the listener is told to look at all of them.
const WAITING: usize = 256;

/// A bounded box between the connection, which never waits, and the listener.
#[derive(Default)]
pub(crate) struct Ear {
    heard: Mutex<Heard>,
    changed: Notify,
}

#[derive(Default)]
struct Heard {
    logs: VecDeque<LogKey>,
    /// The same logs, to name each once.
    named: HashSet<LogKey>,
    lost: bool,
}

impl Ear {
    /// Notes that `log` has moved.
    pub(crate) fn hear(&self, log: LogKey) {
        let mut heard = self.lock();
        // Whoever looks at all logs needs no names.
        if heard.lost || heard.named.contains(&log) {
            return;
        }
        if heard.logs.len() >= WAITING {
            heard.lose();
        } else {
            heard.named.insert(log.clone());
            heard.logs.push_back(log);
        }
        drop(heard);
        self.changed.notify_one();
    }

    /// Notes that wake-ups may have been lost.
    pub(crate) fn lose(&self) {
        self.lock().lose();
        self.changed.notify_one();
    }

    /// Notes a message that nobody here understands.
    #[expect(clippy::unused_self, reason = "an ear counts what it skips")]
    pub(crate) fn skip(&self) {
        metrics::counter!("mcp.backplane.skipped", "store" => "redis").increment(1);
    }

    /// What to hand on, if there is anything.
    pub(crate) fn next(&self) -> Option<WakeUp> {
        let mut heard = self.lock();
        if std::mem::take(&mut heard.lost) {
            return Some(WakeUp::MayHaveLost);
        }
        let log = heard.logs.pop_front()?;
        heard.named.remove(&log);
        Some(WakeUp::Look(log))
    }

    /// Returns when something may have been heard since the last look.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn lose(&mut self) {
        self.logs.clear();
        self.named.clear();
        self.lost = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_waits_once() {
        let ear = Ear::default();
        ear.hear(LogKey::Config);
        ear.hear(LogKey::Config);
        assert_eq!(ear.next(), Some(WakeUp::Look(LogKey::Config)));
        assert_eq!(ear.next(), None);
    }

    #[test]
    fn more_than_fits_becomes_one_loss() {
        let ear = Ear::default();
        let log = |n: usize| LogKey::Inbox(mcp_core::store::InstanceId::new(n.to_string()));
        (0..=WAITING).for_each(|n| ear.hear(log(n)));
        assert_eq!(ear.next(), Some(WakeUp::MayHaveLost));
        assert_eq!(ear.next(), None);
        ear.hear(log(1));
        assert_eq!(ear.next(), Some(WakeUp::Look(log(1))));
    }
}
