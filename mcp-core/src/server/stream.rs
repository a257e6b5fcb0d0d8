//! A reply that is more than one message: the handler moves to a task of its own and writes to a
//! log; the connection, or the next one after a break, reads the log.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use bytes::Bytes;

use super::{
    EventStream, Outcome, Outgoing, Server,
    call::{End, Work},
    entry::StreamEntry,
    reader::Reader,
    session::Session,
};
use crate::{
    jsonrpc::ErrorObject,
    router::McpResponse,
    store::{Append, Audience, LogKey, Position, StoreError, StoreErrorKind},
};

/// Longest pause between two tries to write to a log.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Turns a running call into a stream. `response` is there when the handler has ended already.
pub(super) async fn open(work: Work, response: Option<McpResponse>) -> Outcome {
    let Some(link) = work.link().cloned() else {
        return Outcome::Stream(EventStream::direct(work, response));
    };
    let server = link.server.clone();
    let stream = server.new_stream();
    let log = LogKey::Stream {
        session: link.session.id().clone(),
        stream: Arc::clone(&stream),
    };
    let id = work.context.request_id().clone();
    let producer = Producer {
        server: server.clone(),
        session: Arc::clone(&link.session),
        log,
        seen: None,
        batches: 0,
    };
    metrics::gauge!("mcp.streams.open", "kind" => "post").increment(1.0);
    server.0.tasks.spawn(producer.run(work, response));
    match Reader::begin(&server, &link.session, stream).await {
        Ok(reader) => Outcome::Stream(EventStream::logged(reader)),
        Err(error) => {
            tracing::warn!(%error, "a reply could not become a stream");
            let error = ErrorObject::internal("the reply's stream cannot be stored");
            Outcome::Answer(McpResponse::error(&id, error.reason("store_unavailable")))
        }
    }
}

impl Server {
    /// The name of a fresh stream; names the instance that produces it.
    fn new_stream(&self) -> Arc<str> {
        let number = self.0.counter.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.instance()).into()
    }
}

/// The one writer of a stream's log.
struct Producer {
    server: Server,
    session: Arc<Session>,
    log: LogKey,
    seen: Option<Position>,
    batches: u64,
}

/// Nobody wants more of this stream: it was sealed by somebody else.
struct Sealed;

impl Producer {
    /// Runs the handler to its end, and writes what it says meanwhile; one write at a time.
    async fn run(mut self, mut work: Work, response: Option<McpResponse>) {
        let context = work.context.clone();
        let _hold = self.session.hold();
        let mut end = response.map(End::Response);
        let mut open = true;
        while open {
            let batch = {
                let (work, end) = (&mut work, &mut end);
                poll_fn(|cx| {
                    if end.is_none()
                        && let Poll::Ready(ended) = work.poll(cx)
                    {
                        *end = Some(ended);
                    }
                    match context.outbox().poll_take(cx) {
                        Poll::Pending if end.is_some() => Poll::Ready(None),
                        other => other.map(Some),
                    }
                })
                .await
            };
            let Some(batch) = batch else { break };
            open = self.write(batch, &mut work, &mut end).await.is_ok();
        }
        context.outbox().close();
        let dropped = context.outbox().dropped();
        if dropped > 0 {
            metrics::counter!("mcp.stream.dropped").increment(dropped);
        }
        metrics::gauge!("mcp.streams.open", "kind" => "post").decrement(1.0);
        match end {
            Some(end) if open => self.seal(end).await,
            _ => context.cancel(),
        }
    }

    /// Appends a batch while the handler goes on.
    async fn write(
        &mut self,
        batch: VecDeque<Outgoing>,
        work: &mut Work,
        end: &mut Option<End>,
    ) -> Result<(), Sealed> {
        let events: Vec<Bytes> = batch
            .into_iter()
            .map(|item| encode(item).encode())
            .collect();
        let mut append = std::pin::pin!(self.append(&events));
        poll_fn(|cx| {
            if end.is_none()
                && let Poll::Ready(ended) = work.poll(cx)
            {
                *end = Some(ended);
            }
            append.as_mut().poll(cx)
        })
        .await
    }

    async fn append(&mut self, events: &[Bytes]) -> Result<(), Sealed> {
        self.batches += 1;
        let key = self.batches.to_string();
        let mut pause = Duration::from_millis(20);
        loop {
            let batch = Append::new(events, self.server.limits().stream_retention)
                .key(&key)
                .writer_seen(self.seen);
            match self.server.0.stores.events.append(&self.log, batch).await {
                Ok(appended) => {
                    self.seen = Some(appended.last);
                    self.wake(appended.reader).await;
                    return Ok(());
                }
                Err(error) => self.after(&error, &mut pause).await?,
            }
        }
    }

    /// Ends the log with the response. Whoever reads it hears of it.
    async fn seal(&mut self, end: End) {
        let last = match end {
            End::Response(response) => StreamEntry::Response(response.into_message()),
            End::Cancelled => StreamEntry::End,
        };
        let last = last.encode();
        let keep = self.server.limits().stream_kept;
        let mut pause = Duration::from_millis(20);
        loop {
            let events = &self.server.0.stores.events;
            match events.seal(&self.log, Some(last.clone()), keep).await {
                Ok(_) => break,
                Err(error) if self.after(&error, &mut pause).await.is_err() => break,
                Err(_) => {}
            }
        }
        self.wake(None).await;
    }

    /// What follows from a failed write: try again, or give up.
    async fn after(&self, error: &StoreError, pause: &mut Duration) -> Result<(), Sealed> {
        if error.kind() == StoreErrorKind::Conflict {
            return Err(Sealed);
        }
        tracing::warn!(%error, "a stream could not be written");
        if !error.is_retryable() || self.server.0.tasks.is_stopped() {
            return Err(Sealed);
        }
        super::instance::pause(*pause).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }

    async fn wake(&self, reader: Option<crate::store::ReaderId>) {
        self.server.0.readers.wake(&self.log);
        if let Some(reader) = reader
            && reader.instance != *self.server.instance()
        {
            let audience = Audience::Instance(reader.instance);
            let _ = self
                .server
                .0
                .stores
                .notifier
                .publish(&audience, &self.log)
                .await;
        }
    }
}

fn encode(item: Outgoing) -> StreamEntry {
    match item {
        Outgoing::Progress(json) | Outgoing::Log(json) | Outgoing::Request(json) => {
            StreamEntry::Message(json)
        }
        Outgoing::Disconnect(retry) => StreamEntry::Disconnect(retry),
    }
}
