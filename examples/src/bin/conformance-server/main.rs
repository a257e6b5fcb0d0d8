//! What the official conformance suite expects to find on a server, name for name.
//!
//! <https://github.com/modelcontextprotocol/conformance>

mod asks;
mod content;
mod prompts;
mod resources;
mod tools;

use std::process::ExitCode;

use clap::Parser;
use mcp_core::McpRouter;
use mcp_examples::Flags;

#[tokio::main]
async fn main() -> ExitCode {
    let router = McpRouter::new()
        .server_info("conformance-server", env!("CARGO_PKG_VERSION"))
        .merge(tools::router())
        .merge(content::router())
        .merge(asks::router())
        .merge(prompts::router())
        .merge(resources::router());
    mcp_examples::serve(router, &Flags::parse()).await
}
