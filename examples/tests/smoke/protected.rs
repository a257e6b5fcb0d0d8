//! The server that wants access tokens, with an issuer of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{Router, routing::get};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet},
};
use reqwest::Response;
use serde_json::{Value, json};

use crate::{PROTECTED, server::Running};

const RESOURCE: &str = "https://notes.example/mcp";
const ISSUER: &str = "https://login.example";

/// Signs tokens, and shows its public key.
struct Issuer {
    key: EncodingKey,
    jwks: String,
}

impl Issuer {
    async fn start() -> Self {
        let key = key();
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some("one".to_owned());
        let keys = JwkSet { keys: vec![jwk] };
        let app = Router::new().route("/jwks", get(async move || json!(keys).to_string()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let jwks = format!("http://{}/jwks", listener.local_addr().unwrap());
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends with the runtime of its test"
        )]
        tokio::spawn(async { axum::serve(listener, app).await });
        Self { key, jwks }
    }

    fn server(&self) -> Running {
        let arguments = [
            "--resource",
            RESOURCE,
            "--issuer",
            ISSUER,
            "--jwks",
            &self.jwks,
        ];
        Running::start(PROTECTED, &arguments)
    }

    /// A good token but for these members.
    fn token(&self, other: &Value) -> String {
        signed(&self.key, Algorithm::ES256, other)
    }
}

fn key() -> EncodingKey {
    EncodingKey::from_ec_der(&rcgen::KeyPair::generate().unwrap().serialize_der())
}

#[expect(clippy::disallowed_methods, reason = "tokens go by the time of day")]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn signed(key: &EncodingKey, algorithm: Algorithm, other: &Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "aud": RESOURCE, "sub": "ada", "exp": now() + 300, "scope": "notes:read",
    });
    for (name, value) in other.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let mut header = Header::new(algorithm);
    header.kid = Some("one".to_owned());
    encode(&header, &claims, key).unwrap()
}

/// Calls a tool without a session.
async fn call(server: &Running, token: Option<&str>, tool: &str) -> Response {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut request = reqwest::Client::new()
        .post(&server.url)
        .header("Accept", "application/json, text/event-stream")
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", "tools/call")
        .header("Mcp-Name", tool);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let params = json!({ "name": tool, "arguments": {}, "_meta": meta });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    request.json(&message).send().await.unwrap()
}

fn challenge(response: &Response) -> &str {
    response.headers()["www-authenticate"].to_str().unwrap()
}

#[tokio::test]
async fn a_token_of_the_issuer_for_this_server_is_accepted() {
    let issuer = Issuer::start().await;
    let server = issuer.server();
    for audience in [json!(RESOURCE), json!(["https://other.example", RESOURCE])] {
        let token = issuer.token(&json!({ "aud": audience }));
        let response = call(&server, Some(&token), "whoami").await;
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["result"]["content"][0]["text"], "ada");
    }
    server.stop();
}

