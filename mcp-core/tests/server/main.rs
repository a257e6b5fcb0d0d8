//! The server between a transport and the handlers, driven in process.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod ask;
mod catalogue;
mod initialize;
mod notification;
mod session_data;
mod support;
mod upkeep;
