//! The server between a transport and the handlers, driven in process.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]
#![expect(
    clippy::unnecessary_wraps,
    reason = "helpers have the types of what they stand for"
)]

mod ask;
mod catalogue;
mod closing;
mod eras;
mod handle;
mod in_rounds;
mod initialize;
mod instances;
mod lost;
mod notification;
mod session_data;
mod stream;
mod support;
mod traffic;
mod upkeep;
