//! A handler whose types are forgotten: what the router calls.

use std::{
    any::Any,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use super::{
    Handler, IntoCompletion, IntoPromptResult, IntoResourceResult, IntoToolResult,
    resource_result::with_mime_type, running::Running,
};
use crate::{
    jsonrpc::ErrorObject,
    protocol::CompleteResult,
    router::{CacheHint, McpRequest, McpResponse, RouterFuture},
};

/// Answers the calls of one item, with a state of type `S` at hand.
pub(crate) trait Endpoint<S>: Send + Sync {
    fn call(&self, request: McpRequest, state: &S, limit: Option<Duration>) -> RouterFuture;
}

/// Makes the answer of what a handler yields.
pub(crate) trait Answer<O>: Clone + Send + Sync + 'static {
    fn answer(&self, request: &McpRequest, output: O) -> McpResponse;
}

/// The endpoint of a handler.
pub(super) fn endpoint<A, S, H, K>(handler: H, answer: K) -> Arc<dyn Endpoint<S>>
where
    A: 'static,
    H: Handler<A, S>,
    K: Answer<H::Output>,
{
    Arc::new(Typed {
        handler,
        answer,
        arguments: PhantomData,
    })
}

struct Typed<A, H, K> {
    handler: H,
    answer: K,
    arguments: PhantomData<fn(A)>,
}

impl<A, S, H, K> Endpoint<S> for Typed<A, H, K>
where
    H: Handler<A, S>,
    K: Answer<H::Output>,
{
    fn call(&self, request: McpRequest, state: &S, limit: Option<Duration>) -> RouterFuture {
        let begin = AssertUnwindSafe(|| self.handler.call(&request, state));
        match catch_unwind(begin) {
            Ok(Ok(future)) => {
                RouterFuture::boxed(Running::new(future, request, self.answer.clone(), limit))
            }
            Ok(Err(rejection)) => rejection.into_response(&request).into(),
            Err(panic) => panicked(&request, &*panic).into(),
        }
    }
}

/// The endpoint with its state.
pub(super) fn with_state<S>(endpoint: Arc<dyn Endpoint<S>>, state: Arc<S>) -> Arc<dyn Endpoint<()>>
where
    S: Send + Sync + 'static,
{
    Arc::new(Stateful { endpoint, state })
}

struct Stateful<S> {
    endpoint: Arc<dyn Endpoint<S>>,
    state: Arc<S>,
}

impl<S: Send + Sync> Endpoint<()> for Stateful<S> {
    fn call(&self, request: McpRequest, (): &(), limit: Option<Duration>) -> RouterFuture {
        self.endpoint.call(request, &self.state, limit)
    }
}

/// The answer to a call whose handler panicked.
pub(crate) fn panicked(request: &McpRequest, panic: &(dyn Any + Send)) -> McpResponse {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(
        id = %request.id(),
        method = %request.method(),
        name = request.name(),
        panic = text.unwrap_or("not a text"),
        "a handler panicked"
    );
    let error = ErrorObject::internal("the handler panicked").reason("panic");
    McpResponse::error(request.id(), error)
}

#[derive(Clone)]
pub(super) struct ToolAnswer;

impl<O: IntoToolResult> Answer<O> for ToolAnswer {
    fn answer(&self, request: &McpRequest, output: O) -> McpResponse {
        match output.into_tool_result() {
            Ok(result) => result.write(request),
            Err(error) => error.write(request),
        }
    }
}

#[derive(Clone)]
pub(super) struct ResourceAnswer {
    pub(super) mime_type: Option<Arc<str>>,
    pub(super) cache: Option<CacheHint>,
}

impl<O: IntoResourceResult> Answer<O> for ResourceAnswer {
    fn answer(&self, request: &McpRequest, output: O) -> McpResponse {
        match output.into_resource_result(request.name().unwrap_or_default()) {
            Ok(result) => {
                let mut result = with_mime_type(result, self.mime_type.as_deref());
                if let Some(hint) = self.cache {
                    result.ttl_ms.get_or_insert(hint.ttl_ms());
                    result.cache_scope.get_or_insert(hint.scope());
                }
                McpResponse::result(request.id(), &result.for_revision(request.revision()))
            }
            Err(error) => error.write(request),
        }
    }
}

#[derive(Clone)]
pub(super) struct PromptAnswer;

impl<O: IntoPromptResult> Answer<O> for PromptAnswer {
    fn answer(&self, request: &McpRequest, output: O) -> McpResponse {
        match output.into_prompt_result() {
            Ok(result) => {
                McpResponse::result(request.id(), &result.for_revision(request.revision()))
            }
            Err(error) => error.write(request),
        }
    }
}

#[derive(Clone)]
pub(super) struct CompletionAnswer;

impl<O: IntoCompletion> Answer<O> for CompletionAnswer {
    fn answer(&self, request: &McpRequest, output: O) -> McpResponse {
        match output.into_completion() {
            Ok(completion) => McpResponse::result(request.id(), &CompleteResult::new(completion)),
            Err(error) => error.write(request),
        }
    }
}
