//! One request that stands alone (2026-07-28): headers against body → server → answer or stream.

use axum::{
    http::{StatusCode, request::Parts},
    response::Response,
};
use mcp_core::{
    jsonrpc::{ErrorCode, ErrorObject, Request},
    protocol::{Method, RequestMeta},
    router::McpResponse,
    server::{Outcome, Reply},
};

use crate::{
    answer::{self, Refused},
    endpoint::Endpoint,
    headers::Accepts,
    mirror, post, sse,
};

/// Serves a request whose `_meta` has been read.
///
/// # Cancel safety
///
/// When the connection ends this future is dropped, and the call with it: the client cannot ask for
/// the answer again, so nothing is kept for it.
pub(crate) async fn serve(
    endpoint: &Endpoint,
    parts: Parts,
    request: Request,
    meta: RequestMeta,
    accepts: Accepts,
) -> Result<Response, Refused> {
    let server = &endpoint.server;
    let id = &request.id;
    let prepared = server.prepare_for(&request).await;
    prepared.map_err(|refusal| answer::refusal(Some(id), &refusal))?;
    let mirrored = |tool: &str| server.mirrored_headers(tool);
    mirror::check(&parts.headers, &request, mirrored)
        .map_err(|error| answer::error_for(status(&error), Some(&request.id), &error))?;
    if request.method == Method::SubscriptionsListen {
        return listen(endpoint, parts, request, accepts).await;
    }
    let reply = if accepts.sse {
        Reply::Stream
    } else {
        Reply::Single
    };
    let caller = endpoint.caller(parts);
    let call = server.call_sessionless(request, meta, caller, reply);
    Ok(match call.outcome().await {
        Outcome::Answer(response) => whole(response, accepts),
        other => post::outcome(endpoint, other, accepts),
    })
}

/// A stream that tells of changes until one side ends it.
async fn listen(
    endpoint: &Endpoint,
    parts: Parts,
    request: Request,
    accepts: Accepts,
) -> Result<Response, Refused> {
    let id = request.id.clone();
    if !accepts.sse {
        let error = ErrorObject::invalid_request("`Accept` must name text/event-stream");
        return Err(answer::error_for(StatusCode::NOT_ACCEPTABLE, Some(&id), &error).into());
    }
    let caller = endpoint.caller(parts);
    match endpoint.server.listen_sessionless(request, caller).await {
        Ok(events) => Ok(sse::response(events, endpoint.config.keep_alive)),
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
