//! What changes while the server runs: tools that are added, resources that get new content.

use mcp_core::{
    Args, BoxError, Context, McpRouter, ResourceTemplate, Tool, ToolError, handler::ResourceUri,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(crate) fn router() -> McpRouter {
    McpRouter::new()
        .tool(
            Tool::new("grow")
                .description("Adds a tool on every instance")
                .handler(add),
        )
        .tool(
            Tool::new("publish")
                .description("Says on every instance that a resource has new content")
                .handler(publish),
        )
        .resource_template(
            ResourceTemplate::new("mem://{name}", "anything")
                .description("A resource of any name")
                .handler(read),
        )
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Grow {
    /// The name of the tool to add
    name: String,
}

async fn add(ctx: Context, Args(grow): Args<Grow>) -> Result<String, ToolError> {
    ctx.change_catalogue(&grow).await?;
    Ok(format!("{} is being added", grow.name))
}

/// The router after a change; the same change twice changes nothing.
pub(crate) fn grow(present: &McpRouter, payload: &RawValue) -> Result<McpRouter, BoxError> {
    let Grow { name } = serde_json::from_str(payload.get())?;
    if present.freeze()?.tools().any(|tool| tool.name == name) {
        return Ok(present.clone());
    }
    let tool = Tool::new(name).description("Added while the server runs");
    Ok(present.clone().tool(tool.handler(grown)))
}

async fn grown() -> &'static str {
    "grown"
}

#[derive(Deserialize, JsonSchema)]
struct Publish {
    /// The resource that has new content
    uri: String,
}

async fn publish(ctx: Context, Args(Publish { uri }): Args<Publish>) -> &'static str {
    ctx.resource_updated(&uri).await;
    "published"
}

async fn read(ResourceUri(uri): ResourceUri) -> String {
    format!("This is {uri}.")
}
