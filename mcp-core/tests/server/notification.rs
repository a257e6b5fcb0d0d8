//! What a client tells, and what it may subscribe to.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use mcp_core::{
    Context, McpRouter, ResourceTemplate, Tool,
    server::ServerBuilder,
    store::{EventStore, MemoryEventStore, MemorySessionStore, SessionStore},
    testing::{ClientError, TestClient},
};
use serde_json::{Value, json};

use crate::support::{Fault, Faulty};

fn reason(error: &ClientError) -> (Option<i64>, &Value) {
    let data = match error {
        ClientError::Rpc(error) => error.data.as_ref(),
        _ => None,
    };
    (error.code(), &data.unwrap()["reason"])
}

fn readable() -> McpRouter {
    let template = ResourceTemplate::new("mem://{+path}", "mem");
    McpRouter::new().resource_template(template.handler(|| async { "" }))
}

async fn subscribe(client: &TestClient, uri: &str) -> Result<Value, ClientError> {
    let params = json!({ "uri": uri });
    client.request("resources/subscribe", params).await
}

#[tokio::test]
async fn a_session_has_only_so_many_subscriptions() {
    let server = ServerBuilder::from(readable()).with_limits(|limits| limits.subscriptions = 2);
    let client = TestClient::builder(server).connect().await.unwrap();
    subscribe(&client, "mem://a").await.unwrap();
    subscribe(&client, "mem://b").await.unwrap();
    subscribe(&client, "mem://b").await.unwrap();
    let error = subscribe(&client, "mem://c").await.unwrap_err();
    assert_eq!(
        reason(&error),
        (Some(-32602), &json!("too_many_subscriptions"))
    );
    let params = json!({ "uri": "mem://a" });
    let _: Value = client
        .request("resources/unsubscribe", params)
        .await
        .unwrap();
    subscribe(&client, "mem://c").await.unwrap();
}

#[tokio::test]
async fn a_long_uri_is_not_subscribed_to() {
    let client = TestClient::builder(readable()).connect().await.unwrap();
    let uri = format!("mem://{}", "x".repeat(8 * 1024));
    let error = subscribe(&client, &uri).await.unwrap_err();
    assert_eq!(reason(&error), (Some(-32602), &json!("too_large")));
}

#[tokio::test]
async fn a_cancellation_that_cannot_be_read_is_ignored() {
    let appends = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&appends);
    let events = Faulty::new(MemoryEventStore::new(), move |call| {
        counted.fetch_add(usize::from(call == "append"), Ordering::SeqCst);
        Fault::None
    });
    let server = ServerBuilder::from(McpRouter::new()).event_store(events as Arc<dyn EventStore>);
    let client = TestClient::builder(server).connect().await.unwrap();
    let before = appends.load(Ordering::SeqCst);
    for params in [
        json!({}),
        json!([]),
        json!({ "requestId": null }),
        json!({ "requestId": 1.5 }),
        json!({ "requestId": "x".repeat(256) }),
    ] {
        client
            .notify("notifications/cancelled", params)
            .await
            .unwrap();
    }
    assert_eq!(appends.load(Ordering::SeqCst), before);
    let params = json!({ "requestId": 7, "reason": "x".repeat(1024) });
    client
        .notify("notifications/cancelled", params)
        .await
        .unwrap();
    assert_eq!(appends.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn a_session_that_is_initialized_again_is_not_written_again() {
    let updates = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&updates);
    let sessions = Faulty::new(MemorySessionStore::new(), move |call| {
        counted.fetch_add(usize::from(call == "update"), Ordering::SeqCst);
        Fault::None
    });
    let router = McpRouter::new().tool(Tool::new("look").handler(|ctx: Context| async move {
        ctx.session()
            .is_some_and(|record| record.initialized)
            .to_string()
    }));
    let server = ServerBuilder::from(router).session_store(sessions as Arc<dyn SessionStore>);
    let client = TestClient::builder(server).connect().await.unwrap();
    let before = updates.load(Ordering::SeqCst);
    for _ in 0..3 {
        client
            .notify("notifications/initialized", json!({}))
            .await
            .unwrap();
    }
    assert_eq!(updates.load(Ordering::SeqCst), before);
    let result = client.call_tool("look", json!({})).await.unwrap();
    assert_eq!(result.content[0].as_text(), Some("true"));
}
