//! Every store of an MCP server on PostgreSQL 14 or later.
//!
//! ```no_run
//! use mcp_store_postgres::PostgresBackend;
//!
//! # async fn run() -> Result<(), mcp_core::store::StoreError> {
//! let backend = PostgresBackend::connect("postgres://mcp@localhost/mcp").await?;
//! # Ok(()) }
//! ```
//!
//! [`PostgresBackend`] implements the four traits of [`mcp_core::store`]; hand clones of it to the
//! server. What the traits promise is checked by the conformance suites of `mcp-testkit`.
//!
//! # How it works
//!
//! Each call is one statement: a plain one, or a function that a migration installed. Nothing is half
//! written when a future is dropped, and no transaction waits for a client. Whoever appends to a log
//! locks its head row, so events become visible in the order of their positions. All deadlines are
//! columns, compared with the server's clock. A wake-up is a NOTIFY of its own after the append, and
//! only a hint.
//!
//! # Metrics
//!
//! Through the `metrics` facade: `mcp.store.errors` (by operation and kind),
//! `mcp.store.pool.exhausted`, `mcp.store.corrupt`, `mcp.store.listener.rebuilt` (by reason: `lost` or
//! `deaf`), `mcp.store.wakeups.skipped`.
//!
//! # Feature flags
//!
//! | name | adds |
//! |---|---|
//! | `tls` (default) | TLS as `sslmode` in the URL asks for it, by rustls, with the system's root certificates or `sslrootcert` |
//!
//! # Modules
//!
//! All private. `builder` makes the `backend`; `session`, `event`, `lease` and `notify` implement the
//! traits, `sweep` frees what has ended. For `notify`, `publisher` speaks, `hub` hears for every `ear`, and
//! `message` is what is said. `pool` runs statements, `error` says what their failures mean, `keys` and
//! `number` turn values into columns; `migrate` applies the files in `migrations`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod backend;
mod builder;
mod ear;
mod error;
mod event;
mod hub;
mod keys;
mod lease;
mod message;
mod migrate;
mod notify;
mod number;
mod pool;
mod publisher;
mod session;
mod sweep;

pub use self::{backend::PostgresBackend, builder::PostgresBuilder};
/// The driver, in the version that this crate uses.
pub use sqlx;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
