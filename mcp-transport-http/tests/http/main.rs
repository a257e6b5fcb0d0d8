//! The HTTP transport as its clients see it: one process, real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod stream;
mod support;
