//! A client without affinity: each request goes to the next instance.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Client as Http, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{interval, timeout},
};

use crate::{process::Cluster, sse::Sse};

/// Long enough for anything that happens at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// The revision of the sessions.
pub(crate) const REVISION: &str = "2025-11-25";
/// The revision without sessions.
pub(crate) const MODERN: &str = "2026-07-28";

/// What `work` yields; a test that would hang fails instead.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it happens soon")
}

/// Runs `work` beside the test.
#[expect(
    clippy::disallowed_methods,
    reason = "the task ends with the runtime of its test"
)]
pub(crate) fn spawn<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(work)
}

/// Asks until the answer is yes.
pub(crate) async fn until<F: Future<Output = bool>>(mut check: impl FnMut() -> F) {
    let mut ticks = interval(Duration::from_millis(20));
    soon(async {
        while !check().await {
            ticks.tick().await;
        }
    })
    .await;
}

/// A request as JSON-RPC.
pub(crate) fn request(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// A call of a tool, with a token for its progress.
pub(crate) fn call(id: impl Into<Value>, name: &str, arguments: &Value) -> Value {
    let meta = json!({ "progressToken": "token" });
    let params = json!({ "name": name, "arguments": arguments, "_meta": meta });
    request(id, "tools/call", &params)
}

/// The text of a tool's result.
pub(crate) fn text(answer: &Value) -> &str {
    let text = &answer["result"]["content"][0]["text"];
    text.as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}

/// Numbers of the progress among messages.
pub(crate) fn progress(messages: &[Value]) -> Vec<u64> {
    let progress = messages
        .iter()
        .map(|message| &message["params"]["progress"]);
    progress.filter_map(Value::as_u64).collect()
}

/// A client with a session, or one that has none.
#[derive(Clone)]
pub(crate) struct Client {
    http: Http,
    /// Where each instance is reached.
    urls: Vec<String>,
    /// Where the requests go, by turns.
    turns: Vec<String>,
    next: Arc<AtomicUsize>,
    pub(crate) session: String,
    user: Option<String>,
    revision: &'static str,
}

impl Client {
    /// A client that has no session yet.
    pub(crate) fn new(cluster: &Cluster) -> Self {
        Self {
            http: Http::new(),
            urls: cluster.urls(),
            turns: cluster.any(),
            next: Arc::new(AtomicUsize::new(0)),
            session: String::new(),
            user: None,
            revision: REVISION,
        }
    }

    /// A client with a session: `initialize` at one instance, `initialized` at the next.
    pub(crate) async fn begin(cluster: &Cluster) -> Self {
        Self::new(cluster).initialize(json!({})).await
    }

    /// The same, for a client that can be asked.
    pub(crate) async fn that_answers(cluster: &Cluster) -> Self {
        let capabilities = json!({ "elicitation": {}, "sampling": {} });
        Self::new(cluster).initialize(capabilities).await
    }

    /// The same, for a user.
    pub(crate) async fn of_user(cluster: &Cluster, user: &str) -> Self {
        let client = Self::new(cluster).user(user);
        client.initialize(json!({})).await
    }

    /// The same client, of another revision.
    pub(crate) fn speaking(mut self, revision: &'static str) -> Self {
        self.revision = revision;
        self
    }

    /// The same client, with a connection of its own for each request.
    pub(crate) fn without_keep_alive(mut self) -> Self {
        let http = Http::builder().pool_max_idle_per_host(0);
        self.http = http.build().unwrap();
        self
    }

    /// The same client, through another address of the instances.
    pub(crate) fn through(mut self, urls: Vec<String>) -> Self {
        self.turns = urls;
        self
    }

    /// The same client, as another user.
    pub(crate) fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_owned());
        self
    }

    /// The same client, with another session id.
    pub(crate) fn with_session(mut self, session: &str) -> Self {
        session.clone_into(&mut self.session);
        self
    }

    /// The same client at one instance.
    pub(crate) fn on(&self, instance: usize) -> Self {
        let mut client = self.clone();
        client.turns = vec![self.urls[instance].clone()];
        client
    }

    pub(crate) async fn initialize(mut self, capabilities: Value) -> Self {
        let response = soon(self.hello(&capabilities).send()).await.unwrap();
        assert_eq!(response.status(), 200);
        let session = response.headers()["mcp-session-id"].to_str().unwrap();
        session.clone_into(&mut self.session);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(
            answer["result"]["protocolVersion"], self.revision,
            "{answer}"
        );
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.status(&initialized).await, 202);
        self
    }

    /// `initialize`, to be sent.
    pub(crate) fn hello(&self, capabilities: &Value) -> RequestBuilder {
        let params = json!({
            "protocolVersion": self.revision,
            "capabilities": capabilities,
            "clientInfo": { "name": "cluster", "version": "1" },
        });
        let post = self.of_this_user(self.http.post(self.url()));
        let post = post.header("accept", "application/json, text/event-stream");
        post.json(&request(0, "initialize", &params))
    }

    /// The next instance.
    fn url(&self) -> &str {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        &self.turns[number % self.turns.len()]
    }

    fn of_this_user(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.user {
            Some(user) => request.header("x-user", user),
            None => request,
        }
    }

    fn in_session(&self, request: RequestBuilder) -> RequestBuilder {
        self.of_this_user(request)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-session-id", &self.session)
            .header("mcp-protocol-version", self.revision)
    }

    /// A POST to the next instance.
    pub(crate) fn post(&self, message: &Value) -> RequestBuilder {
        self.in_session(self.http.post(self.url())).json(message)
    }

    /// A GET to the next instance.
    pub(crate) fn get(&self, last_event_id: Option<&str>) -> RequestBuilder {
        let get = self.in_session(self.http.get(self.url()));
        match last_event_id {
            Some(id) => get.header("last-event-id", id),
            None => get,
        }
    }

    /// A DELETE to the next instance.
    pub(crate) fn delete(&self) -> RequestBuilder {
        self.in_session(self.http.delete(self.url()))
    }

    pub(crate) async fn send(&self, message: &Value) -> Response {
        soon(self.post(message).send()).await.unwrap()
    }

    pub(crate) async fn status(&self, message: &Value) -> u16 {
        self.send(message).await.status().as_u16()
    }

    /// What a request is answered with, as plain JSON.
    pub(crate) async fn request(&self, method: &str, params: &Value) -> Value {
        let response = self.send(&request(1, method, params)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        soon(response.json()).await.unwrap()
    }

    /// What a tool answers, as plain JSON.
    pub(crate) async fn call(&self, name: &str, arguments: &Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        self.request("tools/call", &params).await
    }

    /// Calls a tool that answers with a stream.
    pub(crate) async fn stream(&self, id: u64, name: &str, arguments: &Value) -> Sse {
        Sse::of(self.send(&call(id, name, arguments)).await)
    }

    /// Opens a GET stream; resumes the one with the event that `last_event_id` names.
    pub(crate) async fn listen(&self, last_event_id: Option<&str>) -> Sse {
        Sse::of(soon(self.get(last_event_id).send()).await.unwrap())
    }

    /// Opens a GET stream, and waits until it is attached: what follows is not missed.
    pub(crate) async fn attached(&self) -> Sse {
        let mut stream = self.listen(None).await;
        let priming = stream.event().await.unwrap();
        assert!(priming.data.is_empty(), "{priming:?}");
        stream
    }
}
