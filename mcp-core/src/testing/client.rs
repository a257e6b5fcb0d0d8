//! A client that goes the way of every message but the socket's.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use crate::{
    error::BoxError,
    jsonrpc::{Answer, ErrorObject, Notification, Request, RequestId, Response},
    protocol::{CallToolResult, Era, Method, RequestMeta, Revision},
    server::{Call, Caller, Outcome, Reply, Server, ServerBuilder, SessionRef},
    store::Principal,
};

/// How often a client answers before it gives a request up.
const MAX_ROUNDS: usize = 16;

type Answering = dyn Fn(&Value) -> Result<Value, ErrorObject> + Send + Sync;

/// Prepares a [`TestClient`].
#[must_use = "a client is only there after `connect`"]
pub struct TestClientBuilder {
    server: Result<Server, BoxError>,
    revision: Revision,
    principal: Option<Principal>,
    capabilities: Value,
    silent: bool,
    answers: BTreeMap<&'static str, Arc<Answering>>,
}

impl TestClientBuilder {
    /// Offers this revision instead of the latest one with sessions.
    pub fn revision(mut self, revision: Revision) -> Self {
        self.revision = revision;
        self
    }

    /// Calls as this principal.
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    fn answer(
        mut self,
        method: &'static str,
        capability: &str,
        declared: Value,
        answer: impl Fn(&Value) -> Result<Value, ErrorObject> + Send + Sync + 'static,
    ) -> Self {
        self.capabilities[capability] = declared;
        self.answers.insert(method, Arc::new(answer));
        self
    }

    /// Declares `elicitation` and answers it: gets the request's params, gives the result, such as
    /// `{"action": "accept", "content": {..}}`.
    pub fn on_elicit(
        self,
        answer: impl Fn(&Value) -> Result<Value, ErrorObject> + Send + Sync + 'static,
    ) -> Self {
        let declared = json!({ "form": {}, "url": {} });
        self.answer("elicitation/create", "elicitation", declared, answer)
    }

    /// Declares `sampling` and answers it.
    pub fn on_sample(
        self,
        answer: impl Fn(&Value) -> Result<Value, ErrorObject> + Send + Sync + 'static,
    ) -> Self {
        let declared = json!({ "tools": {} });
        self.answer("sampling/createMessage", "sampling", declared, answer)
    }

    /// Declares `elicitation` and `sampling`, and never answers.
    pub fn silent(mut self) -> Self {
        self.capabilities = json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {} });
        self.silent = true;
        self
    }

    /// Declares `roots` and answers with these URIs.
    pub fn roots<U: Into<String>>(self, uris: impl IntoIterator<Item = U>) -> Self {
        let roots: Vec<Value> = uris
            .into_iter()
            .map(|uri| json!({ "uri": uri.into() }))
            .collect();
        let answer = move |_: &Value| Ok(json!({ "roots": roots }));
        self.answer("roots/list", "roots", json!({}), answer)
    }

    /// Initialises a session; in a revision without sessions there is nothing to do.
    ///
    /// # Errors
    ///
    /// When the server cannot be built or refuses the session.
    ///
    /// # Cancel safety
    ///
    /// When dropped, a session may have begun.
    pub async fn connect(self) -> Result<TestClient, BoxError> {
        let server = self.server?;
        let mut client = TestClient {
            server: server.clone(),
            session: None,
            principal: self.principal.clone(),
            initialize_result: Value::Null,
            capabilities: self.capabilities.clone(),
            answers: self.answers,
            silent: self.silent,
            next: AtomicI64::new(1),
            heard: Mutex::default(),
            asked: Mutex::default(),
        };
        if self.revision.era() == Era::Sessionless {
            return Ok(client);
        }
        let params = json!({
            "protocolVersion": self.revision,
            "capabilities": self.capabilities,
            "clientInfo": { "name": "test-client", "version": "1.0.0" },
        });
        let request = Request::new(
            RequestId::from(0),
            Method::Initialize,
            Some(Bytes::from(params.to_string())),
        );
        let caller = Caller::new(self.principal.clone(), http::Extensions::new());
        let initialized = server.initialize(request, caller).await?;
        let answer = initialized.response.as_result().map(serde_json::from_slice);
        let id = initialized.session.ok_or("the server refused a session")?;
        let session = server.session(id.as_str(), self.principal.as_ref()).await?;
        let ready = Notification::new(Method::Initialized, None);
        server.notify(&session, ready).await?;
        client.initialize_result = answer.transpose()?.unwrap_or_default();
        client.session = Some(session);
        Ok(client)
    }
}

impl fmt::Debug for TestClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClientBuilder")
            .field("revision", &self.revision)
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

