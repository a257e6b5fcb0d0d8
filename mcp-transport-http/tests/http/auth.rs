//! Authorisation: who gets in, what refusals say, and what needs no token.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mcp_core::{
    Context, McpRouter, Prompt, Resource, Server, Tool, ToolError,
    auth::{Grant, Scopes},
    clock::{Clock, ManualClock},
    store::Principal,
};
use mcp_transport_http::{
    HttpTransport,
    auth::{AuthError, Authenticator, ProtectedResource, bearer_token},
    axum::{self, http::request::Parts},
};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::{
    ModernClient, Sse, TestServer, alone, clock, ping, refused, request, soon, tool,
};

const RESOURCE: &str = "https://notes.example/public/mcp";
const METADATA: &str =
    r#"resource_metadata="https://notes.example/.well-known/oauth-protected-resource/public/mcp""#;

/// Tokens are `user`, `user:scopes` or `user:scopes:seconds of life`, with dots between scopes.
struct Plain(Arc<ManualClock>);

#[async_trait]
impl Authenticator for Plain {
    async fn authenticate(&self, request: &Parts) -> Result<Grant, AuthError> {
        let token = bearer_token(&request.headers)?;
        let mut parts = token.split('.');
        let user = match parts.next() {
            Some("forged") => return Err(AuthError::invalid_token("forged")),
            Some("unlucky") => return Err(AuthError::unavailable(Duration::from_secs(7))),
            Some("guest") => return Err(AuthError::insufficient_scope(scopes("member"))),
            user => user.unwrap_or_default(),
        };
        let grant = Grant::new(Principal::new("test", user));
        let grant = grant.scopes(scopes(&parts.next().unwrap_or_default().replace('-', " ")));
        Ok(match parts.next().and_then(|millis| millis.parse().ok()) {
            Some(millis) => grant.expires_at(self.0.now() + Duration::from_millis(millis)),
            None => grant,
        })
    }
}

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

async fn dynamic(ctx: Context) -> Result<&'static str, ToolError> {
    ctx.require_scopes(&scopes("read write"))?;
    Ok("done")
}

async fn who(ctx: Context) -> String {
    let grant = ctx.grant().unwrap();
    format!("{} {}", grant.principal.subject, grant.scopes)
}

fn router() -> McpRouter {
    McpRouter::new()
        .tool(Tool::new("who").handler(who))
        .tool(
            Tool::new("write")
                .handler(|| async { "done" })
                .requires_scopes(scopes("read write")),
        )
        .tool(Tool::new("dynamic").handler(dynamic))
        .resource(
            Resource::new("test://secret", "secret")
                .handler(|| async { "text" })
                .requires_scopes(scopes("secrets")),
        )
        .prompt(
            Prompt::new("plan")
                .handler(|| async { "text" })
                .requires_scopes(scopes("plans")),
        )
}

fn transport(clock: &ManualClock) -> HttpTransport {
    let clock = Arc::new(clock.clone());
    let resource = ProtectedResource::new(RESOURCE).unwrap();
    let resource = resource
        .authorization_server("https://login.example")
        .scopes_supported(scopes("read write"))
        .challenge_scopes(scopes("read"))
        .name("Notes");
    let builder = Server::builder(router()).clock(Arc::clone(&clock) as Arc<dyn Clock>);
    HttpTransport::new(builder)
        .authenticator(Plain(clock))
        .protected_resource(resource)
}

async fn start() -> TestServer {
    TestServer::serve(transport(&clock())).await
}

fn modern(server: &TestServer, token: &str) -> ModernClient {
    let mut client = server.modern();
    client.http = server.http_with("authorization", &format!("Bearer {token}"));
    client
}

/// Status, challenge and error.
async fn challenged(request: RequestBuilder) -> (u16, String, Value) {
    let response = soon(request.send()).await.unwrap();
    let status = response.status().as_u16();
    let challenge = response.headers().get("www-authenticate").cloned();
    let challenge = challenge.map_or_else(String::new, |c| c.to_str().unwrap().to_owned());
    let body: Value = soon(response.json()).await.unwrap();
    (status, challenge, body)
}

