//! Stores that answer from memory for a moment, each exact about for how long.

mod event;
mod kept;
mod session;

pub use self::{event::CachingEventStore, session::CachingSessionStore};
