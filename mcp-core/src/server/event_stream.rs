//! The messages of one connection, as a transport writes them.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};

use super::{
    Outgoing,
    call::{Call, End},
    reader::Reader,
};
use crate::router::McpResponse;

/// One event of a stream, as a transport writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamEvent {
    /// What the client sends back as `Last-Event-ID`.
    pub id: Option<String>,
    /// One JSON-RPC message; empty in an event that only carries an id or a pause.
    pub data: Bytes,
    /// How long the client should wait before it reconnects.
    pub retry: Option<Duration>,
}

impl StreamEvent {
    pub(super) fn message(id: Option<String>, data: Bytes) -> Self {
        Self {
            id,
            data,
            retry: None,
        }
    }

    /// No message: a place to come back to, or a time to come back after.
    pub(super) fn hint(id: Option<String>, retry: Duration) -> Self {
        Self {
            id,
            data: Bytes::new(),
            retry: Some(retry),
        }
    }
}

/// The messages of one connection, in order. It ends when the connection should.
pub struct EventStream(BoxStream<'static, StreamEvent>);

impl EventStream {
    pub(super) fn new(events: impl Stream<Item = StreamEvent> + Send + 'static) -> Self {
        Self(events.boxed())
    }

    /// Reads a log.
    pub(super) fn logged(reader: Reader) -> Self {
        Self::new(stream::unfold(reader, |mut reader| async move {
            let event = reader.next().await?;
            Some((event, reader))
        }))
    }

    /// Without a log: the connection itself polls the handler. Without a session the handler ends with the
    /// connection; one of a session goes on unheard.
    pub(super) fn direct(call: Call, response: Option<McpResponse>) -> Self {
        let direct = Direct {
            call,
            ready: VecDeque::new(),
            end: response.map(End::Response),
        };
        Self::new(stream::unfold(direct, |mut direct| async move {
            let event = direct.next().await?;
            Some((event, direct))
        }))
    }
}

impl Stream for EventStream {
    type Item = StreamEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").finish_non_exhaustive()
    }
}

struct Direct {
    call: Call,
    ready: VecDeque<Outgoing>,
    end: Option<End>,
}

impl Direct {
    async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            match self.ready.pop_front() {
                Some(Outgoing::Disconnect(_)) => continue,
                Some(Outgoing::Progress(json) | Outgoing::Log(json) | Outgoing::Request(json)) => {
                    return Some(StreamEvent::message(None, json));
                }
                None => {}
            }
            let Self { call, ready, end } = self;
            let work = call.work()?;
            let over = poll_fn(|cx| {
                if end.is_none()
                    && let Poll::Ready(ended) = work.poll(cx)
                {
                    *end = Some(ended);
                }
                match work.context.outbox().poll_take(cx) {
                    Poll::Ready(messages) => {
                        *ready = messages;
                        Poll::Ready(false)
                    }
                    Poll::Pending if end.is_some() => Poll::Ready(true),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            if over {
                work.context.outbox().close();
                return match end.replace(End::Cancelled) {
                    Some(End::Response(response)) => {
                        Some(StreamEvent::message(None, response.into_message()))
                    }
                    _ => None,
                };
            }
        }
    }
}
