//! One POST: headers → body → message → answer, stream or 202.

use axum::{
    body::Body,
    extract::Request as HttpRequest,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use mcp_core::{
    jsonrpc::{self, ErrorObject, Incoming, Message, Request, RequestId},
    protocol::{Method, Revision},
    router::error_message,
    server::{Caller, Outcome, Reply, SessionMode, SessionRef},
};

use crate::{
    answer::{self, Refused},
    endpoint::Endpoint,
    headers::{self, Accepts, SESSION_ID},
    sse,
};

/// What a request without a version and without a session is served by.
const ASSUMED: Revision = Revision::V2025_03_26;

/// Serves a POST.
pub(crate) async fn post(endpoint: &Endpoint, request: HttpRequest) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let accepts = Accepts::of(&parts.headers);
    if !accepts.json && !accepts.sse {
        return Err(fault(
            StatusCode::NOT_ACCEPTABLE,
            "`Accept` must name application/json and text/event-stream",
        ));
    }
    if !headers::is_json(&parts.headers) {
        return Err(fault(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "`Content-Type` must be application/json",
        ));
    }
    let body = read(endpoint, &parts, body).await?;
    let incoming = jsonrpc::parse(&body).map_err(|error| {
        let id = error.id.as_ref();
        answer::error_for(StatusCode::BAD_REQUEST, id, &error.error)
    })?;
    match incoming {
        Incoming::Single(Message::Request(request)) if request.method == Method::Initialize => {
            Ok(initialize(endpoint, parts, request, accepts).await)
        }
        Incoming::Single(message) => single(endpoint, parts, message, accepts).await,
        Incoming::Batch(members) => batch(endpoint, parts, members, accepts).await,
    }
}

fn fault(status: StatusCode, text: &'static str) -> Refused {
    answer::error(status, &ErrorObject::invalid_request(text)).into()
}

/// The body, if it is not too large. What the client announces is enough to refuse it.
async fn read(endpoint: &Endpoint, parts: &Parts, body: Body) -> Result<Bytes, Refused> {
    let limit = endpoint.config.max_body_size;
    let too_large = || {
        let error = ErrorObject::invalid_request("the body is too large")
            .reason("too_large")
            .with("limit", limit);
        Refused::from(answer::error(StatusCode::PAYLOAD_TOO_LARGE, &error))
    };
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let body = Limited::new(body, limit).collect();
    match tokio::time::timeout(endpoint.config.read_deadline, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Err(_) => Err(fault(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        )),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a body ended early");
            Err(fault(StatusCode::BAD_REQUEST, "the body ended early"))
        }
    }
}

async fn initialize(
    endpoint: &Endpoint,
    parts: Parts,
    request: Request,
    accepts: Accepts,
) -> Response {
    let id = request.id.clone();
    let caller = endpoint.caller(parts);
    match endpoint.server.initialize(request, caller).await {
        Err(refusal) => answer::refusal(Some(&id), &refusal),
        Ok(initialized) => {
            let message = initialized.response.into_message();
            let mut response = whole(message, accepts);
            let session = initialized.session;
            let value = session.and_then(|id| HeaderValue::from_str(id.as_str()).ok());
            if let Some(value) = value {
                response.headers_mut().insert(SESSION_ID, value);
            }
            response
        }
    }
}

/// The session a message belongs to; `None` when this server keeps none.
async fn session(
    endpoint: &Endpoint,
    parts: &Parts,
    id: Option<&RequestId>,
) -> Result<Option<SessionRef>, Refused> {
    if endpoint.server.session_mode() == SessionMode::Off {
        return Ok(None);
    }
    let session = headers::session_id(&parts.headers, id)?;
    let principal = endpoint.principal(parts);
    let found = endpoint.server.session(session, principal.as_ref()).await;
    found
        .map(Some)
        .map_err(|refusal| answer::refusal(id, &refusal).into())
}

