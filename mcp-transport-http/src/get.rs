//! One GET: the session's own stream, or a stream that is resumed.

use axum::{
    http::{StatusCode, request::Parts},
    response::Response,
};
use mcp_core::{jsonrpc::ErrorObject, server::Surface};

use crate::{
    answer::{self, Refused},
    endpoint::{self, Endpoint},
    era::Stated,
    headers::{self, Accepts, LAST_EVENT_ID},
    sse,
};

/// Serves a GET.
pub(crate) async fn get(endpoint: &Endpoint, parts: &Parts) -> Result<Response, Refused> {
    let server = &endpoint.server;
    if !endpoint.has_sessions() {
        return Err(endpoint::method_not_allowed("POST").into());
    }
    if headers::version(&parts.headers, server)? == Stated::Sessionless {
        return Err(endpoint::method_not_allowed("POST").into());
    }
    if !Accepts::of(&parts.headers).sse {
        let error = ErrorObject::invalid_request("`Accept` must name text/event-stream");
        return Err(answer::error(StatusCode::NOT_ACCEPTABLE, &error).into());
    }
    let id = headers::session_id(&parts.headers, None)?;
    let last_event = headers::one(&parts.headers, &LAST_EVENT_ID)?;
    let principal = endpoint::principal(&parts.extensions);
    let surface = match last_event {
        Some(_) => Surface::Resume,
        None => Surface::Get,
    };
    let session = server.session_for(surface, id, principal).await?;
    let how = endpoint.listening(parts)?;
    let events = server.listen(&session, last_event).await?;
    Ok(sse::listening(events, endpoint.config.keep_alive, how))
}
