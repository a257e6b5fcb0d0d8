//! Changes of the catalogue at run time.

use futures_util::StreamExt;
use mcp_core::{
    BoxError, Context, McpRouter, Tool,
    protocol::ListToolsResult,
    server::{Server, ServerBuilder},
    testing::TestClient,
};
use serde_json::{Value, json, value::RawValue};

async fn answer() -> &'static str {
    "here"
}

fn grow(present: &McpRouter, payload: &RawValue) -> Result<McpRouter, BoxError> {
    let name: String = serde_json::from_str(payload.get())?;
    Ok(present.clone().tool(Tool::new(name).handler(answer)))
}

fn server() -> Server {
    let router = McpRouter::new().tool(Tool::new("first").handler(answer));
    ServerBuilder::from(router)
        .on_catalogue(grow)
        .build()
        .unwrap()
}

async fn tools(client: &TestClient) -> Vec<String> {
    let result: ListToolsResult = client.request("tools/list", json!({})).await.unwrap();
    result.tools.into_iter().map(|tool| tool.name).collect()
}

#[tokio::test]
async fn a_change_is_announced_when_it_can_be_used() {
    let server = server();
    let client = TestClient::serving(server.clone());
    let client = client.connect().await.unwrap();
    let mut events = server
        .listen(client.session().unwrap(), None)
        .await
        .unwrap();
    assert!(events.next().await.unwrap().data.is_empty());
    server.change_catalogue(&"second").await.unwrap();
    let event = events.next().await.unwrap();
    let message: Value = serde_json::from_slice(&event.data).unwrap();
    assert_eq!(message["method"], "notifications/tools/list_changed");
    assert_eq!(tools(&client).await, ["first", "second"]);
}

#[tokio::test]
async fn a_handler_can_change_the_catalogue() {
    let growing = Tool::new("grow").handler(|ctx: Context| async move {
        let changed = ctx.change_catalogue(&"second").await;
        changed.is_ok().to_string()
    });
    let server = ServerBuilder::from(McpRouter::new().tool(growing))
        .on_catalogue(grow)
        .build()
        .unwrap();
    let client = TestClient::serving(server.clone());
    let client = client.connect().await.unwrap();
    let mut events = server
        .listen(client.session().unwrap(), None)
        .await
        .unwrap();
    events.next().await.unwrap();
    client.call_tool("grow", json!({})).await.unwrap();
    events.next().await.unwrap();
    assert_eq!(tools(&client).await, ["grow", "second"]);
}

#[tokio::test]
async fn a_change_that_makes_no_router_changes_nothing() {
    let server = server();
    let client = TestClient::serving(server.clone());
    let client = client.connect().await.unwrap();
    let mut events = server
        .listen(client.session().unwrap(), None)
        .await
        .unwrap();
    events.next().await.unwrap();
    server.change_catalogue(&"first").await.unwrap();
    server.change_catalogue(&"third").await.unwrap();
    events.next().await.unwrap();
    assert_eq!(tools(&client).await, ["first", "third"]);
}

#[tokio::test]
async fn a_change_that_panics_changes_nothing() {
    let server = ServerBuilder::from(McpRouter::new())
        .on_catalogue(|present, payload| match payload.get() {
            "\"boom\"" => std::panic::panic_any("boom"),
            _ => grow(present, payload),
        })
        .build()
        .unwrap();
    let client = TestClient::serving(server.clone());
    let client = client.connect().await.unwrap();
    let mut events = server
        .listen(client.session().unwrap(), None)
        .await
        .unwrap();
    events.next().await.unwrap();
    server.change_catalogue(&"boom").await.unwrap();
    server.change_catalogue(&"second").await.unwrap();
    events.next().await.unwrap();
    assert_eq!(tools(&client).await, ["second"]);
}

#[tokio::test]
async fn a_server_without_a_way_to_change_says_so() {
    let server = ServerBuilder::from(McpRouter::new()).build().unwrap();
    let error = server.change_catalogue(&"x").await.unwrap_err();
    assert_eq!(error.kind(), mcp_core::store::StoreErrorKind::Unsupported);
}
