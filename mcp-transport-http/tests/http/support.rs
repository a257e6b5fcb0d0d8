//! A real server on a real socket, and a client that hides nothing.

use std::{future::Future, time::Duration};

use futures_util::{FutureExt, StreamExt};
use mcp_core::{
    clock::{ManualClock, Timestamp},
    server::ServerBuilder,
};
use mcp_transport_http::{HttpTransport, IntoServer};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, HeaderName},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    sync::oneshot,
    task::JoinHandle,
    time::{interval, timeout},
};

use crate::place::Place;

/// The revision without sessions.
pub(crate) const MODERN: &str = "2026-07-28";

/// Long enough for anything that happens at all.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// Waits until `check` says yes.
pub(crate) async fn until<F: Future<Output = bool>>(mut check: impl FnMut() -> F) {
    let mut ticks = interval(Duration::from_millis(5));
    soon(async {
        while !check().await {
            ticks.tick().await;
        }
    })
    .await;
}

/// The parameters of `tools/call`.
pub(crate) fn tool(name: &str, arguments: &Value) -> Value {
    json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": "token" } })
}

/// A request as JSON-RPC.
pub(crate) fn request(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// A request of 2026-07-28: what `_meta` must have is added unless `params` has it.
pub(crate) fn alone(id: impl Into<Value>, method: &str, params: &Value) -> Value {
    let mut message = request(id, method, params);
    let meta = &mut message["params"]["_meta"];
    for (member, value) in [
        ("protocolVersion", json!(MODERN)),
        ("clientCapabilities", json!({})),
    ] {
        let name = format!("io.modelcontextprotocol/{member}");
        if meta.get(&name).is_none() {
            meta[name] = value;
        }
    }
    message
}

/// A clock that stands still, on a day of its own.
pub(crate) fn clock() -> ManualClock {
    ManualClock::starting_at(Timestamp::from_millis(1_800_000_000_000))
}

/// The text of a tool's result.
pub(crate) fn text(answer: &Value) -> &str {
    let text = &answer["result"]["content"][0]["text"];
    text.as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}

/// A request that every server answers.
pub(crate) fn ping() -> Value {
    request(1, "ping", &json!({}))
}

pub(crate) fn cancelled(id: impl Into<Value>) -> Value {
    let params = json!({ "requestId": id.into() });
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })
}

/// Sends what must be refused with this status, and yields the JSON-RPC error.
pub(crate) async fn refused(request: RequestBuilder, status: u16) -> Value {
    let response = soon(request.send()).await.unwrap();
    let seen = response.status();
    let content_type = response.headers().get("content-type").cloned();
    let body = soon(response.text()).await.unwrap();
    assert_eq!(seen, status, "{body}");
    assert_eq!(content_type.unwrap(), "application/json", "{body}");
    let mut body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["jsonrpc"], "2.0", "{body}");
    assert!(body["error"]["message"].is_string(), "{body}");
    assert!(body.get("result").is_none(), "{body}");
    assert!(body.get("id").is_some(), "{body}");
    body["error"].take()
}

/// Sends what is answered with plain JSON, and yields the answer.
pub(crate) async fn answered(request: RequestBuilder) -> Value {
    let response = soon(request.send()).await.unwrap();
    let seen = (
        response.status(),
        response.headers()["content-type"].clone(),
    );
    let body = soon(response.text()).await.unwrap();
    assert_eq!(
        seen,
        (StatusCode::OK, "application/json".parse().unwrap()),
        "{body}"
    );
    serde_json::from_str(&body).unwrap()
}

/// Reads until the server closes the connection.
pub(crate) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    let _ = soon(stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

/// A running server. Ends when dropped; `stop` drains it.
pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) place: Place,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), mcp_transport_http::ServeError>>,
}

impl TestServer {
    pub(crate) async fn start(router: impl Into<ServerBuilder>) -> Self {
        Self::serve(HttpTransport::new(router)).await
    }

