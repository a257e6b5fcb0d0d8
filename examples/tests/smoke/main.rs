//! Every example server from its start to its clean end, as a user sees it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod metrics;
mod protected;
mod server;
mod stdio;
#[cfg(unix)]
mod unix;

use std::{
    fs,
    net::TcpListener,
    path::PathBuf,
    process::{self, Command, Output},
};

use serde_json::{Value, json};

use crate::server::{Running, Session};

const HELLO: &str = env!("CARGO_BIN_EXE_hello");
const QUICKSTART: &str = env!("CARGO_BIN_EXE_quickstart");
const PROTECTED: &str = env!("CARGO_BIN_EXE_protected");
const CONFORMANCE: &str = env!("CARGO_BIN_EXE_conformance-server");

#[tokio::test]
async fn hello_adds_and_ends_cleanly() {
    let server = Running::start(HELLO, &[]);
    let session = Session::begin(&server.url).await;
    let sum = session.call("add", json!({ "a": 2, "b": 3.5 })).await;
    assert_eq!(sum["structuredContent"], json!({ "sum": 5.5 }));
    server.stop();
}

#[tokio::test]
async fn conformance_server_answers_without_arguments() {
    let server = Running::start(CONFORMANCE, &[]);
    let session = Session::begin(&server.url).await;
    let text = session.call("test_simple_text", Value::Null).await;
    assert_eq!(
        text["content"][0]["text"],
        "This is a simple text response for testing."
    );
    server.stop();
}

#[tokio::test]
async fn quickstart_creates_finds_and_shows_notes() {
    let server = Running::start(QUICKSTART, &[]);
    let session = Session::begin(&server.url).await;
    let note = json!({ "title": "Kite", "body": "It needs wind.", "tags": ["toys"] });
    let created = session.call("create_note", note).await;
    let id = &created["structuredContent"]["id"];
    let found = session
        .call("search_notes", json!({ "query": "KITE" }))
        .await;
    assert_eq!(found["structuredContent"]["notes"][0]["id"], *id);

    let uri = format!("notes://{id}");
    let read = session
        .request("resources/read", json!({ "uri": uri }))
        .await;
    let text = read["contents"][0]["text"].as_str().unwrap();
    assert!(text.contains("It needs wind."), "{text}");
    server.stop();
}

#[tokio::test]
async fn quickstart_says_why_it_deletes_nothing_without_elicitation() {
    let server = Running::start(QUICKSTART, &[]);
    let session = Session::begin(&server.url).await;
    let refused = session.call("delete_note", json!({ "id": 1 })).await;
    assert_eq!(refused["isError"], true);
    let text = refused["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("was not deleted"), "{text}");
    let listed = session.call("list_notes", json!({})).await;
    assert_eq!(listed["structuredContent"]["notes"][0]["id"], 1);
    server.stop();
}

#[tokio::test]
async fn quickstart_completes_ids_and_fills_in_its_prompts() {
    let server = Running::start(QUICKSTART, &[]);
    let session = Session::begin(&server.url).await;
    for reference in [
        json!({ "type": "ref/resource", "uri": "notes://{id}" }),
        json!({ "type": "ref/prompt", "name": "review_note" }),
    ] {
        let wanted = json!({ "ref": reference, "argument": { "name": "id", "value": "3" } });
        let completed = session.request("completion/complete", wanted).await;
        assert_eq!(completed["completion"]["values"], json!(["3"]));
    }
    for prompt in [
        json!({ "name": "review_note", "arguments": { "id": "3" } }),
        json!({ "name": "weekly_summary" }),
    ] {
        let filled = session.request("prompts/get", prompt).await;
        assert_eq!(filled["messages"].as_array().unwrap().len(), 2);
    }
    server.stop();
}

#[tokio::test]
async fn a_new_note_is_told_to_a_subscriber_whose_stream_does_not_keep_the_server_up() {
    let server = Running::start(QUICKSTART, &[]);
    let session = Session::begin(&server.url).await;
    let mut stream = session.listen().await;
    let all = json!({ "uri": "notes://all" });
    session.request("resources/subscribe", all).await;
    let note = json!({ "title": "Kite", "body": "It needs wind." });
    session.call("create_note", note).await;

    let mut heard = String::new();
    while !heard.contains("notifications/resources/updated") {
        let chunk = stream.chunk().await.unwrap().unwrap();
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(heard.contains("notes://all"), "{heard}");
    server.stop();
    while stream.chunk().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_running_call_is_answered_before_the_server_ends() {
    let server = Running::start(QUICKSTART, &[]);
    let session = Session::begin(&server.url).await;
    let meta = json!({ "progressToken": "t" });
    let mut stream = session
        .post(&json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": { "name": "summarise_notes", "_meta": meta },
        }))
        .await;
    let mut heard = String::new();
    while !heard.contains("notifications/progress") {
        let chunk = stream.chunk().await.unwrap().unwrap();
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
    server.terminate();
    while let Some(chunk) = stream.chunk().await.unwrap() {
        heard.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(heard.contains("structuredContent"), "{heard}");
    server.ended();
}

#[tokio::test]
async fn a_second_signal_ends_a_server_at_once() {
    let server = Running::start(env!("CARGO_BIN_EXE_cluster-node"), &[]);
    let session = Session::begin(&server.url).await;
    let params = json!({ "name": "sleep", "arguments": { "ms": 600_000 } });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    // Its answer begins when it has been silent for a while.
    let stream = session.post(&call).await;
    server.terminate();
    let address = server.url.trim_start_matches("http://");
    let address = address.trim_end_matches("/mcp");
    while std::net::TcpStream::connect(address).is_ok() {}
    server.terminate();
    server.ended();
    drop(stream);
}

#[tokio::test]
async fn behind_a_proxy_on_its_host_a_server_answers_to_the_names_it_is_told() {
    let server = Running::start(
        QUICKSTART,
        &["--allowed-hosts", "mcp.example.com,other.example"],
    );
    for (host, status) in [
        ("mcp.example.com", 200),
        ("other.example", 200),
        ("evil.example", 403),
    ] {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        } });
        let request = reqwest::Client::new()
            .post(&server.url)
            .header("Host", host);
        let request = request
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2026-07-28")
            .header("Mcp-Method", "tools/list");
        let response = request.json(&message).send().await.unwrap();
        assert_eq!(response.status(), status, "{host}");
    }
    server.stop();
}

