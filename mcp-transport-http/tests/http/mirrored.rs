//! Headers that repeat the body: `Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`.

use mcp_core::{McpRouter, Prompt, Resource, Tool};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::{ModernClient, TestServer, alone, answered, refused, request, tool};

fn router() -> McpRouter {
    let schema = json!({
        "type": "object",
        "properties": {
            "value": { "type": "string", "x-mcp-header": "Value" },
            "count": { "type": "integer", "x-mcp-header": "Count" },
            "sure": { "type": "boolean", "x-mcp-header": "Sure" },
        },
    });
    let repeats = Tool::new("repeats").input_schema(schema);
    McpRouter::new()
        .tool(repeats.handler(|| async { "done" }))
        .prompt(Prompt::new("hello").handler(|| async { "Hello!" }))
        .resource(Resource::new("test://a", "a").handler(|| async { "text" }))
}

async fn start() -> (TestServer, ModernClient) {
    let server = TestServer::start(router()).await;
    let client = server.modern();
    (server, client)
}

fn list() -> Value {
    alone(1, "tools/list", &json!({}))
}

/// A call with these arguments.
fn call(arguments: &Value) -> Value {
    alone(1, "tools/call", &tool("repeats", arguments))
}

/// A call whose argument `value` is repeated like this.
fn repeating(client: &ModernClient, value: &str, header: &str) -> RequestBuilder {
    client.with(&call(&json!({ "value": value })), "mcp-param-value", header)
}

async fn mismatch(request: RequestBuilder) {
    let error = refused(request, 400).await;
    assert_eq!(error["code"], -32020, "{error}");
}

#[tokio::test]
async fn another_method_is_a_mismatch() {
    let (_server, client) = start().await;
    for method in ["prompts/list", "TOOLS/LIST", "tools/lis", ""] {
        mismatch(client.with(&list(), "mcp-method", method)).await;
    }
}

#[tokio::test]
async fn a_missing_method_is_a_mismatch() {
    let (_server, client) = start().await;
    let version = ("mcp-protocol-version", "2026-07-28");
    mismatch(client.without(&list()).header(version.0, version.1)).await;
}

#[tokio::test]
async fn a_method_that_stands_twice_is_a_mismatch() {
    let (_server, client) = start().await;
    mismatch(client.post(&list()).header("mcp-method", "tools/list")).await;
}

#[tokio::test]
async fn the_case_of_a_header_name_does_not_matter() {
    let (_server, client) = start().await;
    for name in ["mcp-method", "MCP-METHOD", "Mcp-Method"] {
        answered(client.with(&list(), name, "tools/list")).await;
    }
}

#[tokio::test]
async fn white_space_around_a_value_does_not_matter() {
    let (_server, client) = start().await;
    answered(client.with(&call(&json!({})), "mcp-name", "  repeats  ")).await;
}

#[tokio::test]
async fn another_name_is_a_mismatch() {
    let (_server, client) = start().await;
    for (method, params) in [
        ("tools/call", json!({ "name": "repeats" })),
        ("prompts/get", json!({ "name": "hello" })),
        ("resources/read", json!({ "uri": "test://a" })),
    ] {
        let message = alone(1, method, &params);
        answered(client.post(&message)).await;
        for name in ["wrong", "REPEATS", ""] {
            mismatch(client.with(&message, "mcp-name", name)).await;
        }
    }
}

#[tokio::test]
async fn a_missing_name_is_a_mismatch() {
    let (_server, client) = start().await;
    for (method, params) in [
        ("tools/call", json!({ "name": "repeats" })),
        ("prompts/get", json!({ "name": "hello" })),
        ("resources/read", json!({ "uri": "test://a" })),
    ] {
        let post = client.without(&alone(1, method, &params));
        let post = post.header("mcp-protocol-version", "2026-07-28");
        mismatch(post.header("mcp-method", method)).await;
    }
}

#[tokio::test]
async fn a_name_may_be_sent_as_base64() {
    let (_server, client) = start().await;
    let message = alone(1, "resources/read", &json!({ "uri": "test://a" }));
    answered(client.with(&message, "mcp-name", "=?base64?dGVzdDovL2E=?=")).await;
}

#[tokio::test]
async fn the_error_of_a_mismatch_names_its_request() {
    let (_server, client) = start().await;
    let message = alone("mine", "tools/list", &json!({}));
    let request = client.with(&message, "mcp-method", "prompts/list");
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["id"], "mine");
}

#[tokio::test]
async fn a_mismatch_is_found_before_the_method_is_looked_at() {
    let (_server, client) = start().await;
    let message = alone(1, "unknown/method", &json!({}));
    mismatch(client.with(&message, "mcp-method", "tools/list")).await;
}

#[tokio::test]
async fn an_argument_and_its_header_agree() {
    let (_server, client) = start().await;
    for (value, header) in [
        ("us-west1", "us-west1"),
        ("Hello", "=?base64?SGVsbG8=?="),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        ("SGVsbG8=", "SGVsbG8="),
        ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
    ] {
        answered(repeating(&client, value, header)).await;
    }
}

#[tokio::test]
async fn an_argument_and_another_value_in_its_header_are_a_mismatch() {
    let (_server, client) = start().await;
    for header in ["hello", "Hello!", "=?base64?aGVsbG8=?=", ""] {
        mismatch(repeating(&client, "Hello", header)).await;
    }
}

#[tokio::test]
async fn base64_that_cannot_be_read_is_a_mismatch() {
    let (_server, client) = start().await;
    for header in ["=?base64?SGVsbG8?=", "=?base64?SGVs!!!bG8=?="] {
        mismatch(repeating(&client, "Hello", header)).await;
    }
}

#[tokio::test]
async fn an_argument_without_its_header_is_a_mismatch() {
    let (_server, client) = start().await;
    mismatch(client.post(&call(&json!({ "value": "test-value" })))).await;
}

#[tokio::test]
async fn a_header_without_its_argument_is_a_mismatch() {
    let (_server, client) = start().await;
    for arguments in [json!({}), json!({ "value": null })] {
        let message = call(&arguments);
        mismatch(client.with(&message, "mcp-param-value", "test-value")).await;
    }
}

#[tokio::test]
async fn without_argument_and_header_nothing_is_compared() {
    let (_server, client) = start().await;
    answered(client.post(&call(&json!({})))).await;
}

#[tokio::test]
async fn numbers_and_booleans_are_repeated_as_json() {
    let (_server, client) = start().await;
    for (argument, header, value) in [
        (json!({ "count": 42 }), "mcp-param-count", "42"),
        (json!({ "sure": false }), "mcp-param-sure", "false"),
    ] {
        answered(client.with(&call(&argument), header, value)).await;
        mismatch(client.with(&call(&argument), header, "7")).await;
    }
}

#[tokio::test]
async fn headers_no_tool_asks_for_are_passed_over() {
    let (_server, client) = start().await;
    answered(client.with(&call(&json!({})), "mcp-param-other", "x")).await;
}

#[tokio::test]
async fn a_session_does_not_compare_these_headers() {
    let (server, _) = start().await;
    let client = server.client().await;
    let arguments = json!({ "value": "test-value" });
    let message = request(1, "tools/call", &tool("repeats", &arguments));
    let post = client.post(&message).header("mcp-method", "prompts/list");
    answered(post.header("mcp-name", "wrong")).await;
}
