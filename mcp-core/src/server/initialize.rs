//! `initialize`: a revision is agreed, a session begins.

use std::{io, sync::Arc, time::Duration};

use serde::Serialize;

use super::{
    Caller, Phase, Refusal, Server, SessionMode,
    session::{Beginning, Session},
};
use crate::{
    jsonrpc::{ErrorObject, Request, RequestId},
    protocol::{
        ClientCapabilities, Implementation, InitializeRequestParams, InitializeResult, Revision,
        ServerCapabilities,
    },
    router::{Catalogue, McpResponse},
    store::{Caps, Created, SessionId, SessionRecord, Versioned},
};

/// How often another id is tried when one is taken.
const ATTEMPTS: usize = 3;

/// The answer to `initialize`, and the session it began.
#[derive(Debug)]
#[non_exhaustive]
pub struct Initialized {
    /// What the client gets.
    pub response: McpResponse,
    /// The new session; absent when the answer is an error or the server keeps none.
    pub session: Option<SessionId>,
    /// The revision that was agreed.
    pub revision: Option<Revision>,
}

/// What client and server agreed on.
pub(super) struct Agreed {
    client: Implementation,
    capabilities: ClientCapabilities,
    pub(super) revision: Revision,
    /// What the client gets.
    pub(super) response: McpResponse,
}

impl Agreed {
    /// The record of the session that begins, still without an id, and what the client gets.
    pub(super) fn into_record(
        self,
        caller: Caller,
    ) -> Result<(SessionRecord, McpResponse), Refusal> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret).map_err(no_randomness)?;
        let id = SessionId::new("");
        let mut record =
            SessionRecord::new(id, self.revision, self.client, self.capabilities, secret);
        record.principal = caller.principal;
        Ok((record, self.response))
    }
}

impl Server {
    /// Serves `initialize`.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] when no session can begin now: too many, the store is away, or the server drains.
    ///
    /// # Cancel safety
    ///
    /// When dropped, a session nobody knows may have begun; it ends by itself.
    pub async fn initialize(
        &self,
        request: Request,
        caller: Caller,
    ) -> Result<Initialized, Refusal> {
        let agreed = match self.agree(&request) {
            Ok(agreed) => agreed,
            Err(response) => {
                return Ok(Initialized {
                    response,
                    session: None,
                    revision: None,
                });
            }
        };
        let revision = Some(agreed.revision);
        let (session, response) = match self.0.mode {
            SessionMode::Off => (None, agreed.response),
            SessionMode::On => {
                let (record, response) = agreed.into_record(caller)?;
                (Some(self.begin_session(record).await?), response)
            }
        };
        Ok(Initialized {
            response,
            session,
            revision,
        })
    }

    /// Finds the revision to speak, and what to answer; the error when there is none.
    pub(super) fn agree(&self, request: &Request) -> Result<Agreed, McpResponse> {
        let failed = |error| McpResponse::error(&request.id, error);
        let params = request.params().map_or(&b"{}"[..], |json| json);
        let params = self.read_params(params).map_err(failed)?;
        let revision = self.negotiate(&params.protocol_version).ok_or_else(|| {
            let text = "no revision with sessions is served here";
            failed(ErrorObject::invalid_params(text))
        })?;
        Ok(Agreed {
            client: params.client_info,
            capabilities: params.capabilities,
            revision,
            response: self.greet(&request.id, revision),
        })
    }

    /// The params of `initialize`, without what no record keeps.
    fn read_params(&self, json: &[u8]) -> Result<InitializeRequestParams, ErrorObject> {
        let mut params: InitializeRequestParams = serde_json::from_slice(json)
            .map_err(|error| ErrorObject::invalid_params(format!("invalid params: {error}")))?;
        // Pictures may be large and nobody looks at them here.
        params.client_info.icons = Vec::new();
        // Written again, nothing is eight times as long: not even `1e15`.
        let limit = self.limits().client_record;
        if json.len() > limit / 8
            && json_len(&params.client_info) + json_len(&params.capabilities) > limit
        {
            let error =
                ErrorObject::invalid_params("`clientInfo` and `capabilities` are too large");
            return Err(error.reason("too_large"));
        }
        Ok(params)
    }

