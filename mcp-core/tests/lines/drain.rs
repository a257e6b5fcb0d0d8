//! A server that shuts down.

use std::time::Duration;

use mcp_core::{lines::Lines, server::ServerBuilder};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Client, alone, router, text};

/// The messages that are no progress.
fn answers(messages: Vec<Value>) -> Vec<Value> {
    let answers = messages.into_iter();
    answers
        .filter(|message| message["method"] != "notifications/progress")
        .collect()
}

#[tokio::test]
async fn an_idle_connection_ends_at_once() {
    let (client, _) = Client::initialized("2025-11-25").await;
    client.server.drain().await;
    assert!(client.rest().await.is_empty());
}

#[tokio::test]
async fn what_runs_is_answered_before_the_connection_ends() {
    let (mut client, stage) = Client::initialized("2025-11-25").await;
    client.call(1, "gated").await;
    client.call_alone(2, "gated").await;
    stage.begun(2).await;
    client.server.drain().await;
    client.call(3, "large").await;
    loop {
        let refused = client.next().await;
        if refused["id"] == 3 {
            assert_eq!(refused["error"]["data"]["reason"], "draining");
            break;
        }
    }
    stage.gate.add_permits(2);
    let mut answers = answers(client.rest().await);
    answers.sort_by_key(|answer| answer["id"].as_i64());
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|answer| text(answer) == "through"));
}

#[tokio::test]
async fn a_question_is_answered_while_the_server_drains() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    client.call(1, "ask").await;
    let question = client.next().await;
    client.server.drain().await;
    let content = json!({ "action": "accept", "content": { "name": "Ada" } });
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": content });
    client.send(&answer.to_string()).await;
    let rest = client.rest().await;
    assert_eq!(text(&rest[0]), "Hello, Ada!");
}

#[tokio::test]
async fn a_subscription_is_cancelled_and_gets_its_result() {
    let (mut client, _) = Client::new();
    let wanted = alone(json!({ "notifications": { "toolsListChanged": true } }));
    client.request(5, "subscriptions/listen", &wanted).await;
    client.next().await;
    client.server.drain().await;
    let rest = client.rest().await;
    assert_eq!(rest.len(), 2);
    assert_eq!(rest[0]["method"], "notifications/cancelled");
    assert_eq!(rest[0]["params"]["requestId"], 5);
    assert_eq!(rest[1]["id"], 5);
    assert_eq!(rest[1]["result"]["resultType"], "complete");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_is_answered_with_an_error() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    client.call(1, "stuck").await;
    client.call_alone(2, "stuck").await;
    client.ping().await;
    let began = Instant::now();
    client.server.drain().await;
    let mut rest = client.rest().await;
    rest.sort_by_key(|answer| answer["id"].as_i64());
    assert_eq!(rest.len(), 2);
    for (answer, id) in rest.iter().zip([1, 2]) {
        assert_eq!(answer["id"], id);
        assert_eq!(answer["error"]["data"]["reason"], "draining");
    }
    let limit = Duration::from_secs(30)..Duration::from_secs(33);
    assert!(limit.contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_does_not_hold_up_the_end() {
    let (client, stage) = Client::new();
    drop(client);
    let server = ServerBuilder::from(router(&stage)).build().unwrap();
    let mut client = Client::with(Lines::new(server.clone()), server, 1024);
    client.call_alone(1, "large").await;
    stage.begun(1).await;
    let began = Instant::now();
    client.server.drain().await;
    client.server.drained().await;
    client.server.close().await;
    let error = client.serving.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn the_server_waits_for_connections_in_tasks_of_their_own() {
    let (client, stage) = Client::new();
    let server = client.server.clone();
    drop(client);
    let (mut near, far) = tokio::io::duplex(1024);
    let (source, sink) = tokio::io::split(far);
    Lines::new(server.clone()).spawn(source, sink);
    let call = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": alone(json!({ "name": "gated", "arguments": {} })),
    });
    let line = format!("{call}\n");
    tokio::io::AsyncWriteExt::write_all(&mut near, line.as_bytes())
        .await
        .unwrap();
    stage.begun(1).await;
    server.drain().await;
    let drained = server.drained();
    let mut drained = std::pin::pin!(drained);
    let soon = futures_util::poll!(drained.as_mut());
    assert!(soon.is_pending());
    stage.gate.add_permits(1);
    drained.await;
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut near, &mut answer)
        .await
        .unwrap();
    assert!(answer.contains("through"), "{answer}");
}
