//! What the official conformance suite expects to find on a server, name for name.
//!
//! <https://github.com/modelcontextprotocol/conformance>

mod asks;
mod changes;
mod content;
mod prompts;
mod resources;
mod rounds;
mod tools;

use std::process::ExitCode;

use clap::Parser;
use mcp_core::{McpRouter, server::ServerBuilder};
use mcp_examples::Flags;

#[tokio::main]
async fn main() -> ExitCode {
    let router = McpRouter::new()
        .server_info("conformance-server", env!("CARGO_PKG_VERSION"))
        .merge(tools::router())
        .merge(content::router())
        .merge(asks::router())
        .merge(rounds::router())
        .merge(changes::router())
        .merge(prompts::router())
        .merge(resources::router());
    let server = ServerBuilder::from(router).on_catalogue(changes::apply);
    mcp_examples::serve(server, &Flags::parse()).await
}
