//! Replies that become streams, streams that break and go on, and the GET stream.

use std::{sync::Arc, time::Duration};

use mcp_core::{
    Args, Context, ElicitForm, McpRouter, Resource, Tool, ToolError, handler::Sampling,
};
use serde_json::{Value, json};

use mcp_transport_http::HttpTransport;
use tokio::sync::Notify;

use crate::{
    counted::Calls,
    support::{TestServer, spawn, until},
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Count {
    n: u32,
}

async fn count(ctx: Context, Args(args): Args<Count>) -> String {
    for n in 1..=args.n {
        ctx.progress(f64::from(n), Some(f64::from(args.n)), "counting")
            .await;
        tokio::task::yield_now().await;
    }
    format!("counted to {}", args.n)
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

async fn greet(ctx: Context) -> Result<String, ToolError> {
    let form = ElicitForm::<Name>::of("Who are you?");
    let who = ctx.elicit("who", form).await?.accepted()?;
    let poem = ctx
        .sample("poem", Sampling::new(10).user(&who.name))
        .await?;
    Ok(format!("{}: {}", who.name, poem.text()))
}

fn router() -> McpRouter {
    McpRouter::new()
        .server_info("test", "1.0.0")
        .tool(Tool::new("count").handler(count))
        .tool(Tool::new("greet").handler(greet))
        .resource(Resource::new("test://a", "a").handler(|| async { "text" }))
}

fn call(name: &str, arguments: &Value) -> Value {
    json!({ "name": name, "arguments": arguments, "_meta": { "progressToken": "p1" } })
}

#[tokio::test]
async fn a_call_that_says_nothing_is_answered_with_json() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let answer = client
        .request(1, "tools/call", call("count", &json!({ "n": 0 })))
        .await;
    assert_eq!(answer["result"]["content"][0]["text"], "counted to 0");
}

#[tokio::test]
async fn progress_comes_before_the_answer_on_the_same_stream() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let stream = client
        .stream(1, "tools/call", call("count", &json!({ "n": 3 })))
        .await;
    let messages = stream.messages().await;
    let progress: Vec<_> = messages[..3]
        .iter()
        .map(|m| m["params"]["progress"].clone())
        .collect();
    assert_eq!(progress, [json!(1), json!(2), json!(3)]);
    assert_eq!(messages[0]["params"]["progressToken"], "p1");
    assert_eq!(messages[3]["result"]["content"][0]["text"], "counted to 3");
    assert_eq!(messages.len(), 4);
}

#[tokio::test]
async fn what_is_said_at_once_is_written_at_once() {
    let calls = Calls::default();
    let steps = Tool::new("steps").handler(async |ctx: Context| {
        for n in 0..10 {
            ctx.progress(f64::from(n), Some(10.0), None).await;
        }
        "done"
    });
    let transport = HttpTransport::new(McpRouter::new().tool(steps)).with_limits(|limits| {
        limits.poll = Duration::from_hours(1);
        limits.lease = Duration::from_hours(1);
    });
    let server = TestServer::serve(calls.of(transport)).await;
    let client = server.client().await;
    calls.joined().await;
    let stream = client
        .stream(1, "tools/call", call("steps", &json!({})))
        .await;
    let messages = stream.messages().await;
    assert_eq!(messages.len(), 11);
    assert_eq!(messages[10]["result"]["content"][0]["text"], "done");
    // The end of the stream is read by its connection, which then says that it has everything.
    let mut made = Vec::new();
    until(|| {
        made.extend(calls.take());
        let all = made.len() == 2;
        async move { all }
    })
    .await;
    assert_eq!(made, ["append", "seal"]);
}

