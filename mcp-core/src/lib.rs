//! The core of an MCP server.

pub mod clock;
pub mod error;
pub mod handler;
pub mod jsonrpc;
pub mod protocol;
pub mod router;
pub mod server;
mod spawn;
pub mod store;

pub use error::BoxError;