    /// The revision to speak with a client that offers `offered`: the same if it is served, else the
    /// latest that is.
    fn negotiate(&self, offered: &str) -> Option<Revision> {
        let served = self.revisions();
        let mut known = served
            .iter()
            .copied()
            .filter(|revision| revision.is_session_oriented());
        let same =
            Revision::parse(offered).filter(|revision| known.clone().any(|it| it == *revision));
        same.or_else(|| known.next_back())
    }

    /// The response to a client that speaks `revision`.
    fn greet(&self, id: &RequestId, revision: Revision) -> McpResponse {
        let catalogue = self.0.current.get();
        let result = || self.initialize_result(&catalogue, revision);
        match self.0.greetings.get(&catalogue, revision, result) {
            Ok(json) => McpResponse::result_json(id, &json),
            Err(error) => {
                tracing::error!(%error, "the result of `initialize` cannot be written");
                McpResponse::error(id, ErrorObject::internal("the result cannot be written"))
            }
        }
    }

    fn initialize_result(&self, catalogue: &Catalogue, revision: Revision) -> InitializeResult {
        let mut capabilities = catalogue.capabilities(revision);
        if self.0.mode == SessionMode::Off {
            without_sessions(&mut capabilities);
        }
        let server_info = catalogue.server_info(revision);
        let result = InitializeResult::new(revision, capabilities, server_info);
        match catalogue.instructions() {
            Some(text) => result.instructions(text),
            None => result,
        }
    }

    async fn begin_session(&self, mut record: SessionRecord) -> Result<SessionId, Refusal> {
        let draining = self.phase() > Phase::Running && !self.0.stores.shared;
        if draining {
            refused("draining");
            return Err(Refusal::unavailable(
                "the server is shutting down",
                "draining",
                self.retry_elsewhere(),
            ));
        }
        // Held until the session counts, however long the store takes.
        let _room = self.room_for_session()?;
        self.start().await;
        let secrets = self.secrets().await?;
        self.0.clients.share(&mut record);
        let caps = Caps::none().per_principal(self.limits().sessions_per_principal);
        let ttl = self.limits().unused_ttl();
        for _ in 0..ATTEMPTS {
            record.id = secrets.ids.mint().map_err(no_randomness)?;
            match self.0.stores.sessions.create(&record, ttl, &caps).await? {
                Created::Created(version) => {
                    let now = self.0.clock.now();
                    let id = record.id.clone();
                    let stored = Versioned::new(record, version, now);
                    self.0.sessions.insert(Arc::new(Session::new(stored, now)));
                    metrics::counter!("mcp.sessions.created").increment(1);
                    return Ok(id);
                }
                Created::LimitExceeded => {
                    refused("principal_cap");
                    return Err(too_many_sessions());
                }
                Created::Exists => {}
            }
        }
        Err(Refusal::unavailable(
            "no free session id was found",
            "store_unavailable",
            Duration::from_secs(1),
        ))
    }

    /// Room for one more session in this process.
    pub(super) fn room_for_session(&self) -> Result<Beginning<'_>, Refusal> {
        let room = self.0.sessions.begin(self.limits().sessions);
        room.ok_or_else(|| {
            refused("cap");
            too_many_sessions()
        })
    }
}

/// Takes out what only a session can have: what it remembers, and streams to hear notifications on.
fn without_sessions(capabilities: &mut ServerCapabilities) {
    capabilities.logging = None;
    if let Some(resources) = &mut capabilities.resources {
        resources.subscribe = None;
        resources.list_changed = None;
    }
    if let Some(tools) = &mut capabilities.tools {
        tools.list_changed = None;
    }
    if let Some(prompts) = &mut capabilities.prompts {
        prompts.list_changed = None;
    }
}

/// Counts a session that did not begin.
fn refused(reason: &'static str) {
    metrics::counter!("mcp.sessions.refused", "reason" => reason).increment(1);
}

/// How many bytes a value takes as JSON, without writing it anywhere.
fn json_len(value: &impl Serialize) -> usize {
    struct Count(usize);

    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(0);
    match serde_json::to_writer(&mut count, value) {
        Ok(()) => count.0,
        Err(_) => usize::MAX / 2,
    }
}

fn too_many_sessions() -> Refusal {
    Refusal::unavailable(
        "too many sessions",
        "too_many_sessions",
        Duration::from_secs(5),
    )
}

pub(super) fn no_randomness(error: getrandom::Error) -> Refusal {
    tracing::error!(%error, "the operating system gives no random bytes");
    Refusal::unavailable(
        "the server cannot make a session id",
        "no_randomness",
        Duration::from_secs(5),
    )
}
