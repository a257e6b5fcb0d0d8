//! Clients that mean harm, or read and write as if they did.

use std::{fmt::Write, process::Stdio, time::Duration};

use mcp_core::{Args, Context, McpRouter, Tool, protocol::LoggingLevel, server::SessionMode};
use mcp_transport_http::HttpTransport;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    process::Command,
};

use crate::{
    gate::Gate,
    support::{TestClient, TestServer, ping, request, rest, soon, text, tool},
};

const MEBIBYTE: usize = 1024 * 1024;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Anything {
    value: Value,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Number {
    value: i64,
}

async fn size(Args(Anything { value }): Args<Anything>) -> String {
    value.to_string().len().to_string()
}

async fn double(Args(Number { value }): Args<Number>) -> String {
    (value * 2).to_string()
}

async fn start() -> (TestServer, TestClient) {
    let router = McpRouter::new()
        .tool(Tool::new("size").handler(size))
        .tool(Tool::new("double").handler(double));
    let transport = HttpTransport::new(router).max_body_size(8 * MEBIBYTE);
    let server = TestServer::serve(transport).await;
    let client = server.client().await;
    (server, client)
}

/// A call whose argument is written as it is.
fn call(name: &str, value: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{{"value":{value}}}}}}}"#
    )
}

fn nested(open: &str, close: &str) -> String {
    format!("{}1{}", open.repeat(10_000), close.repeat(10_000))
}