#[tokio::test]
async fn a_question_is_answered_by_a_post_of_its_own() {
    let server = TestServer::start(router()).await;
    let capabilities = json!({ "elicitation": {}, "sampling": {} });
    let client = server.client_of("2025-11-25", capabilities).await;
    let mut stream = client
        .stream(1, "tools/call", call("greet", &json!({})))
        .await;
    let (_, question) = stream.message().await.unwrap();
    assert_eq!(question["method"], "elicitation/create");
    let answer = json!({
        "jsonrpc": "2.0", "id": question["id"],
        "result": { "action": "accept", "content": { "name": "Ada" } },
    });
    for _ in 0..2 {
        let response = client.post(&answer).send().await.unwrap();
        assert_eq!(
            response.status(),
            202,
            "the same answer again changes nothing"
        );
    }
    let other = json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "cancel" } });
    assert_eq!(client.post(&other).send().await.unwrap().status(), 400);
    let (_, question) = stream.message().await.unwrap();
    assert_eq!(question["method"], "sampling/createMessage");
    let answer = json!({
        "jsonrpc": "2.0", "id": question["id"],
        "result": { "role": "assistant", "model": "m", "content": { "type": "text", "text": "roses" } },
    });
    client.post(&answer).send().await.unwrap();
    let (_, answer) = stream.message().await.unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], "Ada: roses");
}

#[tokio::test]
async fn a_broken_stream_is_resumed_without_loss_or_repetition() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let mut stream = client
        .stream(1, "tools/call", call("count", &json!({ "n": 20 })))
        .await;
    let priming = stream.next().await.unwrap();
    assert_eq!((priming.data.as_str(), priming.retry), ("", Some(1000)));
    let (last, message) = stream.message().await.unwrap();
    assert_eq!(message["params"]["progress"], 1);
    drop(stream);
    let resumed = client.listen(last.as_deref()).await;
    let messages = resumed.messages().await;
    let progress: Vec<_> = messages
        .iter()
        .filter_map(|m| m["params"]["progress"].as_u64())
        .collect();
    assert_eq!(progress, (2..=20).collect::<Vec<_>>());
    assert_eq!(
        messages.last().unwrap()["result"]["content"][0]["text"],
        "counted to 20"
    );
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_cancelled_call_stops_and_has_no_response() {
    let dropped = Arc::new(Notify::new());
    let signal = Arc::clone(&dropped);
    let router = McpRouter::new().tool(Tool::new("wait").handler(move |ctx: Context| {
        let guard = OnDrop(Arc::clone(&signal));
        async move {
            let _guard = guard;
            ctx.progress(0.0, None, None).await;
            std::future::pending::<String>().await
        }
    }));
    let server = TestServer::start(router).await;
    let client = server.client().await;
    let mut stream = client
        .stream(7, "tools/call", call("wait", &json!({})))
        .await;
    stream.message().await.unwrap();
    let cancelled = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 7 },
    });
    assert_eq!(client.post(&cancelled).send().await.unwrap().status(), 202);
    dropped.notified().await;
    assert_eq!(stream.message().await, None);
}

#[tokio::test]
async fn a_subscriber_hears_of_changes_on_its_get_stream() {
    let router = router().tool(Tool::new("touch").handler(|ctx: Context| async move {
        ctx.resource_updated("test://a").await;
        "done"
    }));
    let server = TestServer::start(router).await;
    let client = server.client().await;
    let mut stream = client.listen(None).await;
    stream.next().await.unwrap();
    client
        .request(1, "resources/subscribe", json!({ "uri": "test://a" }))
        .await;
    client
        .request(2, "tools/call", call("touch", &json!({})))
        .await;
    let (_, message) = stream.message().await.unwrap();
    assert_eq!(message["method"], "notifications/resources/updated");
    assert_eq!(message["params"]["uri"], "test://a");
}

#[tokio::test]
async fn draining_ends_get_streams_and_lets_calls_finish() {
    let release = Arc::new(Notify::new());
    let (started, released) = (Arc::new(Notify::new()), Arc::clone(&release));
    let begun = Arc::clone(&started);
    let router = McpRouter::new().tool(Tool::new("slow").handler(move || {
        let (begun, released) = (Arc::clone(&begun), Arc::clone(&released));
        async move {
            begun.notify_one();
            released.notified().await;
            "finished"
        }
    }));
    let mut server = TestServer::start(router).await;
    let client = server.client().await;
    let mut get = client.listen(None).await;
    get.next().await.unwrap();
    let slow = spawn(async move {
        client
            .request(1, "tools/call", call("slow", &json!({})))
            .await
    });
    started.notified().await;
    server.stop();
    let last = get.next().await.unwrap();
    assert!(last.retry.is_some());
    assert_eq!(get.next().await, None);
    release.notify_one();
    let answer = slow.await.unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], "finished");
    let ended = tokio::time::timeout(Duration::from_secs(10), server.ended());
    ended.await.expect("the server ends");
}
