//! JSON-RPC batches: part of 2025-03-26 and of nothing else.

use mcp_core::{Args, Extension, McpRouter, Tool};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::{
    gate::Gate,
    support::{
        Sse, TestClient, TestServer, cancelled, ping, refused, request, soon, spawn, text, tool,
    },
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

async fn header(
    Extension(headers): Extension<HeaderMap>,
    Args(Name { name }): Args<Name>,
) -> String {
    headers[name.as_str()].to_str().unwrap().to_owned()
}

async fn start(gate: &Gate) -> (TestServer, TestClient) {
    let router: McpRouter = gate.router().tool(Tool::new("header").handler(header));
    let server = TestServer::start(router).await;
    let client = server.client_of("2025-03-26", json!({})).await;
    (server, client)
}

async fn answers(client: &TestClient, batch: &Value) -> Vec<Value> {
    let response = soon(client.post(batch).send()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let answers: Value = response.json().await.unwrap();
    answers.as_array().unwrap().clone()
}

fn initialized() -> Value {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })
}

#[tokio::test]
async fn every_request_of_a_mixed_batch_is_answered() {
    let (_server, client) = start(&Gate::new()).await;
    let batch = json!([
        request(1, "ping", &json!({})),
        initialized(),
        request("two", "unknown/method", &json!({})),
        request(3, "tools/list", &json!({})),
    ]);
    let answers = answers(&client, &batch).await;
    assert_eq!(answers.len(), 3);
    let of = |id: Value| answers.iter().find(|answer| answer["id"] == id).unwrap();
    assert_eq!(of(json!(1))["result"], json!({}));
    assert_eq!(of(json!("two"))["error"]["code"], -32601);
    assert!(of(json!(3))["result"]["tools"].is_array());
}

#[tokio::test]
async fn only_notifications_are_accepted_without_an_answer() {
    let (_server, client) = start(&Gate::new()).await;
    let batch = json!([initialized(), cancelled(9)]);
    let response = client.post(&batch).send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.text().await.unwrap(), "");
}

#[tokio::test]
async fn invalid_members_are_answered_among_the_others() {
    let (_server, client) = start(&Gate::new()).await;
    let batch = json!([1, {}, [], { "jsonrpc": "1.0", "id": 2, "method": "ping" }, ping()]);
    let answers = answers(&client, &batch).await;
    let codes: Vec<_> = answers
        .iter()
        .filter_map(|a| a["error"]["code"].as_i64())
        .collect();
    assert_eq!(codes, [-32600; 4]);
    assert_eq!(answers[4]["result"], json!({}));
}

#[tokio::test]
async fn initialize_is_refused_inside_a_batch() {
    let (_server, client) = start(&Gate::new()).await;
    let params = json!({
        "protocolVersion": "2025-03-26", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let batch = json!([
        request(1, "initialize", &params),
        request(2, "ping", &json!({}))
    ]);
    let response = client.post(&batch).send().await.unwrap();
    assert!(!response.headers().contains_key("mcp-session-id"));
    let answers: Value = response.json().await.unwrap();
    assert_eq!(
        (&answers[0]["id"], &answers[0]["error"]["code"]),
        (&json!(1), &json!(-32600))
    );
    assert_eq!(answers[1]["result"], json!({}));
}

#[tokio::test]
async fn a_batch_has_one_to_fifty_members() {
    let (_server, client) = start(&Gate::new()).await;
    let batch = |count: u64| -> Value {
        (0..count)
            .map(|id| request(id, "ping", &json!({})))
            .collect()
    };
    assert_eq!(answers(&client, &batch(1)).await.len(), 1);
    assert_eq!(answers(&client, &batch(50)).await.len(), 50);
    for count in [0, 51] {
        let error = refused(client.post(&batch(count)), 400).await;
        assert_eq!(error["code"], -32600, "{count}");
    }
}

#[tokio::test]
async fn a_batch_without_a_session_is_refused() {
    let (server, _client) = start(&Gate::new()).await;
    let stranger = server.stranger("2025-03-26");
    refused(stranger.bare().json(&json!([ping()])), 400).await;
}

#[tokio::test]
async fn other_revisions_have_no_batches() {
    let server = TestServer::start(Gate::new().router()).await;
    for revision in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let client = server.client_of(revision, json!({})).await;
        for batch in [json!([ping()]), json!([]), json!([initialized()])] {
            let error = refused(client.post(&batch), 400).await;
            assert_eq!(error["code"], -32600, "{revision}");
        }
    }
}

#[tokio::test]
async fn the_revision_of_the_session_decides_not_the_header() {
    let (server, mut client) = start(&Gate::new()).await;
    "2025-11-25".clone_into(&mut client.revision);
    assert_eq!(answers(&client, &json!([ping()])).await.len(), 1);
    let mut newer = server.client().await;
    "2025-03-26".clone_into(&mut newer.revision);
    refused(newer.post(&json!([ping()])), 400).await;
}

#[tokio::test]
async fn members_run_at_the_same_time() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    let wait = |id: u64| request(id, "tools/call", &tool("wait", &json!({})));
    let batch = json!([wait(1), wait(2), wait(3)]);
    let call = spawn(client.post(&batch).send());
    for _ in 0..3 {
        gate.entered().await;
    }
    for _ in 0..3 {
        gate.open();
    }
    let answers: Vec<Value> = soon(call).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(
        answers
            .iter()
            .filter(|answer| text(answer) == "done")
            .count(),
        3
    );
}

#[tokio::test]
async fn a_cancelled_member_has_no_answer() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    let batch = json!([
        request(1, "tools/call", &tool("wait", &json!({}))),
        request(2, "ping", &json!({}))
    ]);
    let call = spawn(client.post(&batch).send());
    gate.entered().await;
    assert_eq!(client.status(&cancelled(1)).await, 202);
    let answers: Vec<Value> = soon(call).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0]["id"], 2);
}

#[tokio::test]
async fn a_batch_is_answered_as_an_event_where_nothing_else_is_accepted() {
    let (_server, client) = start(&Gate::new()).await;
    let request = client.bare().header("mcp-session-id", &client.session);
    let request = request.header("accept", "text/event-stream");
    let response = request.json(&json!([ping()])).send().await.unwrap();
    let messages = Sse::of(response).messages().await;
    assert_eq!(messages[0][0]["result"], json!({}));
}

#[tokio::test]
async fn handlers_in_a_batch_see_the_headers_of_their_request() {
    let (_server, client) = start(&Gate::new()).await;
    let call = request(
        1,
        "tools/call",
        &tool("header", &json!({ "name": "x-custom" })),
    );
    let single = client
        .post(&call)
        .header("x-custom", "seen")
        .send()
        .await
        .unwrap();
    assert_eq!(text(&single.json().await.unwrap()), "seen");
    let batch = client
        .post(&json!([call]))
        .header("x-custom", "seen")
        .send()
        .await
        .unwrap();
    let answers: Value = batch.json().await.unwrap();
    assert_eq!(text(&answers[0]), "seen");
}
