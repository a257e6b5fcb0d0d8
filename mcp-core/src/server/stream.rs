//! A reply that is more than one message: the handler moves to a task of its own and writes to a
//! log; the connection, or the next one after a break, reads the log.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    sync::{Arc, Weak, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{
    EventStream, Link, Outgoing, Server,
    call::{End, Work},
    entry::StreamEntry,
    handover::Handover,
    lost::Name,
    reader::Reader,
    session::Session,
    unwritten::{Batch, TooLarge, Unwritten},
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
pub(super) struct Opened(Reader);

impl Opened {
    /// A log that does not exist before something is written to it: asks nothing of the store.
    pub(super) fn with_first_message(link: &Link, id: &RequestId) -> Self {
        let stream = link.server.new_stream(id);
        Self(Reader::beside(&link.server, &link.session, stream))
    }

    /// A log with nothing in it, which the client can come back to; the call may still be dropped meanwhile.
    pub(super) async fn empty(link: &Link, id: &RequestId) -> Result<Self, StoreError> {
        let stream = link.server.new_stream(id);
        let reader = Reader::begin(&link.server, &link.session, stream).await?;
        Ok(Self(reader))
    }

    /// Moves the handler to a task of its own. `response` is there when it has ended already.
    pub(super) fn start(
        self,
        link: Link,
        work: Box<Work>,
        response: Option<McpResponse>,
    ) -> EventStream {
        let Self(mut reader) = self;
        let tasks = link.server.0.tasks.clone();
        let producer = Producer {
            id: work.context.request_id().clone(),
            unwritten: Unwritten::after(reader.place()),
            server: link.server,
            session: link.session,
            log: reader.log().clone(),
            seen: None,
            beside: (reader.id().clone(), Arc::downgrade(&reader.handover())),
            offers: false,
            pause: Duration::ZERO,
        };
        metrics::gauge!("mcp.streams.open", "kind" => "post").increment(1.0);
        tasks.spawn(producer.run(work, response));
        EventStream::logged(reader)
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
    /// The connection that the call began on, while it is there.
    beside: (ReaderId, Weak<Handover>),
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
    /// The handler has ended with this, and nothing that it said waits to be taken.
    Ended(Bytes),
}

impl Producer {
    /// Runs the handler to its end, and writes what it says meanwhile; one write at a time.
    async fn run(mut self, mut work: Box<Work>, response: Option<McpResponse>) {
        let context = work.context.clone();
        let _hold = self.session.hold();
        let mut end = response.map(|response| last_entry(End::Response(response)));
        let written = self.write_all(&mut work, &mut end).await;
        context.outbox().close();
        let dropped = context.outbox().dropped();
        if dropped > 0 {
            metrics::counter!("mcp.stream.dropped").increment(dropped);
        }
        metrics::gauge!("mcp.streams.open", "kind" => "post").decrement(1.0);
        if written.is_err() {
            context.cancel();
        }
        if let Some(beside) = self.beside.1.upgrade() {
            beside.close();
        }
        self.withdraw();
    }

    /// Writes what the handler says until the log has ended with its response.
    ///
    /// While the store does not answer, what is said goes to the connection of this process at once.
    async fn write_all(&mut self, work: &mut Work, end: &mut Option<Bytes>) -> Result<(), Sealed> {
        let mut writing: Option<Writing> = None;
        loop {
            // In good times what is said during a write waits and goes into one batch.
            let takes = writing.is_none() || self.unwritten.has_room_in_outage();
            let ended = self.unwritten.has_ended();
            match poll_fn(|cx| step(cx, work, end, ended, &mut writing, takes)).await {
                Step::Said(batch) => {
                    let events = batch.into_iter().map(|item| encode(item).encode());
                    self.unwritten.add(events);
                    if end.is_some() {
                        // Said before the end, and perhaps not all of it: it is taken first.
                        continue;
                    }
                }
                Step::Tried(tried) => {
                    writing = None;
                    if self.tried(tried).await? {
                        return Ok(());
                    }
                }
                Step::Ended(last) => {
                    work.context.outbox().close();
                    self.unwritten.end(last);
                }
            }
            if writing.is_none() {
                writing = self.begin_write();
            }
            self.offer();
        }
    }

