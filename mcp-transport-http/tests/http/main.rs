//! The HTTP transport as its clients see it: one process, real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod auth;
mod bad_input;
mod batches;
mod both_eras;
mod cancel;
mod counted;
mod drain;
mod gate;
mod get_stream;
mod headers;
mod hostile;
mod linger;
mod mirrored;
mod origin;
mod place;
mod resume;
mod revisions;
mod serving;
mod session_life;
mod sessionless;
mod sessions;
mod sessions_off;
mod stream;
mod support;
mod unknown_session;