#[tokio::test]
async fn every_other_token_is_refused_with_the_reason() {
    let issuer = Issuer::start().await;
    let server = issuer.server();
    let forged = signed(&key(), Algorithm::ES256, &json!({}));
    // The public key as a shared secret: the old trick with algorithms.
    let secret = EncodingKey::from_secret(issuer.jwks.as_bytes());
    let confused = signed(&secret, Algorithm::HS256, &json!({}));
    let mut unsigned = issuer.token(&json!({}));
    unsigned.truncate(unsigned.rfind('.').unwrap() + 1);
    for (token, text) in [
        (
            issuer.token(&json!({ "aud": "https://other.example" })),
            "for somebody else",
        ),
        (
            issuer.token(&json!({ "aud": "https://notes.example/mcp/" })),
            "for somebody else",
        ),
        (
            issuer.token(&json!({ "iss": "https://evil.example" })),
            "another issuer",
        ),
        (issuer.token(&json!({ "exp": now() - 300 })), "expired"),
        (issuer.token(&json!({ "nbf": now() + 300 })), "not valid"),
        (issuer.token(&json!({ "sub": null })), "not valid"),
        (forged, "signature"),
        (confused, "algorithm"),
        (unsigned, "signature"),
        ("nonsense".to_owned(), "cannot be read"),
    ] {
        let response = call(&server, Some(&token), "whoami").await;
        assert_eq!(response.status(), 401, "{text}");
        let challenge = challenge(&response);
        assert!(
            challenge.starts_with(r#"Bearer error="invalid_token""#),
            "{challenge}"
        );
        assert!(challenge.contains(text), "{text} is not in {challenge}");
    }
    let response = call(&server, None, "whoami").await;
    assert_eq!(response.status(), 401);
    assert!(challenge(&response).contains(r#"scope="notes:read""#));
    server.stop();
}

#[tokio::test]
async fn a_client_steps_up_to_the_scope_that_a_tool_requires() {
    let issuer = Issuer::start().await;
    let server = issuer.server();
    let token = issuer.token(&json!({}));
    let response = call(&server, Some(&token), "publish").await;
    assert_eq!(response.status(), 403);
    let challenge = challenge(&response);
    let (_, scope) = challenge.split_once("scope=\"").unwrap();
    let (scope, _) = scope.split_once('"').unwrap();
    let token = issuer.token(&json!({ "scope": format!("notes:read {scope}") }));
    let response = call(&server, Some(&token), "publish").await;
    assert_eq!(response.status(), 200);
    server.stop();
}

#[tokio::test]
async fn without_the_issuers_keys_nobody_is_let_in_and_nobody_is_called_a_forger() {
    let issuer = Issuer::start().await;
    let arguments = [
        "--resource",
        RESOURCE,
        "--issuer",
        ISSUER,
        "--jwks",
        "http://127.0.0.1:1/jwks",
    ];
    let server = Running::start(PROTECTED, &arguments);
    let response = call(&server, Some(&issuer.token(&json!({}))), "whoami").await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    server.stop();
}

#[test]
fn a_resource_that_is_no_url_ends_the_server_with_a_message() {
    let arguments = [
        "--resource",
        "notes",
        "--issuer",
        ISSUER,
        "--jwks",
        "http://127.0.0.1:1/",
    ];
    let refused = crate::run(PROTECTED, &arguments, &[]);
    crate::assert_refused(&refused, 2, "cannot be a protected resource");
}

/// What must not stand in a log: whoever reads logs could use it, or learns what users do.
#[tokio::test]
async fn logs_show_no_token_no_session_id_and_no_argument() {
    const ARGUMENT: &str = "canary-argument-77";
    let issuer = Issuer::start().await;
    let levels = "mcp_core=trace,mcp_transport_http=trace,mcp_examples=trace,protected=trace";
    let arguments = [
        "--resource",
        RESOURCE,
        "--issuer",
        ISSUER,
        "--jwks",
        &issuer.jwks,
        "--log-format",
        "json",
    ];
    let server = Running::start_with(PROTECTED, &arguments, &[("RUST_LOG", levels)]);
    let token = issuer.token(&json!({ "sub": "canary-subject-77" }));
    let forged = signed(
        &key(),
        Algorithm::ES256,
        &json!({ "sub": "canary-subject-77" }),
    );
    let http = reqwest::Client::new();
    let began = post(&server, &token, "x", "initialize", initialize()).await;
    assert_eq!(began.status(), 200);
    let id = began.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let stranger = issuer.token(&json!({ "sub": "eve" }));
    let call = |tool| json!({ "name": tool, "arguments": { "text": ARGUMENT } });
    for (token, tool, status) in [
        (&token, "whoami", 200),
        (&token, "publish", 403),
        (&token, "unknown", 200),
        (&forged, "whoami", 401),
        (&stranger, "whoami", 404),
    ] {
        let answer = post(&server, token, &id, "tools/call", call(tool)).await;
        assert_eq!(answer.status(), status, "{tool}");
    }
    let broken = post(&server, &token, &id, "tools/call", json!([ARGUMENT])).await;
    assert_eq!(broken.status(), 400);
    let deleted = http
        .delete(&server.url)
        .header("mcp-session-id", &id)
        .bearer_auth(&token);
    assert_eq!(deleted.send().await.unwrap().status(), 200);
    server.terminate();
    let log = server.log();
    assert!(
        log.contains("mcp.session.hash"),
        "nothing was logged: {log}"
    );
    let signature = token.rsplit('.').next().unwrap();
    for line in log.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        for secret in [&*id, &token, signature, &forged, ARGUMENT] {
            assert!(!line.contains(secret), "{secret} is logged: {line}");
        }
    }
}

/// Sends a request of a session.
async fn post(server: &Running, token: &str, id: &str, method: &str, params: Value) -> Response {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let http = reqwest::Client::new()
        .post(&server.url)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-session-id", id);
    http.bearer_auth(token).json(&request).send().await.unwrap()
}

fn initialize() -> Value {
    let client = json!({ "name": "canary", "version": "1" });
    json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client })
}