    /// Begins to write the oldest batch, if there is one.
    fn begin_write(&mut self) -> Option<Writing> {
        let Batch { events, key, seals } = self.unwritten.first()?;
        let (server, log) = (self.server.clone(), self.log.clone());
        let (seen, pause) = (self.seen, self.pause);
        // The first write makes the log, for the connection that waits for it.
        let reader = seen.is_none().then(|| self.beside.0.clone());
        Some(Box::pin(async move {
            if !pause.is_zero() {
                super::instance::pause(pause).await;
            }
            let (key, limits) = (key.to_string(), server.limits());
            let batch = Append::new(&events, limits.stream_retention)
                .key(&key)
                .writer_seen(seen)
                .reader(reader.as_ref())
                .seal(seals.then_some(limits.stream_kept));
            server.0.stores.events.append(&log, batch).await
        }))
    }

    /// What follows from a write; says whether the log has ended with it.
    async fn tried(&mut self, tried: Result<Appended, StoreError>) -> Result<bool, Sealed> {
        match tried {
            Ok(appended) => {
                self.pause = Duration::ZERO;
                self.seen = Some(appended.last);
                let batch = self.unwritten.written(appended.last);
                let sealed = batch.as_ref().is_some_and(|batch| batch.seals);
                self.tell(&appended, batch).await;
                return Ok(sealed);
            }
            Err(error) if error.kind() == StoreErrorKind::TooLarge => {
                match self.unwritten.too_large() {
                    TooLarge::Together => {}
                    TooLarge::Message(bytes) => {
                        tracing::warn!(bytes, "a message is too large to be stored");
                        metrics::counter!("mcp.stream.dropped").increment(1);
                    }
                    TooLarge::Last => self.unwritten.end(self.too_large()),
                }
            }
            Err(error) => self.failed(&error)?,
        }
        Ok(false)
    }

    /// Whether a failed write is tried again.
    fn failed(&mut self, error: &StoreError) -> Result<(), Sealed> {
        if error.kind() == StoreErrorKind::Conflict {
            return Err(Sealed);
        }
        tracing::warn!(%error, "a stream could not be written");
        // A log that cannot be made is of no use, but its connection is told what was said.
        let is_heard = self.seen.is_none() && self.beside.1.strong_count() > 0;
        if !(error.is_retryable() || is_heard) || self.server.0.tasks.is_stopped() {
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

    /// What a client gets instead of a response that cannot be stored.
    fn too_large(&self) -> Bytes {
        let error = ErrorObject::internal("the response is too large for a stream");
        let error = error_message(Some(&self.id), &error.reason("too_large"));
        StreamEntry::Response(error).encode()
    }

    /// Gives what stands in the log now to the connection beside, or wakes the one that reads the log
    /// instead, wherever it is.
    async fn tell(&self, appended: &Appended, batch: Option<Batch>) {
        let (id, beside) = (&self.beside.0, self.beside.1.upgrade());
        match (&appended.reader, beside, batch) {
            (Some((reader, generation)), Some(beside), Some(batch)) if reader == id => {
                let Batch { events, seals, .. } = batch;
                return beside.give(*generation, appended.last, &events, seals);
            }
            (_, Some(beside), _) => beside.close(),
            _ => {}
        }
        self.server.0.readers.wake(&self.log);
        if let Some((reader, _)) = &appended.reader
            && reader.instance != *self.server.instance()
        {
            let audience = Audience::Instance(reader.instance.clone());
            let notifier = &self.server.0.stores.notifier;
            let _ = notifier.publish(&audience, &self.log).await;
        }
    }
}

/// Runs the handler unless it `has_ended`, takes what it says when `takes`, and goes on writing.
fn step(
    cx: &mut Context<'_>,
    work: &mut Work,
    end: &mut Option<Bytes>,
    has_ended: bool,
    writing: &mut Option<Writing>,
    takes: bool,
) -> Poll<Step> {
    if end.is_none()
        && !has_ended
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
    match end.take_if(|_| takes) {
        Some(last) => Poll::Ready(Step::Ended(last)),
        None => Poll::Pending,
    }
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
