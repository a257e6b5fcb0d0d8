//! What a cache before a store may answer, and what not.

mod event;
mod session;
