//! Clients whose traffic can be checked, for instances that are being killed, drained and restarted
//! and a store that comes and goes.
//!
//! ```console
//! $ cargo run --bin chaos-client -- --url http://127.0.0.1:3001/mcp --url http://127.0.0.1:3002/mcp
//! ```
//!
//! It works until its input ends. Each line of the input is a word on what is being done to the
//! servers, see [`weather`]; what no such word explains counts against them. The last line of its
//! output is what it saw, as JSON.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its user"
)]

mod follow;
mod legacy;
mod listening;
mod modern;
mod random;
mod session;
mod sse;
mod tally;
mod weather;
mod wire;

use std::{
    io::{BufRead as _, stdin},
    process::ExitCode,
    sync::Arc,
    thread,
};

use clap::Parser;
use futures_util::future::{BoxFuture, join_all};

use crate::{legacy::Legacy, modern::Modern, random::Random, weather::Word, wire::World};

/// Clients whose traffic can be checked
#[derive(Debug, Parser)]
struct Flags {
    /// Where the servers are: a proxy, or every instance, of which each request takes the next
    #[arg(long = "url", value_name = "URL", required = true)]
    urls: Vec<String>,

    /// How many clients with sessions, and as many without
    #[arg(long, default_value_t = 8)]
    clients: u64,

    /// What chance follows from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let world = match World::new(flags.urls) {
        Ok(world) => Arc::new(world),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    listen_to_input(&world);
    let mut clients: Vec<BoxFuture<'_, ()>> = Vec::new();
    for number in 0..flags.clients {
        let random = |kind| Random::new(flags.seed ^ (number << 8) ^ kind);
        clients.push(Box::pin(Legacy::run(&world, number, random(1))));
        clients.push(Box::pin(Modern::run(&world, number, random(2))));
    }
    join_all(clients).await;
    println!("{}", world.tally.report());
    if world.tally.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Notes every line of the input; its end is the end of the work.
fn listen_to_input(world: &Arc<World>) {
    let world = Arc::clone(world);
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            match line.parse::<Word>() {
                Ok(said) => world.weather.note(said),
                Err(error) => eprintln!("{line}: {error}"),
            }
        }
        world.weather.note(Word::End);
    });
}
