//! How many store calls an instance makes.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use mcp_core::{
    McpRouter,
    server::{Outcome, Server},
    store::{Audience, InstanceId, Listener, LogKey, Notifier, StoreError, WakeUp},
};
use tokio::time::timeout;

use crate::{
    instances::{SECOND, Shared, Switch, call, connect, router},
    support::pass,
};

/// Those of the calls that concern sessions.
fn about_sessions(calls: &Switch) -> Vec<&'static str> {
    let mut made = calls.calls();
    made.retain(|call| matches!(*call, "create" | "load" | "touch" | "update" | "delete"));
    made
}

#[tokio::test(start_paused = true)]
async fn a_session_made_elsewhere_costs_one_call_at_first_and_none_on_the_way_of_later_requests() {
    let shared = Shared::new();
    let ((a, _), (b, calls)) = (shared.instance(), shared.instance());
    b.join().await;
    let client = connect(&a).await;
    pass(SECOND * 10).await;
    calls.calls();
    let _ = call(&b, &client, "echo").await;
    assert_eq!(about_sessions(&calls), ["load"]);
    // Its idle time begins again, on nobody's way.
    pass(SECOND / 10).await;
    assert_eq!(about_sessions(&calls), ["touch"]);
    let mut touches = 0;
    for _ in 0..240 {
        let _ = call(&b, &client, "echo").await;
        assert_eq!(about_sessions(&calls), [""; 0], "on the way of a request");
        pass(SECOND / 4).await;
        let between = about_sessions(&calls);
        assert!(between.iter().all(|call| *call == "touch"), "{between:?}");
        touches += between.len();
    }
    // From half of `freshness` on, 5 s: no oftener than every 2.5 s of this minute.
    assert!((12..=24).contains(&touches), "{touches}");
}

#[tokio::test(start_paused = true)]
async fn sessions_of_others_give_way_to_each_other() {
    let shared = Shared::new();
    let (a, _) = shared.instance();
    let switch = Switch::default();
    let b = shared.builder(router(), &switch).max_sessions(128);
    let b = b.build().unwrap();
    let mut clients = Vec::new();
    for _ in 0..512 {
        let client = connect(&a).await;
        assert!(matches!(
            call(&b, &client, "echo").await,
            Outcome::Answer(_)
        ));
        clients.push(client);
        // It is touched meanwhile.
        pass(SECOND / 100).await;
    }
    // One in each of 64 shards may be the only one there.
    let held = b.sessions().session_count().await;
    assert!(held <= 128 + 64, "{held}");
    switch.calls();
    let first = call(&b, &clients[0], "echo").await;
    assert!(matches!(first, Outcome::Answer(_)), "{first:?}");
    assert_eq!(
        about_sessions(&switch),
        ["load"],
        "it was forgotten, and not lost"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_uses_here_is_not_touched_from_here() {
    let shared = Shared::new();
    let ((a, _), (b, calls)) = (shared.instance(), shared.instance());
    let client = connect(&a).await;
    let _ = call(&b, &client, "echo").await;
    pass(SECOND * 10).await;
    calls.calls();
    pass(SECOND * 60).await;
    assert_eq!(about_sessions(&calls), [""; 0]);
}

/// Says that it published, and delivers nothing.
struct Deaf;

#[async_trait]
impl Notifier for Deaf {
    async fn publish(&self, _: &Audience, _: &LogKey) -> Result<(), StoreError> {
        Ok(())
    }

    async fn listen(&self, _: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        Ok(Box::new(Self))
    }
}

#[async_trait]
impl Listener for Deaf {
    async fn next(&mut self) -> Option<WakeUp> {
        std::future::pending().await
    }
}

/// How often the heads of logs are asked for in a minute while a GET stream is open.
async fn heads_in_a_minute(server: Server, calls: &Switch) -> usize {
    let client = connect(&server).await;
    let id = client.session().unwrap().id();
    let session = server.session(id.as_str(), None).await.unwrap();
    let mut stream = server.listen(&session, None).await.unwrap();
    let listening = async { while stream.next().await.is_some() {} };
    let counted = async {
        pass(SECOND * 20).await;
        calls.calls();
        pass(SECOND * 60).await;
        calls.calls()
    };
    tokio::select! {
        calls = counted => calls.iter().filter(|call| **call == "heads").count(),
        () = listening => unreachable!("nobody ends it"),
    }
}

#[tokio::test(start_paused = true)]
async fn streams_are_looked_at_seldom_while_wake_ups_are_seen_to_arrive() {
    let (server, calls) = Shared::new().instance();
    let heads = heads_in_a_minute(server, &calls).await;
    // The shared logs every 2 s, the streams every 30 s.
    assert!((30..=34).contains(&heads), "{heads}");
}

#[tokio::test(start_paused = true)]
async fn streams_are_looked_at_with_every_poll_while_wake_ups_do_not_arrive() {
    let calls = Switch::default();
    let server = Shared::new().builder(McpRouter::new(), &calls);
    let server = server.notifier(Arc::new(Deaf)).build().unwrap();
    let heads = heads_in_a_minute(server, &calls).await;
    assert!((58..=62).contains(&heads), "{heads}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_moved_without_a_word_is_read_within_the_poll() {
    let calls = Switch::default();
    let shared = Shared::new();
    let deaf = |calls: &Switch| {
        let server = shared.builder(router(), calls);
        server.notifier(Arc::new(Deaf)).build().unwrap()
    };
    let (a, b) = (deaf(&calls), deaf(&calls));
    let client = connect(&a).await;
    let _other = connect(&b).await;
    let Outcome::Stream(mut stream) = call(&a, &client, "slow").await else {
        unreachable!("it speaks before it answers")
    };
    let id = stream.next().await.unwrap().id.unwrap();
    drop(stream);
    let id_of_session = client.session().unwrap().id().clone();
    let session = b.session(id_of_session.as_str(), None).await.unwrap();
    let resumed = b.listen(&session, Some(&id)).await.unwrap();
    // Three steps of ten seconds, and a poll.
    let read = timeout(SECOND * 33, resumed.collect::<Vec<_>>());
    let read = read.await.unwrap();
    let response = String::from_utf8_lossy(&read.last().unwrap().data);
    assert!(response.contains("slow"), "{response}");
}
