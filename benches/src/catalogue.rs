//! The server that is measured: `echo`, one resource, and as many tools as one likes.

use mcp_core::{
    Args, Context, McpRouter, Tool,
    handler::{Resource, ResourceRoute},
};

/// How many tools the servers list.
pub const TOOLS: usize = 22;

/// The address of the resource that every server has.
pub const URI: &str = "bench://fox";

/// How often the tool `steps` says how far it is.
pub const STEPS: u32 = 10;

/// The text of the resource that every server has.
pub const RESOURCE: &str = "The quick brown fox jumps over the lazy dog.";

/// What `echo` is given.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub struct Echo {
    /// What to say.
    text: String,
}

async fn echo(Args(Echo { text }): Args<Echo>) -> String {
    text
}

/// A router with `tools` tools, the first of which is `echo`.
pub fn router(tools: usize) -> McpRouter {
    let router = McpRouter::new()
        .server_info("bench", "1.0.0")
        .tool(Tool::new("echo").description("Say it again").handler(echo))
        .resource(resource());
    (1..tools).fold(router, |router, number| {
        let tool = Tool::new(format!("tool_{number}"));
        router.tool(tool.description("Say it again, too").handler(echo))
    })
}

/// The same with two tools more: `change` says that the resource has new content, and `steps` says
/// how far it is before it answers.
pub fn router_that_notifies(tools: usize) -> McpRouter {
    router(tools)
        .tool(Tool::new("change").handler(change))
        .tool(Tool::new("steps").handler(steps))
}

async fn change(ctx: Context) -> String {
    ctx.resource_updated(URI).await;
    "changed".to_owned()
}

async fn steps(ctx: Context) -> String {
    for step in 1..=STEPS {
        ctx.progress(f64::from(step), Some(f64::from(STEPS)), "on the way")
            .await;
    }
    "hello, world".to_owned()
}

fn resource() -> ResourceRoute<()> {
    Resource::new(URI, "fox").handler(async || RESOURCE)
}
