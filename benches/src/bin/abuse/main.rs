//! What clients that mean harm cost the others: how long honest calls wait, and what memory is left in use.
//!
//! ```console
//! $ cargo run --release --package mcp-benches --bin abuse
//! ```
//!
//! The server is a process of its own with the limits that every server has, and the allocator of the example
//! servers. It fails when honest calls fail, when their p99 is more than twice what it was before, or when more
//! than 10 % and 32 MiB of memory stay in use.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]

mod harmful;
mod honest;

use std::{future, net::SocketAddr, time::Duration};

use clap::Parser;
use mcp_benches::{
    catalogue,
    process::{Process, nice, pin},
    serve,
};
use mcp_core::{BoxError, Context, McpRouter, Tool};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MEBIBYTE: u64 = 1 << 20;
/// What may stay in use, beside a tenth of what was.
const LEFT: u64 = 32 * MEBIBYTE;
/// How long the server is given to notice that those have gone who meant harm; the others stay.
const AFTERWARDS: Duration = Duration::from_secs(30);

/// The server and the honest clients have a core, and those who mean harm another one: what they do
/// themselves is no work of the server's.
const HONEST_CORE: usize = 0;
const HARMFUL_CORE: usize = 1;

/// Who measures has precedence on the core: else an answer that is there would wait for the end of the
/// server's time slice, which is longer than most calls.
const PRECEDENCE: i32 = -20;

/// Measures what abuse costs.
#[derive(Debug, Parser)]
struct Cli {
    /// Connections that mean harm
    #[arg(long, default_value_t = 2_000)]
    harmful: u32,

    /// Connections that call `echo`, ten times a second each
    #[arg(long, default_value_t = 32)]
    honest: usize,

    /// Seconds of abuse, and of calm before it
    #[arg(long, default_value_t = 120)]
    seconds: u64,

    /// Be the server instead
    #[arg(long, hide = true, value_name = "WHAT")]
    serve: Option<String>,

    /// Be those who mean harm to this server instead, until standard input ends
    #[arg(long, hide = true, value_name = "ADDR")]
    harm: Option<SocketAddr>,
}

fn main() -> Result<(), BoxError> {
    let cli = Cli::parse();
    // Before there are threads: they all stay where this one is.
    let measures = cli.serve.is_none() && cli.harm.is_none();
    pin(if cli.harm.is_some() {
        HARMFUL_CORE
    } else {
        HONEST_CORE
    })?;
    if let Err(error) = nice(if measures { PRECEDENCE } else { 0 }) {
        println!("what waits for the core is counted, too: no precedence ({error})");
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().build()?.block_on(run(cli))
}

async fn run(cli: Cli) -> Result<(), BoxError> {
    if cli.serve.is_some() {
        return serve::mcp(router(), None).await;
    }
    if let Some(addr) = cli.harm {
        return harmful::until_told(addr, cli.harmful).await;
    }
    let server = Process::serve("mcp")?;
    let time = Duration::from_secs(cli.seconds);
    let calm = honest::calls(server.addr(), cli.honest, time / 4).await?;
    let before = server.resident()?;
    println!("before: {calm}, {} MiB in use", before / MEBIBYTE);

    let harm = harmful::Elsewhere::begin(server.addr(), cli.harmful)?;
    pause(harmful::GATHERING).await;
    let stirred = honest::calls(server.addr(), cli.honest, time).await?;
    let during = server.resident()?;
    println!("during: {stirred}, {} MiB in use", during / MEBIBYTE);
    println!("        {}", harm.end()?);

    let calmed = honest::calls(server.addr(), cli.honest, AFTERWARDS).await?;
    let after = server.resident()?;
    let ratio = stirred.p99.as_secs_f64() / calm.p99.as_secs_f64();
    println!("after:  {calmed}, {} MiB in use", after / MEBIBYTE);
    println!("p99 was {ratio:.2} times as long under abuse");
    if after > before + before / 10 + LEFT {
        return Err("too much memory is still in use".into());
    }
    if ratio > 2.0 {
        return Err("honest clients waited too long".into());
    }
    Ok(())
}

/// `echo`, and `flood`, which says more than sockets hold and then waits until it is dropped.
fn router() -> McpRouter {
    catalogue::router(1).tool(Tool::new("flood").handler(flood))
}

async fn flood(ctx: Context) -> &'static str {
    let text = "x".repeat(4096);
    for _ in 0..200 {
        ctx.progress(1.0, None, text.as_str()).await;
        tokio::task::yield_now().await;
    }
    future::pending().await
}

fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
