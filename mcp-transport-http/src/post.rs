//! One POST: headers → body → message → answer, stream or 202.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, request::Parts},
    response::Response,
};
use bytes::Bytes;
use futures_util::future::join_all;
use mcp_core::{
    jsonrpc::{self, ErrorObject, Incoming, Message, Request, RequestId},
    protocol::{Method, Revision},
    router::error_message,
    server::{Caller, Outcome, Reply, SessionMode, SessionRef, Surface},
};

use crate::{
    answer::{self, Refused},
    auth, body,
    endpoint::{self, Endpoint},
    era::{self, Era, Stated},
    headers::{self, Accepts, PROTOCOL_VERSION, SESSION_ID},
    sessionless, sse,
};

/// What a request without a version and without a session is served by.
const ASSUMED: Revision = Revision::V2025_03_26;

/// Serves a POST.
pub(crate) async fn post(
    endpoint: &Endpoint,
    parts: &mut Parts,
    body: Body,
) -> Result<Response, Refused> {
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
    let incoming = parse(&body::read(&endpoint.config, &parts.headers, body).await?)?;
    let request = match incoming {
        Incoming::Single(Message::Request(request)) => request,
        Incoming::Single(message) => return Box::pin(told(endpoint, parts, message)).await,
        Incoming::Batch(members) => {
            return Box::pin(batch(endpoint, parts, members, accepts)).await;
        }
    };
    let (server, reply) = (&endpoint.server, accepts.reply());
    let call = match era(endpoint, parts, &request)? {
        Era::Sessionless(meta) => {
            if !sessionless::is_plain(endpoint, &request) {
                let response = sessionless::serve(endpoint, parts, request, meta, accepts);
                return Box::pin(response).await;
            }
            let call = sessionless::begin(endpoint, parts, request, *meta, accepts.reply())?;
            return Ok(sessionless::outcome(
                endpoint,
                call.outcome().await,
                accepts,
            ));
        }
        Era::Sessions(_) if request.method == Method::Initialize => {
            return Ok(Box::pin(initialize(endpoint, parts, request, accepts)).await);
        }
        Era::Sessions(version) => {
            let id = Some(&request.id);
            if let Some(session) = session(endpoint, parts, Surface::Post, id).await? {
                server.call(&session, request, endpoint::caller(parts), reply)
            } else {
                let revision = version.unwrap_or(ASSUMED);
                server.call_alone(revision, request, endpoint::caller(parts), reply)
            }
        }
    };
    Ok(outcome(endpoint, call.outcome().await, accepts))
}

fn parse(body: &Bytes) -> Result<Incoming, Refused> {
    jsonrpc::parse(body).map_err(|error| {
        let id = error.id.as_ref();
        answer::error_for(StatusCode::BAD_REQUEST, id, &error.error).into()
    })
}

fn era(endpoint: &Endpoint, parts: &Parts, request: &Request) -> Result<Era, Refused> {
    let header = headers::one(&parts.headers, &PROTOCOL_VERSION)?;
    let era = era::of(header, request, endpoint.server.revisions());
    era.map_err(|error| {
        answer::error_for(StatusCode::BAD_REQUEST, Some(&request.id), &error).into()
    })
}

pub(crate) fn fault(status: StatusCode, text: &'static str) -> Refused {
    answer::error(status, &ErrorObject::invalid_request(text)).into()
}

async fn initialize(
    endpoint: &Endpoint,
    parts: &mut Parts,
    request: Request,
    accepts: Accepts,
) -> Response {
    let id = request.id.clone();
    let caller = endpoint::caller(parts);
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
    surface: Surface,
    id: Option<&RequestId>,
) -> Result<Option<SessionRef>, Refused> {
    if endpoint.server.session_mode() == SessionMode::Off {
        return Ok(None);
    }
    let session = headers::session_id(&parts.headers, id)?;
    let principal = endpoint::principal(&parts.extensions);
    let found = endpoint
        .server
        .session_for(surface, session, principal)
        .await;
    found
        .map(Some)
        .map_err(|refusal| answer::refusal(id, &refusal).into())
}

/// What wants no answer: a notification, or the client's answer to a question.
async fn told(endpoint: &Endpoint, parts: &Parts, message: Message) -> Result<Response, Refused> {
    let server = &endpoint.server;
    if headers::version(&parts.headers, server)? == Stated::Sessionless {
        return match message {
            // The revision defines none over HTTP; what comes means nothing, and does no harm.
            Message::Notification(_) => Ok(answer::accepted()),
            Message::Request(_) | Message::Response(_) => Err(fault(
                StatusCode::BAD_REQUEST,
                "responses are not part of this protocol version",
            )),
        };
    }
    let surface = match &message {
        Message::Notification(told) if told.method == Method::Initialized => Surface::Ready,
        _ => Surface::Post,
    };
    match (message, session(endpoint, parts, surface, None).await?) {
        (Message::Notification(notification), Some(session)) => {
            server.notify(&session, notification).await?;
        }
        (Message::Response(response), Some(session)) => {
            server.answer(&session, response).await?;
        }
        (Message::Request(_), _) | (_, None) => {}
    }
    Ok(answer::accepted())
}

pub(crate) fn outcome(endpoint: &Endpoint, outcome: Outcome, accepts: Accepts) -> Response {
    match outcome {
        Outcome::Answer(response) => {
            let resource = endpoint.config.resource.as_ref();
            match auth::forbidden(resource, &response) {
                Some(forbidden) => forbidden,
                None => whole(response.into_message(), accepts),
            }
        }
        Outcome::Stream(events) => sse::response(events, endpoint.config.keep_alive),
        Outcome::Cancelled if accepts.sse => sse::ended(),
        Outcome::Cancelled => answer::accepted(),
    }
}

/// One message: plain JSON, or a stream of one event for a client that reads nothing else.
pub(crate) fn whole(message: Bytes, accepts: Accepts) -> Response {
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
    parts: &mut Parts,
    members: Vec<Member>,
    accepts: Accepts,
) -> Result<Response, Refused> {
    let server = &endpoint.server;
    let not_here = || {
        fault(
            StatusCode::BAD_REQUEST,
            "batches are not part of this protocol version",
        )
    };
    let Stated::Sessions(version) = headers::version(&parts.headers, server)? else {
        return Err(not_here());
    };
    let session = session(endpoint, parts, Surface::Post, None).await?;
    let revision = match &session {
        Some(session) => session.revision(),
        None => version.unwrap_or(ASSUMED),
    };
    if !revision.rules().batches {
        return Err(not_here());
    }
    if members.is_empty() || members.len() > server.limits().batch {
        return Err(fault(
            StatusCode::BAD_REQUEST,
            "a batch has at least one member, and not too many",
        ));
    }
    let caller = endpoint::caller(parts);
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
            // The header named a revision of sessions or none, and so must every member.
            if let Err(error) = era::of(None, &request, server.revisions()) {
                return Some(error_message(Some(&request.id), &error));
            }
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
