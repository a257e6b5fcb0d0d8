//! A running handler: its panics and its time limit end in an answer.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context as Task, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use super::{
    endpoint::{Answer, panicked},
    time_limit::TimeLimit,
};
use crate::{
    jsonrpc::ErrorObject,
    router::{McpRequest, McpResponse},
};

pin_project! {
    /// The future of one call, from the handler's first poll to the written answer.
    pub(super) struct Running<F, K> {
        #[pin]
        handler: F,
        request: McpRequest,
        answer: K,
        limit: Option<TimeLimit>,
    }
}

impl<F, K> Running<F, K> {
    pub(super) fn new(handler: F, request: McpRequest, answer: K, limit: Option<Duration>) -> Self {
        Self {
            handler,
            request,
            answer,
            limit: limit.map(TimeLimit::new),
        }
    }
}

impl<F, K> Future for Running<F, K>
where
    F: Future,
    K: Answer<F::Output>,
{
    type Output = McpResponse;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<McpResponse> {
        let this = self.project();
        let (handler, request, answer) = (this.handler, &*this.request, &*this.answer);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            handler
                .poll(task)
                .map(|output| answer.answer(request, output))
        }));
        match polled {
            Ok(Poll::Ready(response)) => return Poll::Ready(response),
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(panicked(request, &*panic)),
        }
        let Some(limit) = this.limit else {
            return Poll::Pending;
        };
        // Waiting for the client is not the handler's time.
        let waits = request.context().is_waiting_for_client();
        ready!(limit.poll(task, waits));
        Poll::Ready(timed_out(request))
    }
}

fn timed_out(request: &McpRequest) -> McpResponse {
    let error = ErrorObject::internal("the handler took too long").reason("timeout");
    McpResponse::error(request.id(), error)
}
