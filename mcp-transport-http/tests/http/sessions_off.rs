//! A server without sessions: every POST stands alone.

use mcp_core::{AskError, Context, ElicitForm, McpRouter, Resource, Tool, server::SessionMode};
use mcp_transport_http::HttpTransport;
use serde_json::{Value, json};

use crate::{
    gate::Gate,
    support::{Sse, TestClient, TestServer, cancelled, refused, request, soon, spawn, text, tool},
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    #[expect(dead_code, reason = "nobody answers")]
    name: String,
}

async fn ask(ctx: Context) -> &'static str {
    match ctx
        .elicit("who", ElicitForm::<Name>::of("Who are you?"))
        .await
    {
        Err(AskError::NotSupported(_)) => "not supported",
        _ => "asked",
    }
}

async fn start(gate: &Gate) -> (TestServer, TestClient) {
    let router: McpRouter = gate
        .router()
        .tool(Tool::new("ask").handler(ask))
        .resource(Resource::new("test://a", "a").handler(|| async { "text" }));
    let transport = HttpTransport::new(router).sessions(SessionMode::Off);
    let server = TestServer::serve(transport).await;
    let client = server.stranger("2025-11-25");
    (server, client)
}

#[tokio::test]
async fn initialize_names_no_session() {
    let (_server, client) = start(&Gate::new()).await;
    let (headers, answer) = client.initialize(json!({})).await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    assert!(!headers.contains_key("mcp-session-id"));
}

#[tokio::test]
async fn initialize_offers_nothing_that_needs_a_session() {
    let (_server, client) = start(&Gate::new()).await;
    let (_, answer) = client.initialize(json!({})).await;
    let capabilities = &answer["result"]["capabilities"];
    assert_eq!(*capabilities, json!({ "tools": {}, "resources": {} }));
}

#[tokio::test]
async fn every_post_stands_alone() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    gate.open();
    let message = request(1, "tools/call", &tool("wait", &json!({})));
    let answer = client.bare().json(&message).send().await.unwrap();
    assert!(!answer.headers().contains_key("mcp-session-id"));
    assert_eq!(text(&answer.json().await.unwrap()), "done");
    let ignored = client.bare().header("mcp-session-id", "of another server");
    let answer = ignored
        .json(&request(1, "ping", &json!({})))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn notifications_are_accepted_and_do_nothing() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    let message = request(1, "tools/call", &tool("wait", &json!({})));
    let call = spawn(client.bare().json(&message).send());
    gate.entered().await;
    let response = client.bare().json(&cancelled(1)).send().await.unwrap();
    assert_eq!(response.status(), 202);
    gate.open();
    let answer = soon(call).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text(&answer), "done", "nobody can cancel for somebody else");
}

#[tokio::test]
async fn only_post_is_allowed() {
    let (_server, client) = start(&Gate::new()).await;
    for method in ["GET", "DELETE", "PUT", "OPTIONS"] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = || client.http.request(method.clone(), &client.url);
        let request = || request().header("accept", "text/event-stream");
        let response = request().send().await.unwrap();
        assert_eq!(response.headers()["allow"], "POST", "{method}");
        refused(request(), 405).await;
    }
}

#[tokio::test]
async fn a_question_to_the_client_is_not_supported() {
    let (_server, client) = start(&Gate::new()).await;
    let message = request(1, "tools/call", &tool("ask", &json!({})));
    let answer = client.bare().json(&message).send().await.unwrap();
    assert_eq!(text(&answer.json().await.unwrap()), "not supported");
}

#[tokio::test]
async fn progress_is_streamed_without_event_ids() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    gate.open();
    let message = request(1, "tools/call", &tool("talk", &json!({})));
    let response = client.bare().json(&message).send().await.unwrap();
    let events = Sse::of(response).events().await;
    assert_eq!(events.len(), 3);
    assert!(
        events
            .iter()
            .all(|event| event.id.is_none() && event.retry.is_none())
    );
    assert_eq!(events[1].json()["params"]["progress"], 2);
    assert_eq!(text(&events[2].json()), "done");
}

#[tokio::test]
async fn a_call_ends_with_its_connection() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    let message = request(1, "tools/call", &tool("talk", &json!({})));
    let response = client.bare().json(&message).send().await.unwrap();
    gate.entered().await;
    drop(response);
    gate.gone().await;
}

#[tokio::test]
async fn what_needs_a_session_is_refused() {
    let (_server, client) = start(&Gate::new()).await;
    for (method, params) in [
        ("logging/setLevel", json!({ "level": "info" })),
        ("resources/subscribe", json!({ "uri": "test://a" })),
    ] {
        let message = request(1, method, &params);
        let answer = client.bare().json(&message).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["error"]["code"], -32600, "{answer}");
        assert_eq!(answer["error"]["data"]["reason"], "sessions_off");
    }
}
