//! The four stores in this process's memory: the default, and the model of every other store.
//!
//! A clone shares the state of its original, so two clones behave like two processes on one
//! store. Nothing here waits, sleeps or runs in the background: what has expired is noticed when it
//! is asked for, and freed by `sweep` and, a little, by every write that adds something.
//!
//! ```
//! use std::sync::Arc;
//!
//! use mcp_core::{
//!     clock::{ManualClock, Timestamp},
//!     store::{MemorySessionStore, SessionStore},
//! };
//!
//! let clock = ManualClock::starting_at(Timestamp::from_millis(0));
//! let here = MemorySessionStore::with_clock(Arc::new(clock.clone()));
//! let there: Arc<dyn SessionStore> = Arc::new(here.clone());
//! # drop(there);
//! ```

mod event;
mod lease;
mod log;
mod notify;
mod session;
mod shard;

pub use self::{
    event::MemoryEventStore, lease::MemoryLeaseStore, notify::MemoryNotifier,
    session::MemorySessionStore,
};
