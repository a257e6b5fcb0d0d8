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
    EventStream, Link, Outgoing, Server,
    call::{End, Work},
    entry::StreamEntry,
    lost::Name,
    reader::Reader,
    session::Session,
};
use crate::{
    jsonrpc::{ErrorObject, RequestId},
    router::{McpResponse, error_message},
    store::{Append, Audience, LogKey, Position, ReaderId, StoreError, StoreErrorKind},
};

/// Longest pause between two tries to write to a log.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A log for a call, and the connection that reads it.
pub(super) struct Opened {
    log: LogKey,
    reader: Reader,
}

/// Makes the log of a call and attaches its connection; the call may still be dropped meanwhile.
pub(super) async fn open(link: &Link, id: &RequestId) -> Result<Opened, StoreError> {
    let stream = link.server.new_stream(id);
    let log = LogKey::Stream {
        session: link.session.id().clone(),
        stream: Arc::clone(&stream),
    };
    let reader = Reader::begin(&link.server, &link.session, stream).await?;
    Ok(Opened { log, reader })
}

impl Opened {
    /// Moves the handler to a task of its own. `response` is there when it has ended already.
    pub(super) fn start(
        self,
        link: Link,
        work: Work,
        response: Option<McpResponse>,
    ) -> EventStream {
        let tasks = link.server.0.tasks.clone();
        let producer = Producer {
            id: work.context.request_id().clone(),
            server: link.server,
            session: link.session,
            log: self.log,
            seen: None,
            reader: None,
            batches: 0,
        };
        metrics::gauge!("mcp.streams.open", "kind" => "post").increment(1.0);
        tasks.spawn(producer.run(work, response));
        EventStream::logged(self.reader)
    }
}

impl Server {
    /// The name of a fresh stream; see [`lost::Name`](super::lost::Name).
    fn new_stream(&self, request: &RequestId) -> Arc<str> {
        let number = self.0.counter.fetch_add(1, Ordering::Relaxed);
        Name::write(self.instance(), number, request).into()
    }
}

/// The one writer of a stream's log.
struct Producer {
    id: RequestId,
    server: Server,
    session: Arc<Session>,
    log: LogKey,
    seen: Option<Position>,
    /// Who read the log at the last write.
    reader: Option<ReaderId>,
    batches: u64,
}

/// Nobody wants more of this stream: it was sealed by somebody else.
struct Sealed;

/// What to do about a failed write.
enum Failed {
    TryAgain,
    TooLarge,
}

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

    /// Appends events; those that are too large for the store are left out.
    async fn append(&mut self, events: &[Bytes]) -> Result<(), Sealed> {
        if self.append_all(events).await? {
            return Ok(());
        }
        for event in events {
            if !self.append_all(std::slice::from_ref(event)).await? {
                tracing::warn!(bytes = event.len(), "a message is too large to be stored");
                metrics::counter!("mcp.stream.dropped").increment(1);
            }
        }
        Ok(())
    }

    /// Appends events as one batch; `false` when it is too large.
    async fn append_all(&mut self, events: &[Bytes]) -> Result<bool, Sealed> {
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
                    self.reader = appended.reader;
                    self.wake().await;
                    return Ok(true);
                }
                Err(error) => match self.after(&error, &mut pause).await? {
                    Failed::TryAgain => {}
                    Failed::TooLarge => return Ok(false),
                },
            }
        }
    }

    /// Ends the log with the response. Whoever reads it hears of it.
    async fn seal(&mut self, end: End) {
        let mut last = match end {
            End::Response(response) => StreamEntry::Response(response.into_message()).encode(),
            End::Cancelled => StreamEntry::End.encode(),
        };
        let keep = self.server.limits().stream_kept;
        let mut pause = Duration::from_millis(20);
        loop {
            let events = &self.server.0.stores.events;
            let Err(error) = events.seal(&self.log, Some(last.clone()), keep).await else {
                break;
            };
            match self.after(&error, &mut pause).await {
                Ok(Failed::TryAgain) => {}
                Ok(Failed::TooLarge) => last = self.too_large(),
                Err(Sealed) => break,
            }
        }
        self.wake().await;
    }

    /// What a client gets instead of a response that cannot be stored.
    fn too_large(&self) -> Bytes {
        let error = ErrorObject::internal("the response is too large for a stream");
        let error = error_message(Some(&self.id), &error.reason("too_large"));
        StreamEntry::Response(error).encode()
    }

    /// What follows from a failed write.
    async fn after(&self, error: &StoreError, pause: &mut Duration) -> Result<Failed, Sealed> {
        match error.kind() {
            StoreErrorKind::Conflict => return Err(Sealed),
            StoreErrorKind::TooLarge => return Ok(Failed::TooLarge),
            _ => tracing::warn!(%error, "a stream could not be written"),
        }
        if !error.is_retryable() || self.server.0.tasks.is_stopped() {
            return Err(Sealed);
        }
        super::instance::pause(*pause).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        Ok(Failed::TryAgain)
    }

    /// Wakes the connection that reads the log, wherever it is.
    async fn wake(&self) {
        self.server.0.readers.wake(&self.log);
        if let Some(reader) = &self.reader
            && reader.instance != *self.server.instance()
        {
            let audience = Audience::Instance(reader.instance.clone());
            let notifier = &self.server.0.stores.notifier;
            let _ = notifier.publish(&audience, &self.log).await;
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
