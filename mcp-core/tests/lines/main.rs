//! Newline-delimited JSON-RPC, through a pipe in this process.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod asks;
mod batches;
mod bounds;
mod drain;
mod ends;
mod eras;
mod framing;
mod notifications;
mod support;
