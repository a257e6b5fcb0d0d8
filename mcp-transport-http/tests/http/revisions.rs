//! What each revision gets, and what it must not get.

use std::time::Duration;

use mcp_core::{
    Context, Json, McpRouter, Prompt, Resource, Tool, ToolResult, protocol,
    protocol::{Icon, PromptArgument},
};
use serde_json::{Value, json};

use crate::support::{Sse, TestClient, TestServer, text, tool};

const REVISIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Sum {
    sum: i64,
}

fn icon() -> Icon {
    Icon::new("https://example.com/icon.png")
}

async fn mixed() -> ToolResult {
    let link = protocol::Resource::new("test://a", "a").title("A");
    let result = ToolResult::new().text("text").audio([1, 2], "audio/wav");
    result.resource_link(link).structured(json!({ "sum": 5 }))
}

async fn part(ctx: Context) -> &'static str {
    ctx.progress(1.0, Some(2.0), "half").await;
    ctx.disconnect(Duration::from_millis(50));
    ctx.progress(2.0, Some(2.0), "all").await;
    "done"
}

fn router() -> McpRouter {
    let sum = Tool::new("sum").title("Sum").icon(icon()).read_only();
    McpRouter::new()
        .server_info("test", "1.0.0")
        .title("Test")
        .description("A test")
        .website_url("https://example.com")
        .icon(icon())
        .tool(sum.handler(|| async { Json(Sum { sum: 5 }) }))
        .tool(Tool::new("mixed").handler(mixed))
        .tool(Tool::new("part").handler(part))
        .resource(
            Resource::new("test://a", "a")
                .title("A")
                .icon(icon())
                .handler(|| async { "text" }),
        )
        .prompt(
            Prompt::new("hello")
                .title("Hello")
                .icon(icon())
                .argument(PromptArgument::new("who").title("Who"))
                .handler(|| async { "Hello!" })
                .complete("who", || async { vec!["Ada".to_owned()] }),
        )
}

async fn start(revision: &str) -> (TestServer, TestClient) {
    let server = TestServer::start(router()).await;
    let client = server.client_of(revision, json!({})).await;
    (server, client)
}

/// Whether a revision is this one or later.
fn since(revision: &str, first: &str) -> bool {
    revision >= first
}

fn has(value: &Value, member: &str) -> bool {
    value.get(member).is_some()
}

#[tokio::test]
async fn each_revision_is_negotiated_as_asked() {
    for revision in REVISIONS {
        let (_server, client) = start(revision).await;
        let (_, answer) = client.initialize(json!({})).await;
        assert_eq!(answer["result"]["protocolVersion"], revision);
    }
}

#[tokio::test]
async fn an_unknown_version_is_answered_with_the_latest() {
    let server = TestServer::start(router()).await;
    for offered in ["1.0", "2024-10-07", "2099-01-01", "", "2025-11-25 "] {
        let client = server.stranger(offered);
        let (headers, answer) = client.initialize(json!({})).await;
        assert_eq!(
            answer["result"]["protocolVersion"], "2025-11-25",
            "{offered}"
        );
        assert!(headers.contains_key("mcp-session-id"));
    }
}

#[tokio::test]
async fn a_server_of_some_revisions_answers_with_the_latest_of_these() {
    use mcp_core::protocol::Revision;
    let some = [Revision::V2025_06_18, Revision::V2024_11_05];
    let transport = mcp_transport_http::HttpTransport::new(router()).revisions(some);
    let server = TestServer::serve(transport).await;
    for (offered, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-06-18"),
        ("2025-11-25", "2025-06-18"),
    ] {
        let (_, answer) = server.stranger(offered).initialize(json!({})).await;
        assert_eq!(answer["result"]["protocolVersion"], agreed);
    }
}

#[tokio::test]
async fn what_a_server_says_of_itself_fits_the_revision() {
    for revision in REVISIONS {
        let (_server, client) = start(revision).await;
        let (_, answer) = client.initialize(json!({})).await;
        let info = &answer["result"]["serverInfo"];
        assert_eq!(has(info, "title"), since(revision, "2025-06-18"), "{info}");
        for member in ["icons", "description", "websiteUrl"] {
            assert_eq!(has(info, member), since(revision, "2025-11-25"), "{info}");
        }
        let capabilities = &answer["result"]["capabilities"];
        let completions = has(capabilities, "completions");
        assert_eq!(completions, since(revision, "2025-03-26"), "{capabilities}");
    }
}

#[tokio::test]
async fn what_a_tool_says_of_itself_fits_the_revision() {
    for revision in REVISIONS {
        let (_server, client) = start(revision).await;
        let answer = client.request(1, "tools/list", json!({})).await;
        let tools = answer["result"]["tools"].as_array().unwrap();
        let sum = tools.iter().find(|tool| tool["name"] == "sum").unwrap();
        assert_eq!(
            has(sum, "annotations"),
            since(revision, "2025-03-26"),
            "{sum}"
        );
        assert_eq!(has(sum, "title"), since(revision, "2025-06-18"), "{sum}");
        assert_eq!(
            has(sum, "outputSchema"),
            since(revision, "2025-06-18"),
            "{sum}"
        );
        assert_eq!(has(sum, "icons"), since(revision, "2025-11-25"), "{sum}");
    }
}

