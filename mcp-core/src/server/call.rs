//! One request: run where it arrived until it answers, or until its reply becomes a stream.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
};

use http::Extensions;
use tokio::time::{Instant, Sleep};
use tracing::Span;

use super::{
    EventStream, Outbox, Phase, Server, SessionRef,
    alone::Waiting,
    complete::Completion,
    metrics::Measured,
    session::{Running, Session},
    stream::Opened,
};
use crate::{
    auth::Grant,
    handler::{Context, Origin, Peer, Sessionless},
    jsonrpc::{ErrorObject, Request},
    protocol::{Method, Revision},
    router::{McpRequest, McpResponse, RouterFuture},
    store::Principal,
};

/// What a transport knows about whoever sends a message.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Caller {
    /// Who it is; computed from every message, never remembered with the session.
    pub principal: Option<Principal>,
    /// What the transport and the layers before it attached.
    pub extensions: Extensions,
}

impl Caller {
    /// A caller with these credentials.
    #[must_use]
    pub fn new(principal: Option<Principal>, extensions: Extensions) -> Self {
        Self {
            principal,
            extensions,
        }
    }

    /// The same, as the principal of this grant and with what it allows.
    #[must_use]
    pub fn with_grant(mut self, grant: Grant) -> Self {
        self.principal = Some(grant.principal.clone());
        self.extensions.insert(grant);
        self
    }
}

/// What the reply to a request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a reply is one message or many")]
pub enum Reply {
    /// One message and no other: progress and log lines are dropped, questions are not supported.
    Single,
    /// One message, or a stream of messages as soon as there is more to say.
    Stream,
}

/// How the reply to a request begins.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a transport must handle each")]
pub enum Outcome {
    /// The answer, and nothing before it.
    Answer(McpResponse),
    /// Messages, the answer being the last.
    Stream(EventStream),
    /// The client cancelled the request: there is no answer.
    Cancelled,
}

/// What ties a call to its server and session.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) server: Server,
    pub(crate) session: Arc<Session>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(self.session.id()).finish()
    }
}

/// A request that runs.
///
/// # Cancel safety
///
/// When a call of a session is dropped before its outcome, it goes on in the background: a client
/// that went away has not cancelled. A call without a session, or in one that ends with its
/// connection, ends.
pub struct Call(Option<Box<Work>>);

/// The half-run handler and what belongs to it; owned, so that it can move to another task.
pub(super) struct Work {
    pub(super) server: Server,
    pub(super) context: Context,
    /// What results of this revision say besides.
    completion: Option<Completion>,
    /// Set when this request may be answered with questions.
    asking: Option<McpRequest>,
    /// Gone when the handler has ended or been cancelled.
    future: Option<RouterFuture>,
    reply: Reply,
    running: Option<Running>,
    /// Set when a call without a session had to wait.
    waiting: Option<Waiting>,
    measured: Measured,
    span: Span,
}

/// How a handler ended.
pub(super) enum End {
    Response(McpResponse),
    Cancelled,
}

impl Server {
    /// Begins to serve a request of a session.
    pub fn call(
        &self,
        session: &SessionRef,
        request: Request,
        caller: Caller,
        reply: Reply,
    ) -> Call {
        let link = Link {
            server: self.clone(),
            session: Arc::clone(&session.0),
        };
        self.begin(
            Peer::Session(link),
            session.revision(),
            request,
            caller,
            reply,
        )
    }

    /// Begins to serve a request that stands alone, without a session.
    pub fn call_alone(
        &self,
        revision: Revision,
        request: Request,
        caller: Caller,
        reply: Reply,
    ) -> Call {
        self.begin(Peer::Nobody, revision, request, caller, reply)
    }

