//! Sessions of byte streams: as long as their connection, and known to no store.

use std::{future::Future, sync::Arc};

use super::{
    Caller, EventStream, Refusal, Server, SessionMode, SessionRef,
    initialize::no_randomness,
    metrics::session_ended,
    session::{Hold, Session},
};
use crate::{jsonrpc::Request, protocol::Revision, router::McpResponse};

/// What `initialize` began on a connection.
#[derive(Debug)]
pub(crate) enum Opened {
    Session(ConnectionSession),
    /// The server keeps no sessions: requests of this revision stand alone.
    Alone(Revision),
}

/// A session that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionSession {
    server: Server,
    session: SessionRef,
    _hold: Hold,
}

impl ConnectionSession {
    pub(crate) fn session(&self) -> &SessionRef {
        &self.session
    }

    /// Whether somebody else has ended it.
    pub(crate) fn has_ended(&self) -> bool {
        self.session.0.has_ended()
    }
}

impl Drop for ConnectionSession {
    fn drop(&mut self) {
        metrics::counter!("mcp.sessions.ended", "reason" => "disconnect").increment(1);
        session_ended(self.session.0.created_at(), self.server.0.clock.now());
        self.server.forget(self.session.id());
    }
}

impl Server {
    /// Serves the `initialize` of a connection; nothing is begun when the answer is an error.
    pub(crate) async fn initialize_connection(
        &self,
        request: &Request,
        caller: Caller,
    ) -> Result<(McpResponse, Option<Opened>), Refusal> {
        let agreed = match self.agree(request) {
            Ok(agreed) => agreed,
            Err(response) => return Ok((response, None)),
        };
        if self.session_mode() == SessionMode::Off {
            return Ok((agreed.response, Some(Opened::Alone(agreed.revision))));
        }
        let (mut record, response) = agreed.into_record(caller)?;
        let _room = self.room_for_session()?;
        // Before the client is told to go on: what changes from then on is heard.
        self.start().await;
        let secrets = self.secrets().await?;
        record.id = secrets.ids.mint().map_err(no_randomness)?;
        let session = Session::of_connection(record, self.0.clock.now());
        let session = self.0.sessions.insert(Arc::new(session));
        metrics::counter!("mcp.sessions.created").increment(1);
        let opened = ConnectionSession {
            server: self.clone(),
            _hold: session.hold(),
            session: SessionRef(session),
        };
        Ok((response, Some(Opened::Session(opened))))
    }

    /// Serves a connection in a task of its own.
    pub(crate) fn spawn_connection(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(work);
    }

    /// What a session of a connection is told outside of its requests, once its client is ready.
    pub(crate) fn hear_on_connection(&self, session: &ConnectionSession) -> EventStream {
        self.open_get_stream(&session.session, None)
    }
}