/// A client of a server in this process. It goes the way of every message but the socket's.
///
/// ```
/// use mcp_core::{McpRouter, Tool, testing::TestClient};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_core::BoxError> {
/// let router = McpRouter::new().tool(Tool::new("hello").handler(|| async { "Hello!" }));
/// let client = TestClient::builder(router).connect().await?;
/// let result = client.call_tool("hello", json!({})).await?;
/// assert_eq!(result.content[0].as_text(), Some("Hello!"));
/// # Ok(()) }
/// ```
pub struct TestClient {
    server: Server,
    session: Option<SessionRef>,
    principal: Option<Principal>,
    initialize_result: Value,
    capabilities: Value,
    answers: BTreeMap<&'static str, Arc<Answering>>,
    silent: bool,
    next: AtomicI64,
    heard: Mutex<Vec<Value>>,
    asked: Mutex<Vec<Value>>,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<ErrorObject>,
}

impl TestClient {
    /// Prepares a client for a router.
    pub fn builder(router: impl Into<ServerBuilder>) -> TestClientBuilder {
        Self::of(router.into().build().map_err(Into::into))
    }

    /// Prepares one more client for a server.
    pub fn serving(server: Server) -> TestClientBuilder {
        Self::of(Ok(server))
    }

    fn of(server: Result<Server, BoxError>) -> TestClientBuilder {
        TestClientBuilder {
            server,
            revision: Revision::LATEST_LEGACY,
            principal: None,
            capabilities: json!({}),
            silent: false,
            answers: BTreeMap::new(),
        }
    }

    /// The server behind it.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The session; none in a revision without.
    #[must_use]
    pub fn session(&self) -> Option<&SessionRef> {
        self.session.as_ref()
    }

    /// What the server answered to `initialize`.
    #[must_use]
    pub fn initialize_result(&self) -> &Value {
        &self.initialize_result
    }

    /// The notifications heard so far on replies, oldest first; they are taken.
    #[must_use]
    pub fn take_notifications(&self) -> Vec<Value> {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The questions of the server so far, as `{"method", "params"}`, oldest first; they are taken.
    #[must_use]
    pub fn take_questions(&self) -> Vec<Value> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn asked(&self, method: &str, params: &Value) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(json!({ "method": method, "params": params }));
    }

    /// Calls a tool.
    ///
    /// # Errors
    ///
    /// The JSON-RPC error. A result with `isError: true` is a result.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the tool goes on unheard.
    pub async fn call_tool(
        &self,
        name: &str,
        arguments: impl Serialize,
    ) -> Result<CallToolResult, ClientError> {
        let params = json!({ "name": name, "arguments": arguments });
        self.request("tools/call", params).await
    }

