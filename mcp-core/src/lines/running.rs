//! The requests of one connection that run.

use std::{
    collections::HashMap,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{
    StreamExt,
    stream::{
        AbortHandle, Abortable, BoxStream, FuturesUnordered, Stream, StreamFuture, abortable,
    },
};

use crate::jsonrpc::RequestId;

/// Polls every request that runs. What each says keeps its order.
#[derive(Default)]
pub(super) struct Running {
    speakers: FuturesUnordered<StreamFuture<Speaker>>,
    /// How many of them are requests.
    requests: usize,
    /// How those end that nothing but this connection knows.
    handles: HashMap<u64, (RequestId, AbortHandle)>,
    next: u64,
}

impl Running {
    /// How many requests run that will be answered.
    pub(super) fn requests(&self) -> usize {
        self.requests
    }

    /// How many streams are open that only tell of changes.
    pub(super) fn listeners(&self) -> usize {
        self.speakers.len() - self.requests
    }

    /// Whether there is nothing left to be said.
    pub(super) fn is_empty(&self) -> bool {
        self.speakers.is_empty()
    }

    /// Runs a request; `messages` are its reply. With an `id`, [`cancel`](Self::cancel) ends it.
    pub(super) fn push(
        &mut self,
        id: Option<RequestId>,
        messages: impl Stream<Item = Bytes> + Send + 'static,
    ) {
        self.requests += 1;
        self.speak(id, messages, true);
    }

    /// Passes on what changes, until [`cancel`](Self::cancel) ends it by its `id`.
    pub(super) fn listen(
        &mut self,
        id: Option<RequestId>,
        messages: impl Stream<Item = Bytes> + Send + 'static,
    ) {
        self.speak(id, messages, false);
    }

    fn speak(
        &mut self,
        id: Option<RequestId>,
        messages: impl Stream<Item = Bytes> + Send + 'static,
        is_request: bool,
    ) {
        let (messages, handle) = abortable(messages.boxed());
        self.next += 1;
        let speaker = Speaker {
            number: self.next,
            is_request,
            messages,
        };
        self.speakers.push(speaker.into_future());
        if let Some(id) = id {
            self.handles.insert(self.next, (id, handle));
        }
    }

    /// Ends the request with this id. Nothing more is said for it.
    pub(super) fn cancel(&self, id: &RequestId) {
        for (running, handle) in self.handles.values() {
            if running == id {
                handle.abort();
            }
        }
    }

    /// What is said next; `None` when one has ended, or none is there. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        let (message, speaker) = self.speakers.next().await?;
        if message.is_some() {
            self.speakers.push(speaker.into_future());
        } else {
            self.requests -= usize::from(speaker.is_request);
            self.handles.remove(&speaker.number);
        }
        message
    }
}

/// One that speaks.
struct Speaker {
    number: u64,
    is_request: bool,
    messages: Abortable<BoxStream<'static, Bytes>>,
}

impl Stream for Speaker {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.messages.poll_next_unpin(cx)
    }
}
