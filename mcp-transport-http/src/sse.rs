//! Server-sent events: framing, keep-alives, headers.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;
use http_body::Frame;
use mcp_core::server::{EventStream, StreamEvent};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::quota::StreamPlace;

const DATA: &[u8] = b"data: ";
const END: &[u8] = b"\n\n";
const KEEP_ALIVE: Bytes = Bytes::from_static(b": keep-alive\n\n");

/// A stream of events.
pub(crate) fn response(events: EventStream, keep_alive: Duration) -> Response {
    listening(events, keep_alive, Listening::default())
}

/// What holds for a stream that only listens.
#[derive(Default)]
pub(crate) struct Listening {
    /// It ends after this time, because what allows it does.
    pub(crate) allowed: Option<Duration>,
    pub(crate) place: Option<StreamPlace>,
}

/// A stream of events that only listens.
pub(crate) fn listening(events: EventStream, keep_alive: Duration, how: Listening) -> Response {
    let now = Instant::now();
    let end = how.allowed.and_then(|allowed| now.checked_add(allowed));
    with_headers(Body::new(SseBody {
        events,
        keep_alive,
        silence: sleep_until(now + keep_alive),
        end: end.map(|end| Box::pin(sleep_until(end))),
        place: how.place,
    }))
}

/// A stream that has ended already.
pub(crate) fn ended() -> Response {
    with_headers(Body::empty())
}

/// A stream of one message.
pub(crate) fn single(message: &[u8]) -> Response {
    let mut buffer = BytesMut::with_capacity(message.len() + DATA.len() + END.len());
    put_data(&mut buffer, message);
    with_headers(Body::from(buffer.freeze()))
}

fn with_headers(body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    let put = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache, no-transform"),
    ];
    for (name, value) in put {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // nginx would hold events back until its buffer is full.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

pin_project! {
    /// The body: events as they come, a comment when there are none for a while.
    struct SseBody {
        events: EventStream,
        keep_alive: Duration,
        #[pin]
        silence: Sleep,
        end: Option<Pin<Box<Sleep>>>,
        place: Option<StreamPlace>,
    }
}

impl http_body::Body for SseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut this = self.project();
        if let Some(end) = this.end
            && end.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(None);
        }
        let data = match Pin::new(this.events).poll_next(cx) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(event)) => encode(&event),
            Poll::Pending => match this.silence.as_mut().poll(cx) {
                Poll::Ready(()) => KEEP_ALIVE,
                Poll::Pending => return Poll::Pending,
            },
        };
        this.silence.reset(Instant::now() + *this.keep_alive);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

fn encode(event: &StreamEvent) -> Bytes {
    // Exactly what it needs, unless it carries a pause: such a buffer is handed on as it is.
    let id = event.id.as_ref().map_or(0, |id| id.len() + b"id: \n".len());
    let retry = event.retry.map_or(0, |_| 32);
    let length = id + retry + DATA.len() + event.data.len() + END.len();
    let mut buffer = BytesMut::with_capacity(length);
    if let Some(id) = &event.id {
        buffer.put_slice(b"id: ");
        buffer.put_slice(id.as_bytes());
        buffer.put_u8(b'\n');
    }
    if let Some(retry) = event.retry {
        buffer.put_slice(format!("retry: {}\n", retry.as_millis()).as_bytes());
    }
    if event.data.is_empty() && event.id.is_none() {
        // Only a time to wait: without a `data` line there is no event for the client to handle.
        buffer.put_u8(b'\n');
    } else {
        put_data(&mut buffer, &event.data);
    }
    buffer.freeze()
}

/// One `data` line. A line break in JSON is white space between tokens, so a space says the same.
fn put_data(buffer: &mut BytesMut, data: &[u8]) {
    buffer.put_slice(DATA);
    let start = buffer.len();
    buffer.put_slice(data);
    for byte in &mut buffer[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    buffer.put_slice(END);
}
