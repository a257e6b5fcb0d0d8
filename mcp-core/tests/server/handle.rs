//! What operators can see and end.

use mcp_core::{
    McpRouter, Server,
    store::{Principal, SessionId},
    testing::TestClient,
};
use serde_json::Value;

async fn client(server: &Server, user: &str) -> TestClient {
    let client = TestClient::serving(server.clone()).principal(Principal::new("test", user));
    client.connect().await.unwrap()
}

fn id(client: &TestClient) -> SessionId {
    client.session().unwrap().id().clone()
}

#[tokio::test]
async fn all_sessions_of_a_principal_end_and_no_others() {
    let server = Server::builder(McpRouter::new()).build().unwrap();
    let (ada, also_ada) = (client(&server, "ada").await, client(&server, "ada").await);
    let eve = client(&server, "eve").await;
    let handle = server.sessions();
    let owner = Principal::new("test", "ada");
    assert_eq!(handle.terminate_all_of(&owner).await.unwrap(), 2);
    for ended in [&ada, &also_ada] {
        assert!(handle.inspect(&id(ended)).await.unwrap().is_none());
        let answer = ended.request::<Value>("ping", Value::Null);
        assert!(answer.await.is_err());
    }
    let left = handle.inspect(&id(&eve)).await.unwrap().unwrap();
    assert_eq!(left.principal, Some(Principal::new("test", "eve")));
    assert_eq!(handle.session_count().await, 1);
}

#[tokio::test]
async fn a_session_is_inspected_with_what_it_has_open() {
    let server = Server::builder(McpRouter::new()).build().unwrap();
    let client = client(&server, "ada").await;
    let handle = server.sessions();
    assert_eq!(handle.streams(), 0);
    let stream = server
        .listen(client.session().unwrap(), None)
        .await
        .unwrap();
    let seen = handle.inspect(&id(&client)).await.unwrap().unwrap();
    assert_eq!((seen.streams, seen.running), (1, 0));
    assert_eq!((handle.streams(), handle.running()), (1, 0));
    assert!(!seen.hash().is_empty() && !id(&client).as_str().contains(&seen.hash()));
    drop(stream);
    assert_eq!(handle.streams(), 0);
}

#[tokio::test]
async fn a_handle_drains_its_server() {
    let server = Server::builder(McpRouter::new()).build().unwrap();
    let handle = server.sessions();
    handle.drain().await;
    assert!(handle.phase() > mcp_core::server::Phase::Running);
}
