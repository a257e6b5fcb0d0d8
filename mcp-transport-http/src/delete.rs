//! One DELETE: the client ends its session.

use axum::{
    http::{StatusCode, request::Parts},
    response::Response,
};
use mcp_core::server::Surface;

use crate::{
    answer::{self, Refused},
    endpoint::{self, Endpoint},
    era::Stated,
    headers,
};

/// Serves a DELETE.
pub(crate) async fn delete(endpoint: &Endpoint, parts: &Parts) -> Result<Response, Refused> {
    let server = &endpoint.server;
    if !endpoint.has_sessions() {
        return Err(endpoint::method_not_allowed("POST").into());
    }
    if headers::version(&parts.headers, server)? == Stated::Sessionless {
        return Err(endpoint::method_not_allowed("POST").into());
    }
    let id = headers::session_id(&parts.headers, None)?;
    let principal = endpoint::principal(&parts.extensions);
    let session = server.session_for(Surface::Delete, id, principal).await?;
    server.terminate(session.id()).await?;
    Ok(answer::empty(StatusCode::OK))
}
