//! Sessions side by side: what belongs to one does not reach another.

use mcp_core::{Context, McpRouter, Tool, protocol::LoggingLevel, server::Server};
use mcp_transport_http::HttpTransport;
use serde_json::json;

use crate::{
    counted::Calls,
    gate::Gate,
    support::{Sse, TestServer, cancelled, ping, refused, request, soon, spawn, text, tool},
};

#[tokio::test]
async fn a_deleted_session_is_gone() {
    let server = TestServer::start(Gate::new().router()).await;
    let client = server.client().await;
    let response = client.delete().send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "");
    for request in [client.post(&ping()), client.get(None), client.delete()] {
        refused(request, 404).await;
    }
}

#[tokio::test]
async fn a_session_begins_with_two_writes() {
    let calls = Calls::default();
    let server = TestServer::serve(calls.of(HttpTransport::new(McpRouter::new()))).await;
    let _first = server.client().await;
    calls.joined().await;
    let client = server.client().await;
    assert_eq!(client.status(&ping()).await, 200);
    let made = calls.take();
    let writes = made
        .iter()
        .filter(|call| ["create", "update"].contains(call));
    assert!(writes.eq(["create", "update"].iter()), "{made:?}");
}

#[tokio::test]
async fn deleting_a_session_cancels_its_calls_and_ends_their_replies() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let plain = request(1, "tools/call", &tool("wait", &json!({})));
    let plain = spawn(client.post(&plain).send());
    gate.entered().await;
    let mut talking = client
        .stream(2, "tools/call", tool("talk", &json!({})))
        .await;
    talking.message().await.unwrap();
    gate.entered().await;
    assert_eq!(client.delete().send().await.unwrap().status(), 200);
    gate.gone().await;
    gate.gone().await;
    assert_eq!(talking.next().await, None);
    let plain = soon(plain).await.unwrap().unwrap();
    assert!(Sse::of(plain).events().await.is_empty());
}

#[tokio::test]
async fn deleting_a_session_ends_its_get_streams_and_resumed_streams() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let mut first = client.listen(None).await;
    first.next().await.unwrap();
    let mut second = client.listen(None).await;
    second.next().await.unwrap();
    let mut talking = client
        .stream(2, "tools/call", tool("talk", &json!({})))
        .await;
    let priming = talking.next().await.unwrap();
    let mut resumed = client.listen(priming.id.as_deref()).await;
    resumed.message().await.unwrap();
    assert_eq!(client.delete().send().await.unwrap().status(), 200);
    for stream in [first, second, resumed] {
        stream.events().await;
    }
}

#[tokio::test]
async fn the_end_of_one_session_does_not_touch_another() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let (ada, eve) = (server.client().await, server.client().await);
    let mut get = ada.listen(None).await;
    get.next().await.unwrap();
    let mut talking = ada.stream(1, "tools/call", tool("talk", &json!({}))).await;
    gate.entered().await;
    assert_eq!(eve.delete().send().await.unwrap().status(), 200);
    gate.open();
    while let Some((_, message)) = talking.message().await {
        if message.get("result").is_some() {
            assert_eq!(text(&message), "done");
            return;
        }
    }
    panic!("the answer did not come");
}

#[tokio::test]
async fn a_cancellation_reaches_only_the_session_it_came_from() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let (ada, eve) = (server.client().await, server.client().await);
    let message = request(7, "tools/call", &tool("wait", &json!({})));
    let of_ada = spawn(ada.post(&message).send());
    gate.entered().await;
    let of_eve = spawn(eve.post(&message).send());
    gate.entered().await;
    assert_eq!(eve.status(&cancelled(7)).await, 202);
    gate.gone().await;
    assert!(
        Sse::of(of_eve.await.unwrap().unwrap())
            .events()
            .await
            .is_empty()
    );
    gate.open();
    let answer = soon(of_ada).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text(&answer), "done");
}

fn logging() -> McpRouter {
    McpRouter::new().tool(Tool::new("log").handler(|ctx: Context| async move {
        for level in [
            LoggingLevel::Debug,
            LoggingLevel::Warning,
            LoggingLevel::Alert,
        ] {
            ctx.log(level, "test", "a line").await;
        }
        "done"
    }))
}

#[tokio::test]
async fn each_session_has_its_own_log_level() {
    let server = TestServer::start(logging()).await;
    let (ada, eve) = (server.client().await, server.client().await);
    let answer = ada
        .request(1, "logging/setLevel", json!({ "level": "warning" }))
        .await;
    assert_eq!(answer["result"], json!({}));
    for (client, expected) in [
        (&ada, json!(["warning", "alert"])),
        (&eve, json!(["debug", "warning", "alert"])),
    ] {
        let stream = client
            .stream(2, "tools/call", tool("log", &json!({})))
            .await;
        let messages = stream.messages().await;
        let levels: Vec<_> = messages
            .iter()
            .filter_map(|m| m["params"].get("level"))
            .collect();
        assert_eq!(json!(levels), expected);
    }
}

#[tokio::test]
async fn a_level_above_all_lines_leaves_a_plain_answer() {
    let server = TestServer::start(logging()).await;
    let client = server.client().await;
    client
        .request(1, "logging/setLevel", json!({ "level": "emergency" }))
        .await;
    assert_eq!(text(&client.call(2, "log", &json!({})).await), "done");
}

#[tokio::test]
async fn a_request_before_notifications_initialized_is_served() {
    let server = TestServer::start(logging()).await;
    let mut client = server.stranger("2025-11-25");
    let (headers, _) = client.initialize(json!({})).await;
    client.session = headers["mcp-session-id"].to_str().unwrap().to_owned();
    assert_eq!(client.status(&ping()).await, 200);
    let answer = client.request(1, "tools/list", json!({})).await;
    assert_eq!(answer["result"]["tools"][0]["name"], "log");
}

#[tokio::test]
async fn a_second_initialize_begins_a_second_session() {
    let server = TestServer::start(logging()).await;
    let client = server.client().await;
    let params = json!({
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let response = client
        .post(&request(5, "initialize", &params))
        .send()
        .await
        .unwrap();
    assert_ne!(
        response.headers()["mcp-session-id"],
        client.session.as_str()
    );
    assert_eq!(client.status(&ping()).await, 200);
}

#[tokio::test]
async fn the_handle_counts_lists_and_ends_sessions() {
    let built = Server::builder(Gate::new().router()).build().unwrap();
    let handle = built.sessions();
    let server = TestServer::serve(HttpTransport::serving(built)).await;
    assert_eq!(handle.session_count().await, 0);
    let (ada, eve) = (
        server.client().await,
        server.client_of("2025-06-18", json!({})).await,
    );
    assert_eq!(handle.session_count().await, 2);
    let mut get = ada.listen(None).await;
    get.next().await.unwrap();
    let listed = handle.list_sessions().await;
    let of_ada = listed
        .iter()
        .find(|s| s.id.as_str() == ada.session)
        .unwrap();
    let of_eve = listed
        .iter()
        .find(|s| s.id.as_str() == eve.session)
        .unwrap();
    assert_eq!(of_eve.revision.as_str(), "2025-06-18");
    assert_eq!(of_ada.client.name, "test");
    assert!(handle.terminate_session(&of_ada.id).await.unwrap());
    assert!(!handle.terminate_session(&of_ada.id).await.unwrap());
    assert_eq!(get.next().await, None);
    refused(ada.post(&ping()), 404).await;
    assert_eq!(handle.session_count().await, 1);
    assert_eq!(handle.list_all(None, 10).await.unwrap().len(), 1);
    assert_eq!(eve.status(&ping()).await, 200);
}
