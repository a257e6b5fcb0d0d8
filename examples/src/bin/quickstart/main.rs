//! A small notes server: tools, resources, prompts, completion, progress, a question to the user.
//!
//! Notes live in memory. The store is `notes.rs`; what clients see of it is in `tools.rs`,
//! `resources.rs` and `prompts.rs`.

mod notes;
mod prompts;
mod resources;
#[cfg(test)]
mod tests;
mod tools;
mod welcome;

use std::process::ExitCode;

use clap::Parser;
use mcp_core::McpRouter;
use mcp_examples::Flags;

use self::notes::Notes;

#[tokio::main]
async fn main() -> ExitCode {
    mcp_examples::serve_with(router(), &Flags::parse(), welcome::print).await
}

/// Everything that the server offers.
fn router() -> McpRouter {
    McpRouter::new()
        .server_info("notes", env!("CARGO_PKG_VERSION"))
        .title("Notes")
        .instructions(
            "Notes of one user. Search before creating a note, so that nothing is noted twice.",
        )
        .merge(tools::router())
        .merge(resources::router())
        .merge(prompts::router())
        .unchanging()
        .with_state(Notes::with_samples())
}
