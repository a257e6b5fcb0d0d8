//! What a request costs a server, beside bare axum handlers that do the same.
//!
//! ```console
//! $ cargo build --release --package mcp-benches
//! $ cargo run --release --package mcp-benches --bin speed
//! $ cargo run --release --package mcp-benches --bin speed -- --count
//! $ cargo run --release --package mcp-benches --bin speed -- --count --check benches/instructions.txt
//! $ cargo run --release --package mcp-benches --bin speed -- --all --rivals
//! $ cargo run --release --package mcp-benches --bin speed -- --build --rivals
//! ```
//!
//! Without flags, servers run on one core and the load on another, in short rounds by turns; the
//! figures are medians, and their ratios are what compares. `--count` counts instructions and heap
//! allocations under valgrind instead: a few thousand requests, and figures that repeat.

#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod answer;
mod baseline;
mod client;
mod connection;
mod count;
mod everything;
mod fanout;
mod footprint;
mod load;
mod redis;
mod rivals;
mod sessions;
mod subject;
mod table;

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use mcp_benches::work::Work;
use mcp_core::BoxError;

use crate::baseline::Baseline;

/// Measures what a request costs.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Cli {
    /// What to measure, instead of everything
    #[arg(long, value_enum)]
    work: Vec<Work>,

    /// Connections at once, each with a session of its own
    #[arg(long, default_value_t = 32)]
    connections: usize,

    /// Rounds; every server has its turn in each
    #[arg(long, default_value_t = 9)]
    rounds: usize,

    /// Milliseconds of one turn
    #[arg(long, default_value_t = 500)]
    turn: u64,

    /// Count instructions and allocations under valgrind, instead of measuring time
    #[arg(long)]
    count: bool,

    /// Measure everything, also memory, sessions and allocations, and print one table
    #[arg(long, conflicts_with = "count")]
    all: bool,

    /// Build programs from nothing and weigh them, which takes minutes
    #[arg(long, conflicts_with = "count")]
    build: bool,

    /// Measure what it costs to tell everyone of one change
    #[arg(long, conflicts_with = "count")]
    fan_out: bool,

    /// With `--fan-out` or `--all`, how many listen
    #[arg(long, default_value_t = 10_000)]
    listeners: usize,

    /// Measure calls whose state is in Redis, beside those in memory
    #[arg(long, conflicts_with = "count")]
    redis: bool,

    /// Measure other toolkits in the same rounds; builds them first
    #[arg(long)]
    rivals: bool,

    /// With `--count`, leave the profiles in this folder, for `callgrind_annotate`
    #[arg(long, requires = "count")]
    profiles: Option<PathBuf>,

    /// With `--count`, fail when ours needs over 3 % more instructions than this file says
    #[arg(long, requires = "count")]
    check: Option<PathBuf>,

    /// With `--count`, write what ours needs into this file
    #[arg(long, requires = "count", conflicts_with = "check")]
    write: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let cli = Cli::parse();
    // What many listeners cost in time is measured with more of them, and by itself.
    let more: &[_] = if cli.count {
        &[Work::Session, Work::FanOut]
    } else {
        &[Work::Session]
    };
    let works = match (cli.work.is_empty(), cli.all || cli.count) {
        (false, _) => cli.work.clone(),
        (true, false) => Work::ALL.to_vec(),
        (true, true) => Work::ALL.into_iter().chain(more.iter().copied()).collect(),
    };
    if cli.build {
        footprint::run(cli.rivals)?;
        if !cli.all {
            return Ok(());
        }
    }
    let mut subjects = subject::ours()?;
    if cli.rivals {
        subjects.extend(rivals::build()?);
    }
    if cli.count {
        let baseline = match (cli.check, cli.write) {
            (Some(file), _) => Baseline::Check(file),
            (None, Some(file)) => Baseline::Write(file),
            (None, None) => Baseline::None,
        };
        return count::run(&works, &subjects, cli.profiles.as_deref(), &baseline).await;
    }
    let plan = load::Plan {
        connections: cli.connections,
        rounds: cli.rounds,
        turn: Duration::from_millis(cli.turn),
    };
    if cli.all {
        everything::run(&works, &subjects, &plan).await?;
    }
    if cli.all || cli.fan_out {
        fanout::run(&subjects, cli.listeners, cli.rounds).await?;
    }
    if cli.all || cli.redis {
        redis::run(&subjects, &plan).await?;
    }
    if cli.all || cli.fan_out || cli.redis {
        return Ok(());
    }
    load::run(&works, &subjects, &plan).await
}