#[test]
fn the_printed_curl_works_as_printed() {
    let mut server = Running::start(QUICKSTART, &[]);
    let printed = server.printed();
    let (_, command) = printed.split_once("\n\ncurl ").unwrap();
    let answered = Command::new("sh")
        .args(["-c", &format!("curl {command}")])
        .output()
        .unwrap();
    let answer = String::from_utf8_lossy(&answered.stdout);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answered:?}");
    assert!(answer.contains("\r\nmcp-session-id: "), "{answer}");
    assert!(
        answer.contains(r#""protocolVersion":"2025-11-25""#),
        "{answer}"
    );
    server.stop();
}

#[test]
fn the_printed_configuration_is_json_with_the_url() {
    let mut server = Running::start(QUICKSTART, &[]);
    let printed = server.printed();
    let from = printed.find("\n{").unwrap();
    let to = printed.find("\n}\n").unwrap() + 2;
    let configuration: Value = serde_json::from_str(&printed[from..to]).unwrap();
    let notes = &configuration["mcpServers"]["notes"];
    assert_eq!(*notes, json!({ "type": "http", "url": server.url }));
    server.stop();
}

#[tokio::test]
async fn without_sessions_every_request_stands_alone() {
    let server = Running::start(HELLO, &["--sessions", "off", "--log-format", "json"]);
    let session = Session::begin(&server.url).await;
    assert_eq!(session.id, None);
    let sum = session.call("add", json!({ "a": 1, "b": 1 })).await;
    assert_eq!(sum["structuredContent"], json!({ "sum": 2.0 }));
    server.stop();
}

#[tokio::test]
async fn the_keys_of_a_file_win_over_those_of_the_environment() {
    let good = format!("a:{}=", "A".repeat(43));
    let file = TextFile::new("keys", &good);
    let arguments = ["--state-keys", file.path(), "--instance", "one"];
    let server = Running::start_with(HELLO, &arguments, &[("MCP_STATE_KEYS", "broken")]);
    Session::begin(&server.url).await;
    server.stop();
}

#[test]
fn keys_that_cannot_be_read_end_the_server_with_a_message() {
    let short = TextFile::new("short", "a:c2VjcmV0");
    let refused = run(HELLO, &["--state-keys", short.path()], &[]);
    assert_refused(&refused, 1, "line 1");
    assert_refused(
        &run(HELLO, &["--state-keys", "no/such/file"], &[]),
        1,
        "no/such/file",
    );
    let refused = run(HELLO, &[], &[("MCP_STATE_KEYS", "broken")]);
    assert_refused(&refused, 1, "MCP_STATE_KEYS: line 1");
}

#[test]
fn a_backend_that_is_not_there_is_named_without_its_password() {
    for (url, code) in [
        ("redis://u:secret@127.0.0.1:1", 1),
        ("postgres://u:secret@127.0.0.1:1/db", 1),
        ("mysql://u:secret@127.0.0.1:1/db", 2),
    ] {
        let refused = run(HELLO, &["--backend", url, "--reach-within", "0"], &[]);
        assert_refused(&refused, code, "error: ");
        assert!(!text(&refused).contains("secret"), "{refused:?}");
    }
}

#[test]
fn unknown_flags_and_wrong_values_are_refused() {
    for arguments in [
        &["--no-such-flag"][..],
        &["--listen", "nowhere"],
        &["--sessions", "perhaps"],
        &["--instance", "a.b"],
    ] {
        for server in [HELLO, QUICKSTART, CONFORMANCE] {
            assert_refused(&run(server, arguments, &[]), 2, arguments[0]);
        }
    }
}

#[test]
fn a_taken_port_ends_the_server_with_a_message() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for server in [HELLO, QUICKSTART, CONFORMANCE] {
        let refused = run(server, &["--listen", &address], &[]);
        assert_refused(&refused, 1, &format!("cannot listen on {address}"));
        assert!(refused.stdout.is_empty(), "{refused:?}");
    }
}

/// Runs a server that is expected to end by itself.
fn run(binary: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = server::command(binary, environment);
    command.args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_refused(output: &Output, code: i32, message: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let text = text(output);
    assert!(text.contains(message), "`{message}` is not in: {text}");
    assert!(!text.contains("listening on http"), "{text}");
}

/// A file that goes with the test.
struct TextFile(PathBuf);

impl TextFile {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("mcp-examples-{}-{name}", process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TextFile {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}