#[tokio::test]
async fn without_a_token_nothing_is_served_in_either_era() {
    let server = start().await;
    let mut stranger = server.stranger("2025-11-25");
    stranger.session = server
        .client_with("authorization", "Bearer ada")
        .await
        .session;
    let initialize = request(1, "initialize", &json!({}));
    for request in [
        stranger.post(&initialize),
        stranger.post(&ping()),
        stranger.get(None),
        stranger.get(Some("get.1.1")),
        stranger.delete(),
        server.modern().post(&alone(1, "tools/list", &json!({}))),
        server
            .modern()
            .post(&alone(1, "subscriptions/listen", &json!({}))),
    ] {
        let (status, challenge, body) = challenged(request).await;
        assert_eq!(
            (status, &*challenge),
            (401, &*format!(r#"Bearer scope="read", {METADATA}"#))
        );
        assert_eq!(body["error"]["data"]["reason"], "missing_token");
    }
}

#[tokio::test]
async fn every_refusal_has_its_status_and_its_challenge() {
    let server = start().await;
    for (token, status, error, scope) in [
        ("forged", 401, "invalid_token", "read"),
        ("guest", 403, "insufficient_scope", "member"),
        ("a,b", 400, "invalid_request", "read"),
        ("ada.read.0", 401, "invalid_token", "read"),
    ] {
        let request = modern(&server, token).post(&alone(1, "tools/list", &json!({})));
        let (seen, challenge, _) = challenged(request).await;
        assert_eq!(seen, status, "{token}");
        for part in [
            format!(r#"Bearer error="{error}""#),
            format!(r#"scope="{scope}""#),
            METADATA.to_owned(),
        ] {
            assert!(challenge.contains(&part), "{part} is not in {challenge}");
        }
    }
    let request = modern(&server, "unlucky").post(&alone(1, "tools/list", &json!({})));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "7");
    assert!(!response.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn a_call_beyond_its_scopes_asks_for_all_that_it_needs() {
    let server = start().await;
    let session = server.client_with("authorization", "Bearer ada.read").await;
    let alone_ = modern(&server, "ada.read");
    for (method, params, needed) in [
        ("tools/call", tool("write", &json!({})), "read write"),
        ("tools/call", tool("dynamic", &json!({})), "read write"),
        (
            "resources/read",
            json!({ "uri": "test://secret" }),
            "secrets",
        ),
        ("prompts/get", json!({ "name": "plan" }), "plans"),
    ] {
        for request in [
            session.post(&request(5, method, &params)),
            alone_.post(&alone(5, method, &params)),
        ] {
            let (status, challenge, body) = challenged(request).await;
            assert_eq!(status, 403, "{method} {body}");
            assert!(
                challenge.starts_with(r#"Bearer error="insufficient_scope""#),
                "{challenge}"
            );
            assert!(
                challenge.contains(&format!(r#"scope="{needed}""#)),
                "{challenge}"
            );
            assert!(challenge.ends_with(METADATA), "{challenge}");
            assert_eq!(body["id"], 5);
            assert_eq!(body["error"]["data"]["scope"], needed);
        }
    }
}

#[tokio::test]
async fn the_same_session_is_served_by_the_scopes_of_each_token() {
    let server = start().await;
    let mut client = server.client_with("authorization", "Bearer ada.read").await;
    let write = request(1, "tools/call", &tool("write", &json!({})));
    assert_eq!(client.status(&write).await, 403);
    client.http = server.http_with("authorization", "Bearer ada.read-write");
    assert_eq!(client.status(&write).await, 200);
    let answer = client.call(2, "who", &json!({})).await;
    assert_eq!(answer["result"]["content"][0]["text"], "ada read write");
    client.http = server.http_with("authorization", "Bearer eve.read-write");
    for request in [client.post(&write), client.get(None), client.delete()] {
        refused(request, 404).await;
    }
}

#[tokio::test]
async fn a_batch_answers_each_member_by_itself() {
    let server = start().await;
    let mut client = server.stranger("2025-03-26");
    client.http = server.http_with("authorization", "Bearer ada");
    let (headers, _) = client.initialize(json!({})).await;
    client.session = headers["mcp-session-id"].to_str().unwrap().to_owned();
    let call = |id: u64, name| request(id, "tools/call", &tool(name, &json!({})));
    let batch = json!([call(1, "write"), call(2, "who")]);
    let answers: Value = client
        .post(&batch)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answers[0]["error"]["data"]["reason"], "insufficient_scope");
    assert_eq!(answers[1]["result"]["content"][0]["text"], "ada ");
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let server = start().await;
    let client = server.client_with("authorization", "Bearer ada..100").await;
    let mut stream = client.listen(None).await;
    while stream.block().await.is_some() {}
    let listen = alone(1, "subscriptions/listen", &json!({ "notifications": {} }));
    let request = modern(&server, "ada..100").post(&listen);
    let mut stream = Sse::of(request.send().await.unwrap());
    while stream.block().await.is_some() {}
}

#[tokio::test]
async fn metadata_and_health_need_no_token() {
    let server = start().await;
    let get = |path: &str| {
        let url = server.place.url(path);
        async { soon(Client::new().get(url).send()).await.unwrap() }
    };
    for path in ["/health", "/ready"] {
        assert_eq!(get(path).await.status(), 200, "{path}");
    }
    for path in ["", "/public/mcp"] {
        let response = get(&format!("/.well-known/oauth-protected-resource{path}")).await;
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        assert_metadata(response).await;
    }
    let other = get("/.well-known/oauth-protected-resource/other").await;
    assert_eq!(other.status(), 404);
}

async fn assert_metadata(response: Response) {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let document: Value = response.json().await.unwrap();
    assert_eq!(
        document,
        json!({
            "resource": RESOURCE,
            "authorization_servers": ["https://login.example"],
            "scopes_supported": ["read", "write"],
            "bearer_methods_supported": ["header"],
            "resource_name": "Notes",
        })
    );
}

#[tokio::test]
async fn a_nested_endpoint_has_its_metadata_at_the_root() {
    let resource = ProtectedResource::new(RESOURCE).unwrap();
    let resource = resource
        .authorization_server("https://login.example")
        .scopes_supported(scopes("read write"))
        .name("Notes");
    let metadata = resource.router();
    let endpoint = transport(&clock())
        .protected_resource(resource)
        .endpoint()
        .unwrap();
    let app = axum::Router::new()
        .nest("/public", endpoint)
        .merge(metadata);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    crate::support::spawn(async { axum::serve(listener, app).await });
    let url = format!("http://{address}/public/mcp");
    let answer = soon(Client::new().post(url).json(&ping()).send())
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    let (_, url) = challenge.split_once("resource_metadata=\"").unwrap();
    let path = url
        .trim_start_matches("https://notes.example")
        .trim_end_matches('"');
    let url = format!("http://{address}{path}");
    assert_metadata(soon(Client::new().get(url).send()).await.unwrap()).await;
}

#[tokio::test]
async fn a_principal_beyond_its_rate_waits_and_others_do_not() {
    let clock = clock();
    let server = TestServer::serve(transport(&clock).rate_limit(10, 2)).await;
    let list = alone(1, "tools/list", &json!({}));
    let (ada, eve) = (modern(&server, "ada"), modern(&server, "eve"));
    let status = async |client: &ModernClient| client.post(&list).send().await.unwrap().status();
    assert_eq!(status(&ada).await, 200);
    assert_eq!(status(&ada).await, 200);
    let refusal = ada.post(&list).send().await.unwrap();
    assert_eq!(refusal.status(), 429);
    assert_eq!(refusal.headers()["retry-after"], "1");
    let body: Value = refusal.json().await.unwrap();
    assert_eq!(body["error"]["data"]["reason"], "rate_limited");
    assert_eq!(status(&eve).await, 200);
    clock.advance(Duration::from_millis(100));
    assert_eq!(status(&ada).await, 200);
}

#[tokio::test]
async fn a_principal_has_so_many_streams_and_gets_their_places_back() {
    let server = TestServer::serve(transport(&clock()).streams_per_principal(1)).await;
    let first = server.client_with("authorization", "Bearer ada").await;
    let second = server.client_with("authorization", "Bearer ada").await;
    let stream = first.listen(None).await;
    let error = refused(second.get(None), 429).await;
    assert_eq!(error["data"]["reason"], "too_many_streams");
    drop(stream);
    crate::support::until(async || second.get(None).send().await.unwrap().status() == 200).await;
}
