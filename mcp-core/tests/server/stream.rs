//! Replies that became streams, from the handler's side.

use std::sync::Arc;

use mcp_core::{
    AskError, Context, ElicitForm, McpRouter, Tool,
    protocol::CallToolResult,
    router::McpRequest,
    server::ServerBuilder,
    testing::{ClientError, TestClient},
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, oneshot};
use tower::ServiceBuilder;

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Name {
    #[expect(dead_code, reason = "only asked for")]
    name: String,
}

fn form() -> ElicitForm<Name> {
    ElicitForm::of("Who?")
}

async fn call(client: &TestClient, tool: &str) -> Result<CallToolResult, ClientError> {
    let token = json!({ "progressToken": 1 });
    let params = json!({ "name": tool, "arguments": {}, "_meta": token });
    client.request("tools/call", params).await
}

#[tokio::test]
async fn a_response_too_large_for_a_stream_is_answered_with_an_error() {
    let router = McpRouter::new().tool(Tool::new("large").handler(|ctx: Context| async move {
        ctx.progress(1.0, None, None).await;
        "x".repeat(9 * 1024 * 1024)
    }));
    let client = TestClient::builder(router).connect().await.unwrap();
    let error = call(&client, "large").await.unwrap_err();
    let ClientError::Rpc(error) = error else {
        unreachable!("{error:?}")
    };
    assert_eq!(error.data.unwrap()["reason"], "too_large");
}

#[tokio::test]
async fn a_message_too_large_for_a_stream_is_left_out() {
    let router = McpRouter::new().tool(Tool::new("noisy").handler(|ctx: Context| async move {
        let level = mcp_core::protocol::LoggingLevel::Error;
        ctx.log(level, None, "x".repeat(9 * 1024 * 1024)).await;
        ctx.log(level, None, "small").await;
        "done"
    }));
    let client = TestClient::builder(router).connect().await.unwrap();
    let result = call(&client, "noisy").await.unwrap();
    assert_eq!(result.content[0].as_text(), Some("done"));
    let heard = client.take_notifications();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0]["params"]["data"], "small");
}

#[tokio::test]
async fn a_question_behind_the_end_of_its_call_is_closed() {
    let (sender, receiver) = oneshot::channel();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let router = McpRouter::new().tool(Tool::new("spawn").handler(move |ctx: Context| {
        let sender = Arc::clone(&sender);
        async move {
            let sender = sender.lock().await.take().unwrap();
            #[expect(clippy::disallowed_methods, reason = "what users do")]
            let task = tokio::spawn(async move {
                let pending = ctx.elicit("early", form());
                let early = pending.await.unwrap_err();
                let late = ctx.elicit("late", form()).await.unwrap_err();
                sender.send((early, late)).unwrap();
            });
            tokio::task::yield_now().await;
            drop(task);
            "gone"
        }
    }));
    let server = ServerBuilder::from(router).build().unwrap();
    let client = TestClient::serving(server).silent();
    let client = client.connect().await.unwrap();
    call(&client, "spawn").await.unwrap();
    let asked = receiver.await.unwrap();
    assert_eq!(asked, (AskError::Closed, AskError::Closed));
}

#[tokio::test]
async fn layers_see_requests_that_change_the_session() {
    let refuse = ServiceBuilder::new().filter(|request: McpRequest| {
        let subscribes = request.method().as_str() == "resources/subscribe";
        if subscribes {
            Err(mcp_core::BoxError::from("not today"))
        } else {
            Ok(request)
        }
    });
    let resource = mcp_core::Resource::new("test://a", "a").handler(|| async { "text" });
    let router = McpRouter::new().resource(resource).layer(refuse);
    let client = TestClient::builder(router).connect().await.unwrap();
    let params = json!({ "uri": "test://a" });
    let subscribed: Result<Value, _> = client.request("resources/subscribe", params).await;
    assert_eq!(subscribed.unwrap_err().code(), Some(-32603));
    let level = json!({ "level": "error" });
    let set: Result<Value, _> = client.request("logging/setLevel", level).await;
    set.unwrap();
}

#[tokio::test]
async fn a_closed_server_answers_new_calls_with_an_error() {
    let router = McpRouter::new().tool(Tool::new("hello").handler(|| async { "hello" }));
    let client = TestClient::builder(router).connect().await.unwrap();
    client.server().close().await;
    assert_eq!(
        call(&client, "hello").await.unwrap_err().code(),
        Some(-32603)
    );
}
