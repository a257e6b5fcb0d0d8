//! The other end of a stream: one connection that reads a log.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{self, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::{
    Limits, Outgoing, Server,
    call::{Call, End},
    entry::StreamEntry,
    lost::Name,
    readers::Wake,
    session::{Hold, Session},
    unwritten::Told,
};
use crate::{
    jsonrpc::ErrorObject,
    router::{McpResponse, error_message},
    store::{Event, From, Generation, LogKey, Position, Read, ReaderId, StoreError},
};

/// One event of a stream, as a transport writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamEvent {
    /// What the client sends back as `Last-Event-ID`.
    pub id: Option<String>,
    /// One JSON-RPC message; empty in an event that only carries an id or a pause.
    pub data: Bytes,
    /// How long the client should wait before it reconnects.
    pub retry: Option<Duration>,
}

impl StreamEvent {
    pub(super) fn message(id: Option<String>, data: Bytes) -> Self {
        Self {
            id,
            data,
            retry: None,
        }
    }

    /// No message: a place to come back to, or a time to come back after.
    pub(super) fn hint(id: Option<String>, retry: Duration) -> Self {
        Self {
            id,
            data: Bytes::new(),
            retry: Some(retry),
        }
    }
}

/// The messages of one connection, in order. It ends when the connection should.
pub struct EventStream(BoxStream<'static, StreamEvent>);

impl EventStream {
    pub(super) fn new(events: impl Stream<Item = StreamEvent> + Send + 'static) -> Self {
        Self(events.boxed())
    }

    /// Reads a log.
    pub(super) fn logged(reader: Reader) -> Self {
        Self::new(stream::unfold(reader, |mut reader| async move {
            let event = reader.next().await?;
            Some((event, reader))
        }))
    }

    /// Without a log: the connection itself polls the handler. Without a session the handler ends with the
    /// connection; one of a session goes on unheard.
    pub(super) fn direct(call: Call, response: Option<McpResponse>) -> Self {
        let direct = Direct {
            call,
            ready: VecDeque::new(),
            end: response.map(End::Response),
        };
        Self::new(stream::unfold(direct, |mut direct| async move {
            let event = direct.next().await?;
            Some((event, direct))
        }))
    }
}

impl Stream for EventStream {
    type Item = StreamEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

struct Direct {
    call: Call,
    ready: VecDeque<Outgoing>,
    end: Option<End>,
}

impl Direct {
    async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            match self.ready.pop_front() {
                Some(Outgoing::Disconnect(_)) => continue,
                Some(Outgoing::Progress(json) | Outgoing::Log(json) | Outgoing::Request(json)) => {
                    return Some(StreamEvent::message(None, json));
                }
                None => {}
            }
            let Self { call, ready, end } = self;
            let work = call.work()?;
            let over = poll_fn(|cx| {
                if end.is_none()
                    && let Poll::Ready(ended) = work.poll(cx)
                {
                    *end = Some(ended);
                }
                match work.context.outbox().poll_take(cx) {
                    Poll::Ready(messages) => {
                        *ready = messages;
                        Poll::Ready(false)
                    }
                    Poll::Pending if end.is_some() => Poll::Ready(true),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            if over {
                work.context.outbox().close();
                return match end.replace(End::Cancelled) {
                    Some(End::Response(response)) => {
                        Some(StreamEvent::message(None, response.into_message()))
                    }
                    _ => None,
                };
            }
        }
    }
}

/// One connection attached to a stream's log.
pub(crate) struct Reader {
    server: Server,
    session: Arc<Session>,
    stream: Arc<str>,
    log: LogKey,
    wake: Arc<Wake>,
    generation: Generation,
    after: Position,
    page: VecDeque<Event>,
    /// What went out before it stood in the log.
    told: Told,
    prime: bool,
    /// Events were lost to retention, and the response has not been seen since.
    lost: bool,
    state: State,
    _hold: Hold,
}

#[derive(PartialEq)]
enum State {
    /// There may be more.
    Reading,
    /// The events at hand are the last.
    LastPage,
    /// The connection is over.
    Over,
}

/// What a log has next.
pub(super) enum Next {
    Entry(Position, StreamEntry),
    /// An entry that the log will get when the store is back.
    Early(StreamEntry),
    /// What lay before was lost.
    Gap,
    /// Another connection reads on.
    Superseded,
    /// Nothing yet, and another instance can wait for the rest as well as this one, which closes.
    Elsewhere,
    /// Nothing follows.
    End,
    /// The log is no longer there.
    Gone,
}

impl Reader {
    /// Reads a new stream from its beginning.
    pub(super) async fn begin(
        server: &Server,
        session: &Arc<Session>,
        stream: Arc<str>,
    ) -> Result<Self, StoreError> {
        let attached = Self::attach(server, session, stream, From::Acknowledged).await?;
        let (mut reader, _) = attached.ok_or_else(|| {
            StoreError::new(
                crate::store::StoreErrorKind::Corrupt,
                "event.attach",
                "a new log was not made",
            )
        })?;
        reader.prime = reader.polls();
        Ok(reader)
    }

    /// Becomes the one reader of a stream; says whether it is the first.
    pub(super) async fn attach(
        server: &Server,
        session: &Arc<Session>,
        stream: Arc<str>,
        from: From,
    ) -> Result<Option<(Self, bool)>, StoreError> {
        let log = LogKey::Stream {
            session: session.id().clone(),
            stream: Arc::clone(&stream),
        };
        let connection = server.0.counter.fetch_add(1, Ordering::Relaxed);
        let id = ReaderId::new(server.instance().clone(), connection);
        let Some(attached) = server.0.stores.events.attach(&log, &id, from).await? else {
            return Ok(None);
        };
        // The reader before this one may wait here: it learns that it has been superseded.
        server.0.readers.wake(&log);
        let wake = server.0.readers.add(&log);
        wake.farewell.if_late(server);
        let reader = Self {
            server: server.clone(),
            session: Arc::clone(session),
            stream,
            log,
            wake,
            generation: attached.generation,
            after: attached.after,
            page: VecDeque::new(),
            told: Told::default(),
            prime: false,
            lost: false,
            state: State::Reading,
            _hold: session.hold(),
        };
        Ok(Some((reader, attached.is_first)))
    }

    /// Where this connection stands in its log.
    pub(super) fn place(&self) -> Position {
        self.after
    }

    /// The id that stands for a place in this stream.
    pub(super) fn event_id(&self, at: Position) -> String {
        format!("{}.{:x}.{}", self.stream, at.epoch.0, at.seq)
    }

    /// An event without a message, for the client to come back to.
    pub(super) fn priming(&self) -> StreamEvent {
        StreamEvent::hint(
            Some(self.event_id(self.after)),
            self.server.limits().stream_retry,
        )
    }

    /// The next entry that the store could not take yet.
    fn early(&mut self) -> Option<StreamEntry> {
        let offers = &self.server.0.offers;
        let payload = offers.next(&self.log, self.after, &self.told)?;
        self.told.add(payload.clone());
        StreamEntry::decode(&payload)
    }

    /// The next entry. Cancel safe: what has been read stays in the page.
    pub(super) async fn entry(&mut self) -> Next {
        loop {
            if let Some(event) = self.page.pop_front() {
                self.after = event.position;
                if self.told.knows(&event.payload) {
                    continue;
                }
                match StreamEntry::decode(&event.payload) {
                    Some(entry) => return Next::Entry(event.position, entry),
                    None => continue,
                }
            }
            if self.state == State::LastPage {
                return Next::End;
            }
            if let Some(entry) = self.early() {
                return Next::Early(entry);
            }
            self.wake.seen.store(self.after.seq, Ordering::Relaxed);
            let limit = Limits::page();
            let events = &self.server.0.stores.events;
            let read = events.read(&self.log, self.after, Some(self.generation), limit);
            match read.await {
                Ok(Read::Events {
                    events,
                    more,
                    sealed,
                }) => {
                    if sealed && !more {
                        self.state = State::LastPage;
                    } else if events.is_empty() {
                        if self.leaves() {
                            return Next::Elsewhere;
                        }
                        self.wake.moved.notified().await;
                    }
                    self.page = events.into();
                }
                Ok(Read::Gap { floor, .. }) => {
                    metrics::counter!("mcp.eventlog.gap").increment(1);
                    self.after = floor;
                    return Next::Gap;
                }
                Ok(Read::Superseded) => return Next::Superseded,
                Ok(Read::Unknown) => return Next::Gone,
                Err(error) => self.after_failure(&error).await,
            }
            if self.page.is_empty() && self.session.has_ended() {
                return Next::End;
            }
        }
    }

    /// Waits before the log is read again.
    async fn after_failure(&self, error: &StoreError) {
        tracing::warn!(%error, "a stream could not be read");
        let pause = super::instance::pause(Duration::from_millis(500));
        tokio::select! {
            () = pause => {}
            () = self.wake.moved.notified() => {}
        }
    }

    /// The next event of a stream that answers a request.
    async fn next(&mut self) -> Option<StreamEvent> {
        if self.prime {
            self.prime = false;
            return Some(self.priming());
        }
        loop {
            if self.state == State::Over {
                return None;
            }
            match self.entry().await {
                Next::Entry(at, StreamEntry::Message(json)) => {
                    return Some(StreamEvent::message(Some(self.event_id(at)), json));
                }
                Next::Entry(at, StreamEntry::Response(json)) => {
                    self.lost = false;
                    return Some(StreamEvent::message(Some(self.event_id(at)), json));
                }
                Next::Early(StreamEntry::Message(json)) => {
                    return Some(StreamEvent::message(None, json));
                }
                Next::Early(StreamEntry::Response(json)) => {
                    self.state = State::Over;
                    return Some(StreamEvent::message(None, json));
                }
                // There is no place to come back to.
                Next::Early(StreamEntry::Disconnect(_)) => {}
                // Only 2025-11-25 lets a server end the connection before the stream.
                Next::Entry(_, StreamEntry::Disconnect(_)) if !self.polls() => {}
                Next::Entry(at, StreamEntry::Disconnect(retry)) => {
                    // Whoever resumes after this event must not be disconnected by it again.
                    self.state = State::Over;
                    return Some(StreamEvent::hint(Some(self.event_id(at)), retry));
                }
                Next::Entry(_, StreamEntry::End) => self.lost = false,
                Next::Gap => self.lost = true,
                Next::End => {
                    self.state = State::Over;
                    if self.lost {
                        return Some(self.response_lost());
                    }
                    self.delivered().await;
                }
                Next::Gone => {
                    self.state = State::Over;
                    return Some(self.response_lost());
                }
                Next::Elsewhere => {
                    self.state = State::Over;
                    // The client comes back to the last event that it has.
                    return Some(StreamEvent::hint(None, self.server.retry_elsewhere()));
                }
                Next::Early(StreamEntry::End) | Next::Superseded => self.state = State::Over,
            }
        }
    }

    /// Whether this instance closes while another one runs the request: its client reads on there, and
    /// is not waited for here.
    fn leaves(&self) -> bool {
        let own = self.server.instance();
        self.wake.farewell.is_said(&self.server)
            && self.polls()
            && Name::read(&self.stream).is_some_and(|name| !name.is_of(own))
    }

    fn response_lost(&self) -> StreamEvent {
        response_lost(&self.stream)
    }

    /// Whether this session's revision lets a stream go on over several connections.
    fn polls(&self) -> bool {
        self.session.record().revision.rules().priming_event
    }

    /// The client has everything: the log need not be kept as long.
    async fn delivered(&self) {
        let keep = self.server.limits().stream_kept_delivered;
        let events = &self.server.0.stores.events;
        if let Err(error) = events.seal(&self.log, None, keep).await {
            tracing::debug!(%error, "a delivered stream keeps its retention");
        }
    }
}

/// What a client gets that comes too late.
pub(super) fn response_lost(stream: &str) -> StreamEvent {
    let error = ErrorObject::internal("the response is no longer kept").reason("response_lost");
    let request = Name::read(stream).and_then(|name| name.request());
    StreamEvent::message(None, error_message(request.as_ref(), &error))
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.server.0.readers.remove(&self.log, &self.wake);
    }
}
