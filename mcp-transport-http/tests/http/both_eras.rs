//! Clients with and without sessions at one endpoint: which is which, row by row.

use mcp_core::{Context, McpRouter, Tool, protocol::Revision};
use mcp_transport_http::HttpTransport;
use serde_json::{Value, json};

use crate::{
    gate::Gate,
    support::{
        MODERN, ModernClient, TestServer, alone, answered, ping, refused, request, soon, spawn,
        text, tool,
    },
};

/// Gated tools, and one that says by which revision it is served.
fn router(gate: &Gate) -> McpRouter {
    let revision = |ctx: Context| async move { ctx.revision().to_string() };
    gate.router().tool(Tool::new("revision").handler(revision))
}

async fn start() -> (TestServer, ModernClient) {
    let server = TestServer::start(router(&Gate::new())).await;
    let client = server.modern();
    (server, client)
}

async fn modern_only() -> (TestServer, ModernClient) {
    let transport = HttpTransport::new(router(&Gate::new()));
    let server = TestServer::serve(transport.revisions([Revision::V2026_07_28])).await;
    let client = server.modern();
    (server, client)
}

/// `tools/list` whose `_meta` names this version.
fn naming(version: &str) -> Value {
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": version });
    alone(1, "tools/list", &json!({ "_meta": meta }))
}

