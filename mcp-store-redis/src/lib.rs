//! Every store of an MCP server on Redis or Valkey 7 or later.
//!
//! ```no_run
//! use mcp_core::{McpRouter, Server};
//! use mcp_store_redis::RedisBackend;
//!
//! # async fn run() -> Result<(), mcp_core::BoxError> {
//! let backend = RedisBackend::connect("redis://localhost:6379").await?;
//! let server = Server::builder(McpRouter::new()).backend(backend).build()?;
//! # drop(server);
//! # Ok(()) }
//! ```
//!
//! [`RedisBackend`] implements the four traits of [`mcp_core::store`]. What the traits promise is
//! checked by the conformance suites of `mcp-testkit`.
//!
//! # How it works
//!
//! Each call is one script, which the server runs as a whole: nothing is half-written when a future is
//! dropped, and events become visible in the order of their positions. Every key a script touches is
//! declared, every deadline is the server's. Calls share a few multiplexed connections, which are
//! replaced through the pool when they break. Wake-ups are published besides, and only a hint: the
//! listeners of a process share one connection, which proves every few seconds that it hears.
//!
//! `OPERATIONS.md` beside this crate is for whoever runs the server: settings, rights, failover, metrics,
//! and every key there is.
//!
//! # Feature flags
//!
//! | name | adds |
//! |---|---|
//! | `tls` | `rediss://` URLs, by rustls |
//!
//! # Modules
//!
//! All private. `builder` makes the `backend`; `session`, `event`, `lease` and `notify` implement the
//! traits. Their `scripts` go through an operation of `pool` and the connection of a `slot`; `error` says
//! what failures mean, `keys` names every key. Behind `notify` stand the `hub` of all listeners, the
//! `line` that hears for them, and an `ear` for each; a `message` is what goes over the line.
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
#[cfg(feature = "tls")]
mod tls;

pub use self::{backend::RedisBackend, builder::RedisBuilder};
/// The pool and the client, in the versions that this crate uses.
pub use deadpool_redis;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
