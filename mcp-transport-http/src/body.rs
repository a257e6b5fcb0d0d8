//! The body of a request: not too large, and not too slow.

use std::pin::pin;

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
};
use bytes::{Bytes, BytesMut};
use futures_util::poll;
use http_body::Body as _;
use http_body_util::BodyExt;
use mcp_core::jsonrpc::ErrorObject;

use crate::{
    answer::{self, Refused},
    config::Config,
    post::fault,
};

/// Reads a body, if it is not too large. What the client announces is enough to refuse it.
pub(crate) async fn read(
    config: &Config,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Refused> {
    let limit = config.max_body_size;
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    let mut whole = pin!(whole(body, limit, announced.unwrap_or_default()));
    // Most bodies come together with their heads, and need no timer.
    if let std::task::Poll::Ready(body) = poll!(&mut whole) {
        return body;
    }
    let whole = Box::pin(tokio::time::timeout(config.read_deadline, whole));
    whole.await.unwrap_or_else(|_| {
        Err(fault(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        ))
    })
}

/// All of a body: its only part as it came, several in one buffer.
async fn whole(mut body: Body, limit: usize, announced: usize) -> Result<Bytes, Refused> {
    let mut first = Bytes::new();
    let mut several = BytesMut::new();
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else {
            break;
        };
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "a body ended early");
            fault(StatusCode::BAD_REQUEST, "the body ended early")
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + several.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        if first.is_empty() && several.is_empty() {
            first = data;
            continue;
        }
        if several.is_empty() {
            several.reserve(announced.max(first.len() + data.len()));
            several.extend_from_slice(&first);
            first = Bytes::new();
        }
        several.extend_from_slice(&data);
    }
    Ok(if several.is_empty() {
        first
    } else {
        several.freeze()
    })
}

fn too_large(limit: usize) -> Refused {
    let error = ErrorObject::invalid_request("the body is too large")
        .reason("too_large")
        .with("limit", limit);
    answer::error(StatusCode::PAYLOAD_TOO_LARGE, &error).into()
}
