//! Streamable HTTP for MCP servers, on axum.
//!
//! ```no_run
//! use mcp_core::{McpRouter, Tool};
//! use mcp_transport_http::HttpTransport;
//!
//! # async fn run() -> Result<(), mcp_core::BoxError> {
//! let router = McpRouter::new()
//!     .server_info("hello", "1.0.0")
//!     .tool(Tool::new("hello").handler(|| async { "Hello!" }));
//! HttpTransport::new(router).serve("127.0.0.1:3000").await?;
//! # Ok(()) }
//! ```
//!
//! [`HttpTransport`] frames bytes and maps outcomes to status codes; sessions, streams and handlers
//! are in [`mcp_core`]. The endpoint is an axum [`Router`](axum::Router): serve it as it is, or mount
//! it into an app of your own with [`HttpTransport::endpoint`].
//!
//! # Cancel safety
//!
//! A connection that ends does not end the request it carried: its handler goes on, and a client
//! that resumes the stream finds what happened meanwhile.
//!
//! # Feature flags
//!
//! None.
//!
//! # Modules
//!
//! All private. The way of a message: `listener` → `endpoint` → `post`, `get` or `delete` → the
//! server → `answer` or `sse`. In `post`, `era` sends a request that needs no session through
//! `mirror` to `sessionless`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
pub mod auth;
mod body;
mod config;
mod connection;
mod cors;
mod delete;
mod drain;
mod endpoint;
mod era;
mod get;
mod headers;
mod health;
mod listener;
mod mirror;
mod mirrored_value;
mod origin;
mod post;
mod quota;
mod sessionless;
mod silence;
mod sse;
mod transport;

pub use self::{
    drain::{Draining, Sweep},
    listener::HttpListener,
    transport::HttpTransport,
};
// Its snippets use other crates as well, and are compiled where those are at hand.
#[cfg(not(doctest))]
#[doc = include_str!("../docs/deployment.md")]
#[doc = include_str!("../docs/runbooks.md")]
pub mod deployment {}
pub use axum;
pub use mcp_core::transport::{IntoServer, ServeError, signal};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
