//! The stream a GET opens: one that is attached, others that wait, and what a break costs.

use std::time::Duration;

use mcp_core::{Context, McpRouter, Resource, Tool};
use mcp_transport_http::HttpTransport;
use serde_json::{Value, json};

use crate::support::{Sse, TestClient, TestServer};

fn router() -> McpRouter {
    McpRouter::new()
        .tool(Tool::new("touch").handler(|ctx: Context| async move {
            ctx.resource_updated("test://a").await;
            "done"
        }))
        .resource(Resource::new("test://a", "a").handler(|| async { "text" }))
        .resource(Resource::new("test://b", "b").handler(|| async { "text" }))
}

async fn start() -> (TestServer, TestClient) {
    let transport = HttpTransport::new(router()).keep_alive(Duration::from_millis(20));
    let server = TestServer::serve(transport).await;
    let client = server.client().await;
    client
        .request(1, "resources/subscribe", json!({ "uri": "test://a" }))
        .await;
    (server, client)
}

/// A GET stream that is attached: its priming event has come, and what may have been missed.
async fn attached(client: &TestClient) -> Sse {
    let mut stream = client.listen(None).await;
    stream.next().await.unwrap();
    updated(&mut stream).await;
    stream
}

async fn touch(client: &TestClient) {
    client.call(2, "touch", &json!({})).await;
}

/// The next word of a changed resource; other notifications are passed over.
async fn updated(stream: &mut Sse) -> Value {
    loop {
        let (_, message) = stream.message().await.unwrap();
        if message["method"] == "notifications/resources/updated" {
            return message["params"]["uri"].clone();
        }
    }
}

/// Reads until a comment comes with nothing else since the comment before.
async fn only_keep_alives(stream: &mut Sse) {
    for _ in 0..3 {
        assert_eq!(stream.block().await.unwrap(), ": keep-alive\n\n");
    }
}

#[tokio::test]
async fn a_silent_stream_carries_comments() {
    let (_server, client) = start().await;
    let mut stream = attached(&client).await;
    only_keep_alives(&mut stream).await;
    touch(&client).await;
    assert_eq!(updated(&mut stream).await, "test://a");
    only_keep_alives(&mut stream).await;
}

#[tokio::test]
async fn a_second_get_takes_over_and_the_first_keeps_still() {
    let (_server, client) = start().await;
    let mut first = attached(&client).await;
    let mut second = attached(&client).await;
    for _ in 0..3 {
        touch(&client).await;
        assert_eq!(updated(&mut second).await, "test://a");
    }
    only_keep_alives(&mut first).await;
}

#[tokio::test]
async fn when_the_second_get_ends_the_first_is_attached_again() {
    let (_server, client) = start().await;
    let mut first = attached(&client).await;
    let second = attached(&client).await;
    drop(second);
    assert_eq!(
        updated(&mut first).await,
        "test://a",
        "it may have missed something"
    );
    only_keep_alives(&mut first).await;
    touch(&client).await;
    assert_eq!(updated(&mut first).await, "test://a");
}

#[tokio::test]
async fn when_a_waiting_get_ends_the_attached_one_goes_on() {
    let (_server, client) = start().await;
    let first = attached(&client).await;
    let mut second = attached(&client).await;
    drop(first);
    only_keep_alives(&mut second).await;
    touch(&client).await;
    assert_eq!(updated(&mut second).await, "test://a");
}

#[tokio::test]
async fn after_a_break_a_get_repeats_whatever_may_have_been_missed() {
    let (_server, client) = start().await;
    drop(attached(&client).await);
    touch(&client).await;
    let mut stream = client.listen(None).await;
    let mut methods = Vec::new();
    while methods.len() < 3 {
        let (_, message) = stream.message().await.unwrap();
        methods.push(message["method"].as_str().unwrap().to_owned());
    }
    methods.sort();
    let expected = [
        "resources/list_changed",
        "resources/updated",
        "tools/list_changed",
    ];
    assert_eq!(
        methods,
        expected.map(|name| format!("notifications/{name}"))
    );
}

#[tokio::test]
async fn a_change_before_the_first_get_is_not_lost() {
    let (_server, client) = start().await;
    touch(&client).await;
    let mut stream = client.listen(None).await;
    assert_eq!(updated(&mut stream).await, "test://a");
}

#[tokio::test]
async fn a_get_that_resumes_repeats_too() {
    let (_server, client) = start().await;
    let mut stream = client.listen(None).await;
    let id = stream.next().await.unwrap().id.unwrap();
    drop(stream);
    touch(&client).await;
    let mut stream = client.listen(Some(&id)).await;
    assert_eq!(updated(&mut stream).await, "test://a");
}

#[tokio::test]
async fn only_what_a_session_subscribed_to_is_announced_to_it() {
    let (server, client) = start().await;
    let other = server.client().await;
    other
        .request(1, "resources/subscribe", json!({ "uri": "test://b" }))
        .await;
    let mut stream = attached(&client).await;
    let mut of_other = attached(&other).await;
    touch(&other).await;
    assert_eq!(updated(&mut stream).await, "test://a");
    only_keep_alives(&mut of_other).await;
    client
        .request(2, "resources/unsubscribe", json!({ "uri": "test://a" }))
        .await;
    touch(&client).await;
    only_keep_alives(&mut stream).await;
}

#[tokio::test]
async fn an_unknown_resource_cannot_be_subscribed_to() {
    let (_server, client) = start().await;
    let answer = client
        .request(1, "resources/subscribe", json!({ "uri": "test://c" }))
        .await;
    assert_eq!(answer["error"]["code"], -32002);
}
