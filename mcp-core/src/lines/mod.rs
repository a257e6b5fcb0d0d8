//! Newline-delimited JSON-RPC over any byte stream: standard streams, Unix sockets, pipes.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio>
//!
//! One line is one message, and one connection is one client. `initialize` opens a session that lives
//! as long as the connection, in memory; a request whose `_meta` names a sessionless revision stands
//! alone. Both may interleave.
//!
//! ```
//! use mcp_core::{McpRouter, Server, lines::Lines};
//! use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex, split};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mcp_core::BoxError> {
//! let server = Server::builder(McpRouter::new()).build()?;
//! let (client, stream) = duplex(1024);
//! let (input, output) = split(stream);
//! let client = async {
//!     let (answers, mut requests) = split(client);
//!     requests.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n").await?;
//!     let mut answer = String::new();
//!     BufReader::new(answers).read_line(&mut answer).await?;
//!     assert_eq!(answer, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
//!     requests.shutdown().await
//! };
//! tokio::try_join!(Lines::new(server).serve(input, output), client)?;
//! # Ok(()) }
//! ```
//!
//! The way of a message: `read` finds the line (`oversize` reads one that is too long to be kept),
//! `conversation` decides what it is, `running` polls the requests that run, `write` sends what they
//! say. `connection` turns all of them in one task, so a client that does not read holds its own
//! connection back and nothing else.

mod connection;
mod conversation;
mod oversize;
mod read;
mod running;
mod write;

pub use self::connection::Lines;
