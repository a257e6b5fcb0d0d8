//! Requests of a session and requests without one, on one connection.

use mcp_core::{
    protocol::Revision,
    server::{ServerBuilder, SessionMode},
};
use serde_json::{Value, json};

use crate::support::{Client, Stage, alone, router, text};

const NAMES: [&str; 5] = ["ask", "chatty", "echo", "gated", "large"];

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_default()
}

fn serving(change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Client {
    let (_, stage) = Client::new();
    serving_on(&stage, change)
}

fn serving_on(stage: &Stage, change: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Client {
    let builder = change(ServerBuilder::from(router(stage)));
    Client::of(builder.build().unwrap())
}

#[tokio::test]
async fn initialize_opens_a_session_of_the_offered_revision() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let (mut client, _) = Client::new();
        let answer = client.initialize(revision).await;
        assert_eq!(answer["result"]["protocolVersion"], revision);
        client.request(1, "tools/list", &json!({})).await;
        let listed = client.next().await;
        let names = listed["result"]["tools"].as_array().unwrap();
        assert!(
            NAMES
                .iter()
                .all(|name| names.iter().any(|it| it["name"] == *name))
        );
    }
}

#[tokio::test]
async fn the_session_is_counted_while_its_connection_lasts() {
    let (client, _) = Client::initialized("2025-11-25").await;
    let sessions = client.server.sessions();
    assert_eq!(sessions.session_count().await, 1);
    let listed = sessions.list_all(None, 10).await.unwrap();
    assert!(listed.is_empty(), "no store knows it");
    client.close().await;
    assert_eq!(sessions.session_count().await, 0);
}

#[tokio::test]
async fn nobody_else_can_use_the_session_by_its_id() {
    let (client, _) = Client::initialized("2025-11-25").await;
    let id = client.server.sessions().list_sessions().await[0].id.clone();
    let refused = client.server.session(id.as_str(), None).await.unwrap_err();
    let data = refused.error.data.unwrap();
    assert_eq!(data["reason"], "unknown_session");
    assert_eq!(client.server.sessions().session_count().await, 1);
}

#[tokio::test]
async fn an_operator_can_end_the_session_and_its_connection() {
    let (client, _) = Client::initialized("2025-11-25").await;
    let sessions = client.server.sessions();
    let id = sessions.list_sessions().await[0].id.clone();
    assert!(sessions.terminate_session(&id).await.unwrap());
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn before_initialize_only_ping_is_served() {
    let (mut client, _) = Client::new();
    client.ping().await;
    client.request(1, "tools/list", &json!({})).await;
    let refused = client.next().await;
    assert_eq!(code(&refused), -32600);
    assert_eq!(refused["error"]["data"]["reason"], "not_initialized");
    assert_eq!(refused["id"], 1);
}

#[tokio::test]
async fn a_second_initialize_is_refused_and_changes_nothing() {
    let (mut client, _) = Client::initialized("2025-06-18").await;
    let answer = client.initialize("2025-11-25").await;
    assert_eq!(code(&answer), -32600);
    client.call(1, "chatty").await;
    assert!(client.next().await["method"].is_string());
}

#[tokio::test]
async fn a_failed_initialize_can_be_repeated() {
    let (mut client, _) = Client::new();
    client.request(1, "initialize", &json!({})).await;
    assert_eq!(code(&client.next().await), -32602);
    let answer = client.initialize("2025-11-25").await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn a_request_with_modern_meta_needs_no_session() {
    let (mut client, _) = Client::new();
    client
        .request(1, "server/discover", &alone(json!({})))
        .await;
    let discovered = client.next().await;
    let versions = &discovered["result"]["supportedVersions"];
    assert!(versions.as_array().unwrap().contains(&json!("2026-07-28")));
    client.call_alone(2, "large").await;
    let answer = client.next().await;
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(client.server.sessions().session_count().await, 0);
}

#[tokio::test]
async fn both_eras_interleave() {
    let (mut client, stage) = Client::initialized("2025-11-25").await;
    client.call(1, "gated").await;
    client.call_alone(2, "gated").await;
    stage.begun(2).await;
    stage.gate.add_permits(2);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let message = client.next().await;
        if message["id"].is_i64() {
            let modern = message["result"]["resultType"] == "complete";
            seen.push((message["id"].as_i64(), modern));
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, [(Some(1), false), (Some(2), true)]);
}

#[tokio::test]
async fn an_unknown_version_is_answered_with_those_that_are_served() {
    let (mut client, _) = Client::new();
    let mut params = alone(json!({}));
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2099-01-01".into();
    client.request(1, "server/discover", &params).await;
    let refused = client.next().await;
    assert_eq!(code(&refused), -32022);
    assert_eq!(refused["error"]["data"]["requested"], "2099-01-01");
}

#[tokio::test]
async fn what_is_missing_in_meta_is_named() {
    let (mut client, _) = Client::new();
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
    client
        .request(1, "tools/list", &json!({ "_meta": meta }))
        .await;
    let refused = client.next().await;
    assert_eq!(code(&refused), -32602);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("clientCapabilities"), "{message}");
}

#[tokio::test]
async fn a_server_of_sessions_never_looks_sessionless() {
    let mut client = serving(|server| server.revisions(Revision::LEGACY));
    client
        .request(1, "server/discover", &alone(json!({})))
        .await;
    assert_eq!(code(&client.next().await), -32600);
    let answer = client.initialize("2025-11-25").await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn a_server_without_sessions_refuses_initialize_with_its_versions() {
    let mut client = serving(|server| server.revisions([Revision::V2026_07_28]));
    let refused = client.initialize("2025-11-25").await;
    assert_eq!(code(&refused), -32022);
    let supported = &refused["error"]["data"]["supported"];
    assert_eq!(*supported, json!(["2026-07-28"]));
    client.request(1, "tools/list", &json!({})).await;
    assert_eq!(code(&client.next().await), -32602);
}

#[tokio::test]
async fn with_sessions_off_requests_stand_alone_after_initialize() {
    let mut client = serving(|server| server.sessions(SessionMode::Off));
    client.initialize("2025-11-25").await;
    assert_eq!(client.server.sessions().session_count().await, 0);
    client.call(1, "large").await;
    assert!(text(&client.next().await).starts_with('x'));
    client.call(2, "ask").await;
    assert_eq!(client.next().await["result"]["isError"], true);
}