fn initialize(version: &str) -> Value {
    let params = json!({
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    request(0, "initialize", &params)
}

#[tokio::test]
async fn the_sessionless_header_is_served_without_a_session() {
    let (_server, client) = start().await;
    let answer = client.call(1, "revision", &json!({})).await;
    assert_eq!(text(&answer), MODERN);
}

#[tokio::test]
async fn no_answer_without_a_session_names_one() {
    let (_server, client) = start().await;
    let request = client.post(&alone(1, "tools/list", &json!({})));
    let response = request.send().await.unwrap();
    assert!(!response.headers().contains_key("mcp-session-id"));
}

#[tokio::test]
async fn the_sessionless_header_and_another_version_in_meta_differ() {
    let (_server, client) = start().await;
    for version in ["2025-11-25", "v999.0.0", ""] {
        let error = refused(client.post(&naming(version)), 400).await;
        assert_eq!(error["code"], -32020, "{version}");
    }
}

#[tokio::test]
async fn the_sessionless_header_is_compared_before_meta_is_complete() {
    let (_server, client) = start().await;
    let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2025-11-25" });
    let message = request(1, "tools/list", &json!({ "_meta": meta }));
    let error = refused(client.post(&message), 400).await;
    assert_eq!(error["code"], -32020);
}

#[tokio::test]
async fn meta_is_complete_before_the_method_is_looked_at() {
    let (_server, client) = start().await;
    let message = request(1, "unknown/method", &json!({}));
    let error = refused(client.post(&message), 400).await;
    assert_eq!(error["code"], -32602);
}

#[tokio::test]
async fn initialize_with_the_sessionless_header_is_an_unknown_method() {
    let (_server, client) = start().await;
    let message = alone(1, "initialize", &initialize("2025-11-25")["params"]);
    let error = refused(client.post(&message), 404).await;
    assert_eq!(error["code"], -32601);
}

#[tokio::test]
async fn a_sessionless_meta_needs_the_sessionless_header() {
    let (server, client) = start().await;
    let error = refused(client.without(&naming(MODERN)), 400).await;
    assert_eq!(error["code"], -32020);
    let old = server.client().await;
    for post in [
        old.post(&naming(MODERN)),
        old.post(&naming("v999.0.0")),
        client.with(&naming(MODERN), "mcp-protocol-version", "2025-11-25"),
    ] {
        let error = refused(post, 400).await;
        assert_eq!(error["code"], -32020);
    }
}

#[tokio::test]
async fn initialize_begins_a_session_whatever_old_header_it_has() {
    let (_server, client) = start().await;
    for header in [None, Some("2025-06-18"), Some("2025-11-25")] {
        let mut post = client.without(&initialize("2025-06-18"));
        if let Some(header) = header {
            post = post.header("mcp-protocol-version", header);
        }
        let response = post.send().await.unwrap();
        assert_eq!(response.status(), 200, "{header:?}");
        assert!(response.headers().contains_key("mcp-session-id"));
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
    }
}

#[tokio::test]
async fn initialize_with_an_unknown_header_begins_a_session_too() {
    let (_server, client) = start().await;
    let post = client.without(&initialize("2025-11-25"));
    let answer = answered(post.header("mcp-protocol-version", "2099-01-01")).await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn initialize_with_a_version_nobody_has_gets_the_latest_with_sessions() {
    let (_server, client) = start().await;
    for version in ["2099-01-01", MODERN, "v999.0.0"] {
        let answer = answered(client.without(&initialize(version))).await;
        let negotiated = &answer["result"]["protocolVersion"];
        assert_eq!(*negotiated, "2025-11-25", "{version}");
    }
}

#[tokio::test]
async fn without_a_header_the_revision_is_that_of_the_session() {
    let (server, client) = start().await;
    for revision in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let old = server.client_of(revision, json!({})).await;
        let message = request(1, "tools/call", &tool("revision", &json!({})));
        let post = client.without(&message);
        let answer = answered(post.header("mcp-session-id", &old.session)).await;
        assert_eq!(text(&answer), revision);
    }
}

#[tokio::test]
async fn without_a_header_a_session_is_required() {
    let (_server, client) = start().await;
    let error = refused(client.without(&ping()), 400).await;
    assert_eq!(error["code"], -32600);
    assert_eq!(error["data"]["reason"], "session_required");
}

#[tokio::test]
async fn an_old_header_of_another_revision_does_not_change_the_session() {
    let (server, _) = start().await;
    let mut old = server.client_of("2025-06-18", json!({})).await;
    for header in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        header.clone_into(&mut old.revision);
        let answer = old.call(1, "revision", &json!({})).await;
        assert_eq!(text(&answer), "2025-06-18", "{header}");
    }
}

#[tokio::test]
async fn an_old_header_without_a_session_is_refused() {
    let (_server, client) = start().await;
    let post = client.without(&ping());
    let error = refused(post.header("mcp-protocol-version", "2025-11-25"), 400).await;
    assert_eq!(error["data"]["reason"], "session_required");
}

#[tokio::test]
async fn an_unknown_header_that_meta_repeats_is_an_unsupported_version() {
    let (_server, client) = start().await;
    let message = naming("v999.0.0");
    let post = client.with(&message, "mcp-protocol-version", "v999.0.0");
    let error = refused(post, 400).await;
    assert_eq!(error["code"], -32022);
    assert_eq!(error["data"]["requested"], "v999.0.0");
    let discovered = client.request(2, "server/discover", &json!({})).await;
    let versions = &discovered["result"]["supportedVersions"];
    assert_eq!(error["data"]["supported"], *versions);
}

#[tokio::test]
async fn an_unknown_header_without_meta_is_an_unsupported_version() {
    let (_server, client) = start().await;
    let post = client.without(&ping());
    let error = refused(post.header("mcp-protocol-version", "v999.0.0"), 400).await;
    assert_eq!(error["code"], -32022);
}

#[tokio::test]
async fn an_unknown_header_that_meta_contradicts_is_a_mismatch() {
    let (_server, client) = start().await;
    for version in [MODERN, "2025-11-25", "v998.0.0"] {
        let post = client.with(&naming(version), "mcp-protocol-version", "v999.0.0");
        let error = refused(post, 400).await;
        assert_eq!(error["code"], -32020, "{version}");
    }
}

#[tokio::test]
async fn a_version_header_that_stands_twice_or_says_nothing_is_refused() {
    let (_server, client) = start().await;
    let twice = client.post(&naming(MODERN));
    let twice = twice.header("mcp-protocol-version", MODERN);
    let empty = client.with(&naming(MODERN), "mcp-protocol-version", "");
    for post in [twice, empty] {
        let error = refused(post, 400).await;
        assert_eq!(error["data"]["reason"], "invalid_header");
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_it_calls_the_old_revision_unsupported() {
    let revisions = [Revision::V2025_11_25, Revision::V2026_07_28];
    let transport = HttpTransport::new(router(&Gate::new())).revisions(revisions);
    let server = TestServer::serve(transport).await;
    let post = server.modern().without(&ping());
    let error = refused(post.header("mcp-protocol-version", "2025-03-26"), 400).await;
    assert_eq!(error["code"], -32022);
    assert_eq!(error["data"]["supported"], json!(["2025-11-25", MODERN]));
}

#[tokio::test]
async fn a_server_of_sessions_alone_refuses_without_the_codes_of_the_other_era() {
    let transport = HttpTransport::new(router(&Gate::new()));
    let server = TestServer::serve(transport.revisions(Revision::LEGACY)).await;
    let client = server.modern();
    for post in [
        client.post(&naming(MODERN)),
        client.without(&naming(MODERN)),
    ] {
        let error = refused(post, 400).await;
        assert_eq!(error["code"], -32600);
        assert_eq!(error["data"]["reason"], "unsupported_version");
    }
}

#[tokio::test]
async fn old_and_new_calls_interleave() {
    let (server, client) = start().await;
    let old = server.client().await;
    for id in 1..=3 {
        let answer = old.call(id, "revision", &json!({})).await;
        assert_eq!((text(&answer), &answer["id"]), ("2025-11-25", &json!(id)));
        let answer = client.call(id, "revision", &json!({})).await;
        assert_eq!((text(&answer), &answer["id"]), (MODERN, &json!(id)));
    }
}

#[tokio::test]
async fn the_same_id_may_be_under_way_in_both_eras() {
    let gate = Gate::new();
    let server = TestServer::start(router(&gate)).await;
    let (old, new) = (server.client().await, server.modern());
    let message = request(7, "tools/call", &tool("wait", &json!({})));
    let first = spawn(old.post(&message).send());
    gate.entered().await;
    let message = alone(7, "tools/call", &tool("wait", &json!({})));
    let second = spawn(new.post(&message).send());
    gate.entered().await;
    gate.open();
    gate.open();
    for call in [first, second] {
        let answer = soon(call).await.unwrap().unwrap().json().await.unwrap();
        assert_eq!(text(&answer), "done");
    }
}

#[tokio::test]
async fn the_answers_of_a_session_do_not_speak_of_the_other_era() {
    let (server, client) = start().await;
    let old = server.client().await;
    client.call(1, "revision", &json!({})).await;
    for method in ["ping", "tools/list"] {
        let result = old.request(1, method, json!({})).await["result"].take();
        for member in ["resultType", "ttlMs", "cacheScope", "_meta"] {
            assert_eq!(result.get(member), None, "{method}");
        }
    }
}

#[tokio::test]
async fn a_session_lives_on_beside_sessionless_calls_that_name_it() {
    let (server, client) = start().await;
    let old = server.client().await;
    let message = alone(1, "tools/list", &json!({}));
    answered(client.post(&message).header("mcp-session-id", &old.session)).await;
    let delete = client.http.delete(&client.url);
    let delete = delete.header("mcp-protocol-version", MODERN);
    refused(delete.header("mcp-session-id", &old.session), 405).await;
    assert_eq!(old.request(2, "ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn a_sessionless_server_refuses_initialize_and_names_its_versions() {
    let (_server, client) = modern_only().await;
    let error = refused(client.without(&initialize("2025-11-25")), 400).await;
    assert_eq!(error["code"], -32022);
    assert_eq!(error["data"]["supported"], json!([MODERN]));
    assert_eq!(error["data"]["requested"], "2025-11-25");
}

#[tokio::test]
async fn a_sessionless_server_has_neither_get_nor_delete() {
    let (_server, client) = modern_only().await;
    for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
        for header in ["2025-11-25", MODERN] {
            let request = client.http.request(method.clone(), &client.url);
            let request = request.header("accept", "text/event-stream");
            refused(request.header("mcp-protocol-version", header), 405).await;
        }
    }
}

#[tokio::test]
async fn a_sessionless_server_serves_sessionless_calls() {
    let (_server, client) = modern_only().await;
    let answer = client.call(1, "revision", &json!({})).await;
    assert_eq!(text(&answer), MODERN);
}

#[tokio::test]
async fn a_sessionless_server_needs_the_header() {
    let (_server, client) = modern_only().await;
    let error = refused(client.without(&ping()), 400).await;
    assert_eq!(error["code"], -32020);
    let old = client.without(&ping());
    let error = refused(old.header("mcp-protocol-version", "2025-11-25"), 400).await;
    assert_eq!(error["code"], -32022);
}
