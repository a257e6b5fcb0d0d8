//! Requests of 2026-07-28: each stands alone.

use std::time::Duration;

use mcp_core::{
    Context, ElicitForm, McpRouter, Prompt, Resource, Tool, ToolError,
    protocol::{ClientCapability, LoggingLevel},
};
use mcp_transport_http::HttpTransport;
use serde_json::{Value, json};

use crate::{
    counted::Calls,
    gate::Gate,
    support::{
        MODERN, ModernClient, Sse, TestServer, alone, answered, cancelled, refused, request, soon,
        spawn, text, tool,
    },
};

const META: &str = "io.modelcontextprotocol/";

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

async fn ask(ctx: Context) -> Result<String, ToolError> {
    let who = ctx.elicit("who", ElicitForm::<Name>::of("Who are you?"));
    Ok(format!("Hello, {}!", who.await?.accepted()?.name))
}

async fn logs(ctx: Context) -> &'static str {
    ctx.log(LoggingLevel::Info, None, "fine").await;
    ctx.log(LoggingLevel::Error, None, "broken").await;
    "done"
}

async fn change(ctx: Context) -> Result<&'static str, ToolError> {
    ctx.change_catalogue(&"grow").await.unwrap();
    Ok("done")
}

async fn update(ctx: Context) -> &'static str {
    ctx.resource_updated("test://b").await;
    ctx.resource_updated("test://a").await;
    "done"
}

fn transport(gate: &Gate) -> HttpTransport {
    let samples = Tool::new("samples").requires(ClientCapability::Sampling);
    let router: McpRouter = gate
        .router()
        .server_info("test", "1.0.0")
        .tool(Tool::new("ask").handler(ask))
        .tool(Tool::new("logs").handler(logs))
        .tool(Tool::new("change").handler(change))
        .tool(Tool::new("update").handler(update))
        .tool(samples.handler(|| async { "never" }))
        .prompt(Prompt::new("hello").handler(|| async { "Hello!" }))
        .resource(Resource::new("test://a", "a").handler(|| async { "text" }));
    HttpTransport::new(router).on_catalogue(|present, _| {
        let new = Tool::new("new").handler(|| async { "new" });
        Ok(present.clone().tool(new))
    })
}

async fn start(gate: &Gate) -> (TestServer, ModernClient) {
    let server = TestServer::serve(transport(gate)).await;
    let client = server.modern();
    (server, client)
}

async fn plain() -> (TestServer, ModernClient) {
    start(&Gate::new()).await
}

/// Parameters whose `_meta` also has this member.
fn meta(mut params: Value, member: &str, value: Value) -> Value {
    params["_meta"][format!("{META}{member}")] = value;
    params
}

/// The parameters of `ask`, from a client that can be asked.
fn asking() -> Value {
    let params = json!({ "name": "ask", "arguments": {} });
    meta(params, "clientCapabilities", json!({ "elicitation": {} }))
}

#[tokio::test]
async fn the_version_and_the_capabilities_must_be_in_meta() {
    let (_server, client) = plain().await;
    for missing in ["protocolVersion", "clientCapabilities"] {
        let mut message = alone(1, "server/discover", &json!({}));
        let meta = message["params"]["_meta"].as_object_mut().unwrap();
        meta.remove(&format!("{META}{missing}")).unwrap();
        let error = refused(client.post(&message), 400).await;
        assert_eq!(error["code"], -32602);
        let text = error["message"].as_str().unwrap();
        assert!(text.contains(missing), "{text}");
    }
}

#[tokio::test]
async fn a_request_without_meta_is_refused() {
    let (_server, client) = plain().await;
    let bare = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    for message in [request(1, "tools/list", &json!({})), bare] {
        let error = refused(client.post(&message), 400).await;
        assert_eq!(error["code"], -32602);
    }
}

#[tokio::test]
async fn meta_that_cannot_be_read_is_refused() {
    let (_server, client) = plain().await;
    for (member, value) in [
        ("clientCapabilities", json!(7)),
        ("logLevel", json!("loud")),
    ] {
        let message = alone(1, "tools/list", &meta(json!({}), member, value));
        let error = refused(client.post(&message), 400).await;
        assert_eq!(error["code"], -32602, "{member}");
    }
}

