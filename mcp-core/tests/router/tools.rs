//! Tools: what they are given, what they may return, how they fail.

use std::{convert::Infallible, time::Duration};

use mcp_core::{
    handler::{
        Args, Context, Extension, FromRef, Json, RawArgs, State, Tool, ToolError, ToolResult,
    },
    jsonrpc::{ErrorCode, ErrorObject},
    protocol::{ContentBlock, Meta, Resource, ResourceContents, Revision},
    router::{BuildError, List, McpRouter},
    store::Principal,
};
use serde_json::{Value, json};

use crate::calls::{answer, ask, call, names, read, request, request_in};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Add {
    /// The first number.
    a: i64,
    b: i64,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Sum {
    sum: i64,
}

async fn add(Args(Add { a, b }): Args<Add>) -> Result<Json<Sum>, ToolError> {
    Ok(Json(Sum { sum: a + b }))
}

fn adding() -> McpRouter {
    McpRouter::new().tool(Tool::new("add").description("Add two numbers").handler(add))
}

fn call_in(revision: Revision, arguments: Value) -> mcp_core::router::McpRequest {
    request_in(
        revision,
        "tools/call",
        json!({"name": "add", "arguments": arguments}),
    )
}

#[tokio::test]
async fn a_typed_result_is_structured_and_text() {
    let response = ask(
        &adding(),
        call_in(Revision::V2025_11_25, json!({"a": 1, "b": 2})),
    )
    .await;
    assert_eq!(
        response.into_message(),
        r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"sum\":3}"}],"structuredContent":{"sum":3}}}"#
    );
}

#[tokio::test]
async fn structured_content_begins_with_2025_06_18() {
    for revision in Revision::ALL {
        let result = read(ask(&adding(), call_in(revision, json!({"a": 1, "b": 2}))).await);
        let structured = revision.rules().structured_content;
        assert_eq!(
            result.get("structuredContent").is_some(),
            structured,
            "{revision}"
        );
        assert_eq!(result["content"][0]["text"], r#"{"sum":3}"#, "{revision}");
    }
}

#[tokio::test]
async fn schemas_come_from_the_types() {
    let page = answer(&adding(), "tools/list", Value::Null).await;
    assert_eq!(
        page,
        json!({"tools": [{
            "name": "add",
            "description": "Add two numbers",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "a": {"type": "integer", "description": "The first number."},
                    "b": {"type": "integer"},
                },
                "required": ["a", "b"],
            },
            "outputSchema": {
                "type": "object",
                "properties": {"sum": {"type": "integer"}},
                "required": ["sum"],
            },
        }]})
    );
}

