//! How every measured server begins: on a port of its own, which it says on its standard output.

use std::{future, io::Write};

use axum::serve::ListenerExt;
use mcp_core::{BoxError, McpRouter, store::Backend};
use mcp_transport_http::HttpTransport;
use tokio::net::TcpListener;

/// What stands before the address.
pub const READY: &str = "ready ";

async fn listener() -> Result<TcpListener, BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut out = std::io::stdout();
    writeln!(out, "{READY}{}", listener.local_addr()?)?;
    out.flush()?;
    Ok(listener)
}

/// Serves a router of ours until the process is ended, with its state in a backend if there is one.
///
/// # Errors
///
/// When no port can be bound.
///
/// # Cancel safety
///
/// When dropped, connections end.
pub async fn mcp(router: McpRouter, backend: Option<Backend>) -> Result<(), BoxError> {
    let mut transport = HttpTransport::new(router)
        .max_sessions(1_000_000)
        .max_connections(1_000_000);
    if let Some(backend) = backend {
        transport = transport.backend(backend);
    }
    transport
        .serve_listener(listener().await?, future::pending())
        .await?;
    Ok(())
}

/// Serves bare axum until the process is ended.
///
/// # Errors
///
/// When no port can be bound.
///
/// # Cancel safety
///
/// When dropped, connections end.
pub async fn bare(app: axum::Router) -> Result<(), BoxError> {
    let listener = listener().await?.tap_io(|stream| {
        // As every listener of ours does; without it an answer of two writes waits for an ACK.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}
