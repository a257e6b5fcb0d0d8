//! [`Publisher`], the one who says NOTIFY.
//!
//! A NOTIFY takes a lock of the whole database when it commits, so it is never part of an append, and
//! a process sends at most one every few milliseconds, for all its wake-ups at once.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use mcp_core::store::{StoreError, StoreErrorKind};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::{
    error::Effect,
    pool::{Pool, Statement},
};

const OPERATION: &str = "notify.publish";

const NOTIFY: Statement = Statement {
    operation: OPERATION,
    effect: Effect::Write,
    text: "
        SELECT pg_notify(m.channel, m.payload)
        FROM unnest($1::text[], $2::text[]) AS m (channel, payload)",
};

/// At most 200 statements in a second.
const PACE: Duration = Duration::from_millis(5);

/// How many wake-ups one statement carries, and how many wait for it.
const BATCH: usize = 256;

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
    pub(crate) async fn send(&self, channel: String, payload: String) -> Result<(), StoreError> {
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
