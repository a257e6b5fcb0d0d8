//! Two dialects on one socket.

use std::{sync::Arc, time::Duration};

use mcp_core::{McpRouter, Tool, server::ServerBuilder};
use mcp_transport_unix::UnixSocketTransport;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::UnixStream, sync::Semaphore};

use crate::support::{Lines, call, head, health, initialize, post, request, serve, start, text};

/// A tool that says when it has begun, and waits.
fn gated(begun: &Arc<Semaphore>, gate: &Arc<Semaphore>) -> McpRouter {
    let (begun, gate) = (Arc::clone(begun), Arc::clone(gate));
    McpRouter::new().tool(Tool::new("gated").handler(move || {
        let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
        async move {
            begun.add_permits(1);
            gate.acquire().await.unwrap().forget();
            "through"
        }
    }))
}

#[tokio::test]
async fn both_dialects_are_served_at_the_same_time_by_one_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let server = ServerBuilder::from(gated(&begun, &gate)).build().unwrap();
    let transport = UnixSocketTransport::serving(server.clone());
    let (stop, serving) = start(transport, &path).await;

    let mut lines = Lines::connect(&path).await.initialized().await;
    let params = json!({ "name": "gated", "arguments": {} });
    lines.send(&request(1, "tools/call", &params)).await;
    let (head_text, answer) =
        post(UnixStream::connect(&path).await.unwrap(), "", &initialize()).await;
    assert!(head_text.contains("mcp-session-id: "), "{head_text}");
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(server.sessions().session_count().await, 2);

    let stream = UnixStream::connect(&path).await.unwrap();
    let (headers, alone) = (head("gated"), call(2, "gated"));
    let other = post(stream, &headers, &alone);
    let open = async {
        begun.acquire_many(2).await.unwrap().forget();
        gate.add_permits(2);
    };
    let ((_, over_http), ()) = tokio::join!(other, open);
    assert_eq!(text(&over_http), "through");
    assert_eq!(text(&lines.next().await), "through");
    stop.send(()).unwrap();
    assert_eq!(lines.next().await, Value::Null);
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_line_may_begin_with_space_and_come_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let (stop, served) = serve(&path).await;
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let ping = request(1, "ping", &json!({})).to_string();
    for piece in ["\r", "\n", " ", &ping[..1], &ping[1..], "\n"] {
        stream.write_all(piece.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(Lines::over(stream).next().await["id"], 1);
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_that_ends_without_a_word_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let (stop, served) = serve(&path).await;
    let silent = UnixStream::connect(&path).await.unwrap();
    drop(UnixStream::connect(&path).await.unwrap());
    assert!(health(&path).await.starts_with("HTTP/1.1 200"));
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed_after_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let (stop, served) = serve(&path).await;
    let mut silent = Lines::connect(&path).await;
    assert_eq!(silent.next().await, Value::Null);
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_in_lines_is_answered_before_the_server_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let server = ServerBuilder::from(gated(&begun, &gate)).build().unwrap();
    let transport = UnixSocketTransport::serving(server.clone());
    let (stop, serving) = start(transport, &path).await;
    let mut lines = Lines::connect(&path).await.initialized().await;
    let params = json!({ "name": "gated", "arguments": {} });
    lines.send(&request(1, "tools/call", &params)).await;
    begun.acquire().await.unwrap().forget();
    stop.send(()).unwrap();
    server.reached(mcp_core::server::Phase::Closing).await;
    assert!(!serving.is_finished());
    gate.add_permits(1);
    assert_eq!(text(&lines.next().await), "through");
    assert_eq!(lines.next().await, Value::Null);
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_largest_message_is_the_same_in_both_dialects() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let transport = UnixSocketTransport::new(McpRouter::new()).max_message_size(100);
    let (stop, served) = start(transport, &path).await;
    let long = request(1, "ping", &json!({ "padding": "x".repeat(100) }));
    let (head, _) = post(UnixStream::connect(&path).await.unwrap(), "", &long).await;
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
    let mut lines = Lines::connect(&path).await;
    let refused = lines.ask(&long).await;
    assert_eq!(
        refused["error"]["data"],
        json!({ "reason": "too_large", "limit": 100 })
    );
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_disconnected_in_both_dialects() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let transport = UnixSocketTransport::new(McpRouter::new());
    let transport = transport.write_deadline(Duration::from_millis(50));
    let (stop, served) = start(transport, &path).await;
    let line = format!("{}\n", request(1, "ping", &json!({})));
    for ask in ["GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n", &line] {
        let mut greedy = UnixStream::connect(&path).await.unwrap();
        let asks = async { while greedy.write_all(ask.as_bytes()).await.is_ok() {} };
        let ended = tokio::time::timeout(Duration::from_secs(20), asks);
        ended.await.unwrap();
    }
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}
