//! MCP over standard input and output, for servers that their client starts.
//!
//! ```no_run
//! use mcp_core::{McpRouter, Tool};
//! use mcp_transport_stdio::StdioTransport;
//!
//! # async fn run() -> Result<(), mcp_core::BoxError> {
//! let router = McpRouter::new()
//!     .server_info("hello", "1.0.0")
//!     .tool(Tool::new("hello").handler(|| async { "Hello!" }));
//! StdioTransport::new(router).serve().await?;
//! # Ok(()) }
//! ```
//!
//! One JSON-RPC message is one line. What is said on the lines is in [`mcp_core::lines`]; this crate
//! brings the standard streams and ends the process's part in them cleanly.
//!
//! Standard output carries messages and nothing else: on Unix, [`StdioTransport::serve`] takes both
//! streams away from the rest of the process. What anything prints afterwards goes to standard error,
//! and who reads standard input finds it empty. Log with `tracing`, to standard error.
//!
//! # Cancel safety
//!
//! A client that goes away ends the requests that still run.
//!
//! # Feature flags
//!
//! None.
//!
//! # Modules
//!
//! All private: `transport` is [`StdioTransport`], `streams` are the two streams.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod streams;
mod transport;

pub use self::transport::StdioTransport;
pub use mcp_core::transport::ServeError;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
