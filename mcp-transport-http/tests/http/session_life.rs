//! How long a session lives, by a clock that the test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use mcp_core::{
    Server,
    clock::{Clock, ManualClock},
    server::ServerBuilder,
    store::{
        Caps, Created, MemorySessionStore, SessionChange, SessionId, SessionRecord, SessionStore,
        StoreError, Ttl, Version, Versioned,
    },
};
use mcp_transport_http::HttpTransport;
use serde_json::json;

use crate::{
    gate::Gate,
    support::{TestServer, clock, ping, refused, request, soon, spawn, text, tool, until},
};

/// A memory store that takes its time, and tells when sessions were touched last.
struct Touched {
    store: MemorySessionStore,
    clock: ManualClock,
    last: Arc<AtomicU64>,
}

#[async_trait]
impl SessionStore for Touched {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        tokio::task::yield_now().await;
        self.store.create(record, ttl, caps).await
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        self.store.load(id).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        self.store.update(id, expected, change).await
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        let now = self.clock.now().as_millis();
        let touched = self.store.touch(ids).await;
        self.last.store(now, Ordering::SeqCst);
        touched
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        self.store.delete(id).await
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        self.store.list(after, limit).await
    }
}

/// A server whose sessions are verified every few milliseconds.
fn watched(gate: &Gate, clock: &ManualClock) -> (ServerBuilder, Arc<AtomicU64>) {
    let last = Arc::new(AtomicU64::new(0));
    let store = Touched {
        store: MemorySessionStore::with_clock(Arc::new(clock.clone())),
        clock: clock.clone(),
        last: Arc::clone(&last),
    };
    let builder = Server::builder(gate.router())
        .clock(Arc::new(clock.clone()))
        .session_store(Arc::new(store))
        .with_limits(|limits| limits.freshness = Duration::from_millis(20));
    (builder, last)
}

/// Lets two hours pass, twenty minutes at a time, each time until the session has been touched.
async fn two_hours(clock: &ManualClock, last: &AtomicU64) {
    for _ in 0..6 {
        clock.advance(Duration::from_mins(20));
        let now = clock.now().as_millis();
        until(|| async { last.load(Ordering::SeqCst) >= now }).await;
    }
}

#[tokio::test]
async fn an_open_get_stream_keeps_its_session_alive() {
    let (gate, clock) = (Gate::new(), clock());
    let (builder, last) = watched(&gate, &clock);
    let server = TestServer::start(builder).await;
    let client = server.client().await;
    let mut get = client.listen(None).await;
    get.next().await.unwrap();
    two_hours(&clock, &last).await;
    assert_eq!(client.status(&ping()).await, 200);
}

#[tokio::test]
async fn a_running_call_keeps_its_session_alive() {
    let (gate, clock) = (Gate::new(), clock());
    let (builder, last) = watched(&gate, &clock);
    let server = TestServer::start(builder).await;
    let client = server.client().await;
    let call = request(1, "tools/call", &tool("wait", &json!({})));
    let call = spawn(client.post(&call).send());
    gate.entered().await;
    two_hours(&clock, &last).await;
    gate.open();
    let answer = call.await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(text(&answer), "done");
    assert_eq!(client.status(&ping()).await, 200);
}

#[tokio::test]
async fn even_a_used_session_ends_with_its_lifetime() {
    let (gate, clock) = (Gate::new(), clock());
    let (builder, last) = watched(&gate, &clock);
    let builder = builder.with_limits(|limits| limits.session_lifetime = Duration::from_hours(3));
    let server = TestServer::start(builder).await;
    let client = server.client().await;
    let mut get = client.listen(None).await;
    get.next().await.unwrap();
    two_hours(&clock, &last).await;
    clock.advance(Duration::from_mins(61));
    assert_eq!(get.next().await, None);
    refused(client.post(&ping()), 404).await;
}

#[tokio::test]
async fn a_session_that_is_not_used_after_initialize_ends_after_two_minutes() {
    let clock = clock();
    let builder = Server::builder(Gate::new().router()).clock(Arc::new(clock.clone()));
    let server = TestServer::start(builder).await;
    let mut client = server.stranger("2025-11-25");
    let (headers, _) = client.initialize(json!({})).await;
    client.session = headers["mcp-session-id"].to_str().unwrap().to_owned();
    clock.advance(Duration::from_secs(121));
    refused(client.post(&ping()), 404).await;
}

#[tokio::test]
async fn the_first_use_gives_a_session_its_full_life() {
    let clock = clock();
    let builder = Server::builder(Gate::new().router()).clock(Arc::new(clock.clone()));
    let server = TestServer::start(builder).await;
    let mut client = server.stranger("2025-11-25");
    let (headers, _) = client.initialize(json!({})).await;
    client.session = headers["mcp-session-id"].to_str().unwrap().to_owned();
    clock.advance(Duration::from_secs(119));
    assert_eq!(client.status(&ping()).await, 200);
    clock.advance(Duration::from_mins(29));
    assert_eq!(client.status(&ping()).await, 200);
    clock.advance(Duration::from_mins(30));
    refused(client.post(&ping()), 404).await;
}

#[tokio::test]
async fn many_clients_at_once_get_no_more_sessions_than_allowed() {
    let (builder, _) = watched(&Gate::new(), &clock());
    let built = builder.max_sessions(5).build().unwrap();
    let handle = built.sessions();
    let server = TestServer::serve(HttpTransport::serving(built)).await;
    let stranger = server.stranger("2025-11-25");
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let message = request(1, "initialize", &params);
    let attempts = (0..20).map(|_| stranger.bare().json(&message).send());
    let answers = soon(join_all(attempts)).await;
    let mut statuses: Vec<_> = answers.into_iter().map(|a| a.unwrap().status()).collect();
    statuses.sort();
    assert_eq!(statuses[4..=5], [200, 503]);
    assert_eq!(handle.session_count().await, 5);
}
