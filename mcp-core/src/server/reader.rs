//! The other end of a stream: one connection that reads a log.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    Limits, Server, StreamEvent,
    entry::StreamEntry,
    handover::{Handover, Taken},
    lost::Name,
    readers::Wake,
    session::{Hold, Session},
    unwritten::Told,
};
use crate::{
    jsonrpc::ErrorObject,
    router::error_message,
    store::{Event, From, Generation, LogKey, Position, Read, ReaderId, StoreError},
};

/// One connection attached to a stream's log.
pub(crate) struct Reader {
    server: Server,
    session: Arc<Session>,
    stream: Arc<str>,
    log: LogKey,
    id: ReaderId,
    wake: Arc<Wake>,
    /// Unknown while the log is not made.
    generation: Option<Generation>,
    /// What the writer of the log gives, if it is beside.
    handover: Option<Arc<Handover>>,
    /// There may be something in the log that is not given.
    looks: bool,
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
        let log = stream_log(session, &stream);
        let id = new_id(server);
        let Some(attached) = server.0.stores.events.attach(&log, &id, from).await? else {
            return Ok(None);
        };
        // The reader before this one may wait here: it learns that it has been superseded.
        server.0.readers.wake(&log);
        let mut reader = Self::new(server, session, stream, log, id);
        reader.generation = Some(attached.generation);
        reader.after = attached.after;
        Ok(Some((reader, attached.is_first)))
    }

    /// Reads a stream whose log its writer makes, with the first message; the writer is beside.
    pub(super) fn beside(server: &Server, session: &Arc<Session>, stream: Arc<str>) -> Self {
        let log = stream_log(session, &stream);
        let id = new_id(server);
        let mut reader = Self::new(server, session, stream, log, id);
        reader.prime = reader.polls();
        reader
    }

    fn new(
        server: &Server,
        session: &Arc<Session>,
        stream: Arc<str>,
        log: LogKey,
        id: ReaderId,
    ) -> Self {
        let wake = server.0.readers.add(&log);
        wake.farewell.if_late(server);
        Self {
            server: server.clone(),
            session: Arc::clone(session),
            stream,
            log,
            id,
            wake,
            generation: None,
            handover: None,
            looks: true,
            after: Position::BEGINNING,
            page: VecDeque::new(),
            told: Told::default(),
            prime: false,
            lost: false,
            state: State::Reading,
            _hold: session.hold(),
        }
    }

    pub(super) fn log(&self) -> &LogKey {
        &self.log
    }

    pub(super) fn id(&self) -> &ReaderId {
        &self.id
    }

    /// What the writer of this log gives to this connection, from now on.
    pub(super) fn handover(&mut self) -> Arc<Handover> {
        self.looks = false;
        Arc::clone(self.handover.get_or_insert_default())
    }

    /// Where this connection stands in its log.
    pub(super) fn place(&self) -> Position {
        self.after
    }

    fn event_id(&self, at: Position) -> String {
        event_id(&self.stream, at)
    }

    /// An event without a message, for the client to come back to.
    fn priming(&self) -> StreamEvent {
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
            if self.receive() {
                continue;
            }
            if let Some(entry) = self.early() {
                return Next::Early(entry);
            }
            self.wake.has_seen(self.after);
            if !self.looks {
                self.wait().await;
                continue;
            }
            match self.generation {
                Some(generation) => {
                    if let Some(next) = self.look(generation).await {
                        return next;
                    }
                }
                None if self.session.has_ended() => return Next::End,
                // Nobody will make the log.
                None if self.handover.is_none() => return Next::Gone,
                None => self.looks = false,
            }
        }
    }

    /// Takes what the writer beside gives; says whether that is anything.
    fn receive(&mut self) -> bool {
        let Some(handover) = &self.handover else {
            return false;
        };
        match handover.take(self.after) {
            Taken::Events {
                generation,
                events,
                sealed,
            } => {
                self.generation = Some(generation);
                self.page = events;
                self.looks = false;
                if sealed {
                    self.state = State::LastPage;
                }
                return true;
            }
            Taken::Look(generation) => {
                self.generation = generation.or(self.generation);
                self.looks = true;
            }
            Taken::Closed => {
                self.looks = true;
                self.handover = None;
            }
            Taken::Nothing => {}
        }
        false
    }

    /// Reads a page of the log, and waits when there is none.
    async fn look(&mut self, generation: Generation) -> Option<Next> {
        let limit = Limits::page();
        let events = &self.server.0.stores.events;
        let read = events.read(&self.log, self.after, Some(generation), limit);
        match read.await {
            Ok(Read::Events {
                events,
                more,
                sealed,
            }) => {
                if sealed && !more {
                    self.state = State::LastPage;
                } else if events.is_empty() {
                    if self.session.has_ended() {
                        return Some(Next::End);
                    }
                    if self.leaves() {
                        return Some(Next::Elsewhere);
                    }
                    self.wait().await;
                } else if self.handover.is_some() {
                    self.looks = more;
                }
                self.page = events.into();
            }
            Ok(Read::Gap { floor, .. }) => {
                metrics::counter!("mcp.eventlog.gap").increment(1);
                self.after = floor;
                return Some(Next::Gap);
            }
            Ok(Read::Superseded) => return Some(Next::Superseded),
            Ok(Read::Unknown) if self.session.has_ended() => return Some(Next::End),
            Ok(Read::Unknown) => return Some(Next::Gone),
            Err(error) => self.after_failure(&error).await,
        }
        (self.page.is_empty() && self.session.has_ended()).then_some(Next::End)
    }

    /// Waits until there may be more: in the log, or from the writer beside.
    async fn wait(&mut self) {
        let given = async {
            match &self.handover {
                Some(handover) => handover.changed().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = self.wake.moved.notified() => self.looks = true,
            () = given => {}
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

    /// Waits until there is a log to come back to; `false` when something is told before there is one.
    async fn is_made(&mut self) -> bool {
        while self.generation.is_none() && !self.receive() {
            let offers = &self.server.0.offers;
            let is_told = offers.next(&self.log, self.after, &self.told).is_some();
            if is_told || self.handover.is_none() {
                return false;
            }
            self.wait().await;
        }
        true
    }

    /// The next event of a stream that answers a request.
    pub(super) async fn next(&mut self) -> Option<StreamEvent> {
        if self.prime && self.is_made().await {
            self.prime = false;
            return Some(self.priming());
        }
        self.prime = false;
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
        if self.generation.is_none() {
            return;
        }
        let keep = self.server.limits().stream_kept_delivered;
        let events = &self.server.0.stores.events;
        if let Err(error) = events.seal(&self.log, None, keep).await {
            tracing::debug!(%error, "a delivered stream keeps its retention");
        }
    }
}

/// The id that stands for a place in a stream.
pub(super) fn event_id(stream: &str, at: Position) -> String {
    format!("{stream}.{:x}.{}", at.epoch.0, at.seq)
}

fn stream_log(session: &Session, stream: &Arc<str>) -> LogKey {
    LogKey::Stream {
        session: session.id().clone(),
        stream: Arc::clone(stream),
    }
}

pub(super) fn new_id(server: &Server) -> ReaderId {
    let connection = server.0.counter.fetch_add(1, Ordering::Relaxed);
    ReaderId::new(server.instance().clone(), connection)
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
