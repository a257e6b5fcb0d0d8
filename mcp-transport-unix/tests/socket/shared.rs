//! One server, several transports.

use std::net::SocketAddr;

use mcp_core::{McpRouter, Tool, server::ServerBuilder};
use mcp_transport_http::HttpTransport;
use mcp_transport_stdio::StdioTransport;
use mcp_transport_unix::UnixSocketTransport;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use crate::support::{Lines, initialize, post, start};

#[tokio::test]
async fn a_change_is_heard_over_tcp_a_socket_and_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let router = McpRouter::new().tool(Tool::new("first").handler(|| async { "1" }));
    let builder = ServerBuilder::from(router).on_catalogue(|router, _| {
        let second = Tool::new("second").handler(|| async { "2" });
        Ok(router.clone().tool(second))
    });
    let server = builder.build().unwrap();

    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (stop_tcp, stopped) = oneshot::channel::<()>();
    let http = HttpTransport::serving(server.clone());
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let over_tcp = tokio::spawn(http.serve_listener(tcp, async {
        stopped.await.ok();
    }));
    let transport = UnixSocketTransport::serving(server.clone());
    let (stop_unix, over_unix) = start(transport, &path).await;
    let (near, far) = duplex(4096);
    let (source, sink) = tokio::io::split(far);
    let (stop_pipe, stopped) = oneshot::channel::<()>();
    let pipe = StdioTransport::serving(server.clone()).serve_on(source, sink, async {
        stopped.await.ok();
    });
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let over_pipe = tokio::spawn(pipe);

    let (mut events, mut heard) = listening(address).await;
    let mut socket = Lines::connect(&path).await.initialized().await;
    let mut pipe = Lines::over(near).initialized().await;
    let ping = crate::support::request(1, "ping", &json!({}));
    socket.ask(&ping).await;
    pipe.ask(&ping).await;
    assert_eq!(server.sessions().session_count().await, 3);

    server.change_catalogue(&()).await.unwrap();
    let changed = "notifications/tools/list_changed";
    assert_eq!(socket.next().await["method"], changed);
    assert_eq!(pipe.next().await["method"], changed);
    while !heard.contains(changed) {
        heard.push(char::from(events.read_u8().await.unwrap()));
    }
    stop_tcp.send(()).unwrap();
    stop_unix.send(()).unwrap();
    stop_pipe.send(()).unwrap();
    over_tcp.await.unwrap().unwrap();
    over_unix.await.unwrap().unwrap();
    over_pipe.await.unwrap().unwrap();
    assert!(pipe.next().await.is_null());
}

/// A session over TCP: its GET stream, and what was read of it.
async fn listening(address: SocketAddr) -> (TcpStream, String) {
    let (answer, _) = post(
        TcpStream::connect(address).await.unwrap(),
        "",
        &initialize(),
    )
    .await;
    let session = answer
        .lines()
        .find(|line| line.starts_with("mcp-session-id: "));
    let more = format!("{}\r\n", session.unwrap());
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    post(TcpStream::connect(address).await.unwrap(), &more, &ready).await;
    let mut events = TcpStream::connect(address).await.unwrap();
    let listen =
        format!("GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n{more}\r\n");
    events.write_all(listen.as_bytes()).await.unwrap();
    let mut heard = String::new();
    while !heard.contains("\r\n\r\n") {
        heard.push(char::from(events.read_u8().await.unwrap()));
    }
    (events, heard)
}
