//! The shapes of calling: [`McpService`] and [`RouterFuture`].

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower::Service;

use super::{McpRequest, McpResponse};

/// The answer on its way: there already, or a handler's future.
///
/// A plain call is one boxed future, polled in the request's own task. What the handler holds is
/// dropped before the answer is given away.
#[must_use = "futures do nothing unless polled"]
pub struct RouterFuture(State);

enum State {
    Ready(McpResponse),
    Running(Pin<Box<dyn Future<Output = McpResponse> + Send>>),
    Done,
}

impl RouterFuture {
    /// An answer that takes some time.
    pub fn boxed(future: impl Future<Output = McpResponse> + Send + 'static) -> Self {
        Self(State::Running(Box::pin(future)))
    }
}

/// An answer that is there already.
impl From<McpResponse> for RouterFuture {
    fn from(response: McpResponse) -> Self {
        Self(State::Ready(response))
    }
}

impl Future for RouterFuture {
    type Output = Result<McpResponse, Infallible>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Running(future) = &mut self.0 {
            let polled = future.as_mut().poll(task);
            if polled.is_ready() {
                self.0 = State::Done;
            }
            return polled.map(Ok);
        }
        match std::mem::replace(&mut self.0, State::Done) {
            State::Ready(response) => Poll::Ready(Ok(response)),
            State::Running(_) | State::Done => Poll::Pending,
        }
    }
}

impl fmt::Debug for RouterFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Ready(_) => "RouterFuture(ready)",
            State::Running(_) => "RouterFuture(running)",
            State::Done => "RouterFuture(done)",
        })
    }
}

/// What layers wrap: a router or a single handler, with its types forgotten.
///
/// Clones share everything; it is always ready.
#[derive(Clone)]
pub struct McpService(Arc<dyn Fn(McpRequest) -> RouterFuture + Send + Sync>);

impl McpService {
    pub(crate) fn new(call: impl Fn(McpRequest) -> RouterFuture + Send + Sync + 'static) -> Self {
        Self(Arc::new(call))
    }

    /// Answers one request.
    pub(crate) fn answer(&self, request: McpRequest) -> RouterFuture {
        (self.0)(request)
    }
}

impl Service<McpRequest> for McpService {
    type Response = McpResponse;
    type Error = Infallible;
    type Future = RouterFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: McpRequest) -> RouterFuture {
        self.answer(request)
    }
}

impl fmt::Debug for McpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("McpService")
    }
}
