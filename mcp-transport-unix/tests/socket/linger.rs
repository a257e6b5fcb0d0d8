//! Connections that are open when the socket is closed.

use std::os::unix::net::UnixStream as Waiting;

use mcp_core::{McpRouter, Tool};
use mcp_transport_unix::UnixSocketTransport;
use tokio::net::UnixStream;

use crate::support::{call, head, post, start, text};

#[tokio::test]
async fn connections_that_nobody_has_accepted_yet_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let router = McpRouter::new().tool(Tool::new("greet").handler(async || "hello"));
    let (stop, serving) = start(UnixSocketTransport::new(router), &path).await;
    stop.send(()).unwrap();
    // This thread has not let the server run since: they wait with the system.
    let connect = |_| Waiting::connect(&path).unwrap();
    let waiting: Vec<_> = (0..16).map(connect).collect();
    while UnixStream::connect(&path).await.is_ok() {
        tokio::task::yield_now().await;
    }
    for stream in waiting {
        stream.set_nonblocking(true).unwrap();
        let stream = UnixStream::from_std(stream).unwrap();
        let (head, answer) = post(stream, &head("greet"), &call(1, "greet")).await;
        assert!(head.contains("\r\nconnection: close"), "{head}");
        assert_eq!(text(&answer), "hello");
    }
    serving.await.unwrap().unwrap();
}