    pub(crate) async fn serve<S>(transport: HttpTransport<S>) -> Self
    where
        S: IntoServer + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel();
        let (place, served) = Place::serve(transport, stopped.map(drop)).await;
        Self {
            url: place.url("/mcp"),
            place,
            stop: Some(stop),
            served,
        }
    }

    /// Writes bytes to the server and reads what comes back until it closes the connection.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.place.connect().await;
        // The server may refuse and close before it has read everything.
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    /// Begins to drain.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) {
        self.served.await.unwrap().unwrap();
    }

    pub(crate) async fn client(&self) -> TestClient {
        self.client_of("2025-11-25", json!({})).await
    }

    /// A client with a session of this revision.
    pub(crate) async fn client_of(&self, revision: &str, capabilities: Value) -> TestClient {
        self.session(self.stranger(revision), capabilities).await
    }

    /// A client with a session of the user that its `x-user` header names.
    pub(crate) async fn client_as(&self, user: &str) -> TestClient {
        self.client_with("x-user", user).await
    }

    /// A client with a session, that sends this header with every request.
    pub(crate) async fn client_with(&self, header: &str, value: &str) -> TestClient {
        let mut client = self.stranger("2025-11-25");
        client.http = self.http_with(header, value);
        self.session(client, json!({})).await
    }

    /// A client without a session.
    pub(crate) fn stranger(&self, revision: &str) -> TestClient {
        TestClient {
            http: self.http(),
            url: self.url.clone(),
            session: String::new(),
            revision: revision.to_owned(),
        }
    }

    /// A client of the revision without sessions.
    pub(crate) fn modern(&self) -> ModernClient {
        ModernClient {
            http: self.http(),
            url: self.url.clone(),
        }
    }

    fn http(&self) -> Client {
        self.place.client().build().unwrap()
    }

    /// What sends this header with every request.
    pub(crate) fn http_with(&self, header: &str, value: &str) -> Client {
        let header: HeaderName = header.parse().unwrap();
        let headers = [(header, value.parse().unwrap())];
        let http = self.place.client();
        let http = http.default_headers(headers.into_iter().collect());
        http.build().unwrap()
    }

    async fn session(&self, mut client: TestClient, capabilities: Value) -> TestClient {
        let revision = client.revision.clone();
        let (headers, answer) = client.initialize(capabilities).await;
        assert_eq!(answer["result"]["protocolVersion"], revision, "{answer}");
        client.session = headers["mcp-session-id"].to_str().unwrap().to_owned();
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let response = client.post(&initialized).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        client
    }
}

/// A client that shows every status and header.
pub(crate) struct TestClient {
    pub(crate) http: Client,
    pub(crate) url: String,
    pub(crate) session: String,
    pub(crate) revision: String,
}

impl TestClient {
    pub(crate) async fn initialize(&self, capabilities: Value) -> (HeaderMap, Value) {
        let message = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {
                "protocolVersion": self.revision,
                "capabilities": capabilities,
                "clientInfo": { "name": "test", "version": "1" },
            },
        });
        let request = self.http.post(&self.url);
        let request = request.header("accept", "application/json, text/event-stream");
        let response = request.json(&message).send().await.unwrap();
        let headers = response.headers().clone();
        (headers, response.json().await.unwrap())
    }

    fn with_headers(&self, request: RequestBuilder) -> RequestBuilder {
        request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-session-id", &self.session)
            .header("mcp-protocol-version", &self.revision)
    }

    /// A POST without a word about session, version or what is accepted.
    pub(crate) fn bare(&self) -> RequestBuilder {
        self.http.post(&self.url)
    }

    /// A POST of these bytes, with every header a good client sends.
    pub(crate) fn post_bytes(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.with_headers(self.http.post(&self.url));
        request
            .header("content-type", "application/json")
            .body(body)
    }

    /// Sends a request that is answered at once or never.
    pub(crate) async fn status(&self, message: &Value) -> StatusCode {
        soon(self.post(message).send()).await.unwrap().status()
    }

    /// Calls a tool that answers with plain JSON.
    pub(crate) async fn call(&self, id: u64, name: &str, arguments: &Value) -> Value {
        self.request(id, "tools/call", tool(name, arguments)).await
    }

    /// A POST with every header a good client sends.
    pub(crate) fn post(&self, message: &Value) -> RequestBuilder {
        self.with_headers(self.http.post(&self.url)).json(message)
    }

    /// A GET with every header a good client sends.
    pub(crate) fn get(&self, last_event_id: Option<&str>) -> RequestBuilder {
        let request = self.with_headers(self.http.get(&self.url));
        match last_event_id {
            Some(id) => request.header("last-event-id", id),
            None => request,
        }
    }

    pub(crate) fn delete(&self) -> RequestBuilder {
        self.with_headers(self.http.delete(&self.url))
    }

    /// Sends a request whose answer is plain JSON.
    pub(crate) async fn request(&self, id: u64, method: &str, params: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let response = self.post(&message).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "application/json");
        response.json().await.unwrap()
    }

    /// Sends a request whose answer is a stream.
    pub(crate) async fn stream(&self, id: u64, method: &str, params: Value) -> Sse {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let response = self.post(&message).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Sse::of(response)
    }

    /// Opens a GET stream.
    pub(crate) async fn listen(&self, last_event_id: Option<&str>) -> Sse {
        let response = self.get(last_event_id).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Sse::of(response)
    }
}

