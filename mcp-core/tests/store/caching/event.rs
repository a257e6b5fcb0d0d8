//! What a cache of logs may answer, and what not.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_core::{
    clock::{ManualClock, Timestamp},
    store::{
        Append, CachingEventStore, EventStore, From, InstanceId, LogKey, MemoryEventStore,
        Position, Read, ReadLimit, ReaderId, Retention, SessionId,
    },
};

const FRESHNESS: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_hours(1);
const PAGE: ReadLimit = ReadLimit {
    events: 10,
    bytes: 1 << 20,
};

struct Two {
    clock: ManualClock,
    store: MemoryEventStore,
    cache: CachingEventStore<MemoryEventStore>,
}

impl Two {
    /// A log of three events.
    async fn new() -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
        let store = MemoryEventStore::with_clock(Arc::new(clock.clone()));
        let cache = CachingEventStore::new(store.clone(), FRESHNESS, 2);
        let cache = cache.clock(Arc::new(clock.clone()));
        let two = Self {
            clock,
            store,
            cache,
        };
        two.append(&["one", "two", "three"]).await;
        two
    }

    async fn append(&self, payloads: &[&'static str]) {
        let keep = Retention {
            events: 100,
            bytes: 1 << 20,
            age: None,
        };
        let events: Vec<_> = payloads.iter().map(|text| Bytes::from(*text)).collect();
        let batch = Append::new(&events, keep);
        self.store.append(&log(), batch).await.unwrap();
    }

    /// A log that another process has sealed.
    async fn sealed() -> Self {
        let two = Self::new().await;
        two.store.seal(&log(), None, LONG).await.unwrap();
        two
    }

    async fn read(&self, after: Position, limit: ReadLimit) -> Read {
        self.cache.read(&log(), after, None, limit).await.unwrap()
    }

    async fn all(&self) -> Read {
        self.read(Position::BEGINNING, PAGE).await
    }
}

fn session() -> SessionId {
    SessionId::new("a")
}

fn log() -> LogKey {
    LogKey::Stream {
        session: session(),
        stream: "s".into(),
    }
}

fn positions(read: &Read) -> Vec<Position> {
    let Read::Events { events, .. } = read else {
        panic!("no events: {read:?}")
    };
    events.iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn a_log_that_may_grow_is_read_from_the_store() {
    let two = Two::new().await;
    assert_eq!(positions(&two.all().await).len(), 3);
    two.append(&["four"]).await;
    assert_eq!(positions(&two.all().await).len(), 4);
}

#[tokio::test]
async fn the_end_of_a_sealed_log_is_kept_for_freshness() {
    let two = Two::sealed().await;
    let before = two.all().await;
    two.store.purge(&session()).await.unwrap();
    assert_eq!(two.all().await, before, "still fresh");
    two.clock.advance(FRESHNESS);
    assert_eq!(two.all().await, Read::Unknown);
}

#[tokio::test]
async fn what_this_process_purges_or_seals_is_forgotten_at_once() {
    let two = Two::sealed().await;
    two.all().await;
    two.cache.purge(&session()).await.unwrap();
    assert_eq!(two.all().await, Read::Unknown);

    let two = Two::sealed().await;
    two.all().await;
    two.cache.seal(&log(), None, Duration::ZERO).await.unwrap();
    assert_eq!(two.all().await, Read::Unknown);
}

/// Every position and every limit gives the page that the store gave, which has none any more.
#[tokio::test]
async fn a_kept_page_answers_as_the_store_did() {
    let two = Two::sealed().await;
    let mut afters = positions(&two.all().await);
    afters.push(Position::BEGINNING);
    let mut pages = Vec::new();
    for after in afters {
        for (events, bytes) in [(1, 100), (2, 1), (2, 4), (3, 6), (3, 100), (9, 8)] {
            let limit = ReadLimit { events, bytes };
            let page = two.store.read(&log(), after, None, limit).await.unwrap();
            pages.push((after, limit, page));
        }
    }
    two.store.purge(&session()).await.unwrap();
    for (after, limit, page) in pages {
        assert_eq!(two.read(after, limit).await, page, "{after:?} {limit:?}");
    }
}

#[tokio::test]
async fn a_position_that_is_not_kept_is_asked_of_the_store() {
    let two = Two::sealed().await;
    let end = positions(&two.all().await)[2];
    let ahead = Position::new(end.epoch, 99);
    let read = two.read(ahead, PAGE).await;
    assert!(matches!(read, Read::Gap { .. }), "{read:?}");
}

#[tokio::test]
async fn a_reader_is_always_answered_by_the_store() {
    let two = Two::sealed().await;
    two.all().await;
    let reader = ReaderId::new(InstanceId::new("i"), 1);
    let from = From::Acknowledged;
    let first = two.cache.attach(&log(), &reader, from).await.unwrap();
    let second = two.cache.attach(&log(), &reader, from).await.unwrap();
    assert!(second.is_some());
    let generation = first.map(|attached| attached.generation);
    let after = Position::BEGINNING;
    let read = two.cache.read(&log(), after, generation, PAGE).await;
    assert_eq!(read.unwrap(), Read::Superseded);
}
