//! Lines, and what is no message.

use mcp_core::lines::Lines;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::support::{Client, text};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

fn error(code: i64, id: &Value, answer: &Value) {
    assert_eq!(answer["error"]["code"], code, "{answer}");
    assert_eq!(answer["id"], *id, "{answer}");
}

#[tokio::test]
async fn blank_lines_and_carriage_returns_are_passed_over() {
    let (mut client, _) = Client::new();
    client.send(&format!("\n\r\n  \n{PING}\r\n")).await;
    assert_eq!(
        client.next().await,
        json!({ "jsonrpc": "2.0", "id": 1, "result": {} })
    );
    assert!(client.close().await.is_empty());
}

#[tokio::test]
async fn a_last_line_without_a_break_is_served() {
    let (mut client, _) = Client::new();
    client.requests.write_all(PING.as_bytes()).await.unwrap();
    let rest = client.close().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["id"], 1);
}

#[tokio::test]
async fn after_what_is_no_message_the_next_line_is_served() {
    let (mut client, _) = Client::new();
    let none = [
        ("{\"jsonrpc\":", -32700, Value::Null),
        ("nonsense", -32700, Value::Null),
        ("{\"jsonrpc\":\"2.0\",\"id\":7}", -32600, json!(7)),
        (
            "{\"jsonrpc\":\"1.0\",\"id\":8,\"method\":\"ping\"}",
            -32600,
            json!(8),
        ),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}",
            -32600,
            Value::Null,
        ),
        ("7", -32600, Value::Null),
    ];
    for (line, code, id) in none {
        client.send(line).await;
        error(code, &id, &client.next().await);
    }
    client.ping().await;
}

#[tokio::test]
async fn a_line_that_is_not_utf_8_is_an_error() {
    let (mut client, _) = Client::new();
    client
        .requests
        .write_all(b"{\"a\":\"\xff\"}\n")
        .await
        .unwrap();
    error(-32700, &Value::Null, &client.next().await);
    client.ping().await;
}

#[tokio::test]
async fn a_line_that_is_too_long_is_an_error_that_names_the_limit() {
    let (client, _) = Client::new();
    let server = client.server.clone();
    let lines = Lines::new(server.clone()).max_line_size(100);
    let mut client = Client::with(lines, server, 1024);
    client.send(&"x".repeat(5000)).await;
    let refused = client.next().await;
    error(-32600, &Value::Null, &refused);
    let data = json!({ "reason": "too_large", "limit": 100 });
    assert_eq!(refused["error"]["data"], data);
    client
        .request(7, "ping", &json!({ "a": "x".repeat(5000) }))
        .await;
    error(-32600, &json!(7), &client.next().await);
    client.ping().await;
}

#[tokio::test]
async fn a_message_may_arrive_byte_by_byte() {
    let (mut client, _) = Client::new();
    for byte in PING.bytes().chain([b'\n']) {
        client.requests.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test]
async fn many_messages_may_arrive_at_once() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    let call = |id: i64| {
        let params = json!({ "name": "echo", "arguments": { "text": id.to_string() } });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    let all: Vec<String> = (1..=100).map(|id| call(id).to_string()).collect();
    client.send(&all.join("\n")).await;
    let mut answered = Vec::new();
    for _ in 1..=100 {
        let answer = client.next().await;
        assert_eq!(text(&answer), answer["id"].to_string());
        answered.push(answer["id"].as_i64());
    }
    answered.sort_unstable();
    assert!(answered.into_iter().eq((1..=100).map(Some)));
}