#[tokio::test]
async fn errors_name_their_request() {
    let (_server, client) = plain().await;
    for method in ["tools/list", "unknown/method"] {
        let good = alone("mine", method, &json!({}));
        for message in [request("mine", method, &json!({})), good] {
            let response = client.post(&message).send().await.unwrap();
            let answer: Value = response.json().await.unwrap();
            assert_eq!(answer["id"], "mine");
        }
    }
}

#[tokio::test]
async fn discover_names_versions_capabilities_and_server() {
    let (_server, client) = plain().await;
    let answer = client.request(1, "server/discover", &json!({})).await;
    let result = &answer["result"];
    let versions = result["supportedVersions"].as_array().unwrap();
    assert_eq!(versions.len(), 5);
    assert_eq!(result["capabilities"]["tools"]["listChanged"], true);
    let server = &result["_meta"][format!("{META}serverInfo")];
    assert_eq!(server["name"], "test");
}

#[tokio::test]
async fn methods_that_are_gone_or_never_were_are_not_found() {
    let (_server, client) = plain().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "unknown/method",
    ] {
        let params = json!({ "uri": "test://a", "level": "info" });
        let error = refused(client.post(&alone(1, method, &params)), 404).await;
        assert_eq!(error["code"], -32601, "{method}");
    }
}

#[tokio::test]
async fn an_unknown_tool_is_an_error_with_status_200() {
    let (_server, client) = plain().await;
    let answer = client.call(1, "nothing", &json!({})).await;
    assert_eq!(answer["error"]["code"], -32602);
}

#[tokio::test]
async fn neither_get_nor_delete_is_offered() {
    let (_server, client) = plain().await;
    for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
        let request = client.http.request(method, &client.url);
        let request = request.header("accept", "text/event-stream");
        refused(request.header("mcp-protocol-version", MODERN), 405).await;
    }
}

#[tokio::test]
async fn the_headers_of_sessions_do_not_matter() {
    let (_server, client) = plain().await;
    let message = alone(1, "tools/list", &json!({}));
    for name in ["mcp-session-id", "last-event-id"] {
        for value in ["of another server", ""] {
            answered(client.post(&message).header(name, value)).await;
        }
    }
}

#[tokio::test]
async fn notifications_are_accepted_and_do_nothing() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    let message = alone(1, "tools/call", &tool("wait", &json!({})));
    let call = spawn(client.post(&message).send());
    gate.entered().await;
    let response = client.post(&cancelled(1)).send().await.unwrap();
    assert_eq!(response.status(), 202);
    gate.open();
    let answer = soon(call).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text(&answer), "done");
}

#[tokio::test]
async fn responses_and_batches_are_refused() {
    let (_server, client) = plain().await;
    let response = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
    let batch = json!([alone(1, "tools/list", &json!({}))]);
    for message in [response, batch] {
        let error = refused(client.post(&message), 400).await;
        assert_eq!(error["code"], -32600);
    }
}

#[tokio::test]
async fn progress_is_streamed_without_ids_and_retry() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    gate.open();
    let params = tool("talk", &json!({}));
    let events = client.stream(1, "tools/call", &params).await.events().await;
    assert_eq!(events.len(), 3);
    let bare = |event: &crate::support::SseEvent| event.id.is_none() && event.retry.is_none();
    assert!(events.iter().all(bare), "{events:?}");
    assert_eq!(events[0].json()["params"]["progressToken"], "token");
    assert_eq!(text(&events[2].json()), "done");
}

#[tokio::test]
async fn without_a_token_there_is_no_progress() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    gate.open();
    let params = json!({ "name": "talk", "arguments": {} });
    let answer = client.request(1, "tools/call", &params).await;
    assert_eq!(text(&answer), "done");
}

#[tokio::test]
async fn a_call_ends_with_the_connection_of_its_stream() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    let params = tool("talk", &json!({}));
    let stream = client.stream(1, "tools/call", &params).await;
    gate.entered().await;
    drop(stream);
    gate.gone().await;
}

