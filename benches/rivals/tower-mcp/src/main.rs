//! The bench server's tools and its resource, with tower-mcp over Streamable HTTP.
//!
//! It is configured as it is by default: plain JSON, sessions in memory and without a limit.

use std::io::Write;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tower_mcp::{
    BoxError, CallToolResult, McpRouter, ToolBuilder, resource::ResourceBuilder, tool::Tool,
    transport::http::HttpTransport,
};

const TOOLS: usize = 22;
const URI: &str = "bench://fox";
const TEXT: &str = "The quick brown fox jumps over the lazy dog.";

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Echo {
    /// What to say.
    text: String,
}

fn echo(name: String, description: &str) -> Tool {
    ToolBuilder::new(name)
        .description(description)
        .handler(async |Echo { text }| Ok(CallToolResult::text(text)))
        .build()
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let fox = ResourceBuilder::new(URI).name("fox").text(TEXT);
    let router = McpRouter::new()
        .server_info("bench", "1.0.0")
        .tool(echo("echo".to_owned(), "Say it again"))
        .resource(fox);
    let router = (1..TOOLS).fold(router, |router, number| {
        router.tool(echo(format!("tool_{number}"), "Say it again, too"))
    });
    let app = HttpTransport::new(router).into_router_at("/mcp");
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "ready {}", listener.local_addr()?)?;
    out.flush()?;
    // An answer of two writes would else wait for an ACK.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}
