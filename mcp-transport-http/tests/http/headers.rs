//! Headers and methods: what must be there, what may not, and what does not matter.

use mcp_transport_http::HttpTransport;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    bad_input::router,
    support::{Sse, TestServer, ping, refused, request, tool},
};

#[tokio::test]
async fn without_a_session_header_every_method_is_refused() {
    let server = TestServer::start(router()).await;
    let stranger = server.stranger("2025-11-25");
    let post = stranger.bare().json(&ping());
    let get = stranger
        .http
        .get(&server.url)
        .header("accept", "text/event-stream");
    let delete = stranger.http.delete(&server.url);
    for request in [post, get, delete] {
        let error = refused(request, 400).await;
        assert_eq!(error["code"], -32600);
        assert_eq!(error["data"]["reason"], "session_required");
    }
}

#[tokio::test]
async fn only_json_bodies_are_read() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let types = [
        "text/plain",
        "application/xml",
        "application/jsonp",
        "multipart/form-data",
        ";",
    ];
    for content_type in types {
        let request = client.bare().header("mcp-session-id", &client.session);
        let request = request.header("content-type", content_type);
        let error = refused(request.body(ping().to_string()), 415).await;
        assert_eq!(error["code"], -32600, "{content_type}");
    }
    let request = client.bare().header("mcp-session-id", &client.session);
    refused(request.body(ping().to_string()), 415).await;
}

#[tokio::test]
async fn a_json_body_may_name_its_charset() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let request = client.bare().header("mcp-session-id", &client.session);
        let request = request.header("content-type", content_type);
        let response = request.body(ping().to_string()).send().await.unwrap();
        assert_eq!(response.status(), 200, "{content_type}");
    }
}

#[tokio::test]
async fn a_client_that_accepts_neither_json_nor_events_is_refused() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for accept in ["text/html", "image/*", "application/json;q=0", ""] {
        let request = client.bare().header("mcp-session-id", &client.session);
        let error = refused(request.header("accept", accept).json(&ping()), 406).await;
        assert_eq!(error["code"], -32600, "{accept}");
    }
}

#[tokio::test]
async fn a_get_must_accept_events() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let get = client
        .http
        .get(&server.url)
        .header("mcp-session-id", &client.session);
    refused(get.header("accept", "application/json"), 406).await;
}

#[tokio::test]
async fn wildcards_are_as_good_as_names() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for accept in ["*/*", "application/*, text/*", "text/html, */*;q=0.1"] {
        let request = client.bare().header("mcp-session-id", &client.session);
        let request = request.header("accept", accept).json(&ping());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{accept}");
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}

#[tokio::test]
async fn no_accept_header_means_anything_goes() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let body = ping().to_string();
    let message = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nmcp-session-id: {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        client.session,
        body.len(),
    );
    let answer = server.raw(message.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with(r#""result":{}}"#), "{answer}");
}

#[tokio::test]
async fn a_client_that_accepts_only_events_gets_its_answer_as_an_event() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let greet = request(1, "tools/call", &tool("greet", &json!({ "name": "Ada" })));
    for message in [ping(), greet] {
        let request = client.bare().header("mcp-session-id", &client.session);
        let request = request.header("accept", "text/event-stream").json(&message);
        let messages = Sse::of(request.send().await.unwrap()).messages().await;
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0]["id"], 1);
    }
}

#[tokio::test]
async fn initialize_is_answered_as_an_event_too() {
    let server = TestServer::start(router()).await;
    let stranger = server.stranger("2025-11-25");
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let request = stranger.bare().json(&request(1, "initialize", &params));
    let response = request
        .header("accept", "text/event-stream")
        .send()
        .await
        .unwrap();
    assert!(response.headers().contains_key("mcp-session-id"));
    let messages = Sse::of(response).messages().await;
    assert_eq!(messages[0]["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn a_header_that_stands_twice_is_refused() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for (name, value) in [
        ("mcp-session-id", client.session.as_str()),
        ("mcp-protocol-version", "2025-11-25"),
    ] {
        for request in [client.post(&ping()), client.get(None), client.delete()] {
            let error = refused(request.header(name, value), 400).await;
            assert_eq!(error["data"]["reason"], "invalid_header", "{name}");
        }
    }
    let get = client
        .get(Some("get.1.1"))
        .header("last-event-id", "get.1.1");
    assert_eq!(refused(get, 400).await["data"]["reason"], "invalid_header");
    assert_eq!(
        client.status(&ping()).await,
        200,
        "the session is untouched"
    );
}

#[tokio::test]
async fn an_empty_header_is_refused() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let accept = "application/json, text/event-stream";
    for (session, version) in [("", "2025-11-25"), (client.session.as_str(), "")] {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let request = client
                .http
                .request(method, &server.url)
                .header("accept", accept);
            let request = request.header("mcp-session-id", session);
            let request = request.header("mcp-protocol-version", version);
            let error = refused(request.json(&ping()), 400).await;
            assert_eq!(error["data"]["reason"], "invalid_header");
        }
    }
    refused(client.get(Some("")), 400).await;
}

#[tokio::test]
async fn a_protocol_version_that_is_not_served_is_refused() {
    let server = TestServer::start(router()).await;
    let mut client = server.client().await;
    for version in [
        "2023-01-01",
        "2099-01-01",
        "latest",
        "2025-11-25,2025-06-18",
    ] {
        version.clone_into(&mut client.revision);
        for request in [client.post(&ping()), client.get(None), client.delete()] {
            let error = refused(request, 400).await;
            assert_eq!(error["code"], -32022, "{version}");
            assert_eq!(error["data"]["requested"], version);
            assert_eq!(error["data"]["supported"].as_array().unwrap().len(), 5);
        }
    }
}

#[tokio::test]
async fn initialize_does_not_mind_the_version_header() {
    let server = TestServer::start(router()).await;
    let stranger = server.stranger("2025-11-25");
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let request = stranger.bare().json(&request(1, "initialize", &params));
    let request = request.header("mcp-protocol-version", "2099-01-01");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("mcp-session-id"));
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for method in ["PUT", "PATCH", "OPTIONS", "TRACE", "PURGE"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let response = client
            .http
            .request(method.clone(), &server.url)
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["allow"], "POST, GET, DELETE", "{method}");
        refused(client.http.request(method, &server.url), 405).await;
    }
    let response = client.http.head(&server.url).send().await.unwrap();
    assert_eq!(response.status(), 405);
}

#[tokio::test]
async fn answers_may_not_be_stored_by_caches() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let response = client.post(&ping()).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let response = client.get(None).send().await.unwrap();
    assert_eq!(
        response.headers()["cache-control"],
        "no-cache, no-transform"
    );
    assert_eq!(response.headers()["x-accel-buffering"], "no");
}

#[tokio::test]
async fn one_session_too_many_is_told_to_come_back() {
    let server = TestServer::serve(HttpTransport::new(router()).max_sessions(2)).await;
    let first = server.client().await;
    let _second = server.client().await;
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let third = || first.bare().json(&request(3, "initialize", &params));
    let response = third().send().await.unwrap();
    assert_eq!(response.status(), 503);
    let after: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(after >= 1);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["id"], 3);
    assert_eq!(
        refused(third(), 503).await["data"]["reason"],
        "too_many_sessions"
    );
    first.delete().send().await.unwrap();
    assert_eq!(
        third().send().await.unwrap().status(),
        200,
        "there is room again"
    );
}