    pub(super) fn begin(
        &self,
        peer: Peer,
        revision: Revision,
        request: Request,
        caller: Caller,
        reply: Reply,
    ) -> Call {
        let Request {
            id,
            method,
            mut params,
        } = request;
        if let Peer::Sessionless(_, client) = &peer
            && let Err(error) = self.resume(client, &caller, &method, &params)
        {
            params.members = Err(Box::new(error));
        }
        let meta = params.meta.take();
        let completion = self.completion(&peer, &method);
        let session = peer.link().map(|link| Arc::clone(&link.session));
        let context = Context::new(Origin {
            id,
            revision,
            meta,
            principal: caller.principal,
            extensions: caller.extensions,
            peer,
            outbox: match reply {
                Reply::Single => Outbox::closed(),
                Reply::Stream => Outbox::open(self.limits().stream_buffer),
            },
        });
        let span = span(&context, &method, session.as_deref());
        let measured = Measured::begin(&method, revision);
        let limit = self.limits().running_calls;
        let running = session.map(|session| session.begin_call(&context, limit));
        let (running, refused) = match running.transpose() {
            Ok(running) => (running, None),
            Err(refused) => (None, Some(refused)),
        };
        let mut asking = None;
        let request = McpRequest::with_params(method, params, context.clone());
        let future = match (request, refused) {
            _ if self.phase() == Phase::Closed => done(&context, shutting_down()),
            (Err(error), _) => done(&context, *error),
            (_, Some(refused)) => done(&context, refused.error()),
            (Ok(request), None) => {
                name_tool(&span, &request);
                let can_ask = context.sessionless().is_some_and(Sessionless::can_ask);
                asking = can_ask.then(|| request.clone());
                span.in_scope(|| self.dispatch(request))
            }
        };
        Call(Some(Box::new(Work {
            server: self.clone(),
            completion,
            context,
            asking,
            future: Some(future),
            reply,
            running,
            waiting: None,
            measured,
            span,
        })))
    }

    fn dispatch(&self, request: McpRequest) -> RouterFuture {
        if request.context().sessionless().is_some()
            && let Some(response) = self.answer_sessionless(&request)
        {
            return response.into();
        }
        if *request.method() == Method::Initialize {
            let error = ErrorObject::invalid_request("the session is initialized already");
            return done(request.context(), error);
        }
        if self.must_consume(&request) {
            return RouterFuture::boxed(self.clone().consume(request));
        }
        self.0.current.dispatch(request)
    }
}

fn done(context: &Context, error: ErrorObject) -> RouterFuture {
    McpResponse::error(context.request_id(), error).into()
}

fn shutting_down() -> ErrorObject {
    ErrorObject::internal("the server is shutting down").reason("draining")
}

fn span(context: &Context, method: &Method, session: Option<&Session>) -> Span {
    // Asked first, because `tracing` may compute the fields of a span that nobody wants.
    if !tracing::span_enabled!(tracing::Level::INFO) {
        return Span::none();
    }
    let span = tracing::info_span!(
        "mcp.request",
        mcp.method.name = method.label(),
        mcp.protocol.version = context.revision().as_str(),
        mcp.session.hash = session.map(|session| super::metrics::short_hash(session.id())),
        jsonrpc.request.id = shown(&context.request_id().to_string()),
        gen_ai.tool.name = tracing::field::Empty,
        traceparent = tracing::field::Empty,
        error.type = tracing::field::Empty,
    );
    if let Some(trace) = context.trace_context() {
        span.record("traceparent", trace.traceparent);
    }
    span
}

fn name_tool(span: &Span, request: &McpRequest) {
    if *request.method() == Method::ToolsCall
        && !span.is_disabled()
        && let Some(tool) = request.name()
    {
        span.record("gen_ai.tool.name", shown(tool));
    }
}

/// As much of what a client chose as a log line takes.
fn shown(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(128)
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}

impl Call {
    /// Runs the request until it is known how its reply begins.
    ///
    /// # Cancel safety
    ///
    /// As for dropping the [`Call`].
    pub async fn outcome(mut self) -> Outcome {
        let Some(work) = self.0.as_mut() else {
            return Outcome::Cancelled;
        };
        let streams = work.reply == Reply::Stream;
        let mut silence: Option<Pin<Box<Sleep>>> = None;
        let first = poll_fn(|cx| {
            if let Poll::Ready(end) = work.poll(cx) {
                return Poll::Ready(Some(end));
            }
            if !streams {
                return Poll::Pending;
            }
            work.context.outbox().register(cx);
            if work.context.outbox().has_messages() {
                return Poll::Ready(None);
            }
            let after = work.server.limits().stream_after;
            let silence = silence.get_or_insert_with(|| Box::pin(timer(after)));
            silence.as_mut().poll(cx).map(|()| None)
        })
        .await;
        let spoke = streams && work.context.outbox().has_messages();
        match first {
            Some(End::Cancelled) => Outcome::Cancelled,
            Some(End::Response(response)) if !spoke => Outcome::Answer(response),
            Some(End::Response(response)) => Box::pin(self.begin_stream(Some(response))).await,
            None => Box::pin(self.begin_stream(None)).await,
        }
    }