fn many_keys() -> String {
    let mut object = "{".to_owned();
    for key in 0..100_000 {
        write!(object, r#""key{key}":{key},"#).unwrap();
    }
    object.pop();
    object.push('}');
    object
}

/// Requests that cost their sender nothing.
fn harmful() -> Vec<(&'static str, String)> {
    let (arrays, objects) = (nested("[", "]"), nested(r#"{"a":"#, "}"));
    let (digits, long) = ("9".repeat(4 * MEBIBYTE), "x".repeat(4 * MEBIBYTE));
    let (quoted, keys) = (format!(r#""{long}""#), many_keys());
    let unknown = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","other":{objects}}}"#);
    let meta =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{objects}}}}}"#);
    vec![
        ("deep arrays", call("size", &arrays)),
        ("deep objects", call("size", &objects)),
        ("deep where a number belongs", call("double", &arrays)),
        ("a deep batch", arrays),
        ("a deep unknown member", unknown),
        ("deep metadata", meta),
        ("digits", call("size", &digits)),
        ("digits where a number belongs", call("double", &digits)),
        ("a string", call("size", &quoted)),
        ("a string where a number belongs", call("double", &quoted)),
        ("keys", call("size", &keys)),
        ("keys where a number belongs", call("double", &keys)),
        (
            "escapes",
            call("size", &format!(r#""{}""#, r"\u0041".repeat(600_000))),
        ),
        (
            "a method",
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{long}"}}"#),
        ),
        (
            "a tool",
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{long}"}}}}"#
            ),
        ),
        ("brackets that never close", "[".repeat(4 * MEBIBYTE)),
        ("space", " ".repeat(4 * MEBIBYTE)),
        ("commas", format!("[{}", ",".repeat(MEBIBYTE))),
    ]
}

#[tokio::test]
async fn harmful_requests_are_answered_and_hinder_nobody() {
    let (_server, client) = start().await;
    for (what, body) in harmful() {
        let response = soon(client.post_bytes(body).send()).await.unwrap();
        assert!([200, 400].contains(&response.status().as_u16()), "{what}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["jsonrpc"], "2.0", "{what}");
        assert_eq!(client.status(&ping()).await, 200, "{what}");
    }
}

#[tokio::test]
async fn an_answer_does_not_repeat_a_long_name() {
    let (_server, client) = start().await;
    for (what, body) in harmful() {
        let response = client.post_bytes(body).send().await.unwrap();
        let answer = response.text().await.unwrap();
        assert!(answer.len() < 10_000, "{what}: {}", answer.len());
    }
}

#[tokio::test]
async fn what_is_large_but_fits_is_served() {
    let (_server, client) = start().await;
    let quoted = format!(r#""{}""#, "x".repeat(4 * MEBIBYTE));
    for (value, length) in [
        (quoted.clone(), quoted.len()),
        (many_keys(), many_keys().len()),
    ] {
        let response = client
            .post_bytes(call("size", &value))
            .send()
            .await
            .unwrap();
        assert_eq!(text(&response.json().await.unwrap()), length.to_string());
    }
}

/// Resident memory of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mut lines = status.lines();
    let line = lines.find(|line| line.starts_with("VmRSS:")).unwrap();
    let kibibytes = line.split_whitespace().nth(1).unwrap();
    kibibytes.parse::<usize>().unwrap() * 1024
}

/// Hundredths of a second that this process has computed: unlike the time that has passed, they do
/// not depend on what else the machine does.
fn computed() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let times = fields.split_whitespace().skip(11).take(2);
    times.map(|time| time.parse::<u64>().unwrap()).sum()
}

/// Set in the process that measures itself, so that no other test runs beside.
const MEASURING: &str = "MCP_TEST_MEASURES_ITSELF";

#[tokio::test]
async fn harmful_requests_cost_less_than_a_second_and_64_mebibytes() {
    if std::env::var_os(MEASURING).is_none() {
        let name = "hostile::harmful_requests_cost_less_than_a_second_and_64_mebibytes";
        let mut command = Command::new(std::env::current_exe().unwrap());
        let command = command.args(["--exact", name]).env(MEASURING, "1");
        let output = command.stdin(Stdio::null()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
        return;
    }
    let (_server, client) = start().await;
    let requests = harmful();
    let memory = resident();
    for _ in 0..2 {
        for (what, body) in &requests {
            let body = body.clone();
            let time = computed();
            let response = client.post_bytes(body).send().await.unwrap();
            response.bytes().await.unwrap();
            let time = computed() - time;
            assert!(time <= 100, "{what}: {time} hundredths of a second");
        }
    }
    let grown = resident().saturating_sub(memory);
    assert!(grown <= 64 * MEBIBYTE, "{} MiB", grown / MEBIBYTE);
}

/// A tool that says far more than sockets hold, then waits.
fn flooding(gate: &Gate) -> McpRouter {
    let gate = gate.clone();
    McpRouter::new().tool(Tool::new("flood").handler(move |ctx: Context| {
        let gate = gate.clone();
        async move {
            let line = "x".repeat(64 * 1024);
            for _ in 0..200 {
                ctx.log(LoggingLevel::Info, None, line.as_str()).await;
                tokio::task::yield_now().await;
            }
            gate.pass().await;
            "done"
        }
    }))
}

/// Sends a call over a connection with small buffers, and reads no more than the head.
async fn never_reading(server: &TestServer, session: &str) -> (TcpStream, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.place.address).await.unwrap();
    let body = request(1, "tools/call", &tool("flood", &json!({}))).to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         mcp-session-id: {session}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut seen = String::new();
    while !seen.contains("\ndata: ") {
        let mut bytes = [0; 256];
        let count = soon(stream.read(&mut bytes)).await.unwrap();
        seen.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
    (stream, seen)
}

#[tokio::test]
async fn a_connection_that_takes_nothing_is_closed() {
    let gate = Gate::new();
    let dropped = gate.clone();
    let router = McpRouter::new().tool(Tool::new("flood").handler(move |ctx: Context| {
        let gate = dropped.clone();
        async move {
            let line = "x".repeat(64 * 1024);
            let flood = async {
                loop {
                    ctx.progress(1.0, None, line.as_str()).await;
                    tokio::task::yield_now().await;
                }
            };
            // Dropped with the connection, because without a session nobody can come back.
            tokio::select! { () = flood => {} () = gate.pass() => {} }
        }
    }));
    let transport = HttpTransport::new(router)
        .sessions(SessionMode::Off)
        .write_deadline(Duration::from_millis(100));
    let server = TestServer::serve(transport).await;
    let _connection = never_reading(&server, "none").await;
    gate.entered().await;
    gate.gone().await;
}

#[tokio::test]
async fn a_stream_whose_reader_was_cut_off_can_be_resumed() {
    let gate = Gate::new();
    let transport = HttpTransport::new(flooding(&gate)).write_deadline(Duration::from_millis(100));
    let server = TestServer::serve(transport).await;
    let client = server.client_of("2025-11-25", json!({})).await;
    let (connection, seen) = never_reading(&server, &client.session).await;
    let id = seen
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    gate.entered().await;
    gate.open();
    // A slow machine may let this connection stall as well: whoever is cut off comes back.
    let (mut last, mut messages) = (id, Vec::<Value>::new());
    while messages
        .last()
        .is_none_or(|message| message.get("result").is_none())
    {
        let mut stream = client.listen(Some(&last)).await;
        while let Some((id, message)) = stream.message().await {
            last = id.unwrap();
            messages.push(message);
        }
    }
    let lines = messages
        .iter()
        .filter(|message| message["method"] == "notifications/message");
    assert_eq!(lines.count(), 200);
    assert_eq!(text(messages.last().unwrap()), "done");
    drop(connection);
}

fn head(client: &TestClient, length: usize) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nmcp-session-id: {}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n",
        client.session
    )
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_served() {
    let (server, client) = start().await;
    let body = call("double", "21");
    let mut stream = server.place.connect().await;
    stream.set_nodelay(true).unwrap();
    let message = head(&client, body.len()) + &body;
    for byte in message.as_bytes() {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answer = rest(&mut stream).await;
    assert!(answer.contains(r#""text":"42""#), "{answer}");
}

#[tokio::test]
async fn bodies_that_stop_half_way_hinder_nobody() {
    let (server, client) = start().await;
    let mut stalled = Vec::new();
    for _ in 0..100 {
        let mut stream = server.place.connect().await;
        let message = head(&client, 1000) + r#"{"jsonrpc":"2.0","#;
        stream.write_all(message.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    assert_eq!(client.status(&ping()).await, 200);
    drop(stalled);
    assert_eq!(client.status(&ping()).await, 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused_in_the_end() {
    let transport = HttpTransport::new(Gate::new().router());
    let server = TestServer::serve(transport.read_deadline(Duration::from_millis(50))).await;
    let client = server.client().await;
    let mut stream = server.place.connect().await;
    let message = head(&client, 1000) + r#"{"jsonrpc":"2.0","#;
    stream.write_all(message.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("content-type: application/json\r\n"));
    assert!(answer.contains("-32600"), "{answer}");
}
