//! What operators see.

use serde_json::{Value, json};

use crate::{
    HELLO,
    server::{Running, Session},
};

async fn page(server: &Running, path: &str) -> String {
    let url = format!("{}{path}", server.admin.as_deref().unwrap());
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

/// The value of the series of this name whose labels hold all of these.
fn series(page: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let mut lines = page.lines().filter(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    });
    lines.next()?.rsplit_once(' ')?.1.parse().ok()
}

#[tokio::test]
async fn prometheus_scrapes_what_the_server_did_and_no_ids() {
    let server = Running::start(HELLO, &["--admin", "127.0.0.1:0"]);
    let session = Session::begin(&server.url).await;
    for _ in 0..3 {
        session.call("add", json!({ "a": 1, "b": 2 })).await;
    }
    let page = page(&server, "/metrics").await;
    let labels = [
        r#"mcp_method_name="tools/call""#,
        r#"mcp_protocol_version="2025-11-25""#,
    ];
    let calls = series(&page, "mcp_server_operation_duration_count", &labels);
    assert_eq!(calls, Some(3.0), "{page}");
    assert_eq!(
        series(&page, "mcp_sessions_created", &[]),
        Some(1.0),
        "{page}"
    );
    let bucket = [labels[0], labels[1], r#"le="+Inf""#];
    let bucket = series(&page, "mcp_server_operation_duration_bucket", &bucket);
    assert_eq!(bucket, Some(3.0), "{page}");
    let id = session.id.unwrap();
    assert!(!page.contains(&id), "an id is a label: {page}");
    server.stop();
}

#[tokio::test]
async fn operators_see_sessions_by_the_name_they_have_in_logs() {
    let server = Running::start(HELLO, &["--admin", "127.0.0.1:0"]);
    let session = Session::begin(&server.url).await;
    let text = page(&server, "/sessions").await;
    let listed: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(listed["count"], 1);
    assert_eq!(listed["sessions"][0]["client"], "smoke");
    assert_eq!(listed["sessions"][0]["revision"], "2025-11-25");
    assert!(!text.contains(&session.id.unwrap()), "{text}");
    server.stop();
}

#[tokio::test]
async fn attempts_at_the_sessions_of_others_are_counted_by_what_they_wanted() {
    let flags = ["--admin", "127.0.0.1:0", "--user-header", "x-user"];
    let server = Running::start(HELLO, &flags);
    let session = Session::begin(&server.url).await;
    let id = session.id.as_deref().unwrap();
    let http = reqwest::Client::new();
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    for (surface, request) in [
        ("post", http.post(&server.url).json(&ping)),
        ("get", http.get(&server.url)),
        (
            "resume",
            http.get(&server.url).header("last-event-id", "get.1.1"),
        ),
        ("delete", http.delete(&server.url)),
    ] {
        let request = request
            .header("x-user", "eve")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-session-id", id);
        assert_eq!(request.send().await.unwrap().status(), 404, "{surface}");
        let page = page(&server, "/metrics").await;
        let label = format!("surface=\"{surface}\"");
        let counted = series(&page, "mcp_session_owner_mismatch", &[&label]);
        assert_eq!(counted, Some(1.0), "{page}");
    }
    server.stop();
}
