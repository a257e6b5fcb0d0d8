//! A reply that is more than one message: the handler moves to a task of its own and writes to a
//! log; the connection, or the next one after a break, reads the log.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{
    EventStream, Link, Outgoing, Server,
    call::{End, Work},
    entry::StreamEntry,
    lost::Name,
    reader::Reader,
    session::Session,
    unwritten::{Batch, Unwritten},
};
use crate::{
    jsonrpc::{ErrorObject, RequestId},
    router::{McpResponse, error_message},
    store::{Append, Appended, Audience, LogKey, Position, ReaderId, StoreError, StoreErrorKind},
};

/// Shortest and longest pause between two tries to write to a log.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
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
        work: Box<Work>,
        response: Option<McpResponse>,
    ) -> EventStream {
        let tasks = link.server.0.tasks.clone();
        let producer = Producer {
            id: work.context.request_id().clone(),
            unwritten: Unwritten::after(self.reader.place()),
            server: link.server,
            session: link.session,
            log: self.log,
            seen: None,
            reader: None,
            offers: false,
            pause: Duration::ZERO,
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
    unwritten: Unwritten,
    /// Whether connections find something of this in the offers.
    offers: bool,
    /// Before the next try; zero unless the last one failed.
    pause: Duration,
}

/// Nobody wants more of this stream: it was sealed by somebody else.
struct Sealed;

/// A write under way.
type Writing = BoxFuture<'static, Result<Appended, StoreError>>;

/// What happened next.
enum Step {
    /// The handler said something.
    Said(VecDeque<Outgoing>),
    /// A write came to its end.
    Tried(Result<Appended, StoreError>),
    /// The handler has ended, and nothing that it said waits to be taken.
    Ended,
}

impl Producer {
    /// Runs the handler to its end, and writes what it says meanwhile; one write at a time.
    async fn run(mut self, mut work: Box<Work>, response: Option<McpResponse>) {
        let context = work.context.clone();
        let _hold = self.session.hold();
        let mut end = response.map(|response| last_entry(End::Response(response)));
        let open = self.write_all(&mut work, &mut end).await.is_ok();
        context.outbox().close();
        let dropped = context.outbox().dropped();
        if dropped > 0 {
            metrics::counter!("mcp.stream.dropped").increment(dropped);
        }
        metrics::gauge!("mcp.streams.open", "kind" => "post").decrement(1.0);
        match end {
            Some(last) if open => self.seal(last).await,
            _ => context.cancel(),
        }
        self.withdraw();
    }

    /// Writes what the handler says until it has ended and everything stands in the log.
    ///
    /// While the store does not answer, what is said goes to the connection of this process at once.
    async fn write_all(&mut self, work: &mut Work, end: &mut Option<Bytes>) -> Result<(), Sealed> {
        let mut writing: Option<Writing> = None;
        loop {
            if writing.is_none() {
                writing = self.begin_write();
            }
            // In good times what is said during a write waits and goes into one batch.
            let takes = writing.is_none() || self.unwritten.has_room_in_outage();
            match poll_fn(|cx| step(cx, work, end, &mut writing, takes)).await {
                Step::Said(batch) => {
                    let events = batch.into_iter().map(|item| encode(item).encode());
                    self.unwritten.add(events);
                }
                Step::Tried(tried) => {
                    writing = None;
                    self.tried(tried).await?;
                }
                Step::Ended if writing.is_none() => return Ok(()),
                Step::Ended => self.unwritten.end(end.clone().unwrap_or_default()),
            }
            self.offer();
        }
    }

    /// Begins to write the oldest batch, if there is one.
    fn begin_write(&mut self) -> Option<Writing> {
        let Batch { events, key } = self.unwritten.first()?;
        let (server, log) = (self.server.clone(), self.log.clone());
        let (seen, pause) = (self.seen, self.pause);
        Some(Box::pin(async move {
            if !pause.is_zero() {
                super::instance::pause(pause).await;
            }
            let key = key.to_string();
            let batch = Append::new(&events, server.limits().stream_retention)
                .key(&key)
                .writer_seen(seen);
            server.0.stores.events.append(&log, batch).await
        }))
    }

    /// What follows from a write.
    async fn tried(&mut self, tried: Result<Appended, StoreError>) -> Result<(), Sealed> {
        match tried {
            Ok(appended) => {
                self.pause = Duration::ZERO;
                self.seen = Some(appended.last);
                self.reader = appended.reader;
                self.unwritten.written(appended.last);
                self.wake().await;
            }
            Err(error) if error.kind() == StoreErrorKind::TooLarge => {
                if let Some(bytes) = self.unwritten.too_large() {
                    tracing::warn!(bytes, "a message is too large to be stored");
                    metrics::counter!("mcp.stream.dropped").increment(1);
                }
            }
            Err(error) => self.failed(&error)?,
        }
        Ok(())
    }

    /// Whether a failed write is tried again.
    fn failed(&mut self, error: &StoreError) -> Result<(), Sealed> {
        if error.kind() == StoreErrorKind::Conflict {
            return Err(Sealed);
        }
        tracing::warn!(%error, "a stream could not be written");
        if !error.is_retryable() || self.server.0.tasks.is_stopped() {
            return Err(Sealed);
        }
        self.unwritten.in_outage();
        self.pause = (self.pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        Ok(())
    }

    /// Lets the connection of this process have what cannot be written now, or takes that back.
    fn offer(&mut self) {
        let offer = self.unwritten.offer();
        if offer.is_none() {
            return self.withdraw();
        }
        self.offers = true;
        self.server.0.offers.put(&self.log, offer);
        self.server.0.readers.wake(&self.log);
    }

    fn withdraw(&mut self) {
        if mem::take(&mut self.offers) {
            self.server.0.offers.put(&self.log, None);
        }
    }

    /// Ends the log with the response. Whoever reads it hears of it.
    async fn seal(&mut self, mut last: Bytes) {
        let keep = self.server.limits().stream_kept;
        loop {
            let events = &self.server.0.stores.events;
            let error = match events.seal(&self.log, Some(last.clone()), keep).await {
                Ok(sealing) => {
                    // Somebody may have come since the last write, elsewhere.
                    self.reader = sealing.reader;
                    break;
                }
                Err(error) => error,
            };
            if error.kind() == StoreErrorKind::TooLarge {
                last = self.too_large();
                continue;
            }
            if self.failed(&error).is_err() {
                break;
            }
            self.unwritten.end(last.clone());
            self.offer();
            super::instance::pause(self.pause).await;
        }
        self.wake().await;
    }

    /// What a client gets instead of a response that cannot be stored.
    fn too_large(&self) -> Bytes {
        let error = ErrorObject::internal("the response is too large for a stream");
        let error = error_message(Some(&self.id), &error.reason("too_large"));
        StreamEntry::Response(error).encode()
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

/// Runs the handler, takes what it says when `takes`, and goes on writing.
fn step(
    cx: &mut Context<'_>,
    work: &mut Work,
    end: &mut Option<Bytes>,
    writing: &mut Option<Writing>,
    takes: bool,
) -> Poll<Step> {
    if end.is_none()
        && let Poll::Ready(ended) = work.poll(cx)
    {
        *end = Some(last_entry(ended));
    }
    if takes && let Poll::Ready(batch) = work.context.outbox().poll_take(cx) {
        return Poll::Ready(Step::Said(batch));
    }
    if let Some(write) = writing
        && let Poll::Ready(tried) = write.as_mut().poll(cx)
    {
        return Poll::Ready(Step::Tried(tried));
    }
    if takes && end.is_some() {
        return Poll::Ready(Step::Ended);
    }
    Poll::Pending
}

/// What the log of a stream ends with.
fn last_entry(end: End) -> Bytes {
    match end {
        End::Response(response) => StreamEntry::Response(response.into_message()).encode(),
        End::Cancelled => StreamEntry::End.encode(),
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
