//! Requests without a session (2026-07-28): each says everything, and none leaves anything behind.

use std::sync::Arc;

use super::{
    Call, Caller, Reply, Server,
    state::{Rejected, Unsealable},
};
use crate::{
    handler::{Peer, Sessionless, Suspended, binding},
    jsonrpc::{ErrorObject, Params, Request},
    protocol::{DiscoverResult, Era, Method, RequestMeta, Revision},
    router::{McpRequest, McpResponse, MirroredHeader},
};

impl Server {
    /// Begins to serve a request that stands alone, by the rules of 2026-07-28. `meta` is what its
    /// `_meta` says, and complete.
    pub fn call_sessionless(
        &self,
        request: Request,
        meta: RequestMeta,
        caller: Caller,
        reply: Reply,
    ) -> Call {
        let client = Sessionless::new(
            meta.client_info,
            meta.client_capabilities.unwrap_or_default(),
            meta.log_level,
        );
        let peer = Peer::Sessionless(self.clone(), Box::new(client));
        self.begin(peer, Revision::V2026_07_28, request, caller, reply)
    }

    /// The arguments of a tool that a client repeats as HTTP headers (`x-mcp-header`), if it has any.
    #[must_use]
    pub fn mirrored_headers(&self, tool: &str) -> Option<Arc<[MirroredHeader]>> {
        self.0.current.get().mirrored_headers(tool)
    }

    /// What the router is not asked.
    pub(super) fn answer_sessionless(&self, request: &McpRequest) -> Option<McpResponse> {
        let method = request.method();
        if *method == Method::Discover {
            return Some(self.discover(request));
        }
        if !method.is_served_in(Era::Sessionless) {
            let error = ErrorObject::method_not_found(method.as_str());
            return Some(McpResponse::error(request.id(), error));
        }
        None
    }

    fn discover(&self, request: &McpRequest) -> McpResponse {
        let catalogue = self.0.current.get();
        let revision = request.revision();
        let versions = self.revisions().iter().copied();
        let result = DiscoverResult::new(versions, catalogue.capabilities(revision));
        match catalogue.instructions() {
            Some(text) => McpResponse::result(request.id(), &result.instructions(text)),
            None => McpResponse::result(request.id(), &result),
        }
    }

    /// Lets a call go on where its earlier rounds ended.
    pub(super) fn resume(
        &self,
        client: &Sessionless,
        caller: &Caller,
        method: &Method,
        params: &Params,
    ) -> Result<(), ErrorObject> {
        let Ok(members) = &params.members else {
            return Ok(());
        };
        let asks = matches!(
            method,
            Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead
        );
        if !asks {
            return Ok(());
        }
        client.may_ask(members.arguments.clone());
        let Some(again) = &members.again else {
            return Ok(());
        };
        let journal = match &again.state {
            None => super::SealedJournal::default(),
            Some(state) => {
                let (name, arguments) = (params.target.as_deref(), members.arguments.as_ref());
                let binding = binding(caller.principal.as_ref(), method, name, arguments);
                let now = self.0.clock.now();
                let secrets = self.known_secrets().ok_or_else(starting)?;
                let opened = secrets.sealer.open(binding, state, now);
                opened.map_err(refused)?
            }
        };
        client.resume(journal, again.responses.clone());
        Ok(())
    }

    /// Whether this request presents a state that is good for one time only.
    pub(super) fn must_consume(&self, request: &McpRequest) -> bool {
        *request.method() == Method::ToolsCall
            && request.context().round() > 0
            && request
                .name()
                .is_some_and(|tool| self.0.current.get().is_single_use(tool))
    }

    /// Serves a request whose state has not been presented before. What was presented is remembered
    /// as long as the state would be accepted.
    pub(super) async fn consume(self, request: McpRequest) -> McpResponse {
        let context = request.context();
        let name = format!("state/{}/{}", context.call_id(), context.round());
        let leases = &self.0.stores.leases;
        let holder = self.instance().as_str();
        let lifetime = self.limits().request_state;
        match leases.hold(&name, holder, lifetime, &[]).await {
            Ok(Some(_)) => {
                let response = self.0.current.dispatch(request).await;
                response.unwrap_or_else(|never| match never {})
            }
            Ok(None) => McpResponse::error(request.id(), refused(Rejected::Presented)),
            Err(error) => McpResponse::error(request.id(), super::Refusal::from(error).error),
        }
    }

    /// The result of a handler that waits for its client.
    pub(crate) fn ask_again(&self, request: &McpRequest, asked: &Suspended) -> McpResponse {
        if !asked.may_go_on() {
            let error = ErrorObject::internal("the request asked too often");
            return McpResponse::error(request.id(), error.reason("too_many_rounds"));
        }
        let binding = binding(
            request.context().principal(),
            request.method(),
            request.name(),
            request
                .context()
                .sessionless()
                .and_then(Sessionless::arguments),
        );
        let now = self.0.clock.now();
        let Some(secrets) = self.known_secrets() else {
            return McpResponse::error(request.id(), starting());
        };
        match secrets.sealer.seal(binding, asked.journal.clone(), now) {
            Ok(state) => McpResponse::input_required(request.id(), &asked.result(state)),
            Err(Unsealable::TooLarge) => {
                let error = ErrorObject::internal("the request remembers too much");
                McpResponse::error(request.id(), error.reason("state_too_large"))
            }
            Err(Unsealable::NoKey) => {
                let error = ErrorObject::internal("the server has no key for request state");
                McpResponse::error(request.id(), error.reason("no_state_key"))
            }
        }
    }
}

/// The keys are not known yet, because the store could not be asked.
fn starting() -> ErrorObject {
    ErrorObject::internal("the server is starting").reason("store_unavailable")
}

/// One answer for every reason: the caller learns nothing about the key or the binding.
fn refused(reason: Rejected) -> ErrorObject {
    metrics::counter!("mcp.requeststate.rejected", "reason" => reason.reason()).increment(1);
    tracing::info!(reason = reason.reason(), "a request state was refused");
    ErrorObject::invalid_params("`requestState` is not valid for this request")
}
