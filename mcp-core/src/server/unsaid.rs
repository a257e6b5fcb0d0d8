//! What could not be announced while the store was away; it is said when it is back.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Server, entry::Broadcast};

/// Announcements that are kept at most; beyond that the oldest is lost.
const MOST: usize = 1024;

/// Announcements that wait, each once.
#[derive(Debug, Default)]
pub(crate) struct Unsaid(Mutex<VecDeque<Broadcast>>);

impl Unsaid {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Broadcast>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, entry: Broadcast) {
        let mut waiting = self.lock();
        if waiting.contains(&entry) {
            return;
        }
        if waiting.len() >= MOST {
            waiting.pop_front();
            metrics::counter!("mcp.backplane.unsaid").increment(1);
        }
        waiting.push_back(entry);
    }

    fn take(&self) -> VecDeque<Broadcast> {
        mem::take(&mut *self.lock())
    }
}

impl Server {
    /// Tells every instance, now or when the store is back. Others hear it at least once.
    pub(super) async fn announce(&self, entry: Broadcast, traceparent: Option<String>) {
        // Asking a store that is away would only keep whoever announces waiting.
        if self.0.health.is_away() {
            self.0.unsaid.keep(entry);
            return;
        }
        let said = self.broadcast_traced(&entry, traceparent).await;
        if let Err(error) = self.noted(said) {
            tracing::warn!(%error, "an announcement has to wait");
            if error.is_retryable() {
                self.0.unsaid.keep(entry);
            }
        }
    }

    /// Announces what had to wait.
    pub(super) async fn say_the_unsaid(&self) {
        for entry in self.0.unsaid.take() {
            self.announce(entry, None).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updated(number: usize) -> Broadcast {
        Broadcast::ResourceUpdated {
            uri: format!("test://{number}"),
        }
    }

    #[test]
    fn what_waits_is_kept_once_and_within_bounds() {
        let unsaid = Unsaid::default();
        unsaid.keep(updated(0));
        unsaid.keep(updated(0));
        assert_eq!(unsaid.take(), [updated(0)]);
        for number in 0..=MOST {
            unsaid.keep(updated(number));
        }
        let waiting = unsaid.take();
        assert_eq!(waiting.len(), MOST);
        assert_eq!(waiting.front(), Some(&updated(1)));
    }
}
