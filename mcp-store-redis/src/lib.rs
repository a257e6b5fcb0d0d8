//! The stores of [`mcp_core`] on Redis and Valkey, from version 7 on.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use mcp_core::{McpRouter, Server};
//! use mcp_store_redis::RedisBackend;
//!
//! # async fn run() -> Result<(), mcp_core::BoxError> {
//! let backend = RedisBackend::connect("redis://localhost:6379").await?;
//! # drop(backend);
//! # Ok(()) }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backend;
mod builder;
mod ear;
mod error;
mod event;
mod hub;
mod keys;
mod lease;
mod line;
mod message;
mod notify;
mod pool;
mod scripts;
mod session;
mod slot;

pub use self::{
    backend::RedisBackend,
    builder::{BuildError, RedisBackendBuilder},
};
pub use deadpool_redis;
