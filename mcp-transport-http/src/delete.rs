//! One DELETE: the client ends its session.

use axum::{extract::Request, http::StatusCode, response::Response};
use mcp_core::{jsonrpc::ErrorObject, server::SessionMode};

use crate::{
    answer,
    endpoint::{self, Endpoint},
    headers::{self, SESSION_ID},
};

/// Serves a DELETE.
pub(crate) async fn delete(endpoint: &Endpoint, request: Request) -> Response {
    match try_delete(endpoint, request).await {
        Ok(response) => response,
        Err(refused) => *refused,
    }
}

async fn try_delete(endpoint: &Endpoint, request: Request) -> Result<Response, Box<Response>> {
    let server = &endpoint.server;
    if server.session_mode() == SessionMode::Off {
        return Err(Box::new(endpoint::method_not_allowed("POST")));
    }
    let (parts, _) = request.into_parts();
    headers::version(&parts.headers, server, None)?;
    let Some(id) = headers::one(&parts.headers, &SESSION_ID)? else {
        let error = ErrorObject::invalid_request("`Mcp-Session-Id` is missing");
        let error = error.reason("session_required");
        return Err(Box::new(answer::error(StatusCode::BAD_REQUEST, &error)));
    };
    let principal = endpoint.config.principal.as_ref();
    let principal = principal.and_then(|principal| principal(&parts));
    let refused = |refusal| Box::new(answer::refusal(None, &refusal));
    let session = server.session(id, principal.as_ref()).await;
    let session = session.map_err(refused)?;
    server.terminate(session.id()).await.map_err(refused)?;
    Ok(answer::empty(StatusCode::OK))
}
