//! How serving begins and ends.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::future::{pending, ready};

use mcp_core::{
    McpRouter, Server, Tool,
    server::{Phase, ServerBuilder},
};
use mcp_transport_stdio::StdioTransport;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex, split};

fn router() -> McpRouter {
    McpRouter::new().tool(Tool::new("hello").handler(|| async { "Hello!" }))
}

fn server() -> Server {
    ServerBuilder::from(router()).build().unwrap()
}

#[tokio::test]
async fn the_end_of_the_input_is_a_clean_end() {
    let (client, stream) = duplex(1024);
    let (input, output) = split(stream);
    drop(client);
    let transport = StdioTransport::new(router());
    transport.serve_on(input, output, pending()).await.unwrap();
}

#[tokio::test]
async fn a_server_of_others_goes_on_after_the_end_of_the_input() {
    let server = server();
    let (client, stream) = duplex(1024);
    let (input, output) = split(stream);
    drop(client);
    let transport = StdioTransport::serving(server.clone());
    transport.serve_on(input, output, pending()).await.unwrap();
    assert_eq!(server.phase(), Phase::Running);
}

#[tokio::test]
async fn the_signal_ends_the_server() {
    let server = server();
    let (_client, stream) = duplex(1024);
    let (input, output) = split(stream);
    let transport = StdioTransport::serving(server.clone());
    transport.serve_on(input, output, ready(())).await.unwrap();
    assert_eq!(server.phase(), Phase::Closed);
}

#[tokio::test]
async fn a_router_that_contradicts_itself_is_refused() {
    let transport = StdioTransport::new(router().merge(router()));
    let (input, output) = split(duplex(1024).0);
    let error = transport
        .serve_on(input, output, pending())
        .await
        .unwrap_err();
    assert!(error.is_config());
}

#[tokio::test]
async fn the_longest_line_can_be_set() {
    let (client, stream) = duplex(1024);
    let (input, output) = split(stream);
    let (answers, mut requests) = split(client);
    let transport = StdioTransport::new(router()).max_line_size(64);
    let client = async {
        requests.write_all(&[b' '; 64]).await.unwrap();
        requests.write_all(&[b'x'; 64]).await.unwrap();
        requests.write_all(b"\n").await.unwrap();
        let mut answer = String::new();
        BufReader::new(answers)
            .read_line(&mut answer)
            .await
            .unwrap();
        requests.shutdown().await.unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()
    };
    let (served, answer) = tokio::join!(transport.serve_on(input, output, pending()), client);
    served.unwrap();
    assert_eq!(
        answer["error"]["data"],
        json!({ "reason": "too_large", "limit": 64 })
    );
}
