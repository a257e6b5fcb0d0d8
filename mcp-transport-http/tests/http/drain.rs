//! What still runs when the time to drain is over.

use std::time::Duration;

use mcp_core::server::SessionMode;
use mcp_transport_http::HttpTransport;
use serde_json::{Value, json};

use crate::{
    gate::Gate,
    support::{TestServer, alone, request, soon, spawn, tool},
};

async fn impatient(gate: &Gate, mode: SessionMode) -> TestServer {
    let transport = HttpTransport::new(gate.router())
        .sessions(mode)
        .with_limits(|limits| limits.drain_timeout = Duration::ZERO);
    TestServer::serve(transport).await
}

/// Stops the server while the call stands at the gate; gives its answer.
async fn stopped(mut server: TestServer, gate: &Gate, call: reqwest::RequestBuilder) -> String {
    let call = spawn(call.send());
    gate.entered().await;
    server.stop();
    let response = soon(call).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    gate.gone().await;
    let body = soon(response.text()).await.unwrap();
    soon(server.ended()).await;
    body
}

fn assert_draining(answer: &Value) {
    assert_eq!(answer["id"], 1, "{answer}");
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    assert_eq!(answer["error"]["data"]["reason"], "draining", "{answer}");
}

#[tokio::test]
async fn a_call_without_a_session_is_answered_with_an_error() {
    let gate = Gate::new();
    let server = impatient(&gate, SessionMode::On).await;
    let call = server
        .modern()
        .post(&alone(1, "tools/call", &tool("wait", &json!({}))));
    let body = stopped(server, &gate, call).await;
    assert_draining(&serde_json::from_str(&body).unwrap());
}

#[tokio::test]
async fn a_stream_without_a_session_ends_with_an_error() {
    let gate = Gate::new();
    let server = impatient(&gate, SessionMode::On).await;
    let mut message = alone(1, "tools/call", &tool("talk", &json!({})));
    message["params"]["_meta"]["progressToken"] = json!("p");
    let call = server.modern().post(&message);
    let body = stopped(server, &gate, call).await;
    let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let messages: Vec<Value> = data
        .map(|json| serde_json::from_str(json).unwrap())
        .collect();
    assert_eq!(messages[0]["method"], "notifications/progress");
    assert_draining(&messages[1]);
}

#[tokio::test]
async fn a_call_of_a_server_without_sessions_is_answered_with_an_error() {
    let gate = Gate::new();
    let server = impatient(&gate, SessionMode::Off).await;
    let message = request(1, "tools/call", &tool("wait", &json!({})));
    let call = server.stranger("2025-11-25").bare().json(&message);
    let body = stopped(server, &gate, call).await;
    assert_draining(&serde_json::from_str(&body).unwrap());
}

#[tokio::test]
async fn a_call_of_a_session_is_answered_with_an_error() {
    let gate = Gate::new();
    let server = impatient(&gate, SessionMode::On).await;
    let client = server.client().await;
    let call = client.post(&request(1, "tools/call", &tool("wait", &json!({}))));
    let body = stopped(server, &gate, call).await;
    assert_draining(&serde_json::from_str(&body).unwrap());
}