#[tokio::test]
async fn what_resources_and_prompts_say_of_themselves_fits_the_revision() {
    for revision in REVISIONS {
        let (_server, client) = start(revision).await;
        let resources = client.request(1, "resources/list", json!({})).await;
        let prompts = client.request(2, "prompts/list", json!({})).await;
        let prompt = &prompts["result"]["prompts"][0];
        for item in [&resources["result"]["resources"][0], prompt] {
            assert_eq!(has(item, "title"), since(revision, "2025-06-18"), "{item}");
            assert_eq!(has(item, "icons"), since(revision, "2025-11-25"), "{item}");
        }
        let argument = &prompt["arguments"][0];
        assert_eq!(has(argument, "title"), since(revision, "2025-06-18"));
    }
}

#[tokio::test]
async fn structured_content_is_text_before_2025_06_18() {
    for revision in REVISIONS {
        let (_server, client) = start(revision).await;
        let answer = client.call(1, "sum", &json!({})).await;
        assert_eq!(text(&answer), r#"{"sum":5}"#);
        let structured = answer["result"].get("structuredContent");
        let expected = since(revision, "2025-06-18").then(|| json!({ "sum": 5 }));
        assert_eq!(structured, expected.as_ref(), "{revision}");
    }
}

#[tokio::test]
async fn content_that_a_revision_does_not_know_is_replaced() {
    for (revision, expected) in [
        ("2024-11-05", ["text", "resource", "text"]),
        ("2025-03-26", ["text", "audio", "text"]),
        ("2025-06-18", ["text", "audio", "resource_link"]),
        ("2025-11-25", ["text", "audio", "resource_link"]),
    ] {
        let (_server, client) = start(revision).await;
        let answer = client.call(1, "mixed", &json!({})).await;
        let content = answer["result"]["content"].as_array().unwrap();
        let kinds: Vec<_> = content
            .iter()
            .map(|block| block["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, expected, "{revision}");
        let whole = answer.to_string();
        assert!(
            whole.contains("test://a") && whole.contains("AQI="),
            "{whole}"
        );
        assert_eq!(
            has(&answer["result"], "structuredContent"),
            since(revision, "2025-06-18")
        );
    }
}

#[tokio::test]
async fn the_message_of_progress_comes_since_2025_03_26() {
    for revision in REVISIONS {
        let (_server, client) = start(revision).await;
        let mut stream = client
            .stream(1, "tools/call", tool("part", &json!({})))
            .await;
        let (_, progress) = stream.message().await.unwrap();
        assert_eq!(progress["params"]["progress"], 1);
        assert_eq!(
            has(&progress["params"], "message"),
            since(revision, "2025-03-26")
        );
    }
}

#[tokio::test]
async fn an_unknown_resource_is_resource_not_found() {
    for revision in REVISIONS {
        let (_server, client) = start(revision).await;
        let params = json!({ "uri": "test://unknown" });
        let answer = client.request(1, "resources/read", params).await;
        assert_eq!(answer["error"]["code"], -32002, "{revision}");
    }
}

#[tokio::test]
async fn only_2025_11_25_begins_streams_with_an_empty_event() {
    for revision in REVISIONS {
        let (_server, client) = start(revision).await;
        let mut post = client
            .stream(1, "tools/call", tool("part", &json!({})))
            .await;
        let first = post.next().await.unwrap();
        let primed = first.data.is_empty() && first.retry.is_some() && first.id.is_some();
        assert_eq!(primed, revision == "2025-11-25", "{first:?}");
        assert!(first.id.is_some(), "every revision can resume");
    }
}

#[tokio::test]
async fn older_revisions_see_no_event_without_a_message() {
    for revision in &REVISIONS[..3] {
        let (_server, client) = start(revision).await;
        let stream = client
            .stream(1, "tools/call", tool("part", &json!({})))
            .await;
        let events = stream.events().await;
        let plain = events
            .iter()
            .all(|event| !event.data.is_empty() && event.retry.is_none());
        assert!(plain, "{revision}: {events:?}");
        assert_eq!(
            text(&events[2].json()),
            "done",
            "the connection was not ended early"
        );
    }
}

#[tokio::test]
async fn older_revisions_see_their_get_stream_end_without_a_word_on_shutdown() {
    for revision in REVISIONS {
        let (mut server, client) = start(revision).await;
        let response = client.get(None).send().await.unwrap();
        let stream = Sse::of(response);
        server.stop();
        let events = stream.events().await;
        let hints = events.iter().filter(|event| event.retry.is_some()).count();
        assert_eq!(
            hints > 0,
            revision == "2025-11-25",
            "{revision}: {events:?}"
        );
    }
}
