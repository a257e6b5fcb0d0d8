//! Connections that are open when the server stops listening.

use std::{io::ErrorKind, time::Duration};

use mcp_core::McpRouter;
use mcp_transport_http::HttpTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{MODERN, TestServer, alone, rest, soon, until};

/// Longer than any test here takes.
const LONG: Duration = Duration::from_mins(1);

async fn lingering(time: Duration) -> TestServer {
    TestServer::serve(HttpTransport::new(McpRouter::new()).linger(time)).await
}

/// A request that needs no session, as bytes.
fn discover() -> Vec<u8> {
    let body = alone(1, "server/discover", &serde_json::json!({})).to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-protocol-version: {MODERN}\r\n\
         mcp-method: server/discover\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head, body].concat().into_bytes()
}

/// Asks, and reads until the server closes the connection.
async fn assert_answered_for_the_last_time(stream: &mut TcpStream) {
    stream.write_all(&discover()).await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer:?}");
}

/// Asks, and reads one answer.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(&discover()).await.unwrap();
    let mut answer = String::new();
    while !answer.ends_with('}') {
        let mut part = [0; 4096];
        let read = soon(stream.read(&mut part)).await.unwrap();
        assert_ne!(read, 0, "{answer:?}");
        answer.push_str(std::str::from_utf8(&part[..read]).unwrap());
    }
    answer
}

async fn refused(server: &TestServer) -> bool {
    let connected = TcpStream::connect(server.place.address).await;
    connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn connections_that_nobody_has_accepted_yet_are_answered() {
    let mut server = lingering(LONG).await;
    server.stop();
    // This thread has not let the server run since: they all wait with the system.
    let connect = |_| std::net::TcpStream::connect(server.place.address).unwrap();
    let waiting: Vec<_> = (0..64).map(connect).collect();
    until(|| refused(&server)).await;
    for stream in waiting {
        stream.set_nonblocking(true).unwrap();
        let mut stream = TcpStream::from_std(stream).unwrap();
        assert_answered_for_the_last_time(&mut stream).await;
    }
}

#[tokio::test]
async fn a_connection_that_has_said_nothing_yet_is_answered() {
    let mut server = lingering(LONG).await;
    let mut silent = server.place.connect().await;
    // Accepted in order, so the first one is with the server.
    ask(&mut server.place.connect().await).await;
    server.stop();
    until(|| refused(&server)).await;
    assert_answered_for_the_last_time(&mut silent).await;
}

#[tokio::test]
async fn an_idle_connection_is_heard_once_more() {
    let mut server = lingering(LONG).await;
    let mut idle = server.place.connect().await;
    let first = ask(&mut idle).await;
    assert!(!first.contains("connection: close"), "{first:?}");
    server.stop();
    until(|| refused(&server)).await;
    assert_answered_for_the_last_time(&mut idle).await;
}

#[tokio::test]
async fn connections_that_stay_silent_are_closed_in_the_end() {
    let mut server = lingering(Duration::from_millis(20)).await;
    let mut silent = server.place.connect().await;
    let mut idle = server.place.connect().await;
    ask(&mut idle).await;
    server.stop();
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(rest(&mut idle).await, "");
    soon(server.ended()).await;
}

#[tokio::test]
async fn the_drain_timeout_is_not_exceeded() {
    let transport = HttpTransport::new(McpRouter::new()).linger(LONG);
    let transport = transport.with_limits(|limits| limits.drain_timeout = Duration::ZERO);
    let mut server = TestServer::serve(transport).await;
    let mut silent = server.place.connect().await;
    server.stop();
    assert_eq!(rest(&mut silent).await, "");
    soon(server.ended()).await;
}
