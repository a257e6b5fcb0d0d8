//! What the cases about wake-ups and subscriptions share.

use std::time::Duration;

use mcp_core::{
    BoxError,
    store::{
        Audience, InstanceId, Listener, LogKey, Notifier, Position, Retention, StoreError, Tail,
        TailEvent, WakeUp,
    },
};
use tokio::{
    runtime::Handle,
    time::{interval, timeout},
};

use super::event_support::{ALL, append_keeping, stream};
use crate::topic::Topics;

/// Whatever is waited for has come by then.
pub(crate) const BOUND: Duration = Duration::from_secs(5);

/// How often a subscription looks by itself.
const POLL: Duration = Duration::from_secs(1);

/// A log for the `n`th of many wake-ups, so that none is taken for another.
pub(crate) fn nth(n: usize) -> LogKey {
    stream("s", &n.to_string())
}

pub(crate) async fn listen(
    notifier: &dyn Notifier,
    instance: &str,
) -> Result<Box<dyn Listener>, BoxError> {
    Ok(notifier.listen(&InstanceId::new(instance)).await?)
}

pub(crate) async fn tell_everyone(notifier: &dyn Notifier, log: &LogKey) -> Result<(), BoxError> {
    Ok(notifier.publish(&Audience::Everyone, log).await?)
}

pub(crate) async fn tell(
    notifier: &dyn Notifier,
    instance: &str,
    log: &LogKey,
) -> Result<(), BoxError> {
    let audience = Audience::Instance(InstanceId::new(instance));
    Ok(notifier.publish(&audience, log).await?)
}

/// The next wake-up. It is waited for, but not for long.
pub(crate) async fn next(listener: &mut Box<dyn Listener>) -> Result<WakeUp, BoxError> {
    match timeout(BOUND, listener.next()).await {
        Ok(Some(heard)) => Ok(heard),
        Ok(None) => Err("the listener ended".into()),
        Err(_) => Err("nothing is heard".into()),
    }
}

/// Names may be long.
fn waiting(log: &LogKey, error: &BoxError) -> String {
    format!("waiting for {:.100}: {error}", format!("{log:?}"))
}

/// Waits for the wake-up that names `log`; says which others came before it.
///
/// A listener may say at any time that it may have lost some. That is no answer here.
pub(crate) async fn hears(
    listener: &mut Box<dyn Listener>,
    log: &LogKey,
) -> Result<Vec<LogKey>, BoxError> {
    let mut others = Vec::new();
    loop {
        let heard = next(listener).await;
        match heard.map_err(|error| waiting(log, &error))? {
            WakeUp::Look(named) if named == *log => return Ok(others),
            WakeUp::Look(other) => others.push(other),
            WakeUp::MayHaveLost => {}
        }
    }
}

/// As [`hears`], but that some may have been lost is an answer, too.
pub(crate) async fn hears_or_may_have_lost(
    listener: &mut Box<dyn Listener>,
    log: &LogKey,
) -> Result<Vec<LogKey>, BoxError> {
    let mut others = Vec::new();
    loop {
        let heard = next(listener).await;
        match heard.map_err(|error| waiting(log, &error))? {
            WakeUp::Look(named) if named != *log => others.push(named),
            WakeUp::Look(_) | WakeUp::MayHaveLost => return Ok(others),
        }
    }
}

/// Appends to a log and wakes everyone, as a server does.
pub(crate) async fn post_keeping(
    process: &dyn Topics,
    log: &LogKey,
    texts: &[&str],
    retention: Retention,
) -> Result<(), BoxError> {
    append_keeping(process.events(), log, texts, retention).await?;
    tell_everyone(process.notifier(), log).await
}

pub(crate) async fn post(
    process: &dyn Topics,
    log: &LogKey,
    texts: &[&str],
) -> Result<(), BoxError> {
    post_keeping(process, log, texts, ALL).await
}

/// A log read from a position, wake-ups, and a poll: what a server reads logs with.
pub(crate) struct Subscription<'p> {
    process: &'p dyn Topics,
    listener: Box<dyn Listener>,
    tail: Tail,
}

