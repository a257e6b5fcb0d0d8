//! One of several instances of a server: tools that show what instances share.
//!
//! ```console
//! $ cargo run --bin cluster-node -- --listen 127.0.0.1:3001 --backend redis://127.0.0.1/0
//! $ cargo run --bin cluster-node -- --listen 127.0.0.1:3002 --backend redis://127.0.0.1/0
//! ```

mod catalogue;
mod tools;

use std::process::ExitCode;

use clap::Parser;
use mcp_core::{McpRouter, server::ServerBuilder};
use mcp_examples::Flags;

#[tokio::main]
async fn main() -> ExitCode {
    let router = McpRouter::new()
        .server_info("cluster-node", env!("CARGO_PKG_VERSION"))
        .merge(tools::router())
        .merge(catalogue::router());
    let server = ServerBuilder::from(router).on_catalogue(catalogue::grow);
    mcp_examples::serve(server, &Flags::parse()).await
}
