//! What a handler can reach besides its arguments: [`Context`].

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering, fence},
    },
    task,
};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::Extensions;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{CallId, SessionData, Sessionless, journal::Journal, notify};
use crate::{
    auth::{Grant, InsufficientScope, Scopes},
    jsonrpc::RequestId,
    protocol::{ClientCapability, Implementation, LoggingLevel, Method, Revision},
    server::{Link, Outbox, Outgoing, Server},
    store::{InstanceId, Principal, SessionRecord, StoreError, StoreErrorKind},
};

/// One call: who asks, and every way to say something to the client before the answer.
///
/// Cheap to clone; a clone may outlive the handler, what it sends then goes nowhere.
#[derive(Clone)]
pub struct Context(Arc<Call>);

struct Call {
    id: RequestId,
    revision: Revision,
    meta: Option<Bytes>,
    principal: Option<Principal>,
    record: Option<Arc<SessionRecord>>,
    extensions: Extensions,
    peer: Peer,
    outbox: Outbox,
    cancel: Signal,
    /// Wakes the call itself when it is cancelled.
    cancelled: AtomicWaker,
    /// The server shuts down.
    stopped: AtomicBool,
    /// The handler has ended.
    finish: Signal,
    waiting: AtomicUsize,
    journal: Mutex<Journal>,
    name: OnceLock<CallId>,
}

/// Something that happens to a call once. Costs nothing until somebody waits for it.
#[derive(Default)]
struct Signal {
    set: AtomicBool,
    token: OnceLock<CancellationToken>,
}

impl Signal {
    fn set(&self) {
        self.set.store(true, Ordering::SeqCst);
        // Whoever makes the token behind this line sees the flag.
        fence(Ordering::SeqCst);
        if let Some(token) = self.token.get() {
            token.cancel();
        }
    }

    fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    async fn wait(&self) {
        let token = self.token.get_or_init(CancellationToken::new);
        fence(Ordering::SeqCst);
        if !self.is_set() {
            token.cancelled().await;
        }
    }
}

/// The parts of a [`Context`]; whoever serves a request fills them in.
pub(crate) struct Origin {
    pub(crate) id: RequestId,
    pub(crate) revision: Revision,
    pub(crate) meta: Option<Bytes>,
    pub(crate) principal: Option<Principal>,
    pub(crate) extensions: Extensions,
    pub(crate) peer: Peer,
    pub(crate) outbox: Outbox,
}

/// Who is at the other end of a call.
pub(crate) enum Peer {
    /// Nobody: a router called directly, or a server that keeps no sessions.
    Nobody,
    /// A client with a session.
    Session(Link),
    /// A client that says everything in its request.
    Sessionless(Server, Box<Sessionless>),
}

impl Peer {
    pub(crate) fn link(&self) -> Option<&Link> {
        match self {
            Self::Session(link) => Some(link),
            Self::Nobody | Self::Sessionless(..) => None,
        }
    }
}

impl Context {
    /// A context without a client behind it, for calling a router directly.
    #[must_use]
    pub fn detached(id: RequestId, revision: Revision) -> Self {
        Self::new(Origin {
            id,
            revision,
            meta: None,
            principal: None,
            extensions: Extensions::new(),
            peer: Peer::Nobody,
            outbox: Outbox::closed(),
        })
    }

    pub(crate) fn new(origin: Origin) -> Self {
        let record = match &origin.peer {
            Peer::Session(link) => Some(link.session.record()),
            Peer::Nobody | Peer::Sessionless(..) => None,
        };
        Self(Arc::new(Call {
            id: origin.id,
            revision: origin.revision,
            meta: origin.meta,
            principal: origin.principal,
            record,
            extensions: origin.extensions,
            peer: origin.peer,
            outbox: origin.outbox,
            cancel: Signal::default(),
            cancelled: AtomicWaker::new(),
            stopped: AtomicBool::new(false),
            finish: Signal::default(),
            waiting: AtomicUsize::new(0),
            journal: Mutex::default(),
            name: OnceLock::new(),
        }))
    }

