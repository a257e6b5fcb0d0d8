//! Replies that go on while nobody listens, and clients that come back for them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use mcp_core::{Context, McpRouter, Server, Tool};
use mcp_transport_http::HttpTransport;
use serde_json::{Value, json};

use crate::{
    gate::Gate,
    support::{Sse, SseEvent, TestServer, clock, refused, request, soon, spawn, text, tool},
};

fn data(events: &[SseEvent]) -> Vec<Value> {
    let carrying = events.iter().filter(|event| !event.data.is_empty());
    carrying.map(SseEvent::json).collect()
}

#[tokio::test]
async fn the_response_of_a_call_whose_client_went_away_is_delivered_on_resume() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let mut talking = client
        .stream(1, "tools/call", tool("talk", &json!({})))
        .await;
    let (last, _) = talking.message().await.unwrap();
    drop(talking);
    gate.entered().await;
    gate.open();
    gate.passed().await;
    let messages = client.listen(last.as_deref()).await.messages().await;
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0]["params"]["progress"], 2);
    assert_eq!(
        (text(&messages[1]), &messages[1]["id"]),
        ("done", &json!(1))
    );
}

#[tokio::test]
async fn resuming_before_the_call_has_ended_waits_for_the_rest() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let mut talking = client
        .stream(1, "tools/call", tool("talk", &json!({})))
        .await;
    let priming = talking.next().await.unwrap();
    drop(talking);
    let mut resumed = client.listen(priming.id.as_deref()).await;
    let (_, first) = resumed.message().await.unwrap();
    assert_eq!(first["params"]["progress"], 1);
    gate.open();
    assert_eq!(resumed.messages().await.len(), 2);
}

#[tokio::test]
async fn resuming_twice_from_one_event_gives_the_same_events() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    gate.open();
    let mut stream = client
        .stream(1, "tools/call", tool("talk", &json!({})))
        .await;
    let priming = stream.next().await.unwrap();
    let rest = stream.events().await;
    assert_eq!(rest.len(), 3);
    for _ in 0..2 {
        let again = client.listen(priming.id.as_deref()).await.events().await;
        assert_eq!(again, rest);
    }
    let from_second = client.listen(rest[0].id.as_deref()).await.events().await;
    assert_eq!(from_second, rest[1..]);
    let from_last = client.listen(rest[2].id.as_deref()).await.events().await;
    assert!(from_last.is_empty());
}

#[tokio::test]
async fn resuming_ends_the_connection_before_so_that_no_event_is_on_two() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let mut old = client
        .stream(1, "tools/call", tool("talk", &json!({})))
        .await;
    let (last, _) = old.message().await.unwrap();
    let new = client.listen(last.as_deref()).await;
    gate.open();
    assert_eq!(data(&new.events().await).len(), 2);
    assert_eq!(old.next().await, None);
}

#[tokio::test]
async fn of_many_resuming_connections_only_the_newest_gets_the_rest() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let mut first = client
        .stream(1, "tools/call", tool("talk", &json!({})))
        .await;
    let (last, _) = first.message().await.unwrap();
    let mut connections = vec![first];
    for _ in 0..8 {
        connections.push(client.listen(last.as_deref()).await);
    }
    gate.open();
    let mut seen = Vec::new();
    for connection in connections.into_iter().rev() {
        seen.push(data(&connection.events().await).len());
    }
    assert_eq!(seen, [2, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_stream_of_another_session_cannot_be_resumed() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let (ada, eve) = (server.client().await, server.client().await);
    let mut talking = ada.stream(1, "tools/call", tool("talk", &json!({}))).await;
    let (last, _) = talking.message().await.unwrap();
    refused(eve.get(last.as_deref()), 400).await;
    gate.open();
    assert_eq!(
        talking.messages().await.len(),
        2,
        "the attempt did not supersede its owner"
    );
}

#[tokio::test]
async fn event_ids_are_unique_across_the_streams_of_a_session() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for id in 0..5 {
        gate.open();
        let stream = client
            .stream(id, "tools/call", tool("talk", &json!({})))
            .await;
        for event in stream.events().await {
            count += 1;
            ids.insert(event.id.unwrap());
        }
    }
    let get = client.listen(None).await.next().await.unwrap();
    ids.insert(get.id.unwrap());
    assert_eq!((count, ids.len()), (20, 21));
}

fn disconnecting() -> McpRouter {
    McpRouter::new().tool(Tool::new("part").handler(|ctx: Context| async move {
        ctx.progress(1.0, None, None).await;
        ctx.disconnect(Duration::from_millis(50));
        ctx.progress(2.0, None, None).await;
        "done"
    }))
}

#[tokio::test]
async fn a_call_may_end_its_connection_and_the_rest_is_found_by_resuming() {
    let server = TestServer::start(disconnecting()).await;
    let client = server.client().await;
    let stream = client
        .stream(1, "tools/call", tool("part", &json!({})))
        .await;
    let mut events = stream.events().await;
    let last = events.last().unwrap().clone();
    assert_eq!((last.retry, last.data.as_str()), (Some(50), ""));
    let resumed = client.listen(last.id.as_deref()).await;
    events.extend(resumed.events().await);
    let messages = data(&events);
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[1]["params"]["progress"], 2);
    assert_eq!(text(&messages[2]), "done");
}

