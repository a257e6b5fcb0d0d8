//! MCP over Unix domain sockets, for clients on the same host.
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
//! One socket speaks two dialects, told apart by the first byte of a connection: the Streamable HTTP
//! of `mcp-transport-http` (endpoint `/mcp`, with the same health checks), and one JSON-RPC message a
//! line, as over standard input and output ([`mcp_core::lines`]).
//!
//! # Who connects
//!
//! The operating system says who is at the other end: [`PeerCredentials`]. In the newline dialect
//! that user owns its session. Over HTTP it does so only with
//! [`trust_peer_credentials`](UnixSocketTransport::trust_peer_credentials), because behind a proxy
//! every client would be the proxy.
//!
//! # systemd
//!
//! [`activated`] is the socket of a `.socket` unit, for
//! [`serve_listener`](UnixSocketTransport::serve_listener). With `Type=notify` the service counts as
//! started when connections are accepted, and as stopping from the signal on.
//!
//! # Feature flags
//!
//! None.
//!
//! # Modules
//!
//! All private. The way of a message: `bind` takes the path → `accept` → `connection` reads the first
//! byte → HTTP or lines. `credentials`: who connects; `systemd`: the service manager; `transport` is
//! [`UnixSocketTransport`].
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg(unix)]

mod accept;
mod bind;
mod connection;
mod credentials;
mod systemd;
mod transport;

pub use self::{credentials::PeerCredentials, systemd::activated, transport::UnixSocketTransport};
pub use mcp_core::transport::ServeError;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
