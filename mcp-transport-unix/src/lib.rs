//! MCP over Unix domain sockets: Streamable HTTP for clients on the same host.
//!
//! ```no_run
//! use mcp_core::McpRouter;
//! use mcp_transport_unix::UnixSocketTransport;
//!
//! # async fn run() -> Result<(), mcp_core::BoxError> {
//! let router = McpRouter::new().server_info("sidecar", "1.0.0");
//! UnixSocketTransport::new(router).serve("/run/mcp/server.sock").await?;
//! # Ok(()) }
//! ```
//!
//! The protocol on the socket is that of `mcp-transport-http`, endpoint `/mcp`, with the same health
//! checks. Everything between bytes and handlers is in `mcp-core`.
//!
//! # Feature flags
//!
//! None.
//!
//! # Modules
//!
//! All private: `bind` takes the path, `transport` is [`UnixSocketTransport`].
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg(unix)]

mod bind;
mod transport;

pub use self::transport::UnixSocketTransport;
pub use mcp_transport_http::ServeError;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
