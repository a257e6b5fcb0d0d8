//! The server of the README, as a program of its own.

use mcp_core::{Args, BoxError, Json, McpRouter, Tool};
use mcp_transport_http::HttpTransport;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Numbers {
    a: f64,
    b: f64,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Sum {
    sum: f64,
}

async fn add(Args(Numbers { a, b }): Args<Numbers>) -> Json<Sum> {
    Json(Sum { sum: a + b })
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let router = McpRouter::new()
        .server_info("hello", "1.0.0")
        .tool(Tool::new("add").description("Add two numbers").handler(add));
    HttpTransport::new(router).serve("127.0.0.1:3000").await?;
    Ok(())
}