async fn single(
    endpoint: &Endpoint,
    parts: Parts,
    message: Message,
    accepts: Accepts,
) -> Result<Response, Refused> {
    let server = &endpoint.server;
    let id = match &message {
        Message::Request(request) => Some(request.id.clone()),
        Message::Notification(_) | Message::Response(_) => None,
    };
    let version = headers::version(&parts.headers, server, id.as_ref())?;
    let session = session(endpoint, &parts, id.as_ref()).await?;
    match (message, session) {
        (Message::Request(request), session) => {
            let caller = endpoint.caller(parts);
            let reply = if accepts.sse {
                Reply::Stream
            } else {
                Reply::Single
            };
            let call = match session {
                Some(session) => server.call(&session, request, caller, reply),
                None => server.call_alone(version.unwrap_or(ASSUMED), request, caller, reply),
            };
            Ok(outcome(endpoint, call.outcome().await, accepts))
        }
        (Message::Notification(notification), Some(session)) => {
            server.notify(&session, notification).await?;
            Ok(answer::accepted())
        }
        (Message::Response(response), Some(session)) => {
            server.answer(&session, response).await?;
            Ok(answer::accepted())
        }
        (_, None) => Ok(answer::accepted()),
    }
}

fn outcome(endpoint: &Endpoint, outcome: Outcome, accepts: Accepts) -> Response {
    match outcome {
        Outcome::Answer(response) => whole(response.into_message(), accepts),
        Outcome::Stream(events) => sse::response(events, endpoint.config.keep_alive),
        Outcome::Cancelled if accepts.sse => sse::ended(),
        Outcome::Cancelled => answer::accepted(),
    }
}

/// One message: plain JSON, or a stream of one event for a client that reads nothing else.
fn whole(message: Bytes, accepts: Accepts) -> Response {
    if accepts.json {
        answer::json(StatusCode::OK, message)
    } else {
        sse::single(&message)
    }
}

type Member = Result<Message, ErrorObject>;

/// A JSON-RPC batch: only in sessions of 2025-03-26.
async fn batch(
    endpoint: &Endpoint,
    parts: Parts,
    members: Vec<Member>,
    accepts: Accepts,
) -> Result<Response, Refused> {
    let server = &endpoint.server;
    let version = headers::version(&parts.headers, server, None)?;
    let session = session(endpoint, &parts, None).await?;
    let revision = match &session {
        Some(session) => session.revision(),
        None => version.unwrap_or(ASSUMED),
    };
    if !revision.rules().batches {
        return Err(fault(
            StatusCode::BAD_REQUEST,
            "batches are not part of this protocol version",
        ));
    }
    if members.is_empty() || members.len() > server.limits().batch {
        return Err(fault(
            StatusCode::BAD_REQUEST,
            "a batch has at least one member, and not too many",
        ));
    }
    let caller = endpoint.caller(parts);
    let answers = members.into_iter().map(|member| {
        let caller = Caller::new(caller.principal.clone(), caller.extensions.clone());
        batch_member(endpoint, session.as_ref(), revision, member, caller)
    });
    let answers: Vec<Bytes> = join_all(answers).await.into_iter().flatten().collect();
    if answers.is_empty() {
        return Ok(answer::accepted());
    }
    let mut body = Vec::with_capacity(answers.iter().map(|answer| answer.len() + 1).sum());
    body.push(b'[');
    body.extend_from_slice(&answers.join(&b','));
    body.push(b']');
    Ok(whole(body.into(), accepts))
}

async fn batch_member(
    endpoint: &Endpoint,
    session: Option<&SessionRef>,
    revision: Revision,
    member: Member,
    caller: Caller,
) -> Option<Bytes> {
    let server = &endpoint.server;
    match member {
        Err(error) => Some(error_message(None, &error)),
        Ok(Message::Request(request)) if request.method == Method::Initialize => {
            let error = ErrorObject::invalid_request("`initialize` is not allowed in a batch");
            Some(error_message(Some(&request.id), &error))
        }
        Ok(Message::Request(request)) => {
            let call = match session {
                Some(session) => server.call(session, request, caller, Reply::Single),
                None => server.call_alone(revision, request, caller, Reply::Single),
            };
            match call.outcome().await {
                Outcome::Answer(response) => Some(response.into_message()),
                Outcome::Stream(_) | Outcome::Cancelled => None,
            }
        }
        Ok(Message::Notification(notification)) => {
            let notified = server.notify(session?, notification).await;
            notified
                .err()
                .map(|refusal| error_message(None, &refusal.error))
        }
        Ok(Message::Response(response)) => {
            let answered = server.answer(session?, response).await;
            answered
                .err()
                .map(|refusal| error_message(None, &refusal.error))
        }
    }
}
