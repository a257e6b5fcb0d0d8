//! Servers of one's own: on a free port, with a fresh directory, gone when they are dropped.
//!
//! They need the servers' programs on this machine. A server also ends when the process that
//! started it does, however that ends.

mod child;
mod postgres;
mod redis;
mod shared;

pub(crate) use self::shared::addresses as shared;
pub use self::{postgres::PostgresServer, redis::RedisServer};
