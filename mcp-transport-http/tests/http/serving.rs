//! The app around the endpoint: health, readiness, draining, mounting.

use std::time::Duration;

use mcp_transport_http::{HttpTransport, axum};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    bad_input::router,
    place::Place,
    support::{TestServer, ping, refused, request, soon, spawn, until},
};

async fn get(server: &TestServer, path: &str) -> Response {
    let url = server.place.url(path);
    soon(reqwest::get(url)).await.unwrap()
}

/// A server that says it is not ready, and goes on serving.
async fn draining() -> (TestServer, crate::support::TestClient) {
    let transport = HttpTransport::new(router())
        .with_limits(|limits| limits.pre_stop_delay = Duration::from_hours(1));
    let mut server = TestServer::serve(transport).await;
    let client = server.client().await;
    server.stop();
    until(|| async { get(&server, "/ready").await.status() == 503 }).await;
    (server, client)
}

#[tokio::test]
async fn health_and_readiness_are_json() {
    let server = TestServer::start(router()).await;
    for (path, status) in [("/health", "ok"), ("/ready", "ready")] {
        let response = get(&server, path).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["status"], status);
    }
}

#[tokio::test]
async fn health_does_not_mind_under_which_name_it_is_asked() {
    let server = TestServer::start(router()).await;
    let url = server.place.url("/health");
    let request = reqwest::Client::new()
        .get(url)
        .header("host", "10.1.2.3:8080");
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_draining_server_lives_but_is_not_ready() {
    let (server, _client) = draining().await;
    assert_eq!(get(&server, "/health").await.status(), 200);
    let body: Value = get(&server, "/ready").await.json().await.unwrap();
    assert_eq!(body["status"], "draining");
}

#[tokio::test]
async fn answers_of_a_draining_server_close_their_connections() {
    let (_server, client) = draining().await;
    let response = client.post(&ping()).send().await.unwrap();
    assert_eq!(response.status(), 200, "known sessions are served");
    assert_eq!(response.headers()["connection"], "close");
    let response = client.post_bytes("{").send().await.unwrap();
    assert_eq!(response.headers()["connection"], "close");
}

#[tokio::test]
async fn a_running_server_keeps_connections_open() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let response = client.post(&ping()).send().await.unwrap();
    assert!(!response.headers().contains_key("connection"));
}

#[tokio::test]
async fn a_draining_server_begins_no_sessions() {
    let (_server, client) = draining().await;
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let initialize = || client.bare().json(&request(1, "initialize", &params));
    assert!(
        initialize()
            .send()
            .await
            .unwrap()
            .headers()
            .contains_key("retry-after")
    );
    let error = refused(initialize(), 503).await;
    assert_eq!(error["data"]["reason"], "draining");
}

#[tokio::test]
async fn the_path_can_be_chosen() {
    let mut server = TestServer::serve(HttpTransport::new(router()).path("/x")).await;
    assert_eq!(get(&server, "/mcp").await.status(), 404);
    server.url = server.place.url("/x");
    let client = server.client().await;
    assert_eq!(client.status(&ping()).await, 200);
    assert_eq!(get(&server, "/health").await.status(), 200);
}

#[tokio::test]
async fn the_endpoint_can_be_mounted_beside_other_routes() {
    let endpoint = HttpTransport::new(router()).endpoint().unwrap();
    let app = axum::Router::new()
        .route("/", axum::routing::get(|| async { "home" }))
        .route("/health", axum::routing::get(|| async { "mine" }))
        .merge(endpoint);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = spawn(async { axum::serve(listener, app).await });
    let mut server = TestServer::start(router()).await;
    server.place = Place { address };
    server.url = format!("http://{address}/mcp");
    let client = server.client().await;
    assert_eq!(client.status(&ping()).await, 200);
    assert_eq!(get(&server, "/").await.text().await.unwrap(), "home");
    assert_eq!(get(&server, "/health").await.text().await.unwrap(), "mine");
    assert_eq!(get(&server, "/ready").await.status(), 404);
    app.abort();
}

#[tokio::test]
async fn the_endpoint_can_be_nested_under_a_prefix() {
    let endpoint = HttpTransport::new(router()).endpoint().unwrap();
    let app = axum::Router::new().nest("/v1", endpoint);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = spawn(async { axum::serve(listener, app).await });
    let mut server = TestServer::start(router()).await;
    server.url = format!("http://{address}/v1/mcp");
    let client = server.client().await;
    assert_eq!(client.status(&ping()).await, 200);
    app.abort();
}
