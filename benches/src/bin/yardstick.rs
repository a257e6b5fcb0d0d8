//! Bare axum handlers that read the same requests into typed structs and answer the same bytes.

use mcp_benches::{serve, yardstick};
use mcp_core::BoxError;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    serve::bare(yardstick::app()?).await
}
