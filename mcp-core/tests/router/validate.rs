//! Schemas that say more than types: enforced on what comes in and on what goes out.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use mcp_core::{
    handler::{Args, Context, Json, RawArgs, Tool, ToolResult},
    jsonrpc::RequestId,
    protocol::{Method, Revision},
    router::{BuildError, McpRequest, McpRouter},
};
use serde_json::{Map, Value, json};

use crate::calls::{answer, ask, call, read, request_in};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Order {
    #[schemars(range(min = 1, max = 99))]
    count: u32,
    #[schemars(regex(pattern = "^[A-Z]{2}-[0-9]+$"))]
    article: Option<String>,
    #[serde(default)]
    #[schemars(inner(length(min = 1, max = 8)))]
    notes: Vec<String>,
}

async fn order(Args(order): Args<Order>) -> String {
    format!(
        "{} × {:?} {}",
        order.count,
        order.article,
        order.notes.len()
    )
}

fn ordering() -> McpRouter {
    McpRouter::new().tool(Tool::new("order").handler(order))
}

/// A router with the tool `raw`, which takes what this schema allows.
fn taking(schema: Value) -> McpRouter {
    let tool = Tool::new("raw").input_schema(schema);
    McpRouter::new().tool(tool.handler(async |_: RawArgs| "called"))
}

/// A router with the tool `gives`, which promises this schema and answers its arguments.
fn giving(schema: Value) -> McpRouter {
    let tool = Tool::new("gives").output_schema(schema);
    McpRouter::new().tool(tool.handler(async |Args(value): Args<Map<String, Value>>| {
        let result = ToolResult::new().structured(&value);
        match value.get("failed") {
            Some(_) => result.failed(),
            None => result,
        }
    }))
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

/// Why a router with this schema cannot be built.
fn refusal(router: &McpRouter) -> String {
    let error = router.freeze().unwrap_err();
    assert!(matches!(error, BuildError::InvalidSchema { .. }), "{error}");
    let text = error.to_string();
    text.split_once(" cannot be used: ").unwrap().1.to_owned()
}

#[tokio::test]
async fn what_fits_reaches_the_handler() {
    let arguments = json!({"count": 99, "article": "AB-7", "notes": ["x"]});
    let result = call(&ordering(), "order", arguments).await;
    assert_eq!(text(&result), "99 × Some(\"AB-7\") 1");
}

#[tokio::test]
async fn what_breaks_a_limit_is_named_with_its_place() {
    for (arguments, why) in [
        (
            json!({"count": 0}),
            "`count`: 0 is less than the minimum of 1",
        ),
        (
            json!({"count": 100}),
            "`count`: 100 is greater than the maximum of 99",
        ),
        (
            json!({"count": 1, "article": "7"}),
            "`article`: \"7\" does not match \"^[A-Z]{2}-[0-9]+$\"",
        ),
        (
            json!({"count": 1, "notes": ["a", ""]}),
            "`notes[1]`: \"\" is shorter than 1 character",
        ),
        (json!({}), "missing field `count`"),
        (
            json!({"count": "1"}),
            "`count`: \"1\" is not of type \"integer\"",
        ),
    ] {
        let result = call(&ordering(), "order", arguments).await;
        assert_eq!(result["isError"], true);
        assert_eq!(text(&result), format!("invalid arguments: {why}"));
    }
}

#[tokio::test]
async fn a_broken_limit_is_a_result_from_2025_11_25_on() {
    let why = "invalid arguments: `count`: 0 is less than the minimum of 1";
    for revision in Revision::ALL {
        let params = json!({"name": "order", "arguments": {"count": 0}});
        let response = ask(&ordering(), request_in(revision, "tools/call", params)).await;
        if revision >= Revision::V2025_11_25 {
            assert!(response.is_tool_error(), "{revision}");
            assert_eq!(text(&read(response)), why, "{revision}");
        } else {
            let error = json!({"error": {"code": -32602, "message": why}});
            assert_eq!(read(response), error, "{revision}");
        }
    }
}

#[tokio::test]
async fn three_violations_are_named_and_the_others_counted() {
    let notes = json!(["", "", "", "", ""]);
    let result = call(&ordering(), "order", json!({"count": 1, "notes": notes})).await;
    assert_eq!(
        text(&result),
        "invalid arguments: `notes[0]`: \"\" is shorter than 1 character; \
         `notes[1]`: \"\" is shorter than 1 character; \
         `notes[2]`: \"\" is shorter than 1 character; and 2 more"
    );
}

#[tokio::test]
async fn of_a_long_value_128_characters_are_repeated() {
    let arguments = json!({"count": 1, "article": "é".repeat(1_000_000)});
    let result = call(&ordering(), "order", arguments).await;
    let shown = format!("\"{}…", "é".repeat(127));
    assert_eq!(
        text(&result),
        format!("invalid arguments: `article`: {shown} does not match \"^[A-Z]{{2}}-[0-9]+$\"")
    );
}

#[tokio::test]
async fn a_flood_of_violations_is_not_listed() {
    let notes = vec![""; 100_000];
    let result = call(&ordering(), "order", json!({"count": 1, "notes": notes})).await;
    assert_eq!(
        text(&result),
        "invalid arguments: the schema is broken by a value too large to say where"
    );
}

#[tokio::test]
async fn a_handler_is_not_called_with_what_breaks_its_schema() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let schema = json!({"type": "object", "maxProperties": 1});
    let tool = Tool::new("raw").input_schema(schema);
    let router = McpRouter::new().tool(tool.handler(move |_: RawArgs| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { "called" }
    }));
    call(&router, "raw", json!({"a": 1, "b": 2})).await;
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    call(&router, "raw", json!({"a": 1})).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_schema_of_the_authors_own_is_enforced_whole() {
    let schema = json!({
        "type": "object",
        "properties": {
            "unit": {"enum": ["m", "km"]},
            "from": {"$ref": "#/$defs/place"},
        },
        "additionalProperties": false,
        "oneOf": [{"required": ["from"]}, {"required": ["unit"]}],
        "$defs": {"place": {"type": "object", "required": ["x"]}},
    });
    let router = taking(schema.clone());
    let listed = answer(&router, "tools/list", Value::Null).await;
    assert_eq!(listed["tools"][0]["inputSchema"], schema);
    let fits = call(&router, "raw", json!({"unit": "km"})).await;
    assert_eq!(text(&fits), "called");
    for (arguments, why) in [
        (
            json!({"unit": "mile"}),
            "`unit`: \"mile\" is not one of \"m\" or \"km\"",
        ),
        (json!({"from": {}}), "`from`: missing field `x`"),
        (
            json!({"unit": "m", "other": 1}),
            "additional properties are not allowed ('other' was unexpected)",
        ),
        (
            Value::Null,
            "{} is not valid under any of the schemas listed in the 'oneOf' keyword",
        ),
    ] {
        let result = call(&router, "raw", arguments).await;
        assert_eq!(text(&result), format!("invalid arguments: {why}"));
    }
}

