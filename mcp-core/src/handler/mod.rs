//! What a server's author writes.

mod context;

pub use self::context::Context;
