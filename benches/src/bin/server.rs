//! The measured server of ours.

use clap::Parser;
use mcp_benches::{catalogue, serve};
use mcp_core::BoxError;
use mcp_store_redis::RedisBackend;

/// Serves the tools of the benchmarks.
#[derive(Debug, Parser)]
struct Cli {
    /// How many tools
    #[arg(long, default_value_t = catalogue::TOOLS)]
    tools: usize,

    /// Also tools that notify
    #[arg(long)]
    notifies: bool,

    /// Where the state is, instead of in memory
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let cli = Cli::parse();
    let router = if cli.notifies {
        catalogue::router_that_notifies(cli.tools)
    } else {
        catalogue::router(cli.tools)
    };
    let backend = match cli.redis {
        Some(url) => Some(RedisBackend::connect(url).await?.into()),
        None => None,
    };
    serve::mcp(router, backend).await
}
