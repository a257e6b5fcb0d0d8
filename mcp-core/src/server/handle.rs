//! A look at the sessions of a process, for operators.

use std::{future::Future, sync::Arc};

use crate::{
    clock::Timestamp,
    protocol::{Implementation, Revision},
    store::{Principal, SessionId, StoreError, Versioned},
};

use super::{Phase, Refusal, Server, metrics::short_hash, session::Session};

/// Sessions that are read from the store at once.
const PAGE: usize = 256;

/// Looks at the sessions of a server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SessionHandle(Option<Server>);

/// What there is to know about a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its id. Whoever has it and the right credentials can use the session: treat it as a secret.
    pub id: SessionId,
    /// When it began, by the store's clock.
    pub created_at: Timestamp,
    /// When this process last served it; absent in what the store lists.
    pub last_used_at: Option<Timestamp>,
    /// The revision it was negotiated with.
    pub revision: Revision,
    /// What the client calls itself.
    pub client: Implementation,
    /// Whose it is.
    pub principal: Option<Principal>,
    /// Requests that run in this process.
    pub running: usize,
    /// GET streams that are open in this process.
    pub streams: usize,
}

impl SessionInfo {
    /// The name of the session in logs: enough to follow it there, not enough to use it.
    #[must_use]
    pub fn hash(&self) -> String {
        short_hash(&self.id)
    }
}

impl SessionHandle {
    pub(super) fn new(server: Server) -> Self {
        Self(Some(server))
    }

    /// The handle of a server that could not be built: there are no sessions.
    #[must_use]
    pub fn empty() -> Self {
        Self(None)
    }

    /// How many sessions this process knows.
    ///
    /// # Cancel safety
    ///
    /// Ready at the first poll.
    #[expect(clippy::unused_async, reason = "the deployment guide awaits it")]
    pub async fn session_count(&self) -> usize {
        self.0.as_ref().map_or(0, |server| server.0.sessions.len())
    }

    /// The sessions this process knows.
    ///
    /// # Cancel safety
    ///
    /// Ready at the first poll.
    #[expect(clippy::unused_async, reason = "the deployment guide awaits it")]
    pub async fn list_sessions(&self) -> Vec<SessionInfo> {
        let Some(server) = &self.0 else {
            return Vec::new();
        };
        let sessions = server.0.sessions.all();
        sessions.iter().map(|session| known(session)).collect()
    }

    /// What is known about a session here, else what the store knows; `None` when there is none.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is changed.
    pub async fn inspect(&self, id: &SessionId) -> Result<Option<SessionInfo>, StoreError> {
        let Some(server) = &self.0 else {
            return Ok(None);
        };
        if let Some(session) = server.0.sessions.get(id.as_str()) {
            return Ok(Some(known(&session)));
        }
        let stored = server.0.stores.sessions.load(id).await?;
        Ok(stored.map(SessionInfo::from))
    }

    /// Up to `limit` sessions of all instances, those with ids after `after`.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is changed.
    pub async fn list_all(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionInfo>, StoreError> {
        let Some(server) = &self.0 else {
            return Ok(Vec::new());
        };
        let stored = server.0.stores.sessions.list(after, limit).await?;
        Ok(stored.into_iter().map(SessionInfo::from).collect())
    }

    /// Ends a session everywhere; `false` when there was none.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the store cannot be asked.
    ///
    /// # Cancel safety
    ///
    /// As [`Server::terminate`].
    pub async fn terminate_session(&self, id: &SessionId) -> Result<bool, Refusal> {
        match &self.0 {
            Some(server) => server.terminate(id).await,
            None => Ok(false),
        }
    }

    /// Ends all sessions of a principal everywhere, those of other instances too; says how many there
    /// were. Reads every session in the store, a page at a time: for an operator, not for every request.
    /// A session that begins meanwhile may be left: take its credentials away first.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when the store cannot be asked; some may have ended.
    ///
    /// # Cancel safety
    ///
    /// When dropped, some may have ended.
    pub async fn terminate_all_of(&self, principal: &Principal) -> Result<usize, Refusal> {
        let (mut ended, mut after) = (0, None);
        loop {
            let page = self.list_all(after.as_ref(), PAGE).await?;
            for session in &page {
                if session.principal.as_ref() == Some(principal)
                    && self.terminate_session(&session.id).await?
                {
                    ended += 1;
                }
            }
            match page.last() {
                Some(last) if page.len() >= PAGE => after = Some(last.id.clone()),
                _ => return Ok(ended),
            }
        }
    }

    /// How many requests run in this process, with and without sessions.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.as_ref().map_or(0, Server::running)
    }

    /// How many GET streams and `subscriptions/listen` streams are open in this process.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.0.as_ref().map_or(0, |server| {
            let sessions = server.0.sessions.all();
            let get = sessions.iter().map(|session| session.connections().len());
            get.sum::<usize>() + server.0.subscriptions.len()
        })
    }

    /// Begins to end the server as SIGTERM does; see [`Server::drain`].
    ///
    /// # Cancel safety
    ///
    /// As [`Server::drain`].
    pub async fn drain(&self) {
        if let Some(server) = &self.0 {
            server.drain().await;
        }
    }

    /// Waits for `signal`, then drains the server; ready when a listener should stop accepting.
    ///
    /// Meant for `axum::serve(..).with_graceful_shutdown(handle.drain_on(signal))`: streams that only
    /// listen end, so that the graceful shutdown can.
    pub fn drain_on(
        &self,
        signal: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let server = self.0.clone();
        async move {
            signal.await;
            if let Some(server) = server {
                server.drain().await;
            }
        }
    }

    /// Where the server stands between its start and its end.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.as_ref().map_or(Phase::Closed, Server::phase)
    }
}

fn known(session: &Session) -> SessionInfo {
    let record = session.record();
    SessionInfo {
        id: session.id().clone(),
        created_at: session.created_at(),
        last_used_at: Some(session.used_at()),
        revision: record.revision,
        client: Implementation::clone(&record.client),
        principal: record.principal.clone(),
        running: session.running_calls(),
        streams: session.connections().len(),
    }
}

impl From<Versioned> for SessionInfo {
    fn from(stored: Versioned) -> Self {
        Self {
            id: stored.record.id,
            created_at: stored.created_at,
            last_used_at: None,
            revision: stored.record.revision,
            client: Arc::unwrap_or_clone(stored.record.client),
            principal: stored.record.principal,
            running: 0,
            streams: 0,
        }
    }
}
