//! What goes on between one client and this server: a session, and the requests that run.

use std::{collections::VecDeque, future::ready};

use bytes::Bytes;
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::{BoxFuture, join_all},
    stream::{self, BoxStream},
};

use super::{read::Line, running::Running};
use crate::{
    jsonrpc::{self, ErrorObject, Incoming, Message, Notification, Request, RequestId, Response},
    protocol::{
        CancelledNotificationParams, InitializeRequestParams, Method, RequestMeta, Revision,
        UnsupportedProtocolVersionData,
    },
    router::error_message,
    server::{Call, Caller, Opened, Outcome, Phase, Reply, Server, StreamEvent},
};

/// So many requests may wait for one that runs to end.
const WAITING: usize = 1024;

/// The same, in bytes of their parameters.
const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// The state of one connection.
pub(super) struct Conversation {
    server: Server,
    caller: Caller,
    opened: Option<Opened>,
    running: Running,
    /// Requests that begin when others have ended. What else the client says is heard meanwhile, or
    /// nobody could cancel or answer what runs.
    waiting: VecDeque<Request>,
    waiting_bytes: usize,
}

impl Conversation {
    pub(super) fn new(server: Server, caller: Caller) -> Self {
        Self {
            server,
            caller,
            opened: None,
            running: Running::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Whether nothing is left to be said.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    /// Whether an operator has ended the session.
    pub(super) fn has_ended(&self) -> bool {
        matches!(&self.opened, Some(Opened::Session(session)) if session.has_ended())
    }

    /// Takes a line; gives what is to be said at once.
    pub(super) async fn take(&mut self, line: Line, longest: usize) -> Option<Bytes> {
        let text = match line {
            Line::Text(text) => text,
            Line::TooLong(id) => {
                let error = ErrorObject::invalid_request("the line is too long");
                let error = error.reason("too_large").with("limit", longest);
                return Some(error_message(id.as_ref(), &error));
            }
        };
        match jsonrpc::parse(&text) {
            Ok(Incoming::Single(Message::Request(request))) => self.request(request).await,
            Ok(Incoming::Single(Message::Notification(told))) => {
                self.told(told).await;
                None
            }
            Ok(Incoming::Single(Message::Response(answer))) => {
                self.answered(answer).await;
                None
            }
            Ok(Incoming::Batch(members)) => self.batch(members).await,
            Err(error) => Some(error_message(error.id.as_ref(), &error.error)),
        }
    }

    /// The next message of what runs; `None` when some of it has ended. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if self.has_place()
            && let Some(request) = self.waiting.pop_front()
        {
            self.waiting_bytes -= size(&request);
            return self.begin(request);
        }
        self.running.next().await
    }

    /// Whether one more request may run.
    fn has_place(&self) -> bool {
        self.running.requests() < self.server.limits().running_calls
    }

    async fn request(&mut self, request: Request) -> Option<Bytes> {
        if self.server.phase() >= Phase::Closing {
            return Some(error_message(Some(&request.id), &draining()));
        }
        if request.method == Method::Initialize {
            return Some(self.initialize(request).await);
        }
        if self.has_place() && self.waiting.is_empty() {
            return self.begin(request);
        }
        let bytes = self.waiting_bytes + size(&request);
        if self.waiting.len() >= WAITING || bytes > WAITING_BYTES {
            return Some(error_message(Some(&request.id), &too_many_calls()));
        }
        self.waiting_bytes = bytes;
        self.waiting.push_back(request);
        None
    }

    async fn initialize(&mut self, request: Request) -> Bytes {
        let served = self.server.revisions();
        let params = request.params().map(AsRef::as_ref);
        if self.opened.is_some() {
            let error = ErrorObject::invalid_request("the session is initialized already");
            return error_message(Some(&request.id), &error);
        }
        if !served.iter().any(|revision| revision.is_session_oriented()) {
            let requested = InitializeRequestParams::version_in(params).unwrap_or_default();
            let error = UnsupportedProtocolVersionData::error(&requested, served);
            return error_message(Some(&request.id), &error);
        }
        let caller = self.caller.clone();
        match self.server.initialize_connection(&request, caller).await {
            Ok((response, opened)) => {
                if let Some(Opened::Session(session)) = &opened {
                    let events = self.server.hear_on_connection(session);
                    self.running.listen(None, messages(events));
                }
                self.opened = opened;
                response.into_message()
            }
            Err(refusal) => error_message(Some(&request.id), &refusal.error),
        }
    }

    /// Begins a request; gives what is to be said at once: its answer, or why it cannot begin.
    fn begin(&mut self, request: Request) -> Option<Bytes> {
        let id = request.id.clone();
        let served = self.server.revisions();
        let version = RequestMeta::version_in(request.meta().map(AsRef::as_ref));
        let sessionless = served
            .iter()
            .all(|revision| !revision.is_session_oriented())
            || version.is_some_and(|version| RequestMeta::is_sessionless(&version));
        let begun = if sessionless {
            self.begin_sessionless(request)
        } else {
            let call = self.in_session(request, Reply::Stream);
            call.map(|call| self.run(call, None))
        };
        begun.unwrap_or_else(|error| Some(error_message(Some(&id), &error)))
    }

    fn begin_sessionless(&mut self, request: Request) -> Result<Option<Bytes>, ErrorObject> {
        let meta = request.meta().map(AsRef::as_ref);
        let meta = RequestMeta::required(meta, self.server.revisions())?;
        let (id, caller) = (request.id.clone(), self.caller.clone());
        if request.method == Method::SubscriptionsListen {
            let own = usize::from(matches!(self.opened, Some(Opened::Session(_))));
            if self.running.listeners() >= self.server.limits().running_calls + own {
                let error = ErrorObject::internal("this connection has too many subscriptions");
                return Err(error.reason("too_many_listeners"));
            }
            let messages = listen(self.server.clone(), request, caller);
            self.running.listen(Some(id), messages);
            return Ok(None);
        }
        let server = &self.server;
        let call = server.call_sessionless(request, meta, caller, Reply::Stream);
        Ok(self.run(call, Some(id)))
    }

    /// Runs a call; `id` is under what [`cancel`](Self::cancel) finds one that stands alone.
    fn run(&mut self, call: Call, id: Option<RequestId>) -> Option<Bytes> {
        let mut outcome = Box::pin(call.outcome());
        // Most calls never wait. The others are polled again by whoever will be woken.
        match outcome.as_mut().now_or_never() {
            Some(Outcome::Answer(response)) => return Some(response.into_message()),
            Some(outcome) => self.running.push(id, said(outcome)),
            None => self.running.push(id, stream::once(outcome).flat_map(said)),
        }
        None
    }

    /// A request of the session, or the error that there is none.
    fn in_session(&self, request: Request, reply: Reply) -> Result<Call, ErrorObject> {
        let caller = self.caller.clone();
        match &self.opened {
            Some(Opened::Session(session)) => {
                Ok(self.server.call(session.session(), request, caller, reply))
            }
            Some(Opened::Alone(revision)) => {
                Ok(self.server.call_alone(*revision, request, caller, reply))
            }
            None if request.method == Method::Ping => {
                let revision = Revision::LATEST_LEGACY;
                Ok(self.server.call_alone(revision, request, caller, reply))
            }
            None => {
                let error = ErrorObject::invalid_request("send `initialize` first");
                Err(error.reason("not_initialized"))
            }
        }
    }

    async fn told(&mut self, told: Notification) {
        if told.method == Method::Cancelled {
            self.cancel(told.params.as_deref());
        }
        if let Some(Opened::Session(session)) = &self.opened
            && let Err(refusal) = self.server.notify(session.session(), told).await
        {
            tracing::debug!(%refusal, "a notification had no effect");
        }
    }

    /// Ends a request that waits, or that stands alone; those of the session end by its own rules.
    fn cancel(&mut self, params: Option<&[u8]>) {
        let params = serde_json::from_slice(params.unwrap_or(b"{}"));
        let Ok(CancelledNotificationParams {
            request_id: Some(request_id),
            ..
        }) = params
        else {
            return;
        };
        self.waiting.retain(|waiting| waiting.id != request_id);
        self.waiting_bytes = self.waiting.iter().map(size).sum();
        self.running.cancel(&request_id);
    }

    async fn answered(&mut self, answer: Response) {
        let Some(Opened::Session(session)) = &self.opened else {
            tracing::debug!("an answer came without a session");
            return;
        };
        if let Err(refusal) = self.server.answer(session.session(), answer).await {
            tracing::debug!(%refusal, "an answer was not taken");
        }
    }

    /// A JSON-RPC batch: only in sessions of 2025-03-26. Its answers are one message.
    async fn batch(&mut self, members: Vec<Result<Message, ErrorObject>>) -> Option<Bytes> {
        let refuse = |text| Some(error_message(None, &ErrorObject::invalid_request(text)));
        let revision = match &self.opened {
            Some(Opened::Session(session)) => Some(session.session().revision()),
            Some(Opened::Alone(revision)) => Some(*revision),
            None => None,
        };
        if !revision.is_some_and(|revision| revision.rules().batches) {
            return refuse("batches are not part of this protocol version");
        }
        if members.is_empty() || members.len() > self.server.limits().batch {
            return refuse("a batch has at least one member, and not too many");
        }
        if self.server.phase() >= Phase::Closing {
            return Some(error_message(None, &draining()));
        }
        if !self.has_place() {
            return Some(error_message(None, &too_many_calls()));
        }
        let mut answers: Vec<BoxFuture<'static, Option<Bytes>>> = Vec::new();
        for member in members {
            match member {
                Ok(Message::Request(request)) => answers.push(self.batched(request)),
                Ok(Message::Notification(told)) => self.told(told).await,
                Ok(Message::Response(answer)) => self.answered(answer).await,
                Err(error) => answers.push(ready(Some(error_message(None, &error))).boxed()),
            }
        }
        if !answers.is_empty() {
            let answers = stream::once(join_all(answers));
            let whole = answers.filter_map(|answers| ready(joined(answers)));
            self.running.push(None, whole);
        }
        None
    }

    fn batched(&self, request: Request) -> BoxFuture<'static, Option<Bytes>> {
        let id = request.id.clone();
        let version = RequestMeta::version_in(request.meta().map(AsRef::as_ref));
        let sessionless = version.is_some_and(|version| RequestMeta::is_sessionless(&version));
        let call = if sessionless || request.method == Method::Initialize {
            let text = "this request is not allowed in a batch";
            Err(ErrorObject::invalid_request(text))
        } else {
            self.in_session(request, Reply::Single)
        };
        match call {
            Ok(call) => call.outcome().map(whole).boxed(),
            Err(error) => ready(Some(error_message(Some(&id), &error))).boxed(),
        }
    }
}

