//! Calls that are cancelled, that panic, and whose client goes away.

use mcp_core::{Context, McpRouter, Tool};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::{
    gate::Gate,
    support::{Sse, TestServer, cancelled, ping, request, soon, spawn, text, tool},
};

#[tokio::test]
async fn cancelling_a_call_without_a_reply_begins_and_ends_an_empty_stream() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let call = request("seven", "tools/call", &tool("wait", &json!({})));
    let call = spawn(client.post(&call).send());
    gate.entered().await;
    assert_eq!(client.status(&cancelled("seven")).await, 202);
    gate.gone().await;
    let response = soon(call).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert!(Sse::of(response).events().await.is_empty());
}

#[tokio::test]
async fn cancelling_what_does_not_run_is_accepted() {
    let server = TestServer::start(Gate::new().router()).await;
    let client = server.client().await;
    for id in [json!(1), json!("1"), json!("unknown")] {
        assert_eq!(client.status(&cancelled(id)).await, 202);
    }
    let other = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {} });
    assert_eq!(client.status(&other).await, 202, "it is ignored");
}

#[tokio::test]
async fn a_number_and_a_string_are_two_ids() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let call = request(7, "tools/call", &tool("wait", &json!({})));
    let call = spawn(client.post(&call).send());
    gate.entered().await;
    assert_eq!(client.status(&cancelled("7")).await, 202);
    gate.open();
    let answer = soon(call).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text(&answer), "done");
}

#[tokio::test]
async fn a_call_whose_client_vanished_before_any_answer_goes_on() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    for accept in ["application/json", "application/json, text/event-stream"] {
        let body = request(1, "tools/call", &tool("wait", &json!({}))).to_string();
        let message = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nmcp-session-id: {}\r\naccept: {accept}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            client.session,
            body.len(),
        );
        let mut stream = server.place.connect().await;
        stream.write_all(message.as_bytes()).await.unwrap();
        gate.entered().await;
        drop(stream);
        assert_eq!(client.status(&ping()).await, 200);
        gate.open();
        gate.passed().await;
    }
}

#[tokio::test]
async fn a_call_whose_client_vanished_can_still_be_cancelled() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let talking = client
        .stream(7, "tools/call", tool("talk", &json!({})))
        .await;
    gate.entered().await;
    drop(talking);
    assert_eq!(client.status(&cancelled(7)).await, 202);
    gate.gone().await;
}

fn panicking() -> McpRouter {
    let calm = Tool::new("at_once").handler(|| async {
        assert!(std::hint::black_box(false), "on purpose");
        "never"
    });
    let late = Tool::new("later").handler(|ctx: Context| async move {
        ctx.progress(1.0, None, None).await;
        tokio::task::yield_now().await;
        assert!(std::hint::black_box(false), "on purpose");
        "never"
    });
    McpRouter::new().tool(calm).tool(late)
}

#[tokio::test]
async fn a_handler_that_panics_is_an_internal_error() {
    let server = TestServer::start(panicking()).await;
    let client = server.client().await;
    let answer = client.call(1, "at_once", &json!({})).await;
    assert_eq!(answer["error"]["code"], -32603);
    assert!(!answer.to_string().contains("on purpose"), "{answer}");
    assert_eq!(client.status(&ping()).await, 200);
}

#[tokio::test]
async fn a_handler_that_panics_after_it_has_streamed_ends_its_stream_with_an_error() {
    let server = TestServer::start(panicking()).await;
    let client = server.client().await;
    let mut stream = client
        .stream(1, "tools/call", tool("later", &json!({})))
        .await;
    let priming = stream.next().await.unwrap();
    let messages = stream.messages().await;
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1]["error"]["code"], -32603);
    let resumed = client.listen(priming.id.as_deref()).await.messages().await;
    assert_eq!(resumed, messages);
}
