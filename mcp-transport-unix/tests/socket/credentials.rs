//! Who connects.

use std::{os::unix::fs::MetadataExt, path::Path};

use mcp_core::{
    Context, McpRouter, Tool,
    auth::{Grant, Scopes},
};
use mcp_transport_http::{
    auth::{AuthError, Authenticator},
    axum::http::request::Parts,
};
use mcp_transport_unix::{PeerCredentials, UnixSocketTransport};
use serde_json::json;
use tokio::net::UnixStream;

use crate::support::{Lines, call, head, post, request, start, text};

fn router() -> McpRouter {
    let whoami = |ctx: Context| async move {
        let principal = ctx.principal();
        principal.map_or_else(
            || "nobody".to_owned(),
            |principal| format!("{} {}", principal.issuer, principal.subject),
        )
    };
    let peer = |ctx: Context| async move {
        let peer = ctx.extension::<PeerCredentials>();
        peer.map_or_else(|| "nobody".to_owned(), |peer| peer.uid.to_string())
    };
    McpRouter::new()
        .tool(Tool::new("whoami").handler(whoami))
        .tool(Tool::new("peer").handler(peer))
        .tool(
            Tool::new("guarded")
                .handler(|| async { "done" })
                .requires_scopes(Scopes::parse("admin").unwrap()),
        )
}

fn uid(dir: &Path) -> u32 {
    std::fs::metadata(dir).unwrap().uid()
}

#[tokio::test]
async fn in_lines_the_user_at_the_other_end_is_the_principal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let (stop, served) = start(UnixSocketTransport::new(router()), &path).await;
    let mut lines = Lines::connect(&path).await.initialized().await;
    let expected = format!("unix {}", uid(dir.path()));
    let params = json!({ "name": "whoami", "arguments": {} });
    let in_session = lines.ask(&request(1, "tools/call", &params)).await;
    assert_eq!(text(&in_session), expected);
    assert_eq!(text(&lines.ask(&call(2, "whoami")).await), expected);
    let peer = lines.ask(&call(3, "peer")).await;
    assert_eq!(text(&peer), uid(dir.path()).to_string());
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn over_http_the_user_counts_only_when_it_is_trusted() {
    for trusted in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.sock");
        let transport = UnixSocketTransport::new(router());
        let transport = if trusted {
            transport.trust_peer_credentials()
        } else {
            transport
        };
        let (stop, served) = start(transport, &path).await;
        let stream = UnixStream::connect(&path).await.unwrap();
        let (_, answer) = post(stream, &head("whoami"), &call(1, "whoami")).await;
        let user = format!("unix {}", uid(dir.path()));
        assert_eq!(text(&answer), if trusted { &user } else { "nobody" });
        stop.send(()).unwrap();
        served.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_a_user_may_do_is_the_same_in_both_dialects() {
    for (scopes, status) in [("admin", "200 OK"), ("", "403 Forbidden")] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.sock");
        let transport = UnixSocketTransport::new(router()).trust_peer_credentials();
        let transport = transport.peer_scopes(|_| Scopes::parse(scopes).unwrap());
        let (stop, served) = start(transport, &path).await;
        let stream = UnixStream::connect(&path).await.unwrap();
        let (head, over_http) = post(stream, &head("guarded"), &call(1, "guarded")).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
        let in_lines = Lines::connect(&path).await.ask(&call(1, "guarded")).await;
        assert_eq!(in_lines, over_http);
        stop.send(()).unwrap();
        served.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn behind_a_proxy_requests_over_http_are_authenticated_as_over_tcp() {
    struct Nobody;
    #[async_trait::async_trait]
    impl Authenticator for Nobody {
        async fn authenticate(&self, _: &Parts) -> Result<Grant, AuthError> {
            Err(AuthError::missing())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.sock");
    let transport = UnixSocketTransport::new(router()).http(|http| http.authenticator(Nobody));
    let (stop, served) = start(transport, &path).await;
    let stream = UnixStream::connect(&path).await.unwrap();
    let (head, _) = post(stream, &head("whoami"), &call(1, "whoami")).await;
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
}
