//! What is said besides answers.

use mcp_core::{McpRouter, Resource, Tool, server::ServerBuilder};
use serde_json::{Value, json};

use crate::support::{Client, alone};

fn changing() -> Client {
    let router = McpRouter::new()
        .server_info("changing", "1.0.0")
        .tool(Tool::new("first").handler(|| async { "1" }))
        .resource(Resource::new("mem://a", "a").handler(|| async { "a" }));
    let server = ServerBuilder::from(router).on_catalogue(|router, _| {
        let second = Tool::new("second").handler(|| async { "2" });
        Ok(router.clone().tool(second))
    });
    Client::of(server.build().unwrap())
}

#[tokio::test]
async fn what_a_call_says_keeps_its_order_and_its_answer_is_last() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    client.call(1, "chatty").await;
    for step in 1..=3 {
        let log = client.next().await;
        assert_eq!(log["params"]["data"], step, "{log}");
        let progress = client.next().await;
        assert_eq!(
            progress["params"]["progress"],
            f64::from(step),
            "{progress}"
        );
        assert_eq!(progress["params"]["progressToken"], 1);
    }
    assert_eq!(client.next().await["id"], 1);
    client.ping().await;
}

#[tokio::test]
async fn the_log_level_of_the_session_is_kept() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    let level = json!({ "level": "error" });
    client.request(1, "logging/setLevel", &level).await;
    assert_eq!(client.next().await["result"], json!({}));
    client.call(2, "chatty").await;
    for _ in 1..=3 {
        assert_eq!(client.next().await["method"], "notifications/progress");
    }
}

#[tokio::test]
async fn a_changed_catalogue_is_told_once_the_client_is_ready() {
    let mut client = changing();
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    client.request(0, "initialize", &params).await;
    client.next().await;
    client.server.change_catalogue(&()).await.unwrap();
    client.ping().await;
    client.tell("notifications/initialized", &json!({})).await;
    let told = client.next().await;
    assert_eq!(told["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn subscribed_resources_are_told_and_others_are_not() {
    let mut client = changing();
    client.initialize("2025-11-25").await;
    let uri = json!({ "uri": "mem://a" });
    client.request(1, "resources/subscribe", &uri).await;
    assert_eq!(client.next().await["result"], json!({}));
    client.server.resource_updated("mem://b").await;
    client.server.resource_updated("mem://a").await;
    let told = client.next().await;
    assert_eq!(told["method"], "notifications/resources/updated");
    assert_eq!(told["params"]["uri"], "mem://a");
}

fn listen(wanted: &Value) -> Value {
    alone(json!({ "notifications": wanted }))
}

#[tokio::test]
async fn a_subscription_without_a_session_is_acknowledged_and_told() {
    let mut client = changing();
    let wanted = listen(&json!({ "toolsListChanged": true }));
    client.request(5, "subscriptions/listen", &wanted).await;
    let acknowledged = client.next().await;
    let method = "notifications/subscriptions/acknowledged";
    assert_eq!(acknowledged["method"], method);
    client.server.change_catalogue(&()).await.unwrap();
    let told = client.next().await;
    assert_eq!(told["method"], "notifications/tools/list_changed");
    let id = &told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(*id, 5);
}

#[tokio::test]
async fn a_cancelled_subscription_says_nothing_more() {
    let mut client = changing();
    let tools = listen(&json!({ "toolsListChanged": true }));
    let resources = listen(&json!({ "resourceSubscriptions": ["mem://a"] }));
    client.request(5, "subscriptions/listen", &tools).await;
    client.next().await;
    client.request(6, "subscriptions/listen", &resources).await;
    client.next().await;
    client.cancel(5).await;
    client.ping().await;
    client.server.change_catalogue(&()).await.unwrap();
    client.server.resource_updated("mem://a").await;
    let told = client.next().await;
    assert_eq!(told["method"], "notifications/resources/updated");
    let id = &told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(*id, 6);
}

#[tokio::test]
async fn a_subscription_that_is_wrong_is_answered_with_an_error() {
    let mut client = changing();
    let wrong = alone(json!({ "notifications": 7 }));
    client.request(5, "subscriptions/listen", &wrong).await;
    let refused = client.next().await;
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(5), &json!(-32602))
    );
}
