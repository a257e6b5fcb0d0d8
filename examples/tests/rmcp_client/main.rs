//! The official Rust client against the conformance server, over Streamable HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod calls;
mod client;
mod lists;
mod server;
mod session;
mod wire;
