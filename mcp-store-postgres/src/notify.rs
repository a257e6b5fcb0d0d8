//! [`Notifier`] by NOTIFY and LISTEN, and [`Publisher`], the one who says NOTIFY.
//!
//! A NOTIFY takes a lock of the whole database when it commits, so it is never part of an append, and
//! a process sends at most one every few milliseconds, for all its wake-ups at once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_core::store::{
    Audience, InstanceId, Listener, LogKey, Notifier, StoreError, StoreErrorKind, WakeUp,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    PostgresBackend,
    error::Effect,
    listener::PostgresListener,
    pool::{Pool, Statement},
};

const OPERATION: &str = "notify.publish";

const NOTIFY: Statement = Statement {
    operation: OPERATION,
    effect: Effect::Write,
    text: "SELECT pg_notify(m.channel, m.payload) FROM unnest($1::text[], $2::text[]) AS m (channel, payload)",
};

/// At most 200 statements in a second.
const PACE: Duration = Duration::from_millis(5);

/// How many wake-ups one statement carries, and how many wait for it.
const BATCH: usize = 256;

/// The server takes payloads of less than 8000 bytes.
const LONGEST_PAYLOAD: usize = 7999;

/// What goes over a channel. Words that a version does not know are skipped by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Look at this log.
    Look(LogKey),
    /// Look at every log.
    LookAtAll,
    /// A sign of life of a process to itself.
    Probe(u64),
}

impl Message {
    fn encode(&self) -> String {
        match self {
            Self::Look(log) => {
                let text = format!("look {}", log.encode());
                // What cannot be said by name is said to all.
                if text.len() > LONGEST_PAYLOAD || text.contains('\0') {
                    return Self::LookAtAll.encode();
                }
                text
            }
            Self::LookAtAll => "all".to_owned(),
            Self::Probe(number) => format!("probe {number}"),
        }
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        if text == "all" {
            return Some(Self::LookAtAll);
        }
        match text.split_once(' ')? {
            ("look", log) => LogKey::decode(log).map(Self::Look),
            ("probe", number) => number.parse().ok().map(Self::Probe),
            _ => None,
        }
    }
}

#[async_trait]
impl Notifier for PostgresBackend {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError> {
        let Some(publisher) = self.publisher() else {
            return Ok(());
        };
        let channel = match audience {
            Audience::Everyone => self.space().everyone(),
            Audience::Instance(instance) => self.space().instance(instance),
        };
        publisher.send(channel, Message::Look(log.clone())).await
    }

    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        let Some(ear) = self.ear() else {
            return Ok(Box::new(Quiet));
        };
        let heard = ear.listen(instance).await?;
        Ok(Box::new(PostgresListener::new(heard, Arc::clone(ear))))
    }
}

/// The ear of a process that only polls.
struct Quiet;

#[async_trait]
impl Listener for Quiet {
    async fn next(&mut self) -> Option<WakeUp> {
        std::future::pending().await
    }
}

/// Gathers the wake-ups of this process and sends them. Its task ends when it is dropped.
pub(crate) struct Publisher {
    requests: mpsc::Sender<Request>,
    deadline: Duration,
    _task: JoinSet<()>,
}

struct Request {
    channel: String,
    payload: String,
    done: oneshot::Sender<Result<(), StoreErrorKind>>,
}

impl Publisher {
    pub(crate) fn start(pool: Arc<Pool>, deadline: Duration) -> Self {
        let (requests, waiting) = mpsc::channel(BATCH);
        let mut task = JoinSet::new();
        task.spawn(run(pool, waiting));
        Self {
            requests,
            deadline,
            _task: task,
        }
    }

    /// Sends a message; done when the server has taken it.
    pub(crate) async fn send(&self, channel: String, message: Message) -> Result<(), StoreError> {
        let payload = message.encode();
        let (done, answer) = oneshot::channel();
        let request = Request {
            channel,
            payload,
            done,
        };
        let sent = timeout(self.deadline, async {
            if self.requests.send(request).await.is_err() {
                return Err(StoreErrorKind::Unavailable);
            }
            answer.await.unwrap_or(Err(StoreErrorKind::Unknown))
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(kind)) => Err(StoreError::new(kind, OPERATION, "the wake-up was not sent")),
            Err(_) => {
                let message = "the wake-up was not sent in time";
                Err(StoreError::new(StoreErrorKind::Unknown, OPERATION, message))
            }
        }
    }
}

async fn run(pool: Arc<Pool>, mut waiting: mpsc::Receiver<Request>) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        if waiting.recv_many(&mut batch, BATCH).await == 0 {
            return;
        }
        // At once when the last one was a while ago; else what comes until then goes with it.
        pace.tick().await;
        while batch.len() < BATCH
            && let Ok(request) = waiting.try_recv()
        {
            batch.push(request);
        }
        let result = flush(&pool, &batch).await;
        for request in batch.drain(..) {
            // Whoever no longer waits does not need the answer.
            let _ = request.done.send(result);
        }
    }
}

/// One statement for all of them, each once.
async fn flush(pool: &Pool, batch: &[Request]) -> Result<(), StoreErrorKind> {
    let messages: BTreeSet<(&str, &str)> = batch
        .iter()
        .map(|request| (request.channel.as_str(), request.payload.as_str()))
        .collect();
    let (channels, payloads): (Vec<&str>, Vec<&str>) = messages.into_iter().unzip();
    let sent = pool.rows(&NOTIFY, |query| query.bind(&channels).bind(&payloads));
    match sent.await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::debug!(kind = error.kind().as_str(), "wake-ups were not sent");
            Err(error.kind())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str) -> LogKey {
        LogKey::Stream {
            session: "a-session".into_session(),
            stream: name.into(),
        }
    }

    trait IntoSession {
        fn into_session(self) -> mcp_core::store::SessionId;
    }

    impl IntoSession for &str {
        fn into_session(self) -> mcp_core::store::SessionId {
            mcp_core::store::SessionId::new(self)
        }
    }

    #[test]
    fn messages_come_back() {
        for message in [
            Message::Look(stream("a b")),
            Message::Look(LogKey::Broadcast(3)),
            Message::LookAtAll,
            Message::Probe(7),
        ] {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn a_log_that_cannot_be_named_is_said_to_all() {
        for name in ["n".repeat(8000), "a\0b".to_owned()] {
            let text = Message::Look(stream(&name)).encode();
            assert_eq!(Message::decode(&text), Some(Message::LookAtAll));
        }
    }

    #[test]
    fn other_words_are_not_understood() {
        for text in ["", "look", "look x", "lookb1", "whisper b1", "all of it"] {
            assert_eq!(Message::decode(text), None, "{text}");
        }
    }
}