    /// Goes on as a stream of messages, the first of which has been said.
    async fn begin_stream(mut self, response: Option<McpResponse>) -> Outcome {
        let Some(work) = self.0.as_ref() else {
            return Outcome::Cancelled;
        };
        let link = work.link().filter(|_| work.outlives_connection()).cloned();
        let id = work.context.request_id();
        let spoke = response.is_some() || work.context.outbox().has_messages();
        let opened = match &link {
            Some(link) if spoke => Some(Opened::with_first_message(link, id)),
            // Until its log is made the call stays in `self`: it goes on when this future is dropped.
            Some(link) => Opened::empty(link, id).await.ok(),
            None => None,
        };
        Outcome::Stream(match (link, opened) {
            (Some(link), Some(opened)) => match self.0.take() {
                Some(work) => opened.start(link, work, response),
                None => return Outcome::Cancelled,
            },
            // Without a log, as without a session: what breaks cannot be resumed.
            _ => EventStream::direct(self, response),
        })
    }

    /// What runs.
    pub(super) fn work(&mut self) -> Option<&mut Work> {
        self.0.as_deref_mut()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bound on silence, not a way to wait for an event"
)]
fn timer(after: std::time::Duration) -> Sleep {
    tokio::time::sleep(after)
}

impl Work {
    /// Polls the handler. Its future is dropped as soon as the call is cancelled.
    pub(super) fn poll(&mut self, cx: &mut task::Context<'_>) -> Poll<End> {
        if self.context.is_cancelled() {
            return Poll::Ready(self.cancelled());
        }
        let Some(future) = &mut self.future else {
            return Poll::Pending;
        };
        if let Some(client) = self.context.sessionless() {
            client.register(cx.waker());
        }
        match self.span.in_scope(|| Pin::new(future).poll(cx)) {
            Poll::Ready(Ok(response)) => {
                let response = match &self.completion {
                    Some(completion) => completion.apply(response),
                    None => response,
                };
                Poll::Ready(self.end(End::Response(response)))
            }
            Poll::Pending => {
                if let Some(asking) = self.suspended() {
                    self.future = Some(asking);
                    return self.poll(cx);
                }
                if self.link().is_none() && self.waiting.is_none() {
                    self.waiting = Some(self.server.wait_alone(&self.context));
                }
                if self.context.poll_cancelled(cx) {
                    return Poll::Ready(self.cancelled());
                }
                Poll::Pending
            }
        }
    }

    /// The answer of a handler that waits for its client, when that is another request. Dropping the
    /// handler then is the same as cancelling it.
    fn suspended(&self) -> Option<RouterFuture> {
        let request = self.asking.as_ref()?;
        let suspended = self.context.sessionless()?.suspend()?;
        if self.server.known_secrets().is_some() {
            return Some(self.server.ask_again(request, &suspended).into());
        }
        let (server, request) = (self.server.clone(), request.clone());
        Some(RouterFuture::boxed(async move {
            if let Err(error) = server.secrets().await {
                tracing::warn!(%error, "the shared keys could not be read");
            }
            server.ask_again(&request, &suspended)
        }))
    }

    /// A client that cancelled expects no response; one whose server shuts down does.
    fn cancelled(&mut self) -> End {
        if !self.context.is_stopped() {
            return self.end(End::Cancelled);
        }
        let response = McpResponse::error(self.context.request_id(), shutting_down());
        self.end(End::Response(response))
    }

    fn end(&mut self, end: End) -> End {
        self.future = None;
        self.running = None;
        self.waiting = None;
        self.context.finish();
        let error = match &end {
            End::Response(response) => Measured::error_type(response),
            End::Cancelled => Some("cancelled".into()),
        };
        if let Some(error) = &error {
            self.span.record("error.type", error.as_ref());
        }
        self.measured.end(&self.server.0.metrics, error);
        end
    }

    /// The link to server and session; absent when the call stands alone.
    pub(super) fn link(&self) -> Option<&Link> {
        self.context.link()
    }

    /// Whether the call goes on when its client is away, to be found again by the session.
    fn outlives_connection(&self) -> bool {
        self.link()
            .is_some_and(|link| !link.session.is_of_connection())
    }

    /// Runs to the end with nobody listening.
    async fn finish_unheard(mut self) {
        self.context.outbox().close();
        poll_fn(|cx| self.poll(cx).map(drop)).await;
    }
}

impl Drop for Work {
    /// Where nobody can come back, the end of the connection is the end of the call and its tasks.
    fn drop(&mut self) {
        if self.future.is_some() {
            self.context.cancel();
            self.context.finish();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Some(work) = self.0.take() else { return };
        let tasks = &work.server.0.tasks;
        let ended = work.future.is_none();
        if ended || !work.outlives_connection() || tasks.is_stopped() {
            return;
        }
        if tokio::runtime::Handle::try_current().is_ok() {
            tasks.clone().spawn(work.finish_unheard());
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("context", &self.0.as_ref().map(|work| &work.context))
            .finish_non_exhaustive()
    }
}

/// When a call began, for its duration.
pub(super) fn now() -> Instant {
    Instant::now()
}