impl<'p> Subscription<'p> {
    /// Subscribes to what comes after now.
    pub(crate) async fn armed(process: &'p dyn Topics, logs: &[LogKey]) -> Result<Self, BoxError> {
        let listener = listen(process.notifier(), "subscriber").await?;
        let mut tail = Tail::new(logs.iter().cloned());
        tail.arm(process.events()).await?;
        Ok(Self {
            process,
            listener,
            tail,
        })
    }

    /// Goes back to the beginning of a log.
    pub(crate) fn rewind(&mut self, log: &LogKey) {
        self.tail.follow(log.clone(), Position::BEGINNING);
    }

    /// What is new in one log or in all: waits for a wake-up, but not longer than for the poll.
    async fn more(&mut self) -> Result<Vec<TailEvent>, BoxError> {
        let events = self.process.events();
        if self.tail.is_behind() {
            return Ok(self.tail.poll(events).await?);
        }
        match timeout(POLL, self.listener.next()).await {
            Ok(Some(WakeUp::Look(log))) => Ok(self.tail.look(events, &log).await?),
            Ok(Some(WakeUp::MayHaveLost)) | Err(_) => Ok(self.tail.poll(events).await?),
            Ok(None) => Err("the listener ended".into()),
        }
    }

    /// The next event, while the backend comes back: what may be retried is.
    pub(crate) async fn next_patiently(&mut self) -> Result<Vec<String>, BoxError> {
        let next = async {
            loop {
                match self.something().await {
                    Err(error) if is_retryable(&error) => {}
                    found => return found,
                }
            }
        };
        let found = timeout(BOUND * 3, next).await;
        let found = found.map_err(|_| "nothing came")??;
        Ok(found.iter().map(shown).collect())
    }

    /// What comes until there are `count` events and gaps. There must not be more.
    pub(crate) async fn take(&mut self, count: usize) -> Result<Vec<String>, BoxError> {
        let mut taken = self.tail.poll(self.process.events()).await?;
        while taken.len() < count {
            let found = timeout(BOUND, self.something()).await;
            let came = taken.len();
            taken.extend(found.map_err(|_| format!("{came} of {count} events came"))??);
        }
        taken.extend(self.tail.poll(self.process.events()).await?);
        let taken: Vec<_> = taken.iter().map(shown).collect();
        assert_eq!(taken.len(), count, "more came than was posted: {taken:?}");
        Ok(taken)
    }

    async fn something(&mut self) -> Result<Vec<TailEvent>, BoxError> {
        loop {
            let found = self.more().await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }
}

/// Whether the same call may succeed later.
pub(crate) fn is_retryable(error: &BoxError) -> bool {
    error.downcast_ref().is_some_and(StoreError::is_retryable)
}

/// An event's text, or `gap`.
pub(crate) fn shown(event: &TailEvent) -> String {
    match event {
        TailEvent::Event { event, .. } => String::from_utf8_lossy(&event.payload).into_owned(),
        _ => "gap".to_owned(),
    }
}

/// What the process holds: tasks of this runtime, and open files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) tasks: usize,
    pub(crate) files: usize,
}

impl Held {
    pub(crate) fn now() -> Result<Self, BoxError> {
        let files = std::fs::read_dir("/dev/fd")?.count();
        let tasks = Handle::current().metrics().num_alive_tasks();
        Ok(Self { tasks, files })
    }

    /// Waits until there are no more than so many tasks and files.
    pub(crate) async fn falls_to(tasks: usize, files: usize) -> Result<(), BoxError> {
        let mut held = Self::now()?;
        let falls = async {
            let mut look = interval(Duration::from_millis(10));
            while held.tasks > tasks || held.files > files {
                look.tick().await;
                held = Self::now()?;
            }
            Ok::<_, BoxError>(())
        };
        let in_time = timeout(BOUND, falls).await;
        in_time.map_err(|_| format!("{held:?} stay, not {tasks} tasks and {files} files"))?
    }
}
