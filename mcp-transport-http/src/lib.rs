//! Streamable HTTP transport for `mcp-core`, on axum.
