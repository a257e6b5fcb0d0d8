//! One GET: the session's own stream, or a stream that is resumed.

use axum::{extract::Request, http::StatusCode, response::Response};
use mcp_core::jsonrpc::ErrorObject;

use crate::{
    answer::{self, Refused},
    endpoint::{self, Endpoint},
    era::Stated,
    headers::{self, Accepts, LAST_EVENT_ID},
    sse,
};

/// Serves a GET.
pub(crate) async fn get(endpoint: &Endpoint, request: Request) -> Result<Response, Refused> {
    let server = &endpoint.server;
    if !endpoint.has_sessions() {
        return Err(endpoint::method_not_allowed("POST").into());
    }
    let (parts, _) = request.into_parts();
    if headers::version(&parts.headers, server)? == Stated::Sessionless {
        return Err(endpoint::method_not_allowed("POST").into());
    }
    if !Accepts::of(&parts.headers).sse {
        let error = ErrorObject::invalid_request("`Accept` must name text/event-stream");
        return Err(answer::error(StatusCode::NOT_ACCEPTABLE, &error).into());
    }
    let id = headers::session_id(&parts.headers, None)?;
    let last_event = headers::one(&parts.headers, &LAST_EVENT_ID)?;
    let principal = endpoint.principal(&parts);
    let session = server.session(id, principal.as_ref()).await?;
    let events = server.listen(&session, last_event).await?;
    Ok(sse::response(events, endpoint.config.keep_alive))
}
