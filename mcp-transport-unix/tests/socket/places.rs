//! How many connections may be open.

use mcp_core::McpRouter;
use mcp_transport_unix::UnixSocketTransport;
use serde_json::json;
use tokio::task::yield_now;

use crate::support::{Lines, health, request, start};

#[tokio::test]
async fn a_connection_beyond_the_limit_waits_for_one_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let transport = UnixSocketTransport::new(McpRouter::new()).max_connections(1);
    let (stop, served) = start(transport, &path).await;
    let ping = request(1, "ping", &json!({}));
    let mut first = Lines::connect(&path).await;
    first.ask(&ping).await;
    let mut second = Lines::connect(&path).await;
    second.send(&ping).await;
    // However long the first one goes on.
    for _ in 0..100 {
        first.ask(&ping).await;
    }
    {
        let mut answered = std::pin::pin!(second.next());
        tokio::select! {
            biased;
            _ = &mut answered => panic!("there is no place"),
            () = yield_now() => {}
        }
        drop(first);
        assert_eq!(answered.await["id"], 1);
    }
    drop(second);
    assert!(health(&path).await.starts_with("HTTP/1.1 200"));
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}
