//! One request that stands alone (2026-07-28): headers against body → server → answer or stream.

use axum::{
    http::{StatusCode, request::Parts},
    response::Response,
};
use mcp_core::{
    jsonrpc::{ErrorCode, ErrorObject, Request},
    protocol::{Method, RequestMeta},
    router::McpResponse,
    server::{Call, Outcome, Reply},
};

use crate::{
    answer::{self, Refused},
    endpoint::{self, Endpoint},
    headers::Accepts,
    mirror, post, sse,
};

/// Whether a request needs no more than a call.
pub(crate) fn is_plain(endpoint: &Endpoint, request: &Request) -> bool {
    request.method != Method::SubscriptionsListen && endpoint.server.is_prepared_for(request)
}

/// Begins to serve a request whose `_meta` has been read.
///
/// When the connection ends the call is dropped: the client cannot ask for the answer again, so
/// nothing is kept for it.
pub(crate) fn begin(
    endpoint: &Endpoint,
    parts: &mut Parts,
    request: Request,
    meta: RequestMeta,
    reply: Reply,
) -> Result<Call, Refused> {
    compare(endpoint, parts, &request)?;
    let caller = endpoint::caller(parts);
    let server = &endpoint.server;
    Ok(server.call_sessionless(request, meta, caller, reply))
}

/// What a call came to, as a response.
pub(crate) fn outcome(endpoint: &Endpoint, outcome: Outcome, accepts: Accepts) -> Response {
    match outcome {
        Outcome::Answer(response)
            if response
                .as_error()
                .is_some_and(|error| status(error) != StatusCode::OK) =>
        {
            whole(response, accepts)
        }
        other => post::outcome(endpoint, other, accepts),
    }
}

/// Serves what is not [plain](is_plain).
pub(crate) async fn serve(
    endpoint: &Endpoint,
    parts: &mut Parts,
    request: Request,
    meta: Box<RequestMeta>,
    accepts: Accepts,
) -> Result<Response, Refused> {
    let prepared = endpoint.server.prepare_for(&request).await;
    prepared.map_err(|refusal| answer::refusal(Some(&request.id), &refusal))?;
    if request.method == Method::SubscriptionsListen {
        compare(endpoint, parts, &request)?;
        return listen(endpoint, parts, request, accepts).await;
    }
    let call = begin(endpoint, parts, request, *meta, accepts.reply())?;
    Ok(outcome(endpoint, call.outcome().await, accepts))
}

/// Headers and body must say the same.
fn compare(endpoint: &Endpoint, parts: &Parts, request: &Request) -> Result<(), Refused> {
    let mirrored = |tool: &str| endpoint.server.mirrored_headers(tool);
    mirror::check(&parts.headers, request, mirrored)
        .map_err(|error| answer::error_for(status(&error), Some(&request.id), &error).into())
}

/// A stream that tells of changes until one side ends it.
async fn listen(
    endpoint: &Endpoint,
    parts: &mut Parts,
    request: Request,
    accepts: Accepts,
) -> Result<Response, Refused> {
    let id = request.id.clone();
    if !accepts.sse {
        let error = ErrorObject::invalid_request("`Accept` must name text/event-stream");
        return Err(answer::error_for(StatusCode::NOT_ACCEPTABLE, Some(&id), &error).into());
    }
    let how = endpoint.listening(parts)?;
    let keep_alive = endpoint.config.keep_alive;
    let caller = endpoint::caller(parts);
    match endpoint.server.listen_sessionless(request, caller).await {
        Ok(events) => Ok(sse::listening(events, keep_alive, how)),
        Err(refusal) if status(&refusal.error) != StatusCode::OK => {
            let status = status(&refusal.error);
            Err(answer::error_for(status, Some(&id), &refusal.error).into())
        }
        Err(refusal) => Err(answer::refusal(Some(&id), &refusal).into()),
    }
}

/// Errors with a status of their own are plain JSON even for a client that reads only streams:
/// the status of a stream is always 200.
fn whole(response: McpResponse, accepts: Accepts) -> Response {
    match response.as_error().map(status) {
        None | Some(StatusCode::OK) => post::whole(response.into_message(), accepts),
        Some(status) => answer::json(status, response.into_message()),
    }
}

/// The HTTP status that goes with an error.
fn status(error: &ErrorObject) -> StatusCode {
    match error.code {
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        ErrorCode::HEADER_MISMATCH
        | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
        | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_protocol_have_a_status_of_their_own() {
        let rows = [
            (-32601, 404),
            (-32020, 400),
            (-32021, 400),
            (-32022, 400),
            (-32602, 200),
            (-32603, 200),
            (-32000, 200),
        ];
        for (code, expected) in rows {
            let error = ErrorObject::new(ErrorCode(code), "text");
            assert_eq!(status(&error).as_u16(), expected, "{code}");
        }
    }

    #[test]
    fn an_error_with_a_status_is_never_a_stream() {
        let only_sse = Accepts {
            json: false,
            sse: true,
        };
        let media = |code| {
            let error = ErrorObject::new(ErrorCode(code), "text");
            let response = whole(McpResponse::error(&1.into(), error), only_sse);
            response.headers()["content-type"].clone()
        };
        assert_eq!(media(-32601), "application/json");
        assert_eq!(media(-32602), "text/event-stream");
    }
}
