//! Tools about the course of a call: plain, failing, with progress, with log lines, cut off; and
//! those whose input schemas say more than types can.

use std::time::Duration;

use mcp_core::{
    Args, Context, McpRouter, Tool, ToolError, handler::RawArgs, protocol::LoggingLevel,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Between two messages of one call.
const STEP: Duration = Duration::from_millis(50);
/// From the cut of the stream to the result.
const AWAY: Duration = Duration::from_millis(100);
/// What the client is told to wait before it comes back.
const RETRY: Duration = Duration::from_millis(500);

/// The tools.
pub(crate) fn router() -> McpRouter {
    calls().merge(schemas())
}

fn calls() -> McpRouter {
    McpRouter::new()
        .tool(
            Tool::new("test_simple_text")
                .description("Answers with a text")
                .handler(simple_text),
        )
        .tool(
            Tool::new("test_error_handling")
                .description("Fails, as a result that the model can read")
                .handler(error_handling),
        )
        .tool(
            Tool::new("test_tool_with_progress")
                .description("Reports progress three times")
                .handler(with_progress),
        )
        .tool(
            Tool::new("test_tool_with_logging")
                .description("Sends three log lines")
                .handler(with_logging),
        )
        .tool(
            Tool::new("test_logging_tool")
                .description("Sends a log line to a client that wants it")
                .handler(logging),
        )
        .tool(
            Tool::new("test_reconnection")
                .description("Ends the stream before the result, which a reconnected client gets")
                .handler(reconnection),
        )
}

fn schemas() -> McpRouter {
    McpRouter::new()
        .tool(
            Tool::new("json_schema_2020_12_tool")
                .description("Has an input schema with keywords of JSON Schema 2020-12")
                .input_schema(schema_2020_12())
                .handler(json_schema),
        )
        .tool(
            Tool::new("test_custom_header")
                .description("Has an argument that the client repeats in a header")
                .input_schema(json!({
                    "type": "object",
                    "properties": { "value": { "type": "string", "x-mcp-header": "Value" } },
                    "required": ["value"],
                }))
                .handler(custom_header),
        )
}

async fn simple_text() -> &'static str {
    "This is a simple text response for testing."
}

async fn error_handling() -> Result<(), ToolError> {
    Err(ToolError::new(
        "This tool intentionally returns an error for testing",
    ))
}

async fn with_progress(ctx: Context) -> &'static str {
    for progress in [0.0, 50.0, 100.0] {
        ctx.progress(progress, Some(100.0), None).await;
        pause(STEP).await;
    }
    "Three progress notifications were sent."
}

async fn with_logging(ctx: Context) -> &'static str {
    for line in [
        "Tool execution started",
        "Tool processing data",
        "Tool execution completed",
    ] {
        ctx.log(LoggingLevel::Info, None, line).await;
        pause(STEP).await;
    }
    "Three log lines were sent."
}

async fn logging(ctx: Context) -> &'static str {
    ctx.log(LoggingLevel::Info, None, "Tool execution started")
        .await;
    "A log line was sent if the client wanted it."
}

async fn reconnection(ctx: Context) -> &'static str {
    ctx.disconnect(RETRY);
    pause(AWAY).await;
    "The result was delivered to a client that came back."
}

async fn json_schema(_arguments: RawArgs) -> &'static str {
    "The arguments are not looked at."
}

#[derive(Deserialize, JsonSchema)]
struct CustomHeader {
    value: String,
}

async fn custom_header(Args(CustomHeader { value }): Args<CustomHeader>) -> String {
    format!("The value is {value:?}.")
}

#[expect(clippy::disallowed_methods, reason = "the suite watches the time pass")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

fn schema_2020_12() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {
                    "street": { "type": "string" },
                    "city": { "type": "string" },
                },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [
            { "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] },
        ],
        "if": {
            "properties": { "contactMethod": { "const": "phone" } },
            "required": ["contactMethod"],
        },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}
