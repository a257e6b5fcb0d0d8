//! What the stores do in a second, beside a bare round trip to the same server.
//!
//! ```console
//! $ cargo run --release --package mcp-benches --bin stores
//! ```
//!
//! Redis and PostgreSQL are private servers on loopback, started here and gone afterwards. Figures
//! are good for comparing rows of one run, not for comparing machines.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::future_not_send,
    reason = "everything is polled by the one task of `main`"
)]

mod delivery;
mod operations;
mod round_trip;

use clap::Parser;
use mcp_core::{
    BoxError,
    store::{MemoryEventStore, MemorySessionStore},
};
use mcp_store_postgres::PostgresBackend;
use mcp_store_redis::RedisBackend;
use mcp_testkit::server::{PostgresServer, RedisServer};

/// Measures the stores.
#[derive(Debug, Parser)]
struct Cli {
    /// How often each operation is done
    #[arg(long, default_value_t = 5000)]
    times: usize,

    /// How many tasks do it at once
    #[arg(long, default_value_t = 8)]
    tasks: usize,

    /// Says when each event of a backend arrives; for the process that this one starts
    #[arg(long, hide = true, value_name = "URL")]
    hear: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let cli = Cli::parse();
    if let Some(url) = &cli.hear {
        return delivery::hear(url).await;
    }
    println!("{} of each, {} at once\n", cli.times, cli.tasks);
    operations::header();
    let memory = (MemorySessionStore::new(), MemoryEventStore::new());
    operations::measure("memory", &memory.0, &memory.1, &cli).await?;

    let redis = RedisServer::start()?;
    round_trip::redis(redis.addr(), &cli).await?;
    let store = RedisBackend::connect(redis.url()).await?;
    operations::measure("redis", &store, &store, &cli).await?;
    delivery::measure("redis", &redis.url(), &cli).await?;

    let postgres = PostgresServer::start()?;
    round_trip::postgres(&postgres.url(), &cli).await?;
    let store = Box::pin(PostgresBackend::connect(postgres.url())).await?;
    operations::measure("postgres", &store, &store, &cli).await?;
    delivery::measure("postgres", &postgres.url(), &cli).await
}
