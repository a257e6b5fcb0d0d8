//! The core of an MCP server.

pub mod clock;
pub mod error;
pub mod jsonrpc;
pub mod protocol;
pub mod store;

pub use error::BoxError;
