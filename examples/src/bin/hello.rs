//! The server that the README shows, with the flags of all examples.

use std::process::ExitCode;

use clap::Parser;
use mcp_core::{Args, Json, McpRouter, Tool};
use mcp_examples::Flags;

// README: begin
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

fn router() -> McpRouter {
    McpRouter::new()
        .server_info("hello", "1.0.0")
        .tool(Tool::new("add").description("Add two numbers").handler(add))
}
// README: end

#[tokio::main]
async fn main() -> ExitCode {
    mcp_examples::serve(router(), &Flags::parse()).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_shows_this_server() {
        let here = include_str!("hello.rs");
        let readme = include_str!("../../../README.md");
        let (_, shown) = here.split_once("// README: begin\n").unwrap();
        let (shown, _) = shown.split_once("// README: end\n").unwrap();
        assert!(
            readme.contains(shown),
            "README.md does not contain:\n{shown}"
        );
    }
}
