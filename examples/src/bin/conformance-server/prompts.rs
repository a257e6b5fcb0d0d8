//! Prompts with every kind of content, and completion.

use mcp_core::{
    Args, McpRouter, Prompt,
    handler::CompletionRequest,
    protocol::{ContentBlock, PromptMessage, ResourceContents},
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::content::PNG;

/// The prompts.
pub(crate) fn router() -> McpRouter {
    McpRouter::new()
        .prompt(
            Prompt::new("test_simple_prompt")
                .description("Has no arguments")
                .handler(simple),
        )
        .prompt(
            Prompt::new("test_prompt_with_arguments")
                .description("Has two arguments")
                .handler(with_arguments)
                .complete("arg1", complete)
                .complete("arg2", complete),
        )
        .prompt(
            Prompt::new("test_prompt_with_embedded_resource")
                .description("Contains a resource")
                .handler(with_embedded_resource),
        )
        .prompt(
            Prompt::new("test_prompt_with_image")
                .description("Contains a picture")
                .handler(with_image),
        )
}

async fn simple() -> &'static str {
    "This is a simple prompt for testing."
}

#[derive(Deserialize, JsonSchema)]
struct TwoArguments {
    /// First argument
    arg1: String,
    /// Second argument
    arg2: String,
}

async fn with_arguments(Args(TwoArguments { arg1, arg2 }): Args<TwoArguments>) -> String {
    format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
}

async fn complete(wanted: CompletionRequest) -> Vec<&'static str> {
    ["testValue1", "testValue2"]
        .into_iter()
        .filter(|value| value.starts_with(&wanted.value))
        .collect()
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WhichResource {
    /// URI of the resource to embed
    resource_uri: String,
}

async fn with_embedded_resource(Args(which): Args<WhichResource>) -> Vec<PromptMessage> {
    let contents =
        ResourceContents::text(which.resource_uri, "Embedded resource content for testing.");
    vec![
        PromptMessage::user(ContentBlock::embedded(contents.mime_type("text/plain"))),
        PromptMessage::user("Please process the embedded resource above."),
    ]
}

async fn with_image() -> Vec<PromptMessage> {
    vec![
        PromptMessage::user(ContentBlock::image(PNG, "image/png")),
        PromptMessage::user("Please analyze the image above."),
    ]
}
