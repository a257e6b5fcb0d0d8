//! Tools that ask the client: its model, and its user.

use mcp_core::{
    Args, Context, ElicitForm, McpRouter, Tool, ToolError,
    handler::{Elicited, Sampling},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The tools.
pub(crate) fn router() -> McpRouter {
    McpRouter::new()
        .tool(
            Tool::new("test_sampling")
                .description("Asks the client's model")
                .handler(sampling),
        )
        .tool(
            Tool::new("test_elicitation")
                .description("Asks the user for name and address")
                .handler(elicitation),
        )
        .tool(
            Tool::new("test_elicitation_sep1034_defaults")
                .description("Asks the user with a form that has defaults of every kind")
                .handler(defaults),
        )
        .tool(
            Tool::new("test_elicitation_sep1330_enums")
                .description("Asks the user with a form that has enums of every kind")
                .handler(enums),
        )
}

#[derive(Deserialize, JsonSchema)]
struct Prompt {
    /// What the model is asked
    prompt: String,
}

async fn sampling(
    ctx: Context,
    Args(Prompt { prompt }): Args<Prompt>,
) -> Result<String, ToolError> {
    let answer = ctx
        .sample("answer", Sampling::new(100).user(prompt))
        .await?;
    Ok(format!("LLM response: {}", answer.text()))
}

#[derive(Deserialize, JsonSchema)]
struct Message {
    /// What the user is asked
    message: String,
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct User {
    /// User's response
    username: String,
    /// User's email address
    email: String,
}

async fn elicitation(
    ctx: Context,
    Args(Message { message }): Args<Message>,
) -> Result<String, ToolError> {
    let answer = ctx.elicit("user", ElicitForm::<User>::of(message)).await?;
    Ok(format!("User response: {}", described(&answer)?))
}

async fn defaults(ctx: Context) -> Result<String, ToolError> {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "description": "User name", "default": "John Doe" },
            "age": { "type": "integer", "description": "User age", "default": 30 },
            "score": { "type": "number", "description": "User score", "default": 95.5 },
            "status": {
                "type": "string",
                "description": "User status",
                "enum": ["active", "inactive", "pending"],
                "default": "active",
            },
            "verified": {
                "type": "boolean",
                "description": "Verification status",
                "default": true,
            },
        },
        "required": [],
    });
    ask(&ctx, "Please review the defaults", schema).await
}

async fn enums(ctx: Context) -> Result<String, ToolError> {
    let titled = json!([
        { "const": "value1", "title": "First option" },
        { "const": "value2", "title": "Second option" },
        { "const": "value3", "title": "Third option" },
    ]);
    let untitled = json!(["option1", "option2", "option3"]);
    let schema = json!({
        "type": "object",
        "properties": {
            "untitledSingle": { "type": "string", "enum": untitled },
            "titledSingle": { "type": "string", "oneOf": titled },
            "legacyEnum": {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option one", "Option two", "Option three"],
            },
            "untitledMulti": {
                "type": "array",
                "items": { "type": "string", "enum": untitled },
            },
            "titledMulti": { "type": "array", "items": { "anyOf": titled } },
        },
        "required": [],
    });
    ask(&ctx, "Please choose", schema).await
}

/// Asks with a schema as it stands.
async fn ask(ctx: &Context, message: &str, schema: Value) -> Result<String, ToolError> {
    let answer = ctx
        .elicit("form", ElicitForm::with_schema(message, schema))
        .await?;
    Ok(format!("Elicitation completed: {}", described(&answer)?))
}

fn described<T: Serialize>(answer: &Elicited<T>) -> Result<String, serde_json::Error> {
    let (action, content) = match answer {
        Elicited::Accepted(content) => ("accept", serde_json::to_string(content)?),
        Elicited::Declined => ("decline", "{}".to_owned()),
        Elicited::Cancelled => ("cancel", "{}".to_owned()),
    };
    Ok(format!("action={action}, content={content}"))
}