/// A client without a session, whose headers repeat what its body says.
pub(crate) struct ModernClient {
    pub(crate) http: Client,
    pub(crate) url: String,
}

impl ModernClient {
    /// A POST with every header a good client sends.
    pub(crate) fn post(&self, message: &Value) -> RequestBuilder {
        let params = &message["params"];
        let name = params["name"].as_str().or_else(|| params["uri"].as_str());
        let request = self.without(message).header("mcp-protocol-version", MODERN);
        let request = request.header("mcp-method", message["method"].as_str().unwrap_or_default());
        match name {
            Some(name) => request.header("mcp-name", name),
            None => request,
        }
    }

    /// A POST that repeats nothing of its body, not even the version.
    pub(crate) fn without(&self, message: &Value) -> RequestBuilder {
        let request = self.http.post(&self.url).json(message);
        request.header("accept", "application/json, text/event-stream")
    }

    /// A POST whose headers are those of a good client but for this one, in place of its own.
    pub(crate) fn with(&self, message: &Value, name: &str, value: &str) -> RequestBuilder {
        let name: HeaderName = name.parse().unwrap();
        let header = (name, value.parse().unwrap());
        self.post(message).headers([header].into_iter().collect())
    }

    /// Sends a request whose answer is plain JSON.
    pub(crate) async fn request(&self, id: u64, method: &str, params: &Value) -> Value {
        answered(self.post(&alone(id, method, params))).await
    }

    /// Calls a tool that answers with plain JSON.
    pub(crate) async fn call(&self, id: u64, name: &str, arguments: &Value) -> Value {
        self.request(id, "tools/call", &tool(name, arguments)).await
    }

    /// Sends a request whose answer is a stream.
    pub(crate) async fn stream(&self, id: u64, method: &str, params: &Value) -> Sse {
        let request = self.post(&alone(id, method, params));
        let response = soon(request.send()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Sse::of(response)
    }
}

/// One event as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SseEvent {
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<u64>,
    pub(crate) data: String,
}

impl SseEvent {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// A stream of events.
pub(crate) struct Sse {
    response: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    buffer: String,
}

impl Sse {
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response: response.bytes_stream().boxed(),
            buffer: String::new(),
        }
    }

    /// The next block as it came, comments included; `None` at the end.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                return Some(self.buffer.drain(..end + 2).collect());
            }
            let chunk = soon(self.response.next()).await?.ok()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; `None` at the end. Comments are passed over.
    pub(crate) async fn next(&mut self) -> Option<SseEvent> {
        soon(self.event()).await
    }

    async fn event(&mut self) -> Option<SseEvent> {
        loop {
            let block = self.block().await?;
            let mut event = SseEvent::default();
            let mut comment = true;
            for line in block.lines().filter(|line| !line.is_empty()) {
                let (field, value) = line.split_once(':').unwrap();
                let value = value.strip_prefix(' ').unwrap_or(value);
                comment &= field.is_empty();
                match field {
                    "id" => event.id = Some(value.to_owned()),
                    "retry" => event.retry = Some(value.parse().unwrap()),
                    "data" => event.data.push_str(value),
                    "" => {}
                    other => panic!("unknown field {other}"),
                }
            }
            if !comment {
                return Some(event);
            }
        }
    }

    /// The next event that carries a message.
    pub(crate) async fn message(&mut self) -> Option<(Option<String>, Value)> {
        loop {
            let event = self.next().await?;
            if !event.data.is_empty() {
                return Some((event.id.clone(), event.json()));
            }
        }
    }

    /// Every event to the end.
    pub(crate) async fn events(mut self) -> Vec<SseEvent> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }

    /// Every message to the end.
    pub(crate) async fn messages(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some((_, message)) = self.message().await {
            all.push(message);
        }
        all
    }
}