    /// The id of the request.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        &self.0.id
    }

    /// The revision this call is served by.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    /// The JSON of the request's `_meta`.
    #[must_use]
    pub fn meta(&self) -> Option<&Bytes> {
        self.0.meta.as_ref()
    }

    /// Who asks, as the transport established it.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// What the credentials of this request allow, if the transport read any.
    #[must_use]
    pub fn grant(&self) -> Option<&Grant> {
        self.extension()
    }

    /// Ends a call whose credentials do not allow all of these. For what only the arguments tell; what is
    /// the same for every call stands at the route, by `requires_scopes`.
    ///
    /// ```
    /// # use mcp_core::{Context, ToolError, auth::Scopes};
    /// async fn publish(ctx: Context) -> Result<String, ToolError> {
    ///     ctx.require_scopes(&Scopes::parse("notes:publish")?)?;
    ///     Ok("published".to_owned())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InsufficientScope`]; returned by a handler before it sent anything, it is an HTTP status 403.
    pub fn require_scopes(&self, scopes: &Scopes) -> Result<(), InsufficientScope> {
        let granted = self.grant().map(|grant| &grant.scopes);
        if scopes.is_empty() || granted.is_some_and(|granted| granted.contains_all(scopes)) {
            return Ok(());
        }
        metrics::counter!("mcp.auth.refused", "reason" => "insufficient_scope").increment(1);
        Err(InsufficientScope::new(scopes.clone()))
    }

    /// The session's record as it was when the call began; absent without a session.
    #[must_use]
    pub fn session(&self) -> Option<&SessionRecord> {
        self.0.record.as_deref()
    }

    /// What the transport and the layers before it attached, by type.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// What the transport or a layer attached under the type `T`.
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.get()
    }

    /// Whether the client declared that it can do this, and the revision has it.
    #[must_use]
    pub fn can(&self, what: ClientCapability) -> bool {
        let declared = match &self.0.peer {
            Peer::Sessionless(_, client) => Some(&client.capabilities),
            Peer::Nobody | Peer::Session(_) => self.session().map(|record| &*record.capabilities),
        };
        what.exists_in(self.0.revision) && declared.is_some_and(|declared| what.is_in(declared))
    }

    /// What the client calls itself.
    #[must_use]
    pub fn client(&self) -> Option<&Implementation> {
        match &self.0.peer {
            Peer::Sessionless(_, client) => client.client.as_ref(),
            Peer::Nobody | Peer::Session(_) => self.session().map(|record| &*record.client),
        }
    }

    /// The instance that runs this call; absent for a router called directly.
    #[must_use]
    pub fn instance(&self) -> Option<&InstanceId> {
        self.server().map(Server::instance)
    }

    /// Stays the same when a client repeats this call with answers; unique otherwise.
    ///
    /// Meant as the idempotency key of effects that must not happen twice.
    #[must_use]
    pub fn call_id(&self) -> &CallId {
        self.0.name.get_or_init(|| match &self.0.peer {
            Peer::Sessionless(_, client) => client.call_id(),
            Peer::Nobody | Peer::Session(_) => CallId::random(),
        })
    }

    /// Which round of asking this is; 0 is the first run of the handler.
    #[must_use]
    pub fn round(&self) -> u32 {
        self.sessionless().map_or(0, Sessionless::round)
    }

    /// Reports progress, if the client asked for it. Never waits for the client.
    ///
    /// # Cancel safety
    ///
    /// Ready at the first poll.
    #[expect(
        clippy::unused_async,
        reason = "a sessionless call may have to wait here"
    )]
    pub async fn progress(
        &self,
        progress: f64,
        total: Option<f64>,
        message: impl Into<Option<&str>>,
    ) {
        if let Some(json) = notify::progress(self, progress, total, message.into()) {
            self.0.outbox.send(Outgoing::Progress(json));
        }
    }

    /// Sends a log line to the client, if its level is one the client wants.
    ///
    /// # Cancel safety
    ///
    /// Ready at the first poll.
    #[expect(
        clippy::unused_async,
        reason = "a sessionless call may have to wait here"
    )]
    pub async fn log(
        &self,
        level: LoggingLevel,
        logger: impl Into<Option<&str>>,
        data: impl Into<Value>,
    ) {
        if !self.wants_log(level) {
            return;
        }
        if let Some(json) = notify::log(level, logger.into(), &data.into()) {
            self.0.outbox.send(Outgoing::Log(json));
        }
    }

    /// Whether the client wants log lines of this level. With a session and without
    /// `logging/setLevel` it wants all; without a session, none unless the request names a level.
    #[must_use]
    pub fn wants_log(&self, level: LoggingLevel) -> bool {
        let wanted = match &self.0.peer {
            Peer::Nobody => false,
            Peer::Session(link) => {
                let wanted = link.session.record().log_level;
                wanted.is_none_or(|wanted| level >= wanted)
            }
            Peer::Sessionless(_, client) => client.log_level.is_some_and(|wanted| level >= wanted),
        };
        wanted && self.0.outbox.is_open()
    }

    /// Ends the connection, not the call: the client comes back after `retry` and finds what
    /// happened meanwhile. Does nothing where the reply is not a resumable stream, nor before
    /// 2025-11-25, whose clients expect their answer on the connection they have.
    pub fn disconnect(&self, retry: std::time::Duration) {
        if self.revision().rules().priming_event {
            self.0.outbox.send(Outgoing::Disconnect(retry));
        }
    }

    /// What handlers remember for this session, on every instance.
    #[must_use]
    pub fn session_data(&self) -> SessionData<'_> {
        SessionData::new(self.link())
    }

    /// Tells everyone who subscribed to `uri`, on every instance, that it has new content.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the word may or may not have gone out.
    pub async fn resource_updated(&self, uri: &str) {
        if let Some(server) = self.server() {
            server.resource_updated_by(uri, self.traceparent()).await;
        }
    }

    /// Changes the catalogue on every instance; see [`Server::change_catalogue`](crate::Server::change_catalogue).
    ///
    /// # Errors
    ///
    /// `Unsupported` without a session, and as [`Server::change_catalogue`](crate::Server::change_catalogue).
    ///
    /// # Cancel safety
    ///
    /// When dropped, the change is written or it is not.
    pub async fn change_catalogue(
        &self,
        payload: &(impl Serialize + Sync),
    ) -> Result<(), StoreError> {
        match self.server() {
            Some(server) => server.change_catalogue(payload).await,
            None => Err(StoreError::new(
                StoreErrorKind::Unsupported,
                "change_catalogue",
                "this call has no server",
            )),
        }
    }

    /// Whether the call has been cancelled. Its handler is dropped at its next suspension point;
    /// tasks it spawned can look here.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_set()
    }

    /// Waits until the call is cancelled; for tasks that the handler spawned.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is lost.
    pub async fn cancelled(&self) {
        self.0.cancel.wait().await;
    }

    /// The handler has ended: what its tasks still say goes nowhere, what they ask is not answered.
    pub(crate) fn finish(&self) {
        self.0.outbox.close();
        self.0.finish.set();
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.0.finish.is_set()
    }

    pub(crate) async fn finished(&self) {
        self.0.finish.wait().await;
    }

    /// Whether the handler waits for the client's answer, so that its own time limit stands still.
    pub(crate) fn is_waiting_for_client(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) > 0
    }

    /// Counts as waiting for the client until the guard is dropped.
    pub(crate) fn wait_for_client(&self) -> WaitingForClient {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        WaitingForClient(self.clone())
    }

    pub(crate) fn link(&self) -> Option<&Link> {
        self.0.peer.link()
    }

    pub(crate) fn sessionless(&self) -> Option<&Sessionless> {
        match &self.0.peer {
            Peer::Sessionless(_, client) => Some(client),
            Peer::Nobody | Peer::Session(_) => None,
        }
    }

    pub(crate) fn server(&self) -> Option<&Server> {
        match &self.0.peer {
            Peer::Session(link) => Some(&link.server),
            Peer::Sessionless(server, _) => Some(server),
            Peer::Nobody => None,
        }
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.0
            .journal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells this call from every other that runs, also from those with its id.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Cancels the call because the server shuts down: the client is told.
    pub(crate) fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        self.cancel();
    }

    /// Whether the call was cancelled by the server, not by its client.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }

    pub(crate) fn cancel(&self) {
        self.0.cancel.set();
        self.0.cancelled.wake();
    }

    /// Whether the call is cancelled; wakes `cx`'s task when it will be.
    pub(crate) fn poll_cancelled(&self, cx: &task::Context<'_>) -> bool {
        self.0.cancelled.register(cx.waker());
        self.is_cancelled()
    }
}

/// See [`Context::wait_for_client`].
pub(crate) struct WaitingForClient(Context);

impl Drop for WaitingForClient {
    fn drop(&mut self) {
        self.0.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("request_id", &self.0.id)
            .field("revision", &self.0.revision)
            .finish_non_exhaustive()
    }
}

/// A notification as JSON.
pub(crate) fn notification(method: &Method, params: &impl Serialize) -> Option<Bytes> {
    let mut buffer = Vec::with_capacity(192);
    buffer.extend_from_slice(br#"{"jsonrpc":"2.0","method":""#);
    buffer.extend_from_slice(method.as_str().as_bytes());
    buffer.extend_from_slice(br#"","params":"#);
    serde_json::to_writer(&mut buffer, params).ok()?;
    buffer.push(b'}');
    Some(buffer.into())
}
