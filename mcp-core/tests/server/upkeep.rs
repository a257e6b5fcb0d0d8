//! What a server does besides serving requests.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::{
    McpRouter,
    server::{Server, ServerBuilder},
    store::{
        Append, Audience, EventStore, InstanceId, LeaseStore, Listener, LogKey, MemoryEventStore,
        MemoryLeaseStore, MemoryNotifier, MemorySessionStore, Notifier, Retention, StoreError,
        WakeUp,
    },
    testing::TestClient,
};
use tokio::{task::yield_now, time::Instant};

use crate::support::{Fault, Faulty, PausedClock, pass};

const SECOND: Duration = Duration::from_secs(1);
const KEEP: Retention = Retention {
    events: 10_000,
    bytes: 1 << 24,
    age: None,
};

fn builder() -> ServerBuilder {
    ServerBuilder::from(McpRouter::new()).clock(PausedClock::new())
}

/// Changes of the catalogue, as another instance would write them.
async fn change_catalogue(store: &dyn EventStore, times: usize) {
    let entry = br#"{"version":1,"readable_from":1,"entry":{"catalogue":{"payload":1}}}"#;
    for _ in 0..times {
        let events = [Bytes::from_static(entry)];
        let batch = Append::new(&events, KEEP);
        store.append(&LogKey::Config, batch).await.unwrap();
    }
}

/// Counts the changes of the catalogue that were heard.
fn counting(builder: ServerBuilder) -> (ServerBuilder, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let builder = builder.on_catalogue(move |present, _| {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(present.clone())
    });
    (builder, heard)
}

