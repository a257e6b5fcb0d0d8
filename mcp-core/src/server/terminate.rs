//! The end of a session, by its client's or its operator's wish.

use std::{
    collections::{HashMap, HashSet},
    future::pending,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use super::{
    Refusal, Server,
    entry::{self, Broadcast, Confirm, InboxEntry},
    instance,
    metrics::session_ended,
};
use crate::store::{Append, Audience, InstanceId, LogKey, SessionId};

/// The ends of sessions that other instances have not all confirmed yet.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Ending>>,
}

#[derive(Debug)]
struct Ending {
    /// The instances that may still serve the session.
    left: HashSet<String>,
    done: oneshot::Sender<()>,
}

impl Endings {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Ending>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, left: HashSet<String>) -> Waiting<'_> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (done, all) = oneshot::channel();
        self.waiting().insert(number, Ending { left, done });
        Waiting {
            endings: self,
            number,
            all,
        }
    }

    /// Another instance no longer serves the session.
    pub(super) fn confirmed(&self, number: u64, by: &str) {
        let mut waiting = self.waiting();
        let Some(ending) = waiting.get_mut(&number) else {
            return;
        };
        ending.left.remove(by);
        if ending.left.is_empty()
            && let Some(ending) = waiting.remove(&number)
        {
            // Whoever waited may have gone.
            let _ = ending.done.send(());
        }
    }
}

/// The other instances, as their leases show.
struct Others {
    names: HashSet<String>,
    /// There are no others: each has had the time to renew its lease since the store was away.
    complete: bool,
}

struct Waiting<'a> {
    endings: &'a Endings,
    number: u64,
    all: oneshot::Receiver<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.endings.waiting().remove(&self.number);
    }
}

impl Server {
    /// Ends a session everywhere. When this returns, no instance serves it any more.
    ///
    /// Returns `false` when there was none.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the store cannot be asked, or was away before every instance had confirmed.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the session has ended in the store or it has not; other instances notice within
    /// `freshness`.
    pub async fn terminate(&self, id: &SessionId) -> Result<bool, Refusal> {
        let known = self.0.sessions.get(id.as_str());
        if known.as_ref().is_some_and(|known| known.is_of_connection()) {
            self.forget(id);
            return Ok(true);
        }
        let deleted = self.noted(self.0.stores.sessions.delete(id).await)?;
        self.forget(id);
        // Whoever deleted a session that is known here may not have come to tell the others.
        if !deleted && known.is_none() {
            return Ok(false);
        }
        if deleted {
            metrics::counter!("mcp.sessions.ended", "reason" => "delete").increment(1);
            if let Some(session) = known {
                session_ended(session.created_at(), self.0.clock.now());
            }
        }
        if let Err(error) = self.0.stores.events.purge(id).await {
            tracing::warn!(%error, "the streams of a deleted session are left to their retention");
        }
        self.end_elsewhere(id).await?;
        Ok(deleted)
    }

    /// Tells the other instances that a session has ended, and waits until none serves it any more.
    async fn end_elsewhere(&self, id: &SessionId) -> Result<(), Refusal> {
        let began = self.0.clock.now();
        let Others { names, complete } = self.others().await?;
        if names.is_empty() && complete {
            return Ok(());
        }
        let mut waiting = self.0.endings.begin(names);
        let entry = Broadcast::SessionEnded {
            session: id.clone(),
            confirm: Some(Confirm {
                instance: self.instance().clone(),
                number: waiting.number,
            }),
        };
        self.broadcast(&entry).await?;
        let all = async {
            if (&mut waiting.all).await.is_err() || !complete {
                pending::<()>().await;
            }
        };
        if timeout(self.limits().freshness, all).await.is_ok() {
            return Ok(());
        }
        // Whoever did not confirm has verified the session since, unless the store was away: then it
        // serves what it knows until it hears of the end.
        self.others().await?;
        let now = self.0.clock.now();
        if self.0.health.uninterrupted(now) < now.since(began) {
            return Err(Refusal::unavailable(
                "not every instance could be told that the session has ended",
                "store_unavailable",
                Duration::from_secs(2),
            ));
        }
        Ok(())
    }

    /// The other instances that share the stores.
    async fn others(&self) -> Result<Others, Refusal> {
        if !self.0.stores.shared {
            let names = HashSet::new();
            return Ok(Others {
                names,
                complete: true,
            });
        }
        let leases = self.0.stores.leases.list(instance::LEASE_PREFIX).await;
        let leases = self.noted(leases)?;
        let complete = self.may_judge_with(&leases);
        let own = self.instance().as_str();
        let holders = leases.into_iter().map(|lease| lease.holder);
        let names = holders.filter(|holder| holder != own).collect();
        Ok(Others { names, complete })
    }

    /// Tells the instance that ended a session that it is not served here any more.
    pub(super) async fn confirm_end(&self, confirm: Confirm) {
        if confirm.instance == *self.instance() {
            return;
        }
        let entry = InboxEntry::Ended {
            ending: confirm.number,
            by: self.instance().clone(),
        };
        let Ok(entry) = entry::encode(&entry) else {
            return;
        };
        let events = [entry];
        let batch = Append::new(&events, self.limits().shared_retention());
        let inbox = LogKey::Inbox(InstanceId::clone(&confirm.instance));
        if let Err(error) = self.0.stores.events.append(&inbox, batch).await {
            tracing::warn!(%error, "the end of a session was not confirmed");
            return;
        }
        let audience = Audience::Instance(confirm.instance);
        let _ = self.0.stores.notifier.publish(&audience, &inbox).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_is_done_when_everyone_has_confirmed() {
        let endings = Endings::default();
        let others = ["a", "b"].map(str::to_owned).into();
        let mut waiting = endings.begin(others);
        endings.confirmed(waiting.number, "a");
        endings.confirmed(waiting.number, "a");
        endings.confirmed(waiting.number + 1, "b");
        assert!(waiting.all.try_recv().is_err());
        endings.confirmed(waiting.number, "b");
        waiting.all.try_recv().unwrap();
    }

    #[test]
    fn an_end_that_nobody_waits_for_is_forgotten() {
        let endings = Endings::default();
        drop(endings.begin(["a".to_owned()].into()));
        assert!(endings.waiting().is_empty());
    }
}
