//! What handlers remember for a session.

use mcp_core::{
    Args, Context, McpRouter, Tool, ToolError, jsonrpc::RequestId, protocol::Revision,
    store::StoreErrorKind, testing::TestClient,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Remember {
    key: String,
    value: Option<String>,
}

async fn remember(ctx: Context, Args(args): Args<Remember>) -> Result<String, ToolError> {
    let data = ctx.session_data();
    match args.value {
        Some(value) => data.set(&args.key, &value).await?,
        None => data.remove(&args.key).await?,
    }
    Ok(String::new())
}

async fn recall(ctx: Context, Args(args): Args<Remember>) -> Result<String, ToolError> {
    let value: Option<String> = ctx.session_data().get(&args.key).await?;
    Ok(value.unwrap_or_else(|| "nothing".to_owned()))
}

fn router() -> McpRouter {
    McpRouter::new()
        .tool(Tool::new("remember").handler(remember))
        .tool(Tool::new("recall").handler(recall))
}

async fn text(client: &TestClient, tool: &str, arguments: serde_json::Value) -> String {
    let result = client.call_tool(tool, arguments).await.unwrap();
    result.content[0].as_text().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_remembers_and_another_does_not_know() {
    let one = TestClient::builder(router()).connect().await.unwrap();
    let two = TestClient::serving(one.server().clone());
    let two = two.connect().await.unwrap();
    text(&one, "remember", json!({ "key": "a", "value": "x" })).await;
    assert_eq!(text(&one, "recall", json!({ "key": "a" })).await, "x");
    assert_eq!(text(&two, "recall", json!({ "key": "a" })).await, "nothing");
    text(&one, "remember", json!({ "key": "a" })).await;
    assert_eq!(text(&one, "recall", json!({ "key": "a" })).await, "nothing");
}

#[tokio::test]
async fn concurrent_writes_under_different_keys_are_all_kept() {
    let client = TestClient::builder(router()).connect().await.unwrap();
    let writes = (0..8).map(|n| {
        let arguments = json!({ "key": format!("k{n}"), "value": n.to_string() });
        client.call_tool("remember", arguments)
    });
    futures_util::future::join_all(writes).await;
    for n in 0..8 {
        let recalled = text(&client, "recall", json!({ "key": format!("k{n}") })).await;
        assert_eq!(recalled, n.to_string());
    }
}

#[tokio::test]
async fn without_a_session_nothing_can_be_remembered() {
    let ctx = Context::detached(RequestId::from(1), Revision::V2025_11_25);
    let error = ctx.session_data().set("a", &1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
}