#[tokio::test]
async fn wrong_arguments_are_a_result_from_2025_11_25_on() {
    for (arguments, text) in [
        (json!({"a": 1}), "invalid arguments: missing field `b`"),
        (
            json!({"a": "1", "b": 2}),
            "invalid arguments: `a`: invalid type: string \"1\", expected i64",
        ),
        (Value::Null, "invalid arguments: missing field `a`"),
    ] {
        for revision in Revision::ALL {
            let response = ask(&adding(), call_in(revision, arguments.clone())).await;
            if revision >= Revision::V2025_11_25 {
                assert!(response.is_tool_error());
                let result = read(response);
                assert_eq!(result["isError"], true);
                assert_eq!(result["content"][0]["text"], text, "{revision}");
            } else {
                let error = response.as_error().unwrap();
                assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
                assert_eq!(error.message, text, "{revision}");
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_tool_is_32602_in_every_revision() {
    for revision in Revision::ALL {
        let request = request_in(revision, "tools/call", json!({"name": "sub"}));
        let error = read(ask(&adding(), request).await);
        assert_eq!(
            error,
            json!({"error": {"code": -32602, "message": "unknown tool: sub"}})
        );
    }
}

#[tokio::test]
async fn a_call_without_a_name_is_32602() {
    let error = answer(&adding(), "tools/call", json!({})).await;
    assert_eq!(error["error"]["code"], -32602);
    assert_eq!(error["error"]["message"], "invalid params: missing `name`");
}

#[tokio::test]
async fn an_unknown_method_is_32601_and_ping_is_empty() {
    let error = answer(&adding(), "tools/forget", Value::Null).await;
    assert_eq!(error["error"]["code"], -32601);
    assert_eq!(answer(&adding(), "ping", Value::Null).await, json!({}));
}

#[tokio::test]
async fn a_tool_without_arguments_says_so_and_accepts_none() {
    let router = McpRouter::new().tool(Tool::new("hello").handler(async || "hi"));
    let page = answer(&router, "tools/list", Value::Null).await;
    let schema = json!({"type": "object", "additionalProperties": false});
    assert_eq!(page["tools"][0]["inputSchema"], schema);
    let hi = json!({"content": [{"type": "text", "text": "hi"}]});
    assert_eq!(
        answer(&router, "tools/call", json!({"name": "hello"})).await,
        hi
    );
    assert_eq!(call(&router, "hello", json!({})).await, hi);
}

#[derive(Clone)]
struct Db(&'static str);

#[derive(Clone)]
struct App {
    db: Db,
}

impl FromRef<App> for Db {
    fn from_ref(app: &App) -> Self {
        app.db.clone()
    }
}

#[tokio::test]
async fn arguments_come_in_any_order_and_up_to_eight() {
    #[expect(clippy::too_many_arguments, reason = "this is what is tested")]
    async fn everything(
        RawArgs(raw): RawArgs,
        State(db): State<Db>,
        ctx: Context,
        Args(add): Args<Add>,
        principal: Option<Principal>,
        absent: Option<Extension<Db>>,
        State(app): State<App>,
        Args(again): Args<serde_json::Map<String, Value>>,
    ) -> String {
        assert!(principal.is_none() && absent.is_none());
        let raw = String::from_utf8(raw.to_vec()).unwrap();
        let id = ctx.request_id();
        format!(
            "{raw} {} {id} {} {} {}",
            db.0,
            add.a + add.b,
            app.db.0,
            again.len()
        )
    }
    let router = McpRouter::new()
        .tool(
            Tool::new("all")
                .input_schema(json!({"type": "object"}))
                .handler(everything),
        )
        .with_state(App { db: Db("db") });
    let result = call(&router, "all", json!({"a": 1, "b": 2})).await;
    assert_eq!(result["content"][0]["text"], r#"{"a":1,"b":2} db 1 3 db 2"#);
}

#[tokio::test]
async fn a_missing_extension_or_principal_is_an_error() {
    let router = McpRouter::new()
        .tool(Tool::new("extension").handler(async |_: Extension<Db>| "never"))
        .tool(Tool::new("principal").handler(async |_: Principal| "never"));
    let error = call(&router, "extension", json!({})).await;
    assert_eq!(error["error"]["code"], -32603);
    assert_eq!(error["error"]["data"]["reason"], "missing_extension");
    let error = call(&router, "principal", json!({})).await;
    assert_eq!(error["error"]["code"], -32600);
    assert_eq!(error["error"]["data"]["reason"], "unauthenticated");
}

#[tokio::test]
async fn everything_a_tool_can_return_becomes_content() {
    let router = McpRouter::new()
        .tool(Tool::new("string").handler(async || "a".to_owned()))
        .tool(Tool::new("block").handler(async || ContentBlock::text("b")))
        .tool(Tool::new("blocks").handler(async || vec![ContentBlock::text("c"), "d".into()]))
        .tool(Tool::new("unit").handler(async || ()))
        .tool(Tool::new("infallible").handler(async || Ok::<_, Infallible>("e")));
    for (tool, texts) in [
        ("string", json!(["a"])),
        ("block", json!(["b"])),
        ("blocks", json!(["c", "d"])),
        ("unit", json!([])),
        ("infallible", json!(["e"])),
    ] {
        let result = call(&router, tool, json!({})).await;
        let content = result["content"].as_array().unwrap().iter();
        let said: Vec<_> = content.map(|block| block["text"].clone()).collect();
        assert_eq!(Value::from(said), texts, "{tool}");
        assert!(result.get("isError").is_none());
    }
}

#[tokio::test]
async fn a_result_has_content_of_every_kind_in_order() {
    let router = McpRouter::new().tool(Tool::new("all").handler(async || {
        ToolResult::new()
            .text("first")
            .image([1, 2, 3], "image/png")
            .audio([4], "audio/wav")
            .resource_link(Resource::new("a://b", "b"))
            .embedded(ResourceContents::text("a://c", "c"))
            .text("last")
            .structured(json!({"n": 1}))
            .meta(Meta::new().with("k", "v"))
    }));
    let result = call(&router, "all", json!({})).await;
    let kinds = names(&result, "content", "type");
    assert_eq!(
        kinds,
        [
            "text",
            "image",
            "audio",
            "resource_link",
            "resource",
            "text"
        ]
    );
    assert_eq!(result["content"][5]["text"], "last");
    assert_eq!(result["structuredContent"], json!({"n": 1}));
    assert_eq!(result["_meta"], json!({"k": "v"}));
}

#[tokio::test]
async fn structured_content_that_is_no_object_is_32603() {
    let router =
        McpRouter::new().tool(Tool::new("n").handler(async || ToolResult::new().structured(7)));
    let error = call(&router, "n", json!({})).await;
    assert_eq!(error["error"]["code"], -32603);
    assert_eq!(error["error"]["data"]["reason"], "structured_content");
}

#[tokio::test]
async fn a_tool_fails_in_two_ways_and_keeps_other_errors_to_itself() {
    async fn secret() -> Result<String, ToolError> {
        Ok(String::from_utf8(vec![0xff])?)
    }
    let router = McpRouter::new()
        .tool(Tool::new("read").handler(async || Err::<(), _>(ToolError::new("try `b`"))))
        .tool(Tool::new("protocol").handler(async || {
            Err::<(), _>(ToolError::protocol(ErrorObject::invalid_request("no")))
        }))
        .tool(Tool::new("secret").handler(secret));
    let result = call(&router, "read", json!({})).await;
    assert_eq!(result["isError"], true);
    assert_eq!(result["content"][0]["text"], "try `b`");
    let error = call(&router, "protocol", json!({})).await;
    assert_eq!(error, json!({"error": {"code": -32600, "message": "no"}}));
    let result = call(&router, "secret", json!({})).await;
    assert_eq!(result["isError"], true);
    assert_eq!(
        result["content"],
        json!([{"type": "text", "text": "the tool failed"}])
    );
}

#[tokio::test]
async fn a_panic_is_answered_whenever_it_happens() {
    fn at_once() -> std::future::Ready<()> {
        panic!("at once")
    }
    async fn later() {
        tokio::task::yield_now().await;
        panic!("later");
    }
    let router = McpRouter::new()
        .tool(Tool::new("at_once").handler(at_once))
        .tool(Tool::new("later").handler(later));
    for tool in ["at_once", "later"] {
        let error = call(&router, tool, json!({})).await;
        assert_eq!(error["error"]["code"], -32603, "{tool}");
        assert_eq!(error["error"]["data"], json!({"reason": "panic"}), "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_dropped_at_its_time_limit() {
    let (alive, mut dropped) = tokio::sync::mpsc::channel::<()>(1);
    let slow = Tool::new("slow")
        .handler(move || {
            let alive = alive.clone();
            async move {
                std::future::pending::<()>().await;
                drop(alive);
            }
        })
        .time_limit(Duration::from_secs(3));
    let router = McpRouter::new().tool(slow);
    let begun = tokio::time::Instant::now();
    let error = call(&router, "slow", json!({})).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    assert_eq!(error["error"]["code"], -32603);
    assert_eq!(error["error"]["data"], json!({"reason": "timeout"}));
    drop(router);
    assert_eq!(dropped.recv().await, None);
}

#[tokio::test]
async fn annotations_and_schemas_can_be_given() {
    let tool = Tool::new("t")
        .title("T")
        .read_only()
        .idempotent()
        .closed_world()
        .input_schema(json!({"type": "object", "properties": {"x": {"type": "string"}}}))
        .output_schema(json!({"type": "object"}))
        .handler(async || ToolResult::new().structured(json!({})));
    let router = McpRouter::new().tool(tool);
    let page = answer(&router, "tools/list", Value::Null).await;
    let tool = &page["tools"][0];
    let hints = json!({"readOnlyHint": true, "idempotentHint": true, "openWorldHint": false});
    assert_eq!(tool["annotations"], hints);
    assert_eq!(tool["title"], "T");
    assert_eq!(
        tool["inputSchema"]["properties"],
        json!({"x": {"type": "string"}})
    );
    assert_eq!(tool["outputSchema"], json!({"type": "object"}));
}

#[tokio::test]
async fn an_older_revision_is_not_told_what_it_does_not_know() {
    let router = McpRouter::new().tool(Tool::new("add").title("Add").read_only().handler(add));
    let old = request_in(Revision::V2024_11_05, "tools/list", Value::Null);
    let page = read(ask(&router, old).await);
    let members: Vec<_> = page["tools"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["inputSchema", "name"]);
}

#[test]
fn what_cannot_be_offered_is_a_build_error() {
    fn error(router: &McpRouter) -> BuildError {
        router.freeze().unwrap_err()
    }
    let hello = |name: &str| Tool::new(name).handler(async || "hi");
    let twice = McpRouter::new().tool(hello("a")).tool(hello("a"));
    assert_eq!(error(&twice), BuildError::DuplicateTool("a".into()));
    for name in ["", "with space", "ü", &"x".repeat(129)] {
        let router = McpRouter::new().tool(hello(name));
        assert_eq!(error(&router), BuildError::InvalidName(name.into()));
    }
    let list = Tool::new("list").handler(async || Json(vec![1]));
    let text = error(&McpRouter::new().tool(list)).to_string();
    assert!(text.contains("`list`") && text.contains("output"), "{text}");
    let list = Tool::new("list").handler(async |_: Args<Vec<u8>>| "no");
    let text = error(&McpRouter::new().tool(list)).to_string();
    assert!(text.contains("`list`") && text.contains("input"), "{text}");
    let twice = Tool::new("twice").handler(async |_: Args<Add>, _: Args<Add>| "no");
    assert!(matches!(
        error(&McpRouter::new().tool(twice)),
        BuildError::InvalidSchema { .. }
    ));
}

#[tokio::test]
async fn a_router_that_cannot_be_built_answers_32603() {
    let router = McpRouter::new().tool(Tool::new("").handler(async || "hi"));
    let error = read(ask(&router, request("ping", Value::Null)).await);
    assert_eq!(error["error"]["code"], -32603);
    assert_eq!(error["error"]["data"]["reason"], "router");
}

#[test]
fn an_enum_of_objects_is_a_schema_of_objects() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(tag = "kind")]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Shape {
        Circle { radius: f64 },
        Square { side: f64 },
    }
    let tool = Tool::new("area").handler(async |_: Args<Shape>| "big");
    McpRouter::new().tool(tool).freeze().unwrap();
}

#[test]
fn equal_catalogues_have_equal_digests_and_different_ones_do_not() {
    let one = adding().freeze().unwrap();
    let same = adding().freeze().unwrap();
    assert_eq!(one.digest(List::Tools), same.digest(List::Tools));
    let more = adding()
        .tool(Tool::new("b").handler(async || "b"))
        .freeze()
        .unwrap();
    assert_ne!(one.digest(List::Tools), more.digest(List::Tools));
    assert_eq!(one.digest(List::Prompts), more.digest(List::Prompts));
    assert_ne!(one.digest_of_all(), more.digest_of_all());
}
