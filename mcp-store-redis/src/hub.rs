//! The listeners of this process, which share one connection.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcp_core::store::{LogKey, StoreError, StoreErrorKind};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crate::{RedisBackend, ear::Ear, error, line::Line, slot::pause};

const OPERATION: &str = "notify.listen";

/// Who listens. One task keeps the connection while there is anybody.
#[derive(Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Somebody came or went.
    changed: Notify,
}

#[derive(Default)]
struct State {
    members: BTreeMap<u64, Member>,
    /// The number of the next member.
    next: u64,
    /// Whether the task runs.
    is_kept: bool,
    task: JoinSet<()>,
}

struct Member {
    ear: Arc<Ear>,
    /// What it hears besides the channel for everyone.
    channel: String,
    /// Whom to tell that it hears; `None` when that was done.
    waiting: Option<oneshot::Sender<Result<(), StoreError>>>,
}

/// The place of a listener. Dropped, it is free.
pub(crate) struct Place {
    backend: RedisBackend,
    number: u64,
    ear: Arc<Ear>,
}

impl Place {
    pub(crate) fn ear(&self) -> &Ear {
        &self.ear
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let hub = self.backend.hub();
        hub.lock().members.remove(&self.number);
        hub.changed.notify_one();
    }
}

impl Hub {
    /// A place from which `channel` and the channel for everyone are heard.
    pub(crate) async fn join(backend: &RedisBackend, channel: String) -> Result<Place, StoreError> {
        let (waiting, armed) = oneshot::channel();
        let place = backend.hub().add(backend, channel, waiting);
        match timeout(backend.settings().deadline, armed).await {
            Ok(Ok(Ok(()))) => Ok(place),
            Ok(Ok(Err(error))) => Err(error),
            Ok(Err(_)) => {
                let message = "the task that listens has ended";
                Err(StoreError::new(
                    StoreErrorKind::Unavailable,
                    OPERATION,
                    message,
                ))
            }
            Err(_) => Err(error::not_sent_in_time(OPERATION)),
        }
    }

    /// Hands a wake-up to those in `channel`, or to everyone.
    pub(crate) fn hear(&self, channel: Option<&str>, log: &LogKey) {
        let state = self.lock();
        let meant = |member: &&Member| channel.is_none_or(|channel| member.channel == channel);
        let members = state.members.values().filter(meant);
        members.for_each(|member| member.ear.hear(log));
    }

    fn add(
        &self,
        backend: &RedisBackend,
        channel: String,
        waiting: oneshot::Sender<Result<(), StoreError>>,
    ) -> Place {
        let ear = Arc::new(Ear::default());
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let member = Member {
            ear: Arc::clone(&ear),
            channel,
            waiting: Some(waiting),
        };
        state.members.insert(number, member);
        if !std::mem::replace(&mut state.is_kept, true) {
            // The one before has ended: it does so in the moment in which it finds nobody left.
            state.task = JoinSet::new();
            state.task.spawn(keep(backend.clone()));
        }
        drop(state);
        self.changed.notify_one();
        Place {
            backend: backend.clone(),
            number,
            ear,
        }
    }

    /// Returns when somebody came or went.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The channels of those who are here.
    pub(crate) fn channels(&self) -> BTreeSet<String> {
        let state = self.lock();
        state
            .members
            .values()
            .map(|member| member.channel.clone())
            .collect()
    }

    /// Tells who waits for one of `channels` that it hears.
    pub(crate) fn arm(&self, channels: &BTreeSet<String>) {
        for member in self.lock().members.values_mut() {
            if channels.contains(&member.channel)
                && let Some(waiting) = member.waiting.take()
            {
                waiting.send(Ok(())).ok();
            }
        }
    }

    /// Tells one of those who wait that it cannot hear; the others wait for the next attempt.
    fn refuse(&self, error: StoreError) {
        let mut state = self.lock();
        let waiting = state
            .members
            .values_mut()
            .find_map(|member| member.waiting.take());
        if let Some(waiting) = waiting {
            waiting.send(Err(error)).ok();
        }
    }

    /// Tells who hears that something may have been lost.
    fn lose(&self) {
        let state = self.lock();
        let armed = state
            .members
            .values()
            .filter(|member| member.waiting.is_none());
        armed.for_each(|member| member.ear.lose());
    }

    /// Whether there is nobody left; the task has to end then.
    fn is_left(&self) -> bool {
        let mut state = self.lock();
        let is_left = state.members.is_empty();
        state.is_kept = !is_left;
        is_left
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a connection for the members of the hub until there are none.
async fn keep(backend: RedisBackend) {
    let hub = backend.hub();
    let end = End(&backend);
    let mut failures = 0;
    while !hub.is_left() {
        match Line::open(&backend, hub.channels()).await {
            Ok(line) => {
                failures = 0;
                // What was published since the last line ended went nowhere.
                hub.lose();
                hub.arm(line.channels());
                line.serve(&backend).await.note();
                hub.lose();
            }
            Err(error) => {
                hub.refuse(error);
                failures += 1;
                sleep_until(Instant::now() + pause(failures)).await;
            }
        }
    }
    // Whoever came since then has another task.
    std::mem::forget(end);
}

/// When the task ends before all have left, by a panic or with its runtime, their listeners end, too.
struct End<'a>(&'a RedisBackend);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut state = self.0.hub().lock();
        for (_, member) in std::mem::take(&mut state.members) {
            member.ear.close();
        }
        state.is_kept = false;
    }
}
