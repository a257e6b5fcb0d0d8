//! What many instances on one store cost and how fast they hear of each other.
//!
//! ```console
//! $ cargo run --release --package mcp-benches --bin cluster
//! ```
//!
//! Every instance is a process of its own; Redis and PostgreSQL are private servers on loopback,
//! started here and gone afterwards.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]

mod latency;
mod memory;
mod node;
mod outage;
mod store;
mod traffic;

use std::time::Duration;

use clap::{Parser, ValueEnum};
use mcp_core::BoxError;
use tokio::time::Instant;

use crate::store::Store;

/// Measures instances that share a store.
#[derive(Debug, Parser)]
struct Cli {
    /// What to measure, instead of everything
    #[arg(value_enum)]
    what: Vec<What>,

    /// How often something is published
    #[arg(long, default_value_t = 500)]
    publishes: u32,

    /// Idle sessions in one instance
    #[arg(long, default_value_t = 100_000)]
    sessions: u32,

    /// Open streams of one instance
    #[arg(long, default_value_t = 5_000)]
    streams: u32,

    /// Seconds that the store is away
    #[arg(long, default_value_t = 30)]
    away: u64,

    /// Be an instance instead: on `memory`, a URL, or `bare` axum
    #[arg(long, hide = true, value_name = "URL")]
    serve: Option<String>,
}

/// What there is to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// From a publication at one instance to the client of another
    Latency,
    /// Resident memory of idle sessions
    Sessions,
    /// Resident memory of open streams, and what the store hears while they are silent
    Streams,
    /// Calls while the store is away, and after it
    Outage,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let cli = Cli::parse();
    if let Some(url) = &cli.serve {
        return node::serve(url).await;
    }
    let wanted = |what| cli.what.is_empty() || cli.what.contains(&what);
    if wanted(What::Latency) {
        for mut store in [Store::redis()?, Store::postgres()?] {
            latency::measure(&mut store, &cli).await?;
        }
    }
    if wanted(What::Sessions) {
        memory::sessions("memory", &Store::Memory, &cli).await?;
        memory::sessions("redis", &Store::redis()?, &cli).await?;
    }
    if wanted(What::Streams) {
        memory::streams(&cli).await?;
        for store in [Store::redis()?, Store::postgres()?] {
            traffic::measure(&store, &cli).await?;
        }
    }
    if wanted(What::Outage) {
        for mut store in [Store::durable_redis()?, Store::postgres()?] {
            outage::measure(&mut store, &cli).await?;
        }
    }
    Ok(())
}

pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
