//! From outcomes to HTTP: status codes and JSON bodies.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use mcp_core::{
    jsonrpc::{ErrorObject, RequestId},
    router::error_message,
    server::{Refusal, RefusalKind},
};

use crate::endpoint;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// A request that ends here, with its answer.
#[derive(Debug)]
pub(crate) struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl From<Refused> for Response {
    fn from(refused: Refused) -> Self {
        *refused.0
    }
}

impl From<Refusal> for Refused {
    fn from(refused: Refusal) -> Self {
        refusal(None, &refused).into()
    }
}

/// A JSON body.
pub(crate) fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// A message was accepted, there is nothing to say.
pub(crate) fn accepted() -> Response {
    empty(StatusCode::ACCEPTED)
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// A JSON-RPC error that answers no particular request.
pub(crate) fn error(status: StatusCode, error: &ErrorObject) -> Response {
    error_for(status, None, error)
}

/// A JSON-RPC error that answers a request.
pub(crate) fn error_for(
    status: StatusCode,
    id: Option<&RequestId>,
    error: &ErrorObject,
) -> Response {
    json(status, error_message(id, error))
}

/// What the server refused.
pub(crate) fn refusal(id: Option<&RequestId>, refusal: &Refusal) -> Response {
    let status = match refusal.kind {
        RefusalKind::UnknownSession => StatusCode::NOT_FOUND,
        RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        RefusalKind::NotOffered => return endpoint::method_not_allowed("POST"),
        _ => StatusCode::BAD_REQUEST,
    };
    let response = error_for(status, id, &refusal.error);
    match refusal.retry_after {
        Some(after) => retry_after(response, after),
        None => response,
    }
}

/// Says when to try again, in whole seconds and at least one.
pub(crate) fn retry_after(mut response: Response, after: Duration) -> Response {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    let seconds = HeaderValue::from(seconds.max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