#[tokio::test]
async fn a_call_that_said_nothing_yet_ends_with_its_connection() {
    let gate = Gate::new();
    let (_server, client) = start(&gate).await;
    let message = alone(1, "tools/call", &tool("wait", &json!({})));
    let call = spawn(client.post(&message).send());
    gate.entered().await;
    call.abort();
    gate.gone().await;
}

#[tokio::test]
async fn a_connection_that_ends_takes_no_other_call_with_it() {
    let gate = Gate::new();
    let (server, client) = start(&gate).await;
    let message = alone(1, "tools/call", &tool("wait", &json!({})));
    let first = spawn(client.post(&message).send());
    gate.entered().await;
    let second = spawn(server.modern().post(&message).send());
    gate.entered().await;
    first.abort();
    gate.gone().await;
    gate.open();
    let answer = soon(second).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text(&answer), "done");
}

#[tokio::test]
async fn without_a_level_nothing_is_logged() {
    let (_server, client) = plain().await;
    let answer = client.call(1, "logs", &json!({})).await;
    assert_eq!(text(&answer), "done");
}

#[tokio::test]
async fn lines_are_logged_from_the_level_that_the_request_names() {
    let (_server, client) = plain().await;
    for (level, expected) in [("info", 2), ("warning", 1)] {
        let params = meta(tool("logs", &json!({})), "logLevel", level.into());
        let stream = client.stream(1, "tools/call", &params).await;
        let messages = stream.messages().await;
        let logged = messages.iter();
        let logged = logged.filter(|message| message["method"] == "notifications/message");
        assert_eq!(logged.count(), expected, "{level}: {messages:?}");
        assert_eq!(text(messages.last().unwrap()), "done");
    }
}

#[tokio::test]
async fn the_level_of_one_request_is_not_that_of_the_next() {
    let (_server, client) = plain().await;
    let params = meta(tool("logs", &json!({})), "logLevel", "info".into());
    client
        .stream(1, "tools/call", &params)
        .await
        .messages()
        .await;
    assert_eq!(text(&client.call(2, "logs", &json!({})).await), "done");
}

#[tokio::test]
async fn a_question_is_a_result_and_its_answer_another_request() {
    let (_server, client) = plain().await;
    let first = client.request(1, "tools/call", &asking()).await;
    let result = &first["result"];
    assert_eq!(result["resultType"], "input_required");
    let question = &result["inputRequests"]["who"];
    assert_eq!(question["method"], "elicitation/create");
    assert_eq!(question["params"]["message"], "Who are you?");
    let mut params = asking();
    params["requestState"] = result["requestState"].clone();
    let accepted = json!({ "action": "accept", "content": { "name": "Ada" } });
    params["inputResponses"] = json!({ "who": accepted });
    let last = client.request(2, "tools/call", &params).await;
    assert_eq!(last["result"]["resultType"], "complete");
    assert_eq!((text(&last), &last["id"]), ("Hello, Ada!", &json!(2)));
}

#[tokio::test]
async fn a_state_that_was_changed_is_refused() {
    let (_server, client) = plain().await;
    let first = client.request(1, "tools/call", &asking()).await;
    let state = first["result"]["requestState"].as_str().unwrap();
    let mut params = asking();
    params["requestState"] = format!("{state}-TAMPERED").into();
    let answer = client.request(2, "tools/call", &params).await;
    assert_eq!(answer["error"]["code"], -32602);
}

#[tokio::test]
async fn what_a_tool_requires_and_the_client_has_not_is_named() {
    let (_server, client) = plain().await;
    let message = alone(1, "tools/call", &tool("samples", &json!({})));
    let error = refused(client.post(&message), 400).await;
    assert_eq!(error["code"], -32021);
    let required = &error["data"]["requiredCapabilities"];
    assert_eq!(*required, json!({ "sampling": {} }));
}

#[tokio::test]
async fn a_question_the_client_cannot_answer_is_refused() {
    let (_server, client) = plain().await;
    let message = alone(1, "tools/call", &tool("ask", &json!({})));
    let error = refused(client.post(&message), 400).await;
    assert_eq!(error["code"], -32021);
}

