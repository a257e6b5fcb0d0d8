//! The life of the socket's file, and a request over it.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use mcp_core::McpRouter;
use mcp_transport_unix::UnixSocketTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::oneshot,
    task::JoinHandle,
};

type Served = JoinHandle<Result<(), mcp_transport_unix::ServeError>>;

async fn serve(path: &Path) -> (oneshot::Sender<()>, Served) {
    let router = McpRouter::new().server_info("socket", "1.0.0");
    start(UnixSocketTransport::new(router), path).await
}

async fn start(transport: UnixSocketTransport, path: &Path) -> (oneshot::Sender<()>, Served) {
    let (stop, stopped) = oneshot::channel::<()>();
    let path = path.to_owned();
    let socket = path.clone();
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let served = tokio::spawn(async move {
        transport
            .serve_with_shutdown(path, async {
                stopped.await.ok();
            })
            .await
    });
    while UnixStream::connect(&socket).await.is_err() {
        assert!(!served.is_finished(), "the transport ended");
        tokio::task::yield_now().await;
    }
    (stop, served)
}

async fn health(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn requests_are_served_and_the_file_is_removed_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let (stop, served) = serve(&path).await;
    assert!(health(&path).await.starts_with("HTTP/1.1 200"));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_stale_socket_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let (stop, served) = serve(&path).await;
    assert!(health(&path).await.starts_with("HTTP/1.1 200"));
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_socket_in_use_and_other_files_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let transport = UnixSocketTransport::new(McpRouter::new());
    let error = transport.serve(&path).await.unwrap_err();
    assert!(error.is_bind());
    let file = dir.path().join("notes.txt");
    std::fs::write(&file, "mine").unwrap();
    let transport = UnixSocketTransport::new(McpRouter::new());
    assert!(transport.serve(&file).await.unwrap_err().is_bind());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_disconnected() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let transport = UnixSocketTransport::new(McpRouter::new());
    let transport = transport.write_deadline(Duration::from_millis(50));
    let (stop, served) = start(transport, &path).await;
    let mut greedy = UnixStream::connect(&path).await.unwrap();
    let asks = async {
        let ask = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
        while greedy.write_all(ask).await.is_ok() {}
    };
    tokio::time::timeout(Duration::from_secs(20), asks)
        .await
        .unwrap();
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}
