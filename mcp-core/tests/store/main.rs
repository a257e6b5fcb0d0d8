//! What is special about the stores in memory, and how a [`Tail`](mcp_core::store::Tail) reads.
//!
//! What every store promises is checked by the cases of `mcp-testkit`, on these as on all others.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]
#![expect(
    clippy::unchecked_time_subtraction,
    reason = "the last moment before a deadline"
)]

mod caching;
mod event;
mod notify;
mod tail;
