//! The GET stream: what a session hears outside of its requests, and streams that are resumed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{StreamExt, stream};
use tokio::sync::Notify;

use super::{
    EventStream, Phase, Refusal, Server, SessionRef, StreamEvent,
    closing::Farewell,
    get_stream::GetStream,
    notice::Notice,
    reader::{self, Reader, response_lost},
    roster::Gone,
    session::Session,
};
use crate::store::{Epoch, From, Position, ReaderId, SessionId};

/// The stream that a GET without `Last-Event-ID` opens.
pub(super) const GET_STREAM: &str = "get";

/// Longest `Last-Event-ID` that can be one of ours.
const LONGEST_EVENT_ID: usize = 256;

/// One open GET connection. One of a session hears, the others keep still; see [`roster`](super::roster).
#[derive(Debug)]
pub(crate) struct GetConnection {
    pub(super) id: ReaderId,
    notices: Mutex<BTreeSet<Notice>>,
    /// Until it is known who hears, each does.
    hears: AtomicBool,
    /// Who hears instead.
    behind: Mutex<Option<Gone>>,
    pub(super) woken: Notify,
    pub(super) farewell: Farewell,
}

impl GetConnection {
    fn new(id: ReaderId) -> Self {
        Self {
            id,
            notices: Mutex::default(),
            hears: AtomicBool::new(true),
            behind: Mutex::default(),
            woken: Notify::new(),
            farewell: Farewell::default(),
        }
    }

    pub(super) fn notices(&self) -> MutexGuard<'_, BTreeSet<Notice>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(super) fn close(&self) {
        self.farewell.say();
        self.wake();
    }

    /// Whether it hears; says whether it did before.
    pub(super) fn set_hears(&self, hears: bool) -> bool {
        self.hears.swap(hears, Ordering::AcqRel)
    }

    pub(super) fn hears(&self) -> bool {
        self.hears.load(Ordering::Acquire)
    }

    /// This one keeps still while that one hears.
    pub(super) fn set_behind(&self, hearer: Option<Gone>) {
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = hearer;
    }

    /// Who hears instead of this one.
    pub(super) fn behind(&self) -> Option<Gone> {
        let behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        behind.clone()
    }

    /// The next notification that this server offers.
    pub(super) fn next_notice(&self, server: &Server) -> Option<StreamEvent> {
        let mut notices = self.notices();
        std::iter::from_fn(|| notices.pop_first()).find_map(|notice| event(server, &notice))
    }
}

/// The sessions that have a GET connection here.
#[derive(Debug, Default)]
pub(crate) struct Listening(Mutex<HashMap<SessionId, Weak<Session>>>);