/// Listens, and reads the acknowledgement.
async fn listening(client: &ModernClient, id: u64, filter: &Value) -> (Sse, Value) {
    let params = json!({ "notifications": filter });
    let mut stream = client.stream(id, "subscriptions/listen", &params).await;
    let (event_id, message) = stream.message().await.unwrap();
    assert_eq!(event_id, None);
    (stream, message)
}

fn subscription(message: &Value) -> &Value {
    &message["params"]["_meta"][format!("{META}subscriptionId")]
}

#[tokio::test]
async fn a_listener_is_acknowledged_first() {
    let (_server, client) = plain().await;
    let filter = json!({ "toolsListChanged": true, "resourceSubscriptions": ["test://a"] });
    let (_stream, message) = listening(&client, 7, &filter).await;
    let method = &message["method"];
    assert_eq!(*method, "notifications/subscriptions/acknowledged");
    assert_eq!(message["params"]["notifications"], filter);
    assert_eq!(*subscription(&message), 7);
}

#[tokio::test]
async fn a_listener_hears_of_a_changed_list() {
    let (_server, client) = plain().await;
    let filter = json!({ "toolsListChanged": true });
    let (mut stream, _) = listening(&client, 7, &filter).await;
    client.call(8, "change", &json!({})).await;
    let (id, message) = stream.message().await.unwrap();
    assert_eq!(message["method"], "notifications/tools/list_changed");
    assert_eq!((id, subscription(&message)), (None, &json!(7)));
}

#[tokio::test]
async fn a_listener_hears_of_its_resources_only() {
    let (_server, client) = plain().await;
    let filter = json!({ "resourceSubscriptions": ["test://a"] });
    let (mut stream, _) = listening(&client, 7, &filter).await;
    client.call(8, "update", &json!({})).await;
    let (_, message) = stream.message().await.unwrap();
    assert_eq!(message["method"], "notifications/resources/updated");
    assert_eq!(message["params"]["uri"], "test://a");
    assert_eq!(*subscription(&message), 7);
}

#[tokio::test]
async fn a_listener_ends_with_a_result_while_the_server_drains() {
    let (mut server, client) = plain().await;
    let filter = json!({ "promptsListChanged": true });
    let (stream, _) = listening(&client, 7, &filter).await;
    client.call(8, "change", &json!({})).await;
    server.stop();
    let messages = stream.messages().await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["id"], 7);
    assert_eq!(messages[0]["result"]["resultType"], "complete");
    soon(server.ended()).await;
}

#[tokio::test]
async fn a_listener_must_accept_events() {
    let (_server, client) = plain().await;
    let params = json!({ "notifications": { "toolsListChanged": true } });
    let message = alone(1, "subscriptions/listen", &params);
    refused(client.with(&message, "accept", "application/json"), 406).await;
}

#[tokio::test]
async fn a_call_that_runs_is_answered_while_the_server_drains() {
    let gate = Gate::new();
    let (mut server, client) = start(&gate).await;
    let message = alone(1, "tools/call", &tool("wait", &json!({})));
    let call = spawn(client.post(&message).send());
    gate.entered().await;
    server.stop();
    gate.open();
    let answer = soon(call).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text(&answer), "done");
    soon(server.ended()).await;
}

#[tokio::test]
async fn plain_calls_do_not_touch_a_store() {
    let (gate, calls) = (Gate::new(), Calls::default());
    // Nothing but a call would touch a store within the time of this test.
    let transport = transport(&gate).with_limits(|limits| {
        limits.poll = Duration::from_hours(1);
        limits.lease = Duration::from_hours(1);
    });
    let server = TestServer::serve(calls.of(transport)).await;
    calls.joined().await;
    let client = server.modern();
    for id in 0..10 {
        gate.open();
        client.call(id, "wait", &json!({})).await;
    }
    assert_eq!(calls.take(), Vec::<&str>::new());
}

#[tokio::test]
async fn a_session_touches_the_stores_that_plain_calls_do_not() {
    let calls = Calls::default();
    let server = TestServer::serve(calls.of(transport(&Gate::new()))).await;
    server.client().await;
    assert!(calls.take().contains(&"create"));
}
