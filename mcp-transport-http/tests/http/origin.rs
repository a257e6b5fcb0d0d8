//! Who may call from a browser, and under which name.

use mcp_transport_http::HttpTransport;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::{
    bad_input::router,
    support::{TestClient, TestServer, ping, refused, request},
};

async fn start(transport: HttpTransport) -> (TestServer, TestClient) {
    let server = TestServer::serve(transport).await;
    let client = server.client().await;
    (server, client)
}

/// A good request of every method.
fn each(client: &TestClient) -> [RequestBuilder; 3] {
    [client.post(&ping()), client.get(None), client.delete()]
}

#[tokio::test]
async fn a_foreign_origin_may_not_call() {
    let (_server, client) = start(HttpTransport::new(router())).await;
    for origin in [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "file://",
        "null",
        "",
    ] {
        for request in each(&client) {
            let error = refused(request.header("origin", origin), 403).await;
            assert_eq!(error["data"]["reason"], "forbidden_origin", "{origin}");
        }
    }
    assert_eq!(
        client.status(&ping()).await,
        200,
        "the session was not deleted"
    );
}

#[tokio::test]
async fn pages_of_this_machine_may_call() {
    let (_server, client) = start(HttpTransport::new(router())).await;
    for origin in [
        "http://localhost:5173",
        "http://127.0.0.1",
        "https://[::1]:8443",
    ] {
        let response = client
            .post(&ping())
            .header("origin", origin)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{origin}");
    }
}

#[tokio::test]
async fn a_listed_origin_may_call() {
    let transport = HttpTransport::new(router()).allowed_origins(["https://app.example.com/"]);
    let (_server, client) = start(transport).await;
    let post = |origin| client.post(&ping()).header("origin", origin);
    assert_eq!(
        post("https://app.example.com")
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    refused(post("http://app.example.com"), 403).await;
    refused(post("https://app.example.com:8443"), 403).await;
    refused(post("https://app.example.com.evil.example"), 403).await;
}

#[tokio::test]
async fn two_origins_are_refused() {
    let (_server, client) = start(HttpTransport::new(router())).await;
    let request = client.post(&ping()).header("origin", "http://localhost");
    refused(request.header("origin", "http://localhost"), 403).await;
}

#[tokio::test]
async fn a_rebound_name_does_not_reach_a_server_on_loopback() {
    let (_server, client) = start(HttpTransport::new(router())).await;
    for host in [
        "evil.example",
        "evil.example:80",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
    ] {
        for request in each(&client) {
            refused(request.header("host", host), 403).await;
        }
    }
    for host in ["localhost", "LOCALHOST:1234", "127.0.0.1:80", "[::1]:80"] {
        let response = client
            .post(&ping())
            .header("host", host)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{host}");
    }
}

#[tokio::test]
async fn a_rebound_name_does_not_begin_a_session_either() {
    let server = TestServer::start(router()).await;
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let request = server
        .stranger("2025-11-25")
        .bare()
        .json(&request(1, "initialize", &params));
    refused(request.header("host", "evil.example"), 403).await;
}

#[tokio::test]
async fn listed_hosts_are_the_only_others() {
    let transport = HttpTransport::new(router()).allowed_hosts(["mcp.example.com"]);
    let (_server, client) = start(transport).await;
    for host in ["mcp.example.com", "MCP.example.com:8443"] {
        let response = client
            .post(&ping())
            .header("host", host)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{host}");
    }
    refused(
        client.post(&ping()).header("host", "other.example.com"),
        403,
    )
    .await;
}

/// What a browser sends before a page may call.
fn preflight(client: &TestClient, origin: &str) -> RequestBuilder {
    let request = client.http.request(Method::OPTIONS, &client.url);
    request
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,mcp-session-id,mcp-protocol-version",
        )
}

#[tokio::test]
async fn without_cors_no_page_is_told_that_it_may() {
    let transport = HttpTransport::new(router()).allowed_origins(["https://app.example.com"]);
    let (_server, client) = start(transport).await;
    let answer = preflight(&client, "https://app.example.com")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 405);
    let post = client
        .post(&ping())
        .header("origin", "https://app.example.com");
    let called = post.send().await.unwrap();
    for response in [answer, called] {
        let mut names = response.headers().keys();
        assert!(!names.any(|name| name.as_str().starts_with("access-control")));
    }
}

#[tokio::test]
async fn with_cors_an_allowed_page_may_call_and_read() {
    let transport = HttpTransport::new(router())
        .allowed_origins(["https://app.example.com"])
        .cors();
    let (_server, client) = start(transport).await;
    for origin in ["https://app.example.com", "http://localhost:6274"] {
        let answer = preflight(&client, origin).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{origin}");
        assert_eq!(answer.headers()["access-control-allow-origin"], origin);
        let methods = answer.headers()["access-control-allow-methods"]
            .to_str()
            .unwrap();
        assert!(
            ["GET", "POST", "DELETE"]
                .iter()
                .all(|method| methods.contains(method))
        );
        let allowed = answer.headers()["access-control-allow-headers"]
            .to_str()
            .unwrap();
        for header in [
            "content-type",
            "mcp-session-id",
            "mcp-protocol-version",
            "last-event-id",
        ] {
            assert!(allowed.contains(header), "{header}: {allowed}");
        }
        let called = client
            .post(&ping())
            .header("origin", origin)
            .send()
            .await
            .unwrap();
        assert_eq!(called.headers()["access-control-allow-origin"], origin);
        let exposed = called.headers()["access-control-expose-headers"]
            .to_str()
            .unwrap();
        assert!(exposed.contains("mcp-session-id"), "{exposed}");
    }
}

#[tokio::test]
async fn with_cors_a_foreign_page_may_not() {
    let transport = HttpTransport::new(router())
        .allowed_origins(["https://app.example.com"])
        .cors();
    let (_server, client) = start(transport).await;
    let answer = preflight(&client, "https://evil.example")
        .send()
        .await
        .unwrap();
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let post = client
        .post(&ping())
        .header("origin", "https://evil.example");
    let answer = post.send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
}