#[tokio::test]
async fn a_merged_router_with_a_state_enforces_its_schemas() {
    let inner = McpRouter::<u8>::new().tool(Tool::new("order").handler(order));
    let router = McpRouter::new().nest("shop", inner).with_state(1);
    let result = call(&router, "shop.order", json!({"count": 0})).await;
    assert_eq!(result["isError"], true);
    let own = Tool::new("raw").input_schema(json!({"type": "object", "maxProperties": 0}));
    let inner = McpRouter::<u8>::new().tool(own.handler(async |_: RawArgs| "called"));
    let router = McpRouter::new().merge(inner).with_state(1);
    let result = call(&router, "raw", json!({"a": 0})).await;
    assert_eq!(result["isError"], true);
}

#[tokio::test]
async fn a_number_that_cannot_be_read_breaks_the_schema() {
    let router = taking(json!({"type": "object", "properties": {}}));
    let params = Bytes::from_static(br#"{"name":"raw","arguments":{"a":1e999}}"#);
    let context = Context::detached(RequestId::from(1), Revision::V2025_11_25);
    let request = McpRequest::new(Method::ToolsCall, Some(&params), context).unwrap();
    let result = read(ask(&router, request).await);
    assert_eq!(text(&result), "invalid arguments: number out of range");
}

#[tokio::test]
async fn a_schema_that_contains_itself_is_enforced_to_the_bottom() {
    let router = taking(json!({
        "type": "object",
        "properties": {"next": {"$ref": "#"}, "value": {"type": "integer"}},
    }));
    let deep = |value| (0..100).fold(json!({"value": value}), |inner, _| json!({"next": inner}));
    assert_eq!(text(&call(&router, "raw", deep(json!(1))).await), "called");
    let result = call(&router, "raw", deep(json!("1"))).await;
    assert!(text(&result).ends_with("\"1\" is not of type \"integer\""));
}

#[tokio::test]
async fn the_dialect_is_what_the_schema_says() {
    // In draft 7 what stands beside a reference is ignored.
    let schema = |dialect: Option<&str>| {
        let mut schema = json!({
            "type": "object",
            "properties": {"a": {"$ref": "#/definitions/any", "maximum": 1}},
            "definitions": {"any": {}},
        });
        if let Some(dialect) = dialect {
            schema["$schema"] = dialect.into();
        }
        schema
    };
    let seven = taking(schema(Some("http://json-schema.org/draft-07/schema#")));
    assert_eq!(text(&call(&seven, "raw", json!({"a": 2})).await), "called");
    for dialect in [None, Some("https://json-schema.org/draft/2020-12/schema")] {
        let result = call(&taking(schema(dialect)), "raw", json!({"a": 2})).await;
        assert_eq!(result["isError"], true, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_format_is_a_hint() {
    let router = taking(json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {"mail": {"type": "string", "format": "email"}},
    }));
    let result = call(&router, "raw", json!({"mail": "nobody"})).await;
    assert_eq!(text(&result), "called");
}

#[test]
fn what_is_not_in_the_schema_is_not_fetched_but_refused() {
    for reference in [
        "https://example.com/schema.json",
        "http://127.0.0.1:9/schema.json",
        "file:///etc/hostname",
        "other.json",
        "https://json-schema.org/draft/2020-12/schema",
        "#/$defs/missing",
    ] {
        let why = refusal(&taking(json!({
            "type": "object",
            "properties": {"a": {"$ref": reference}},
        })));
        assert!(why.starts_with("input: "), "{reference}: {why}");
    }
    let unknown = json!({"type": "object", "$schema": "https://example.com/own", "not": {}});
    assert!(refusal(&taking(unknown)).starts_with("input: "));
}

#[test]
fn a_schema_that_cannot_be_applied_is_refused() {
    let pattern = json!({"type": "object", "properties": {"a": {"pattern": "("}}});
    assert!(refusal(&taking(pattern.clone())).starts_with("input: "));
    assert!(refusal(&giving(pattern)).starts_with("output: "));
    let mut deep = (0..64).fold(json!({}), |inner, _| json!({"properties": {"a": inner}}));
    deep["type"] = "object".into();
    assert_eq!(
        refusal(&taking(deep)),
        "input: its schemas are nested deeper than 64"
    );
    let wide: Map<_, _> = (0..4096).map(|n| (format!("p{n}"), json!({}))).collect();
    assert_eq!(
        refusal(&taking(json!({"type": "object", "properties": wide}))),
        "input: it consists of more than 4096 schemas"
    );
}

#[tokio::test]
async fn structured_content_that_breaks_its_schema_is_the_servers_fault() {
    let router = giving(json!({"type": "object", "properties": {"n": {"maximum": 5}}}));
    let fits = call(&router, "gives", json!({"n": 5})).await;
    assert_eq!(fits["structuredContent"], json!({"n": 5}));
    assert_eq!(
        call(&router, "gives", json!({"n": 6})).await,
        json!({"error": {
            "code": -32603,
            "message": "the structured content of the result does not fit the output schema",
            "data": {"reason": "structured_content"},
        }})
    );
}

#[tokio::test]
async fn a_failure_need_not_fit_the_output_schema() {
    let router = giving(json!({"type": "object", "properties": {"n": {"maximum": 5}}}));
    let failed = call(&router, "gives", json!({"n": 6, "failed": true})).await;
    assert_eq!(failed["isError"], true);
    assert_eq!(failed["structuredContent"], json!({"n": 6, "failed": true}));
}

#[tokio::test]
async fn limits_of_a_result_type_are_enforced() {
    #[derive(serde::Serialize, schemars::JsonSchema)]
    struct Share {
        #[schemars(range(min = 0.0, max = 1.0))]
        share: f64,
    }
    let tool = Tool::new("share");
    let router =
        McpRouter::new().tool(tool.handler(async |Args(share): Args<Map<String, Value>>| {
            let share = share["share"].as_f64().unwrap();
            Json(Share { share })
        }));
    let fits = call(&router, "share", json!({"share": 0.5})).await;
    assert_eq!(fits["structuredContent"]["share"], 0.5);
    let error = call(&router, "share", json!({"share": 1.5})).await;
    assert_eq!(error["error"]["data"]["reason"], "structured_content");
}
