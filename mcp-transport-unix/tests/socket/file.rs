//! The life of the socket's file.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use mcp_core::McpRouter;
use mcp_transport_unix::UnixSocketTransport;
use tokio::net::UnixListener;

use crate::support::{health, serve, start};

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
async fn the_file_has_the_mode_and_the_owner_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let (uid, gid) = {
        let own = std::fs::metadata(dir.path()).unwrap();
        // Only the superuser can give a file away.
        if own.uid() == 0 {
            (65_534, 65_534)
        } else {
            (own.uid(), own.gid())
        }
    };
    let transport = UnixSocketTransport::new(McpRouter::new());
    let transport = transport.mode(0o660).owner(uid, gid);
    let (stop, served) = start(transport, &path).await;
    let found = std::fs::metadata(&path).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o660);
    assert_eq!((found.uid(), found.gid()), (uid, gid));
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_socket_that_was_passed_on_is_left_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let transport = UnixSocketTransport::new(McpRouter::new());
    let served = transport.serve_listener(listener, std::future::ready(()));
    served.await.unwrap();
    assert!(path.exists());
}