#[tokio::test]
async fn a_silent_call_becomes_a_stream_that_can_be_resumed() {
    let gate = Gate::new();
    let transport = HttpTransport::new(gate.router())
        .with_limits(|limits| limits.stream_after = Duration::from_millis(20))
        .keep_alive(Duration::from_millis(20));
    let server = TestServer::serve(transport).await;
    let client = server.client().await;
    let mut stream = client
        .stream(1, "tools/call", tool("wait", &json!({})))
        .await;
    let priming = stream.next().await.unwrap();
    assert_eq!(stream.block().await.unwrap(), ": keep-alive\n\n");
    drop(stream);
    gate.open();
    let messages = client.listen(priming.id.as_deref()).await.messages().await;
    assert_eq!(text(&messages[0]), "done");
}

#[tokio::test]
async fn a_client_that_accepts_only_json_never_gets_a_stream() {
    let gate = Gate::new();
    let transport = HttpTransport::new(gate.router())
        .with_limits(|limits| limits.stream_after = Duration::from_millis(20));
    let server = TestServer::serve(transport).await;
    let client = server.client().await;
    let plain = client.bare().header("mcp-session-id", &client.session);
    let message = request(1, "tools/call", &tool("talk", &json!({})));
    let plain = plain.header("accept", "application/json").json(&message);
    let plain = spawn(plain.send());
    gate.entered().await;
    // Begun later and silent for as long: when this one is a stream, the other would be too.
    let silent = client
        .stream(2, "tools/call", tool("wait", &json!({})))
        .await;
    gate.open();
    gate.open();
    let answer = soon(plain).await.unwrap().unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(text(&answer.json().await.unwrap()), "done");
    assert_eq!(text(&silent.messages().await[0]), "done");
}

#[tokio::test]
async fn a_stream_read_to_its_end_is_kept_for_a_minute() {
    let (gate, clock) = (Gate::new(), clock());
    let builder = Server::builder(gate.router()).clock(Arc::new(clock.clone()));
    let server = TestServer::start(builder).await;
    let client = server.client().await;
    gate.open();
    let mut stream = client
        .stream(1, "tools/call", tool("talk", &json!({})))
        .await;
    let first = stream.next().await.unwrap().id;
    stream.events().await;
    clock.advance(Duration::from_secs(58));
    assert_eq!(
        client.listen(first.as_deref()).await.messages().await.len(),
        3
    );
    clock.advance(Duration::from_secs(3));
    refused(client.get(first.as_deref()), 400).await;
}

#[tokio::test]
async fn a_stream_not_read_to_its_end_is_kept_for_a_quarter_of_an_hour() {
    let clock = clock();
    let builder = Server::builder(disconnecting()).clock(Arc::new(clock.clone()));
    let server = TestServer::start(builder).await;
    let client = server.client().await;
    let stream = client
        .stream(1, "tools/call", tool("part", &json!({})))
        .await;
    let events = stream.events().await;
    clock.advance(Duration::from_mins(14));
    let last = events.last().unwrap().id.as_deref();
    assert_eq!(client.listen(last).await.messages().await.len(), 2);
}

fn chatty() -> McpRouter {
    McpRouter::new().tool(Tool::new("chat").handler(|ctx: Context| async move {
        for n in 1..=50 {
            ctx.progress(f64::from(n), None, None).await;
            tokio::task::yield_now().await;
        }
        "done"
    }))
}

#[tokio::test]
async fn resuming_into_a_gap_goes_on_with_what_is_kept() {
    let transport =
        HttpTransport::new(chatty()).with_limits(|limits| limits.stream_retention.events = 5);
    let server = TestServer::serve(transport).await;
    let client = server.client().await;
    let mut stream = client
        .stream(1, "tools/call", tool("chat", &json!({})))
        .await;
    let first = stream.next().await.unwrap().id;
    stream.events().await;
    let kept = data(&client.listen(first.as_deref()).await.events().await);
    assert!(kept.len() <= 6, "{}", kept.len());
    assert_eq!(text(kept.last().unwrap()), "done");
}

#[tokio::test]
async fn clients_that_break_at_every_event_lose_nothing_and_see_nothing_twice() {
    let server = TestServer::start(chatty()).await;
    let client = server.client().await;
    let mut seen = Vec::new();
    let mut stream = client
        .stream(1, "tools/call", tool("chat", &json!({})))
        .await;
    let mut last = stream.next().await.unwrap().id;
    while let Some((id, message)) = stream.message().await {
        last = id.or(last);
        seen.push(message);
        stream = client.listen(last.as_deref()).await;
    }
    let progress: Vec<_> = seen
        .iter()
        .filter_map(|m| m["params"]["progress"].as_u64())
        .collect();
    assert_eq!(progress, (1..=50).collect::<Vec<_>>());
    assert_eq!(text(seen.last().unwrap()), "done");
}

#[tokio::test]
async fn a_resumed_stream_says_nothing_of_other_calls() {
    let gate = Gate::new();
    let server = TestServer::start(gate.router()).await;
    let client = server.client().await;
    let mut first = client
        .stream(1, "tools/call", tool("talk", &json!({})))
        .await;
    let (last, _) = first.message().await.unwrap();
    let other = request(2, "tools/call", &tool("talk", &json!({})));
    let other = Sse::of(client.post(&other).send().await.unwrap());
    drop(first);
    gate.open();
    gate.open();
    let resumed = client.listen(last.as_deref()).await.messages().await;
    let ids: Vec<_> = resumed.iter().filter_map(|m| m.get("id")).collect();
    assert_eq!(ids, [&json!(1)]);
    assert_eq!(other.messages().await.last().unwrap()["id"], 2);
}
