//! The heads of HTTP requests.

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, Method, Request, Response, header},
};
use http_body_util::BodyExt;
use mcp_core::{Context, McpRouter, Tool};
use mcp_transport_http::HttpTransport;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::runtime;

/// Stands for the id of the session or event that there is.
const KNOWN: &str = "@";
const REVISION: &str = "2025-11-25";

thread_local! {
    static SERVED: Served = Served::new();
}

/// A server, one session, and one event of it.
struct Served {
    runtime: Runtime,
    app: Router,
    session: String,
    event: String,
}

/// Sends a request with these headers: a byte that chooses what it asks for, then `name: value` lines.
pub fn headers(bytes: &[u8]) {
    let Some((choice, lines)) = bytes.split_first() else {
        return;
    };
    let (method, body) = asked(*choice);
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = "/mcp".parse().expect("a path");
    for line in lines.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        // What is none is refused before it comes to us.
        let name = HeaderName::from_bytes(name.trim_ascii());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.trim_ascii())) {
            request.headers_mut().append(name, value);
        }
    }
    SERVED.with(|served| served.answers(request));
}

/// Opens a stream: a line with the id of a session, another with that of an event; `@` is one that is.
pub fn event_ids(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (session, event) = (lines.next(), lines.next());
    SERVED.with(|served| {
        let known = |line: Option<&[u8]>, id: &str| {
            let text = String::from_utf8_lossy(line.unwrap_or_default()).replace(KNOWN, id);
            HeaderValue::from_str(&text).ok()
        };
        let ids = (known(session, &served.session), known(event, &served.event));
        let (Some(session), Some(event)) = ids else {
            return;
        };
        let request = Request::get("/mcp")
            .header(header::ACCEPT, "text/event-stream")
            .header("mcp-protocol-version", REVISION)
            .header("mcp-session-id", session)
            .header("last-event-id", event);
        served.answers(request.body(Body::empty()).expect("a request"));
        let calls = served.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}));
        let status = served.runtime.block_on(served.sent(calls)).status();
        assert_eq!(status, 200, "the session is served no longer");
    });
}

fn asked(choice: u8) -> (Method, String) {
    let modern = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let post = |body: Value| (Method::POST, body.to_string());
    match choice % 5 {
        0 => post(json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})),
        1 => post(
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": modern}}),
        ),
        2 => post(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "tell", "arguments": {}, "_meta": modern}})),
        3 => (Method::GET, String::new()),
        _ => (Method::DELETE, String::new()),
    }
}

impl Served {
    fn new() -> Self {
        let tell = |context: Context| async move {
            context.progress(1.0, None, "said").await;
            "told"
        };
        let router = McpRouter::new().tool(Tool::new("tell").handler(tell));
        let mut served = Self {
            runtime: runtime(),
            app: HttpTransport::new(router).into_router(),
            session: String::new(),
            event: String::new(),
        };
        served.begin();
        served
    }

    /// Begins the session and has it told something.
    fn begin(&mut self) {
        let answer = self.call(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": REVISION, "capabilities": {}, "clientInfo": {"name": "fuzz", "version": "0"},
        }}));
        let session = answer.headers().get("mcp-session-id");
        let session = session.expect("a session").to_str().expect("text");
        session.clone_into(&mut self.session);
        self.call(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        let told = self.call(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
            "params": {"name": "tell", "arguments": {}, "_meta": {"progressToken": 1}}}));
        let body = self
            .runtime
            .block_on(told.into_body().collect())
            .expect("a body");
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        let mut ids = text.lines().filter_map(|line| line.strip_prefix("id:"));
        ids.next_back()
            .expect("an event")
            .trim()
            .clone_into(&mut self.event);
    }

    fn call(&self, message: &Value) -> Response<Body> {
        self.runtime.block_on(self.sent(self.post(message)))
    }

    fn post(&self, message: &Value) -> Request<Body> {
        let mut request = Request::post("/mcp")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .header("mcp-protocol-version", REVISION);
        if !self.session.is_empty() {
            request = request.header("mcp-session-id", &self.session);
        }
        let body = Body::from(message.to_string());
        request.body(body).expect("a request")
    }

    async fn sent(&self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.app.clone().oneshot(request).await;
        response
    }

    /// Whatever is asked, the answer is ours: no failure of the server, and JSON-RPC where it refuses.
    fn answers(&self, request: Request<Body>) {
        self.runtime.block_on(async {
            let response = self.sent(request).await;
            let status = response.status();
            assert!(!status.is_server_error(), "{status}");
            if status.is_client_error() {
                let body = response.into_body().collect().await.expect("a body");
                let body: Bytes = body.to_bytes();
                let error: Value = serde_json::from_slice(&body).expect("JSON");
                assert_eq!(error["jsonrpc"], "2.0", "{status} {error}");
            }
        });
    }
}
