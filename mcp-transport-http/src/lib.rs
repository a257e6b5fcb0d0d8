//! Streamable HTTP for MCP servers, on axum.

mod answer;
mod config;
mod cors;
mod delete;
mod endpoint;
mod error;
mod get;
mod headers;
mod health;
mod listener;
mod origin;
mod post;
mod shutdown;
mod sse;
mod transport;

pub use self::{
    error::ServeError,
    listener::HttpListener,
    shutdown::signal,
    transport::{HttpTransport, IntoServer},
};
pub use axum;
