//! What a listener has heard and not yet handed on.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
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
    closed: bool,
}

impl Ear {
    /// Notes that `log` has moved.
    pub(crate) fn hear(&self, log: &LogKey) {
        let mut heard = self.lock();
        // Whoever looks at all logs needs no names.
        if heard.lost || heard.named.contains(log) {
            return;
        }
        if heard.logs.len() >= WAITING {
            heard.lose();
        } else {
            heard.named.insert(log.clone());
            heard.logs.push_back(log.clone());
        }
        drop(heard);
        self.changed.notify_one();
    }

    /// Notes that wake-ups may have been lost.
    pub(crate) fn lose(&self) {
        self.lock().lose();
        self.changed.notify_one();
    }

    /// Notes that nothing will be heard any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// What to hand on next; `None` when it was closed and nothing is left.
    ///
    /// Dropped before it is done, it has lost nothing.
    pub(crate) async fn next(&self) -> Option<WakeUp> {
        loop {
            if let Poll::Ready(next) = self.take() {
                return next;
            }
            // What is heard between the look and this line leaves a permit behind.
            self.changed.notified().await;
        }
    }

    fn take(&self) -> Poll<Option<WakeUp>> {
        let mut heard = self.lock();
        if std::mem::take(&mut heard.lost) {
            return Poll::Ready(Some(WakeUp::MayHaveLost));
        }
        match heard.logs.pop_front() {
            Some(log) => {
                heard.named.remove(&log);
                Poll::Ready(Some(WakeUp::Look(log)))
            }
            None if heard.closed => Poll::Ready(None),
            None => Poll::Pending,
        }
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
    use mcp_core::store::InstanceId;

    use super::*;

    fn look(log: LogKey) -> Poll<Option<WakeUp>> {
        Poll::Ready(Some(WakeUp::Look(log)))
    }

    #[test]
    fn a_log_waits_once() {
        let ear = Ear::default();
        ear.hear(&LogKey::Config);
        ear.hear(&LogKey::Config);
        assert_eq!(ear.take(), look(LogKey::Config));
        assert_eq!(ear.take(), Poll::Pending);
    }

    #[test]
    fn more_than_fits_becomes_one_loss() {
        let ear = Ear::default();
        let log = |n: usize| LogKey::Inbox(InstanceId::new(n.to_string()));
        (0..=WAITING).for_each(|n| ear.hear(&log(n)));
        assert_eq!(ear.take(), Poll::Ready(Some(WakeUp::MayHaveLost)));
        assert_eq!(ear.take(), Poll::Pending);
        ear.hear(&log(1));
        assert_eq!(ear.take(), look(log(1)));
    }

    #[test]
    fn what_was_heard_before_the_end_is_handed_on() {
        let ear = Ear::default();
        ear.hear(&LogKey::Config);
        ear.close();
        assert_eq!(ear.take(), look(LogKey::Config));
        assert_eq!(ear.take(), Poll::Ready(None));
    }
}
