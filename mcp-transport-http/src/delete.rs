//! One DELETE: the client ends its session.

use axum::{extract::Request, http::StatusCode, response::Response};

use crate::{
    answer::{self, Refused},
    endpoint::{self, Endpoint},
    era::Stated,
    headers,
};

/// Serves a DELETE.
pub(crate) async fn delete(endpoint: &Endpoint, request: Request) -> Result<Response, Refused> {
    let server = &endpoint.server;
    if !endpoint.has_sessions() {
        return Err(endpoint::method_not_allowed("POST").into());
    }
    let (parts, _) = request.into_parts();
    if headers::version(&parts.headers, server)? == Stated::Sessionless {
        return Err(endpoint::method_not_allowed("POST").into());
    }
    let id = headers::session_id(&parts.headers, None)?;
    let principal = endpoint.principal(&parts);
    let session = server.session(id, principal.as_ref()).await?;
    server.terminate(session.id()).await?;
    Ok(answer::empty(StatusCode::OK))
}
