//! The types of the messages against what goes over the wire.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, helpers included"
)]

mod built;
mod downgrade;
mod examples;
mod golden;
mod leniency;
mod official;
mod samples;
mod sessionless;
