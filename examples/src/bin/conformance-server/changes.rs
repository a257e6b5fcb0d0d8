//! A catalogue that changes while the server runs: an extra tool and an extra prompt come and go.

use mcp_core::{BoxError, Context, McpRouter, Prompt, Tool, ToolError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What both the extra tool and the extra prompt are called.
const EXTRA: &str = "test_extra";

/// The tools that change the catalogue.
pub(crate) fn router() -> McpRouter {
    McpRouter::new()
        .tool(
            Tool::new("test_trigger_tool_change")
                .description("Adds a tool, or takes it away again")
                .handler(trigger_tool_change),
        )
        .tool(
            Tool::new("test_trigger_prompt_change")
                .description("Adds a prompt, or takes it away again")
                .handler(trigger_prompt_change),
        )
}

/// What comes or goes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Tool,
    Prompt,
}

async fn trigger_tool_change(ctx: Context) -> Result<&'static str, ToolError> {
    ctx.change_catalogue(&Change::Tool).await?;
    Ok("The list of tools changes.")
}

async fn trigger_prompt_change(ctx: Context) -> Result<&'static str, ToolError> {
    ctx.change_catalogue(&Change::Prompt).await?;
    Ok("The list of prompts changes.")
}

/// The router after a change.
pub(crate) fn apply(present: &McpRouter, payload: &RawValue) -> Result<McpRouter, BoxError> {
    let change: Change = serde_json::from_str(payload.get())?;
    let catalogue = present.freeze()?;
    let router = present.clone();
    Ok(match change {
        Change::Tool if catalogue.tools().any(|tool| tool.name == EXTRA) => {
            router.without_tool(EXTRA)
        }
        Change::Tool => {
            let tool = Tool::new(EXTRA).description("Comes and goes");
            router.tool(tool.handler(extra))
        }
        Change::Prompt if catalogue.prompts().any(|prompt| prompt.name == EXTRA) => {
            router.without_prompt(EXTRA)
        }
        Change::Prompt => {
            let prompt = Prompt::new(EXTRA).description("Comes and goes");
            router.prompt(prompt.handler(extra))
        }
    })
}

async fn extra() -> &'static str {
    "This comes and goes."
}
