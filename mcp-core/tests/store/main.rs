//! What the in-memory stores promise, one fact at a time.
//!
//! Each test names its promise by id, as the store traits do.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]
#![expect(
    clippy::unchecked_time_subtraction,
    reason = "the last moment before a deadline"
)]

mod event;
mod event_end;
mod notify;
mod reader;
mod tail;
