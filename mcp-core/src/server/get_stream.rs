//! One GET connection of a session: comes, hears or keeps still, and leaves.

use std::sync::Arc;

use super::{
    Server, StreamEvent,
    listen::{GET_STREAM, GetConnection, everything, updates},
    reader::event_id,
    readers::Wake,
    roster::{self, Gone, Looked, Roster},
    session::{Hold, Session},
};
use crate::store::{LogKey, Position, StoreError, StoreErrorKind};

/// Takes the connection off its session when it ends.
struct Registered {
    server: Server,
    session: Arc<Session>,
    connection: Arc<GetConnection>,
    log: LogKey,
    /// Wakes when the log has moved.
    wake: Arc<Wake>,
    /// How far the log was read, once it may say that this connection came.
    came: Option<Position>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        metrics::gauge!("mcp.streams.open", "kind" => "get").decrement(1.0);
        self.server.0.readers.remove(&self.log, &self.wake);
        let mut listening = self.server.0.listening.lock();
        let mut connections = self.session.connections();
        connections.retain(|connection| !Arc::ptr_eq(connection, &self.connection));
        if connections.is_empty() {
            drop(listening.remove(self.session.id()));
        }
        if let Some(seen) = self.came
            && !self.session.has_ended()
        {
            self.server.0.left.note(Gone {
                session: self.session.id().clone(),
                id: self.connection.id.clone(),
                seen,
            });
        }
    }
}

/// How a connection began.
enum Begun {
    Primed(StreamEvent),
    Unprimed,
    /// The session takes no streams any more.
    Over,
}

/// What is to be sent on one connection.
pub(super) struct GetStream {
    registered: Registered,
    /// Who else there is; `None` before this one has come.
    roster: Option<Roster>,
    /// Something may have been missed before this one came.
    missed: bool,
    _hold: Hold,
}

impl GetStream {
    /// A connection of its own; the client comes back to an earlier one if it `resumes`.
    pub(super) fn new(
        server: &Server,
        session: &Arc<Session>,
        connection: Arc<GetConnection>,
        resumes: bool,
    ) -> Self {
        let log = roster::log(session.id());
        let wake = server.0.readers.add(&log);
        Self {
            registered: Registered {
                server: server.clone(),
                session: Arc::clone(session),
                connection,
                log,
                wake,
                came: None,
            },
            roster: None,
            missed: resumes,
            _hold: session.hold(),
        }
    }

    /// Whether the client is told to come back elsewhere.
    pub(super) fn is_sent_away(&self) -> bool {
        self.registered
            .connection
            .farewell
            .is_said(&self.registered.server)
    }

    /// The next event; `None` when the connection is over.
    pub(super) async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            let Registered {
                server,
                session,
                connection,
                wake,
                ..
            } = &self.registered;
            if session.has_ended() {
                return None;
            }
            if self.is_sent_away() {
                let hint = StreamEvent::hint(None, server.retry_elsewhere());
                let known = session.record().revision.rules().priming_event;
                return known.then_some(hint);
            }
            if session.is_of_connection() {
                // One reader, no log: what the client has not heard yet waits in the set.
                if session.record().initialized
                    && let Some(event) = connection.next_notice(server)
                {
                    return Some(event);
                }
                connection.woken.notified().await;
                continue;
            }
            if self.roster.is_none() {
                // In a box: it is gone when the long waiting begins.
                match Box::pin(self.come()).await {
                    Begun::Primed(priming) => return Some(priming),
                    Begun::Over => return None,
                    Begun::Unprimed => continue,
                }
            }
            if connection.hears()
                && let Some(event) = connection.next_notice(server)
            {
                return Some(event);
            }
            tokio::select! {
                biased;
                () = connection.woken.notified() => {}
                () = wake.moved.notified() => {
                    if !Box::pin(self.look()).await {
                        return None;
                    }
                }
            }
        }
    }

    /// Says in the log of the session that this connection came, and looks who else is there.
    async fn come(&mut self) -> Begun {
        let Registered {
            server,
            session,
            connection,
            log,
            came,
            ..
        } = &mut self.registered;
        // From here on the log may say so, whatever becomes of this call.
        came.get_or_insert(Position::BEGINNING);
        let at = match server.say_came(log, &connection.id).await {
            Ok(at) => at,
            Err(error) if error.kind() == StoreErrorKind::Conflict => return Begun::Over,
            Err(error) => {
                tracing::warn!(%error, "a GET stream could not begin");
                super::instance::pause(server.limits().poll / 4).await;
                return Begun::Unprimed;
            }
        };
        *came = Some(at);
        let mut found = Roster::of_one(&connection.id, at);
        // Nobody came before the first.
        self.missed |= at.seq > 1;
        if at.seq > 1 {
            found = Roster::new();
            if let Err(error) = found.look(server, log).await {
                tracing::debug!(%error, "who listened before is not told");
            }
            if let Some(before) = found.before(&connection.id) {
                server.wake_at(&before.instance, log).await;
            }
        }
        // What another instance was told a moment ago may not have been heard here yet.
        if let Err(error) = server.reload(session).await {
            tracing::debug!(%error, "a stream begins with what is known of its session");
        }
        let mut missed = if self.missed {
            everything(server, session)
        } else {
            // What was subscribed before the first GET may have changed before it, too.
            updates(session)
        };
        connection.notices().append(&mut missed);
        let primes = session.record().revision.rules().priming_event;
        let priming =
            StreamEvent::hint(Some(event_id(GET_STREAM, at)), server.limits().stream_retry);
        self.roster = Some(found);
        if !self.settle() {
            return Begun::Over;
        }
        if primes {
            Begun::Primed(priming)
        } else {
            Begun::Unprimed
        }
    }

    /// Reads who came and left since; says whether the connection goes on.
    async fn look(&mut self) -> bool {
        let Registered { server, log, .. } = &self.registered;
        let Some(roster) = &mut self.roster else {
            return true;
        };
        match roster.look(server, log).await {
            Ok(Looked::Here) => self.settle(),
            Ok(Looked::Lost) => {
                self.roster = None;
                self.missed = true;
                true
            }
            Ok(Looked::Ended) => false,
            Err(error) => self.look_later(&error).await,
        }
    }

    /// Waits a little, and has another look.
    async fn look_later(&self, error: &StoreError) -> bool {
        let Registered { server, wake, .. } = &self.registered;
        tracing::warn!(%error, "who listens to a session could not be read");
        super::instance::pause(server.limits().poll / 4).await;
        wake.moved.notify_one();
        true
    }

    /// Hears, or keeps still, as the roster says; `false` when this connection is taken for gone.
    fn settle(&mut self) -> bool {
        let Registered {
            server,
            session,
            connection,
            wake,
            came,
            ..
        } = &mut self.registered;
        let Some(roster) = &self.roster else {
            return true;
        };
        let seen = roster.place();
        *came = Some(seen);
        wake.has_seen(seen);
        let Some(hearer) = roster.hearer().filter(|_| roster.has(&connection.id)) else {
            return false;
        };
        let hears = *hearer == connection.id;
        let behind = (!hears).then(|| Gone {
            session: session.id().clone(),
            id: hearer.clone(),
            seen,
        });
        connection.set_behind(behind);
        if connection.set_hears(hears) != hears && hears {
            // The one that heard may have missed something at its end.
            let mut missed = everything(server, session);
            connection.notices().append(&mut missed);
        }
        true
    }
}