impl Listening {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Weak<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> Vec<Arc<Session>> {
        self.lock().values().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn connections(&self) -> impl Iterator<Item = Arc<GetConnection>> {
        let sessions = self.sessions().into_iter();
        sessions.flat_map(|session| session.connections().clone())
    }
}

impl Server {
    /// Opens the stream of a GET: the session's own, or the one that `Last-Event-ID` names.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the id is not one of this session's, or the store cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// When dropped, a reader before may have been superseded.
    pub async fn listen(
        &self,
        session: &SessionRef,
        last_event_id: Option<&str>,
    ) -> Result<EventStream, Refusal> {
        let Some(id) = last_event_id else {
            return Ok(self.open_get_stream(session, None));
        };
        let (stream, position) = parse_event_id(id).ok_or_else(foreign_event)?;
        if stream == GET_STREAM {
            return Ok(self.open_get_stream(session, Some(position)));
        }
        let from = From::After(position);
        let attached = Reader::attach(self, &session.0, stream.into(), from).await;
        match self.noted(attached) {
            Ok(attached) => {
                let (reader, _) = attached.ok_or_else(foreign_event)?;
                metrics::counter!("mcp.stream.resume", "outcome" => "ok").increment(1);
                Ok(EventStream::logged(reader))
            }
            // Clients give up soon when they are sent away, so they wait here.
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "a stream is resumed later");
                Ok(self.resume_later(session, stream.into(), from))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Attaches as soon as the store is back.
    fn resume_later(&self, session: &SessionRef, name: Arc<str>, from: From) -> EventStream {
        let (server, session) = (self.clone(), Arc::clone(&session.0));
        let hold = session.hold();
        let attach = async move {
            let _hold = hold;
            while server.phase() < Phase::Closing && !session.has_ended() {
                super::instance::pause(server.limits().poll / 4).await;
                let attached = Reader::attach(&server, &session, Arc::clone(&name), from).await;
                match server.noted(attached) {
                    Ok(Some((reader, _))) => return EventStream::logged(reader),
                    Ok(None) => return EventStream::new(stream::iter([response_lost(&name)])),
                    Err(error) => tracing::debug!(%error, "a stream is resumed later"),
                }
            }
            EventStream::new(stream::empty())
        };
        EventStream::new(stream::once(attach).flatten())
    }

    pub(super) fn open_get_stream(
        &self,
        session: &SessionRef,
        after: Option<Position>,
    ) -> EventStream {
        let connection = Arc::new(GetConnection::new(reader::new_id(self)));
        session.0.connections().push(Arc::clone(&connection));
        self.0
            .listening
            .lock()
            .insert(session.id().clone(), Arc::downgrade(&session.0));
        connection.farewell.if_late(self);
        metrics::gauge!("mcp.streams.open", "kind" => "get").increment(1.0);
        let get = GetStream::new(self, &session.0, connection, after.is_some());
        // In a box: the future of the next event would hold it twice otherwise.
        EventStream::new(stream::unfold(Some(Box::new(get)), |get| async move {
            let mut get = get?;
            let event = get.next().await?;
            let over = get.is_sent_away() && event.retry.is_some();
            Some((event, (!over).then_some(get)))
        }))
    }

    /// Whether any session has a GET stream here.
    pub(super) fn has_get_streams(&self) -> bool {
        !self.0.listening.lock().is_empty()
    }

    /// Tells every listening session of this process that is concerned.
    pub(super) fn notice(&self, notice: &Notice) {
        self.0.subscriptions.notice(notice);
        for session in self.0.listening.sessions() {
            let wanted = match notice {
                Notice::Updated(update) => {
                    let record = session.record();
                    record.subscriptions.contains(update.uri())
                }
                Notice::Tools | Notice::Prompts | Notice::Resources => true,
            };
            if !wanted {
                continue;
            }
            // Whoever begins to hear later is told of everything.
            if let Some(connection) = session.hearing() {
                connection.notices().insert(notice.clone());
                connection.wake();
            }
        }
    }

    /// Something may have been missed: every listening session hears of everything it asked for.
    pub(super) fn over_notify(&self) {
        metrics::counter!("mcp.listen.over_notifications").increment(1);
        self.0.subscriptions.over_notify();
        for session in self.0.listening.sessions() {
            if let Some(connection) = session.hearing() {
                connection.notices().append(&mut everything(self, &session));
                connection.wake();
            }
        }
    }

    /// Wakes every GET stream, to look at the phase of the server.
    pub(super) fn wake_listeners(&self) {
        self.0.subscriptions.wake();
        for session in self.0.listening.sessions() {
            for connection in session.connections().iter() {
                connection.wake();
            }
        }
    }
}

/// What the session may have missed, of the kinds that the server has.
pub(super) fn everything(server: &Server, session: &Session) -> BTreeSet<Notice> {
    let offered = server.0.current.get();
    let offered = offered.capabilities(session.record().revision);
    let lists = [
        offered.tools.map(|_| Notice::Tools),
        offered.prompts.map(|_| Notice::Prompts),
        offered.resources.map(|_| Notice::Resources),
    ];
    lists
        .into_iter()
        .flatten()
        .chain(updates(session))
        .collect()
}

/// What the session has subscribed to.
pub(super) fn updates(session: &Session) -> BTreeSet<Notice> {
    let uris = session.subscriptions().into_iter();
    uris.map(Notice::updated).collect()
}

fn foreign_event() -> Refusal {
    metrics::counter!("mcp.stream.resume", "outcome" => "unknown").increment(1);
    Refusal::invalid(
        "`Last-Event-ID` names no event of this session",
        "unknown_event",
    )
}

/// `stream.epoch.seq`
fn parse_event_id(id: &str) -> Option<(&str, Position)> {
    if id.len() > LONGEST_EVENT_ID || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut parts = id.rsplitn(3, '.');
    let seq = parts.next()?.parse().ok()?;
    let epoch = u64::from_str_radix(parts.next()?, 16).ok()?;
    Some((parts.next()?, Position::new(Epoch(epoch), seq)))
}

/// The notification, if the server offers what it is about.
fn event(server: &Server, notice: &Notice) -> Option<StreamEvent> {
    if !server.0.current.offers(notice) {
        return None;
    }
    let message = notice.message()?;
    Some(StreamEvent::message(None, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_ids_are_read_back() {
        let parsed = parse_event_id("aB-_9-17.ff.3");
        assert_eq!(parsed, Some(("aB-_9-17", Position::new(Epoch(255), 3))));
    }

    /// EL-10: before any store is asked.
    #[test]
    fn malformed_event_ids_are_refused() {
        for id in [
            "",
            "get",
            "get.1",
            "get.x.1",
            "get.1.-1",
            "get.1.18446744073709551616",
            "get.1.1\n",
            "gét.1.1",
        ] {
            assert_eq!(parse_event_id(id), None, "{id}");
        }
        assert_eq!(parse_event_id(&format!("{}.1.1", "a".repeat(300))), None);
    }
}
