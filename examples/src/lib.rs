//! What the example servers share: flags, logs, and serving until a signal.
//!
//! The servers are the binaries of this crate:
//!
//! * `hello`: the few lines that the project's README shows;
//! * `quickstart`: a small notes server with everything that a server can offer;
//! * `cluster-node`: one of several instances behind a load balancer;
//! * `protected`: a server that wants access tokens, and checks them against the keys of their issuer;
//! * `conformance-server`: what the official conformance suite expects to find.
//!
//! ```no_run
//! use clap::Parser;
//! use mcp_core::McpRouter;
//! use mcp_examples::Flags;
//!
//! #[tokio::main]
//! async fn main() -> std::process::ExitCode {
//!     let router = McpRouter::new().server_info("my-server", "1.0.0");
//!     mcp_examples::serve(router, &Flags::parse()).await
//! }
//! ```

mod admin;
mod backend;
mod failure;
mod flags;
mod logs;
mod run;
mod timing;

pub use self::{
    flags::{Flags, LogFormat, Sessions},
    run::{serve, serve_http, serve_with},
    timing::Timing,
};

/// Gives memory back that a burst of large requests took; that of most systems keeps it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The snippets of the deployment guide compile; they use more crates than the one it stands in.
#[cfg(doctest)]
#[doc = include_str!("../../mcp-transport-http/docs/deployment.md")]
struct DeploymentGuide;
