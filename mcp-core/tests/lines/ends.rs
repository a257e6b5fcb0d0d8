//! Requests that are cancelled, and connections that end.

use serde_json::json;
use tokio::task::yield_now;

use crate::support::{Client, Stage};

/// Lets everything run until `calls` are over.
async fn until_over(stage: &Stage, calls: usize) {
    while stage.over() < calls {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_cancelled_request_is_dropped_and_not_answered() {
    let (mut client, stage) = Client::initialized("2025-11-25").await;
    client.call(1, "gated").await;
    stage.begun(1).await;
    assert_eq!(client.next().await["method"], "notifications/progress");
    client.cancel(1).await;
    until_over(&stage, 1).await;
    client.ping().await;
}

#[tokio::test]
async fn a_cancelled_request_without_a_session_is_dropped_and_not_answered() {
    let (mut client, stage) = Client::new();
    client.call_alone(1, "gated").await;
    client.call_alone(2, "gated").await;
    stage.begun(2).await;
    client.cancel(1).await;
    until_over(&stage, 1).await;
    stage.gate.add_permits(1);
    assert_eq!(client.next().await["id"], 2);
    client.ping().await;
}

#[tokio::test]
async fn cancelling_what_does_not_run_changes_nothing() {
    let (mut client, stage) = Client::initialized("2025-11-25").await;
    client.call(1, "gated").await;
    stage.begun(1).await;
    assert_eq!(client.next().await["method"], "notifications/progress");
    client.cancel(2).await;
    client.tell("notifications/cancelled", &json!({})).await;
    client.ping().await;
    stage.gate.add_permits(1);
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test]
async fn the_end_of_the_client_is_the_end_of_its_requests() {
    let (mut client, stage) = Client::initialized("2025-11-25").await;
    client.call(1, "gated").await;
    client.call_alone(2, "gated").await;
    stage.begun(2).await;
    let rest = client.close().await;
    let answers = rest.iter().filter(|message| message["id"].is_i64());
    assert_eq!(answers.count(), 0, "{rest:?}");
    assert_eq!(stage.over(), 2);
}

#[tokio::test]
async fn a_client_that_vanishes_is_no_error() {
    let (mut client, stage) = Client::initialized("2025-11-25").await;
    client.call(1, "gated").await;
    stage.begun(1).await;
    let served = client.vanish();
    served.await.unwrap().unwrap();
    assert_eq!(stage.over(), 1);
}

#[tokio::test]
async fn when_serving_is_dropped_so_is_what_runs() {
    let (mut client, stage) = Client::initialized("2025-11-25").await;
    client.call(1, "gated").await;
    stage.begun(1).await;
    client.serving.abort();
    (&mut client.serving).await.unwrap_err();
    assert_eq!(stage.over(), 1);
    assert_eq!(client.server.sessions().session_count().await, 0);
}
