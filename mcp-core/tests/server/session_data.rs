//! What handlers remember for a session.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_core::{
    Args, Context, McpRouter, Tool, ToolError,
    jsonrpc::RequestId,
    protocol::Revision,
    server::ServerBuilder,
    store::{MemorySessionStore, StoreErrorKind},
    testing::TestClient,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::support::{Fault, Faulty, pass};

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

#[tokio::test(start_paused = true)]
async fn many_writers_of_one_session_all_succeed() {
    // Everyone has read before anyone writes, so that of each round one succeeds.
    let sessions = Faulty::new(MemorySessionStore::new(), |_| Fault::Yield);
    let server = ServerBuilder::from(router()).session_store(sessions);
    let client = TestClient::builder(server).connect().await.unwrap();
    let writes = (0..64).map(|n| {
        let arguments = json!({ "key": format!("k{n}"), "value": "x" });
        client.call_tool("remember", arguments)
    });
    for result in futures_util::future::join_all(writes).await {
        assert_eq!(result.unwrap().is_error, None);
    }
    for n in 0..64 {
        let recalled = text(&client, "recall", json!({ "key": format!("k{n}") })).await;
        assert_eq!(recalled, "x");
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_does_not_read_again_what_it_wrote() {
    let loads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&loads);
    let sessions = Faulty::new(MemorySessionStore::new(), move |call| {
        counted.fetch_add(usize::from(call == "load"), Ordering::SeqCst);
        Fault::None
    });
    let server = ServerBuilder::from(router()).session_store(sessions);
    let client = TestClient::builder(server).connect().await.unwrap();
    let arguments = json!({ "key": "a", "value": "x" });
    client.call_tool("remember", arguments).await.unwrap();
    pass(Duration::from_secs(2)).await;
    assert_eq!(loads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn without_a_session_nothing_can_be_remembered() {
    let ctx = Context::detached(RequestId::from(1), Revision::V2025_11_25);
    let error = ctx.session_data().set("a", &1).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
}
