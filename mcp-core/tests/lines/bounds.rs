//! What one client can make the server hold.

use mcp_core::{lines::Lines, server::ServerBuilder};
use serde_json::json;
use tokio::task::yield_now;

use crate::support::{Client, alone, router, text};

#[tokio::test]
async fn requests_beyond_the_limit_wait_for_their_turn() {
    let (client, stage) = Client::new();
    drop(client);
    let server = ServerBuilder::from(router(&stage)).with_limits(|limits| limits.running_calls = 2);
    let mut client = Client::of(server.build().unwrap());
    client.initialize("2025-11-25").await;
    for id in 1..=5 {
        client.call(id, "gated").await;
    }
    stage.begun(2).await;
    for _ in 0..2 {
        assert_eq!(client.next().await["method"], "notifications/progress");
    }
    // Nothing else can have begun, and yet the connection listens.
    client.tell("notifications/unknown", &json!({})).await;
    assert_eq!(stage.begun.available_permits(), 0);
    stage.gate.add_permits(5);
    let mut answered = Vec::new();
    while answered.len() < 5 {
        let message = client.next().await;
        answered.extend(
            message["id"]
                .as_i64()
                .map(|id| (id, text(&message) == "through")),
        );
    }
    answered.sort_unstable();
    assert!(answered.into_iter().eq((1..=5).map(|id| (id, true))));
}

#[tokio::test]
async fn a_request_that_waits_can_be_cancelled_and_so_can_one_that_runs() {
    let (client, stage) = Client::new();
    drop(client);
    let server = ServerBuilder::from(router(&stage)).with_limits(|limits| limits.running_calls = 1);
    let mut client = Client::of(server.build().unwrap());
    client.call_alone(1, "gated").await;
    client.call_alone(2, "gated").await;
    client.call_alone(3, "chatty").await;
    stage.begun(1).await;
    client.cancel(2).await;
    client.cancel(1).await;
    assert_eq!(client.next().await["id"], 3);
    assert_eq!(stage.begun.available_permits(), 0);
}

#[tokio::test]
async fn more_than_can_wait_is_refused() {
    let (client, stage) = Client::new();
    drop(client);
    let server = ServerBuilder::from(router(&stage)).with_limits(|limits| limits.running_calls = 1);
    let mut client = Client::of(server.build().unwrap());
    client.call_alone(0, "stuck").await;
    for id in 1..=1025 {
        client.call_alone(id, "stuck").await;
    }
    let refused = client.next().await;
    assert_eq!(refused["id"], 1025);
    assert_eq!(refused["error"]["data"]["reason"], "too_many_calls");
}

#[tokio::test]
async fn subscriptions_take_no_place_of_requests_and_have_a_limit_of_their_own() {
    let (client, stage) = Client::new();
    drop(client);
    let server = ServerBuilder::from(router(&stage)).with_limits(|limits| limits.running_calls = 1);
    let mut client = Client::of(server.build().unwrap());
    client.initialize("2025-11-25").await;
    let wanted = alone(json!({ "notifications": { "toolsListChanged": true } }));
    client.request(1, "subscriptions/listen", &wanted).await;
    let method = "notifications/subscriptions/acknowledged";
    assert_eq!(client.next().await["method"], method);
    client.request(2, "subscriptions/listen", &wanted).await;
    let refused = client.next().await;
    assert_eq!(refused["error"]["data"]["reason"], "too_many_listeners");
    client.call_alone(3, "chatty").await;
    assert_eq!(client.next().await["id"], 3);
}

#[tokio::test]
async fn a_batch_beyond_the_limit_is_refused() {
    let (client, stage) = Client::new();
    drop(client);
    let server = ServerBuilder::from(router(&stage)).with_limits(|limits| limits.running_calls = 1);
    let mut client = Client::of(server.build().unwrap());
    client.initialize("2025-03-26").await;
    client.call(1, "stuck").await;
    let ping = json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" });
    client.send(&json!([ping]).to_string()).await;
    let refused = client.next().await;
    assert_eq!(refused["error"]["data"]["reason"], "too_many_calls");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_either() {
    let (client, _) = Client::new();
    let server = client.server.clone();
    let mut client = Client::with(Lines::new(server.clone()), server, 1024);
    // Each answer takes 100 kB; what the client may send meanwhile is bounded.
    let mut sent = 0;
    loop {
        let call = client.call_alone(sent, "large");
        let mut call = std::pin::pin!(call);
        let mut stuck = true;
        for _ in 0..200 {
            tokio::select! {
                biased;
                () = &mut call => { stuck = false; break }
                () = yield_now() => {}
            }
        }
        if stuck {
            break;
        }
        sent += 1;
        assert!(sent < 200, "the server takes everything");
    }
    assert!(sent >= 1);
}
