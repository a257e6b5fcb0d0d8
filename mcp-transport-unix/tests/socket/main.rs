//! A served socket, from its clients' side.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod credentials;
mod dialects;
mod file;
mod linger;
mod places;
mod shared;
mod support;
