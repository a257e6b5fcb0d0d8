//! Tools that show where a call runs, what it says meanwhile, and what a session remembers.

use std::time::Duration;

use mcp_core::{Args, Context, ElicitForm, McpRouter, Tool, ToolError, handler::Sampling};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) fn router() -> McpRouter {
    McpRouter::new()
        .tool(Tool::new("echo").description("Says it back").handler(echo))
        .tool(
            Tool::new("count")
                .description("Counts with progress, then lists what it counted")
                .handler(count),
        )
        .tool(Tool::new("ask").description("Asks the user").handler(ask))
        .tool(
            Tool::new("think")
                .description("Asks the client's model")
                .handler(think),
        )
        .tool(
            Tool::new("remember")
                .description("Remembers a value for this session")
                .handler(remember),
        )
        .tool(
            Tool::new("recall")
                .description("Recalls what was remembered")
                .handler(recall),
        )
        .tool(
            Tool::new("sleep")
                .description("Says nothing for a while")
                .handler(sleep),
        )
        .tool(
            Tool::new("whoami")
                .description("Names the instance that answers")
                .handler(whoami),
        )
}

#[derive(Deserialize, JsonSchema)]
struct Echo {
    text: String,
}

async fn echo(Args(Echo { text }): Args<Echo>) -> String {
    text
}

#[derive(Deserialize, JsonSchema)]
struct Count {
    /// How far to count
    n: u32,
    /// Milliseconds between two numbers
    #[serde(default)]
    every_ms: u64,
}

async fn count(ctx: Context, Args(Count { n, every_ms }): Args<Count>) -> String {
    let mut counted = Vec::new();
    for number in 1..=n {
        pause(every_ms).await;
        ctx.progress(f64::from(number), Some(f64::from(n)), None)
            .await;
        counted.push(number.to_string());
    }
    counted.join(",")
}

#[derive(Deserialize, JsonSchema)]
struct Ask {
    question: String,
}

#[derive(Deserialize, JsonSchema)]
struct Answer {
    answer: String,
}

async fn ask(ctx: Context, Args(Ask { question }): Args<Ask>) -> Result<String, ToolError> {
    let form = ElicitForm::<Answer>::of(question);
    Ok(ctx.elicit("answer", form).await?.accepted()?.answer)
}

#[derive(Deserialize, JsonSchema)]
struct Think {
    prompt: String,
}

async fn think(ctx: Context, Args(Think { prompt }): Args<Think>) -> Result<String, ToolError> {
    let request = Sampling::new(256).user(prompt);
    Ok(ctx.sample("thought", request).await?.text())
}

#[derive(Deserialize, JsonSchema)]
struct Remember {
    key: String,
    value: String,
}

async fn remember(
    ctx: Context,
    Args(Remember { key, value }): Args<Remember>,
) -> Result<&'static str, ToolError> {
    ctx.session_data().set(&key, &value).await?;
    Ok("remembered")
}

#[derive(Deserialize, JsonSchema)]
struct Recall {
    key: String,
}

async fn recall(ctx: Context, Args(Recall { key }): Args<Recall>) -> Result<String, ToolError> {
    let value: Option<String> = ctx.session_data().get(&key).await?;
    value.ok_or_else(|| ToolError::new("nothing is remembered under this key"))
}

#[derive(Deserialize, JsonSchema)]
struct Sleep {
    /// Milliseconds
    ms: u64,
}

async fn sleep(Args(Sleep { ms }): Args<Sleep>) -> &'static str {
    pause(ms).await;
    "awake"
}

async fn whoami(ctx: Context) -> String {
    ctx.instance().map(ToString::to_string).unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "these tools take as long as their caller says"
)]
async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
