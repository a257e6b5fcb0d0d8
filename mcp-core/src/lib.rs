//! The core of an MCP server: a tower router, a server, and the traits of its stores — without a
//! socket and without a backend.
//!
//! ```
//! use mcp_core::{Args, Json, McpRouter, Tool, testing::TestClient};
//! use serde_json::json;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct AddArgs {
//!     a: i64,
//!     b: i64,
//! }
//!
//! #[derive(serde::Serialize, schemars::JsonSchema)]
//! struct Sum {
//!     sum: i64,
//! }
//!
//! async fn add(Args(args): Args<AddArgs>) -> Json<Sum> {
//!     Json(Sum { sum: args.a + args.b })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mcp_core::BoxError> {
//! let router = McpRouter::new()
//!     .server_info("calculator", "1.0.0")
//!     .tool(Tool::new("add").description("Add two numbers").handler(add));
//!
//! let client = TestClient::builder(router).connect().await?;
//! let result = client.call_tool("add", json!({ "a": 2, "b": 3 })).await?;
//! assert_eq!(result.structured_content, Some(json!({ "sum": 5 })));
//! # Ok(()) }
//! ```
//!
//! `mcp-transport-http`, `mcp-transport-stdio` and `mcp-transport-unix` put such a router on the wire. The store traits in
//! [`store`] are what other crates implement to share sessions between processes.
//!
//! # Cancel safety
//!
//! Every public `async fn` says what is lost when its future is dropped.
//!
//! # Feature flags
//!
//! None is on by default.
//!
//! | feature | what it adds |
//! |---|---|
//! | `validate` | schemas of tools are enforced where they say more than types do: ranges, patterns, composition, and whatever [`Tool::input_schema`] and [`Tool::output_schema`] were given. A validator is made when the router is built, for each schema that needs one; other calls cost nothing more. References out of a schema are refused, never fetched |
//!
//! # Modules
//!
//! | module | what it is |
//! |---|---|
//! | [`jsonrpc`] | envelopes |
//! | [`protocol`] | the wire types, and what differs between revisions |
//! | [`handler`] | what an author writes |
//! | [`router`] | one message in, one answer out |
//! | [`server`] | sessions, streams, questions to the client |
//! | [`transport`] | what carries messages |
//! | [`lines`] | one of them: a message a line, over any stream of bytes |
//! | [`store`] | where state lives |
//! | [`auth`] | what a caller may do |
//! | [`testing`] | a client in the same process |
//! | [`clock`], [`error`] | time and errors that belong to no single part |
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth;
pub mod clock;
pub mod error;
pub mod handler;
pub mod jsonrpc;
pub mod lines;
pub mod protocol;
pub mod router;
pub mod server;
mod spawn;
pub mod store;
pub mod testing;
pub mod transport;

pub use error::BoxError;
pub use handler::{
    Args, AskError, Context, ElicitForm, Extension, Json, Prompt, Resource, ResourceTemplate,
    State, Tool, ToolError, ToolResult,
};
pub use router::McpRouter;
pub use schemars;
pub use server::Server;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