async fn connect(server: Server) -> TestClient {
    TestClient::serving(server).connect().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn logs_that_cannot_be_read_are_tried_again_at_the_next_poll_only() {
    let fails = Arc::new(AtomicBool::new(false));
    let reads = Arc::new(AtomicUsize::new(0));
    let (failing, counted) = (Arc::clone(&fails), Arc::clone(&reads));
    let events = Faulty::new(MemoryEventStore::new(), move |call| {
        if call != "read" || !failing.load(Ordering::SeqCst) {
            return Fault::None;
        }
        // The store goes away after the first page of several, for a thousand calls at most.
        match counted.fetch_add(1, Ordering::SeqCst) {
            1..1000 => Fault::Away,
            _ => Fault::None,
        }
    });
    let (builder, heard) = counting(builder());
    let server = builder.event_store(Arc::clone(&events) as Arc<dyn EventStore>);
    let _client = connect(server.build().unwrap()).await;
    pass(SECOND).await;
    change_catalogue(&*events, 600).await;
    fails.store(true, Ordering::SeqCst);
    pass(SECOND * 5).await;
    let tried = reads.load(Ordering::SeqCst);
    assert!((1..=6).contains(&tried), "{tried} reads in 5 s");
    fails.store(false, Ordering::SeqCst);
    pass(SECOND * 5).await;
    assert_eq!(heard.load(Ordering::SeqCst), 600);
}

#[tokio::test(start_paused = true)]
async fn one_wake_up_is_enough_for_a_log_of_many_pages() {
    let events = Arc::new(MemoryEventStore::new());
    let notifier = Arc::new(MemoryNotifier::new());
    let (builder, heard) = counting(builder());
    let server = builder
        .with_limits(|limits| limits.poll = SECOND * 3600)
        .event_store(Arc::clone(&events) as Arc<dyn EventStore>)
        .notifier(Arc::clone(&notifier) as Arc<dyn Notifier>);
    let _client = connect(server.build().unwrap()).await;
    pass(SECOND).await;
    change_catalogue(&*events, 600).await;
    let wake_up = notifier.publish(&Audience::Everyone, &LogKey::Config);
    wake_up.await.unwrap();
    pass(SECOND).await;
    assert_eq!(heard.load(Ordering::SeqCst), 600);
}

/// Names one log again and again, and no other.
struct Chatter;

#[async_trait]
impl Notifier for Chatter {
    async fn publish(&self, _: &Audience, _: &LogKey) -> Result<(), StoreError> {
        Ok(())
    }

    async fn listen(&self, _: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        Ok(Box::new(Self))
    }
}

#[async_trait]
impl Listener for Chatter {
    async fn next(&mut self) -> Option<WakeUp> {
        Some(WakeUp::Look(LogKey::Broadcast(0)))
    }
}

#[tokio::test(start_paused = true)]
async fn wake_ups_without_end_do_not_hold_back_the_poll() {
    let events = Arc::new(MemoryEventStore::new());
    let (builder, heard) = counting(builder());
    let server = builder
        .event_store(Arc::clone(&events) as Arc<dyn EventStore>)
        .notifier(Arc::new(Chatter));
    let _client = connect(server.build().unwrap()).await;
    change_catalogue(&*events, 1).await;
    for _ in 0..10 {
        tokio::time::advance(SECOND).await;
        yield_now().await;
    }
    assert_eq!(heard.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_store_does_not_end_the_reading_of_logs() {
    let panics = Arc::new(AtomicUsize::new(0));
    let broken = Arc::new(AtomicBool::new(false));
    let (counted, breaks) = (Arc::clone(&panics), Arc::clone(&broken));
    let events = Faulty::new(MemoryEventStore::new(), move |call| {
        if call != "read" || !breaks.load(Ordering::SeqCst) {
            return Fault::None;
        }
        match counted.fetch_add(1, Ordering::SeqCst) {
            0..3 => Fault::Panic,
            _ => Fault::None,
        }
    });
    let (builder, heard) = counting(builder());
    let server = builder.event_store(Arc::clone(&events) as Arc<dyn EventStore>);
    let _client = connect(server.build().unwrap()).await;
    broken.store(true, Ordering::SeqCst);
    change_catalogue(&*events, 2).await;
    pass(SECOND * 10).await;
    assert!(panics.load(Ordering::SeqCst) > 3);
    assert_eq!(heard.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_lease_does_not_wait_for_a_slow_session_store() {
    let clock = PausedClock::new();
    let slow = Arc::new(AtomicBool::new(false));
    let hangs = Arc::clone(&slow);
    let sessions = Faulty::new(MemorySessionStore::new(), move |call| {
        let hangs = call == "touch" && hangs.load(Ordering::SeqCst);
        if hangs { Fault::Hang } else { Fault::None }
    });
    let leases = Arc::new(MemoryLeaseStore::with_clock(clock));
    let server = builder()
        .session_store(sessions)
        .lease_store(Arc::clone(&leases) as Arc<dyn LeaseStore>)
        .build()
        .unwrap();
    let client = connect(server.clone()).await;
    let _held = server
        .listen(client.session().unwrap(), None)
        .await
        .unwrap();
    slow.store(true, Ordering::SeqCst);
    pass(SECOND * 60).await;
    assert_eq!(leases.list("instance/").await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_taken_by_an_interrupted_start_is_adopted() {
    let clock = PausedClock::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let memory = MemoryLeaseStore::with_clock(clock);
    let leases = Faulty::new(memory, move |call| {
        let first = call == "hold" && counted.fetch_add(1, Ordering::SeqCst) == 0;
        if first {
            Fault::HangAfterwards
        } else {
            Fault::None
        }
    });
    let server = builder().lease_store(Arc::clone(&leases) as Arc<dyn LeaseStore>);
    let server = server.build().unwrap();
    let interrupted = TestClient::serving(server.clone()).connect();
    let interrupted = tokio::time::timeout(SECOND, interrupted).await;
    assert!(interrupted.is_err());
    let taken = leases.list("instance/").await.unwrap();
    let _client = connect(server).await;
    pass(SECOND * 60).await;
    let kept = leases.list("instance/").await.unwrap();
    assert_eq!(kept[0].fence, taken[0].fence);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_held_is_not_swept_when_its_stream_breaks() {
    let server = builder().session_ttl(SECOND * 60).build().unwrap();
    let client = connect(server.clone()).await;
    let stream = server
        .listen(client.session().unwrap(), None)
        .await
        .unwrap();
    pass(SECOND * 300).await;
    drop(stream);
    pass(SECOND * 31).await;
    assert_eq!(server.sessions().session_count().await, 1);
    pass(SECOND * 60).await;
    assert_eq!(server.sessions().session_count().await, 0);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_forgotten_sessions_are_looked_up_at_once() {
    let loads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&loads);
    let memory = MemorySessionStore::with_clock(PausedClock::new());
    let sessions = Faulty::new(memory, move |call| {
        if call == "load" {
            seen.lock().unwrap().push(Instant::now());
        }
        Fault::None
    });
    let server = builder().session_store(sessions).build().unwrap();
    for _ in 0..200 {
        connect(server.clone()).await;
    }
    pass(SECOND).await;
    loads.lock().unwrap().clear();
    pass(SECOND * 3600).await;
    assert_eq!(server.sessions().session_count().await, 0);
    let loads = loads.lock().unwrap();
    assert_eq!(loads.len(), 200);
    let most = loads.chunk_by(|a, b| a == b).map(<[Instant]>::len).max();
    assert!(most.unwrap() <= 64);
}
