//! A request to the client: sent on the call's own stream, answered through the instance's inbox.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{
    Link, Outgoing,
    entry::{self, InboxEntry},
    mint,
};
use crate::{
    handler::{AskError, Context, Question, notification},
    protocol::Method,
    store::{Append, LogKey, SessionId, StoreErrorKind},
};

/// The requests of this instance that wait for an answer.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, oneshot::Sender<InboxEntry>>>,
}

impl Pending {
    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<InboxEntry>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self) -> (u64, oneshot::Receiver<InboxEntry>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = oneshot::channel();
        self.waiting().insert(number, sender);
        metrics::gauge!("mcp.pending_requests").increment(1.0);
        (number, receiver)
    }

    fn remove(&self, number: u64) -> Option<oneshot::Sender<InboxEntry>> {
        let removed = self.waiting().remove(&number);
        if removed.is_some() {
            metrics::gauge!("mcp.pending_requests").decrement(1.0);
        }
        removed
    }

    /// Hands an entry of the inbox to whoever waits for it.
    pub(crate) fn deliver(&self, entry: InboxEntry) {
        let number = match &entry {
            InboxEntry::Result { ask, .. } | InboxEntry::Error { ask, .. } => *ask,
            InboxEntry::Closed { .. } | InboxEntry::Ended { .. } => return,
        };
        match self.remove(number) {
            Some(waiter) => drop(waiter.send(entry)),
            None => metrics::counter!("mcp.pending_requests.orphaned").increment(1),
        }
    }
}

/// The id of a request to a client: who asks, its number there, and a tag that only the session knows.
pub(crate) fn ask_id(link: &Link, number: u64) -> String {
    let instance = link.server.instance();
    let tag = mint::tag(&link.session.record().secret, instance, number);
    format!("{instance}.{number}.{tag}")
}

/// The key under which an answer, or the word that none is wanted, stands in the inbox of the
/// instance that asked.
pub(crate) fn answer_key(session: &SessionId, number: u64) -> String {
    format!("{session}/{number}")
}

/// Takes the question back unless it has been answered.
struct Unanswered<'a> {
    context: &'a Context,
    link: &'a Link,
    number: u64,
    /// The inbox takes no answer any more.
    closed: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if self.link.server.0.pending.remove(self.number).is_none() {
            return;
        }
        let link = self.link.clone();
        let number = self.number;
        take_back(self.context, &ask_id(&link, number), "no longer needed");
        if self.closed {
            return;
        }
        let tasks = link.server.0.tasks.clone();
        if tasks.is_stopped() || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        tasks.spawn(async move {
            close(&link, number).await;
        });
    }
}

/// Asks the client and waits for its answer.
pub(crate) async fn ask(
    context: &Context,
    question: Question,
    within: Option<Duration>,
) -> Result<Bytes, AskError> {
    if context.is_finished() {
        return Err(AskError::Closed);
    }
    let needs = question.needs;
    let link = context.link().ok_or(AskError::NotSupported(needs))?;
    if !context.can(needs) || !context.outbox().is_open() {
        return Err(AskError::NotSupported(needs));
    }
    let server = &link.server;
    let limits = server.limits();
    let slot = link.session.begin_ask(limits.pending_asks);
    let _slot = slot.ok_or(AskError::TooMany)?;
    let _waiting = context.wait_for_client();
    let limit = within.unwrap_or(limits.ask_timeout);
    tokio::time::timeout(limit, link.session.initialized())
        .await
        .map_err(|_| AskError::Timeout)?;
    let (number, mut answer) = server.0.pending.register();
    let mut unanswered = Unanswered {
        context,
        link,
        number,
        closed: false,
    };
    let id = ask_id(link, number);
    context
        .outbox()
        .send(Outgoing::Request(request(&id, &question)));
    let waited = tokio::select! {
        waited = tokio::time::timeout(limit, &mut answer) => waited,
        () = context.finished() => return Err(AskError::Closed),
    };
    if let Ok(entry) = waited {
        return read(entry.map_err(|_| AskError::Closed)?);
    }
    unanswered.closed = close(link, number).await;
    if unanswered.closed {
        return Err(AskError::Timeout);
    }
    // An answer came before the inbox was closed to it.
    let entry = tokio::time::timeout(limits.poll * 2, answer).await;
    read(
        entry
            .map_err(|_| AskError::Timeout)?
            .map_err(|_| AskError::Closed)?,
    )
}

fn request(id: &str, question: &Question) -> Bytes {
    let mut buffer = Vec::with_capacity(question.params.len() + 128);
    buffer.extend_from_slice(br#"{"jsonrpc":"2.0","id":""#);
    buffer.extend_from_slice(id.as_bytes());
    buffer.extend_from_slice(br#"","method":""#);
    buffer.extend_from_slice(question.method.as_str().as_bytes());
    buffer.extend_from_slice(br#"","params":"#);
    buffer.extend_from_slice(&question.params);
    buffer.push(b'}');
    buffer.into()
}

/// Tells the client that its answer is not wanted any more.
fn take_back(context: &Context, id: &str, reason: &str) {
    let params = serde_json::json!({ "requestId": id, "reason": reason });
    if let Some(json) = notification(&Method::Cancelled, &params) {
        context.outbox().send(Outgoing::Request(json));
    }
}

/// Closes the inbox to an answer; `false` when one stands there already.
async fn close(link: &Link, number: u64) -> bool {
    if link.session.is_of_connection() {
        return true;
    }
    let server = &link.server;
    let Ok(entry) = entry::encode(&InboxEntry::Closed { ask: number }) else {
        return true;
    };
    let key = answer_key(link.session.id(), number);
    let events = [entry];
    let batch = Append::new(&events, server.limits().shared_retention()).key(&key);
    let inbox = LogKey::Inbox(server.instance().clone());
    match server.0.stores.events.append(&inbox, batch).await {
        Err(error) if error.kind() == StoreErrorKind::Conflict => false,
        Err(error) => {
            tracing::warn!(%error, "a question could not be closed");
            true
        }
        Ok(_) => true,
    }
}

fn read(entry: InboxEntry) -> Result<Bytes, AskError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ClientError {
        code: i64,
        message: String,
    }
    match entry {
        InboxEntry::Result { json, .. } => Ok(String::from(Box::<str>::from(json)).into()),
        InboxEntry::Error { json, .. } => {
            let error: ClientError = serde_json::from_str(json.get()).unwrap_or_default();
            Err(AskError::Refused {
                code: error.code,
                message: error.message,
            })
        }
        InboxEntry::Closed { .. } | InboxEntry::Ended { .. } => Err(AskError::Closed),
    }
}