    /// Sends a request and answers what the server asks meanwhile.
    ///
    /// # Errors
    ///
    /// The JSON-RPC error, or why there was no readable answer.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the request goes on unheard.
    pub async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
    ) -> Result<T, ClientError> {
        match &self.session {
            Some(session) => {
                let (request, caller) = (self.next(method, &params), self.caller());
                let call = self.server.call(session, request, caller, Reply::Stream);
                read(&self.response(call).await?)
            }
            None => self.request_in_rounds(method, params).await,
        }
    }

    fn next(&self, method: &str, params: &Value) -> Request {
        let id = RequestId::from(self.next.fetch_add(1, Ordering::Relaxed));
        Request::new(id, method.into(), Some(Bytes::from(params.to_string())))
    }

    fn caller(&self) -> Caller {
        Caller::new(self.principal.clone(), http::Extensions::new())
    }

    /// The message that answers a call; what comes before it is heard.
    async fn response(&self, call: Call) -> Result<Bytes, ClientError> {
        match call.outcome().await {
            Outcome::Answer(response) => Ok(response.into_message()),
            Outcome::Cancelled => Err(ClientError::NoAnswer("the request was cancelled")),
            Outcome::Stream(mut events) => {
                while let Some(event) = events.next().await {
                    if event.data.is_empty() {
                        continue;
                    }
                    if let Some(message) = self.hear(event.data).await? {
                        return Ok(message);
                    }
                }
                Err(ClientError::NoAnswer("the stream ended without a response"))
            }
        }
    }

    /// Sends a request without a session, again and again until its result is final.
    async fn request_in_rounds<T: DeserializeOwned>(
        &self,
        method: &str,
        mut params: Value,
    ) -> Result<T, ClientError> {
        for _ in 0..MAX_ROUNDS {
            let result = self.round(method, &mut params).await?;
            if result["resultType"] != "input_required" {
                return serde_json::from_value(result).map_err(ClientError::unreadable);
            }
            self.answer_round(&result, &mut params)?;
        }
        Err(ClientError::NoAnswer("the server asked too often"))
    }

    /// Sends a request once by the rules of 2026-07-28; gives its result, final or not.
    ///
    /// # Errors
    ///
    /// The JSON-RPC error, or why there was no readable answer.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the request is cancelled.
    pub async fn round(&self, method: &str, params: &mut Value) -> Result<Value, ClientError> {
        let meta = &mut params["_meta"];
        meta[RequestMeta::PROTOCOL_VERSION] = Revision::V2026_07_28.as_str().into();
        meta[RequestMeta::CLIENT_CAPABILITIES] = self.capabilities.clone();
        let request = self.next(method, params);
        let meta = request.params().map(|json| RequestMeta::from_params(json));
        let meta = meta.transpose().map_err(ClientError::unreadable)?;
        let meta = meta.unwrap_or_default();
        let server = &self.server;
        let prepared = server.prepare_for(&request).await;
        prepared.map_err(|refusal| ClientError::Rpc(refusal.error))?;
        let call = server.call_sessionless(request, meta, self.caller(), Reply::Stream);
        read(&self.response(call).await?)
    }

    /// Puts the answers to what a result asks into the parameters of the next round.
    ///
    /// # Errors
    ///
    /// When this client has no answer.
    pub fn answer_round(&self, result: &Value, params: &mut Value) -> Result<(), ClientError> {
        let requests = result["inputRequests"].as_object();
        let mut responses = serde_json::Map::new();
        for (key, request) in requests.into_iter().flatten() {
            let method = request["method"].as_str().unwrap_or_default();
            self.asked(method, &request["params"]);
            let answer = self.answers.get(method).filter(|_| !self.silent);
            let answer = answer.ok_or(ClientError::NoAnswer("the client cannot answer"))?;
            let answer = answer(&request["params"]).map_err(ClientError::Rpc)?;
            responses.insert(key.clone(), answer);
        }
        params["inputResponses"] = responses.into();
        params["requestState"] = result["requestState"].clone();
        Ok(())
    }

    /// Takes one message; gives it back when it is the response.
    async fn hear(&self, data: Bytes) -> Result<Option<Bytes>, ClientError> {
        let message: Incoming<'_> =
            serde_json::from_slice(&data).map_err(ClientError::unreadable)?;
        let (Some(method), id) = (message.method, message.id) else {
            return Ok(Some(data));
        };
        let Some(id) = id else {
            let notification = json!({ "method": method, "params": message.params });
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(notification);
            return Ok(None);
        };
        self.asked(&method, &message.params);
        if self.silent {
            return Ok(None);
        }
        let answer = match self.answers.get(method.as_str()) {
            Some(answer) => answer(&message.params),
            None => Err(ErrorObject::method_not_found(&method)),
        };
        let text = |value: Result<String, serde_json::Error>| value.map(Bytes::from);
        let answer = match answer {
            Ok(result) => text(serde_json::to_string(&result)).map(Answer::Result),
            Err(error) => text(serde_json::to_string(&error)).map(Answer::Error),
        };
        let id = serde_json::from_str(id.get()).map_err(ClientError::unreadable)?;
        let response = Response {
            id: Some(id),
            answer: answer.map_err(ClientError::unreadable)?,
        };
        let session = self.session.as_ref();
        let session = session.ok_or(ClientError::NoAnswer("a question without a session"))?;
        let sent = self.server.answer(session, response).await;
        sent.map_err(|refusal| ClientError::Rpc(refusal.error))?;
        Ok(None)
    }

    /// Sends a notification.
    ///
    /// # Errors
    ///
    /// When the server refuses it.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the notification has had its effect or it has not.
    pub async fn notify(&self, method: &str, params: Value) -> Result<(), ClientError> {
        let params = Some(Bytes::from(params.to_string()));
        let notification = Notification::new(method.into(), params);
        let session = self.session.as_ref();
        let session = session.ok_or(ClientError::NoAnswer("there is no session"))?;
        let sent = self.server.notify(session, notification).await;
        sent.map_err(|refusal| ClientError::Rpc(refusal.error))
    }
}

fn read<T: DeserializeOwned>(message: &[u8]) -> Result<T, ClientError> {
    let message: Incoming<'_> = serde_json::from_slice(message).map_err(ClientError::unreadable)?;
    if let Some(error) = message.error {
        return Err(ClientError::Rpc(error));
    }
    let result = message.result.map_or("null", RawValue::get);
    serde_json::from_str(result).map_err(ClientError::unreadable)
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Why a request of a [`TestClient`] has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server answered with an error.
    #[error("the server answered {}: {}", .0.code.0, .0.message)]
    Rpc(ErrorObject),
    /// There was no answer.
    #[error("no answer: {0}")]
    NoAnswer(&'static str),
    /// The answer is not what was expected.
    #[error("the answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl ClientError {
    fn unreadable(error: serde_json::Error) -> Self {
        Self::Unreadable(error)
    }

    /// The JSON-RPC code, if the server answered with an error.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Rpc(error) => Some(error.code.0),
            Self::NoAnswer(_) | Self::Unreadable(_) => None,
        }
    }
}
