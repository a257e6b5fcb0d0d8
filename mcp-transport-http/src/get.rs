//! One GET: the session's own stream, or a stream that is resumed.

use axum::{extract::Request, http::StatusCode, response::Response};
use mcp_core::{jsonrpc::ErrorObject, server::SessionMode};

use crate::{
    answer,
    endpoint::{self, Endpoint},
    headers::{self, Accepts, LAST_EVENT_ID, SESSION_ID},
    sse,
};

/// Serves a GET.
pub(crate) async fn get(endpoint: &Endpoint, request: Request) -> Response {
    match try_get(endpoint, request).await {
        Ok(response) => response,
        Err(refused) => *refused,
    }
}

async fn try_get(endpoint: &Endpoint, request: Request) -> Result<Response, Box<Response>> {
    let server = &endpoint.server;
    if server.session_mode() == SessionMode::Off {
        return Err(Box::new(endpoint::method_not_allowed("POST")));
    }
    let (parts, _) = request.into_parts();
    if !Accepts::of(&parts.headers).sse {
        let error = ErrorObject::invalid_request("`Accept` must name text/event-stream");
        return Err(Box::new(answer::error(StatusCode::NOT_ACCEPTABLE, &error)));
    }
    headers::version(&parts.headers, server, None)?;
    let Some(id) = headers::one(&parts.headers, &SESSION_ID)? else {
        let error = ErrorObject::invalid_request("`Mcp-Session-Id` is missing");
        let error = error.reason("session_required");
        return Err(Box::new(answer::error(StatusCode::BAD_REQUEST, &error)));
    };
    let last_event = headers::one(&parts.headers, &LAST_EVENT_ID)?;
    let principal = endpoint.config.principal.as_ref();
    let principal = principal.and_then(|principal| principal(&parts));
    let refused = |refusal| Box::new(answer::refusal(None, &refusal));
    let session = server.session(id, principal.as_ref()).await;
    let session = session.map_err(refused)?;
    let events = server.listen(&session, last_event).await.map_err(refused)?;
    Ok(sse::response(events, endpoint.config.keep_alive))
}
