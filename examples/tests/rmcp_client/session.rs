//! How a session begins, survives a broken connection, and ends.

use reqwest::StatusCode;
use rmcp::{
    ClientServiceExt, model::ProtocolVersion, service::ClientLifecycleMode,
    transport::StreamableHttpClientTransport,
};
use serde_json::json;

use crate::{
    client::{Client, User, call, connect, text},
    server::Server,
    wire::Wire,
};

fn revision(client: &Client) -> ProtocolVersion {
    client.peer_info().unwrap().protocol_version.clone()
}

#[tokio::test]
async fn initialize_agrees_on_the_newest_revision_with_sessions() {
    let server = Server::start().await;
    let wire = Wire::to(&server).await;
    let client = connect(User::default(), &wire.url).await;
    // The client asks for a revision that the server does not have.
    let asked = wire.requests("POST ", r#""method":"initialize""#);
    assert!(asked[0].contains("2026-07-28"), "{asked:?}");
    assert_eq!(revision(&client), ProtocolVersion::V_2025_11_25);
}

#[tokio::test]
async fn every_revision_with_sessions_is_agreed_on() {
    let server = Server::start().await;
    for asked in [
        ProtocolVersion::V_2024_11_05,
        ProtocolVersion::V_2025_03_26,
        ProtocolVersion::V_2025_06_18,
        ProtocolVersion::V_2025_11_25,
    ] {
        let user = User::at(asked.clone());
        let client = connect(user, &server.url).await;
        assert_eq!(revision(&client), asked);
        let result = call(&client, "test_simple_text", json!({})).await;
        assert!(!text(&result).is_empty());
    }
}

#[tokio::test]
async fn the_server_says_what_it_can_do() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let info = client.peer_info().unwrap();
    let name = &info.server_info.as_ref().unwrap().name;
    assert_eq!(name, "conformance-server");
    let can = &info.capabilities;
    assert!(can.tools.is_some() && can.prompts.is_some() && can.completions.is_some());
    assert!(can.logging.is_some());
    assert_eq!(can.resources.as_ref().unwrap().subscribe, Some(true));
}

async fn discover(server: &Server, preferred: &[ProtocolVersion]) -> Client {
    let mode = ClientLifecycleMode::Auto {
        preferred_versions: preferred.to_vec(),
        legacy_version: Some(ProtocolVersion::V_2025_11_25),
    };
    let transport = StreamableHttpClientTransport::from_uri(server.url.as_str());
    let user = User::default();
    user.serve_with_lifecycle(transport, mode).await.unwrap()
}

#[tokio::test]
async fn a_client_that_discovers_first_falls_back_to_initialize() {
    let server = Server::start().await;
    let client = discover(&server, &[ProtocolVersion::V_2026_07_28]).await;
    assert_eq!(revision(&client), ProtocolVersion::V_2025_11_25);
    let result = call(&client, "test_simple_text", json!({})).await;
    assert!(!text(&result).is_empty());
}

#[tokio::test]
async fn a_client_that_discovers_every_revision_falls_back_to_initialize() {
    let server = Server::start().await;
    let both = [ProtocolVersion::V_2026_07_28, ProtocolVersion::V_2025_11_25];
    let client = discover(&server, &both).await;
    assert_eq!(revision(&client), ProtocolVersion::V_2025_11_25);
    let result = call(&client, "test_simple_text", json!({})).await;
    assert!(!text(&result).is_empty());
}

#[tokio::test]
async fn a_cut_call_is_resumed() {
    let server = Server::start().await;
    let wire = Wire::to(&server).await;
    let client = connect(User::default(), &wire.url).await;
    let result = call(&client, "test_reconnection", json!({})).await;
    assert_eq!(
        text(&result),
        "The result was delivered to a client that came back."
    );
    let resumed = wire.requests("GET ", "\r\nlast-event-id: ");
    assert_eq!(resumed.len(), 1, "{resumed:?}");
}

#[tokio::test]
async fn a_broken_connection_loses_and_repeats_no_message() {
    let server = Server::start().await;
    let wire = Wire::to(&server).await;
    let (user, mut told) = User::listening();
    let mut client = connect(user, &wire.url).await;
    wire.break_after(r#""progress":50"#);
    let result = call(&client, "test_tool_with_progress", json!({})).await;
    assert_eq!(text(&result), "Three progress notifications were sent.");
    let resumed = wire.requests("GET ", "\r\nlast-event-id: ");
    assert_eq!(resumed.len(), 1, "{resumed:?}");
    client.close().await.unwrap();
    drop(client);
    for progress in [0.0, 50.0, 100.0] {
        assert_eq!(told.progress.recv().await, Some((progress, Some(100.0))));
    }
    assert_eq!(told.progress.recv().await, None);
}

#[tokio::test]
async fn a_closed_client_has_ended_its_session() {
    let server = Server::start().await;
    let wire = Wire::to(&server).await;
    let mut client = connect(User::default(), &wire.url).await;
    client.close().await.unwrap();
    let deleted = wire.requests("DELETE ", "\r\nmcp-session-id: ");
    let [deleted] = &deleted[..] else {
        panic!("{deleted:?}");
    };
    let (_, rest) = deleted.split_once("mcp-session-id: ").unwrap();
    let session = rest.lines().next().unwrap();
    let late = reqwest::Client::new()
        .post(&server.url)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .header("mcp-session-id", session)
        .json(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    assert_eq!(late.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_server_ends_orderly_while_a_client_is_connected() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    assert_eq!(server.stop().await.code(), Some(0));
    drop(client);
}
