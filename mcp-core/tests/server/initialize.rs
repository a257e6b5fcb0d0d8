//! How a session begins, and what is kept of a client.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use mcp_core::{
    McpRouter, Resource, Tool,
    jsonrpc::{Request, RequestId},
    protocol::Method,
    server::{Caller, Initialized, Refusal, Server, ServerBuilder, SessionMode},
};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use serde_json::{Value, json};

async fn initialize(server: &Server, params: &Value) -> Result<Initialized, Refusal> {
    let params = Bytes::from(params.to_string());
    let request = Request::new(RequestId::from(1), Method::Initialize, Some(params));
    server.initialize(request, Caller::default()).await
}

fn params() -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "client", "version": "1.0.0" },
    })
}

fn server() -> Server {
    ServerBuilder::from(McpRouter::new()).build().unwrap()
}

fn reason(initialized: &Initialized) -> (i64, &Value) {
    let error = initialized.response.as_error().unwrap();
    (error.code.0, &error.data.as_ref().unwrap()["reason"])
}

#[tokio::test]
async fn a_client_that_says_too_much_about_itself_is_refused() {
    let server = server();
    let much = "x".repeat(17 * 1024);
    for at in ["/clientInfo/title", "/clientInfo/name"] {
        let mut params = params();
        params["clientInfo"]["title"] = json!("");
        *params.pointer_mut(at).unwrap() = json!(much);
        let initialized = initialize(&server, &params).await.unwrap();
        assert_eq!(reason(&initialized), (-32602, &json!("too_large")), "{at}");
        assert!(initialized.session.is_none());
    }
    for member in ["experimental", "unheardOf"] {
        let mut params = params();
        params["capabilities"][member] = json!({ "vendor": { "text": much } });
        let initialized = initialize(&server, &params).await.unwrap();
        assert_eq!(reason(&initialized), (-32602, &json!("too_large")));
    }
    assert_eq!(server.sessions().session_count().await, 0);
}

#[tokio::test]
async fn the_icons_of_a_client_are_not_kept() {
    let server = server();
    let mut params = params();
    let picture = format!("data:image/png;base64,{}", "A".repeat(20_000));
    params["clientInfo"]["icons"] = json!([{ "src": picture }]);
    let initialized = initialize(&server, &params).await.unwrap();
    assert!(initialized.session.is_some());
    let sessions = server.sessions().list_sessions().await;
    assert_eq!(sessions[0].client.name, "client");
    assert!(sessions[0].client.icons.is_empty());
}

#[tokio::test]
async fn without_sessions_nothing_is_advertised_that_needs_one() {
    let router = McpRouter::new()
        .tool(Tool::new("tool").handler(|| async { "" }))
        .resource(Resource::new("mem://a", "a").handler(|| async { "" }));
    let server = ServerBuilder::from(router).on_catalogue(|present, _| Ok(present.clone()));
    let server = server.sessions(SessionMode::Off).build().unwrap();
    let initialized = initialize(&server, &params()).await.unwrap();
    let result: Value = serde_json::from_slice(initialized.response.as_result().unwrap()).unwrap();
    let capabilities = &result["capabilities"];
    assert_eq!(capabilities["tools"], json!({}));
    assert_eq!(capabilities["resources"], json!({}));
    assert!(capabilities.get("logging").is_none());
}

#[derive(Clone, Debug, Default)]
struct Counts {
    ended: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

struct Count(Arc<AtomicU64>);

impl CounterFn for Count {
    fn increment(&self, by: u64) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    fn absolute(&self, _: u64) {}
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let count = match key.name() {
            "mcp.sessions.ended" => &self.ended,
            "mcp.sessions.refused" => &self.refused,
            _ => return Counter::noop(),
        };
        Counter::from_arc(Arc::new(Count(Arc::clone(count))))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn a_session_that_never_began_is_not_counted_as_ended() {
    let counts = Counts::default();
    // For this thread, which is the only one of this test.
    let _recording = metrics::set_default_local_recorder(&counts);
    let server = ServerBuilder::from(McpRouter::new()).max_sessions(1);
    let server = server.build().unwrap();
    initialize(&server, &params()).await.unwrap();
    initialize(&server, &params()).await.unwrap_err();
    assert_eq!(counts.refused.load(Ordering::SeqCst), 1);
    assert_eq!(counts.ended.load(Ordering::SeqCst), 0);
}