fn draining() -> ErrorObject {
    ErrorObject::internal("the server is shutting down").reason("draining")
}

fn too_many_calls() -> ErrorObject {
    metrics::counter!("mcp.calls.refused", "reason" => "too_many_calls").increment(1);
    let text = "too many requests of this connection are running";
    ErrorObject::internal(text).reason("too_many_calls")
}

fn size(request: &Request) -> usize {
    request.params().map_or(0, Bytes::len)
}

/// The answer to a call that says nothing else.
fn whole(outcome: Outcome) -> Option<Bytes> {
    match outcome {
        Outcome::Answer(response) => Some(response.into_message()),
        Outcome::Stream(_) | Outcome::Cancelled => None,
    }
}

fn joined(answers: Vec<Option<Bytes>>) -> Option<Bytes> {
    let answers: Vec<Bytes> = answers.into_iter().flatten().collect();
    if answers.is_empty() {
        return None;
    }
    let mut batch = vec![b'['];
    batch.extend_from_slice(&answers.join(&b','));
    batch.push(b']');
    Some(batch.into())
}

/// Everything that a call says, its answer last.
fn said(outcome: Outcome) -> BoxStream<'static, Bytes> {
    match outcome {
        Outcome::Answer(response) => stream::iter([response.into_message()]).boxed(),
        Outcome::Stream(events) => messages(events).boxed(),
        Outcome::Cancelled => stream::empty().boxed(),
    }
}

/// A subscription, or why there is none.
fn listen(
    server: Server,
    request: Request,
    caller: Caller,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let id = request.id.clone();
    let opened = async move { server.listen_on_connection(request, caller).await };
    stream::once(opened).flat_map(move |opened| match opened {
        Ok(events) => messages(events).boxed(),
        Err(refusal) => stream::iter([error_message(Some(&id), &refusal.error)]).boxed(),
    })
}

/// The messages of a stream; what only helps to resume one is left out.
fn messages(
    events: impl Stream<Item = StreamEvent> + Send + 'static,
) -> impl Stream<Item = Bytes> + Send + 'static {
    events
        .map(|event| event.data)
        .filter(|data| ready(!data.is_empty()))
}
