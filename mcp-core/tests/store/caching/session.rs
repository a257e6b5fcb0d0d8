//! What a cache of sessions may answer, and what not.

use std::{sync::Arc, time::Duration};

use mcp_core::{
    clock::{ManualClock, Timestamp},
    protocol::{ClientCapabilities, Implementation, Revision},
    store::{
        CachingSessionStore, Caps, MemorySessionStore, SessionChange, SessionId, SessionRecord,
        SessionStore, StoreErrorKind, Ttl, Versioned,
    },
};

const FRESHNESS: Duration = Duration::from_secs(5);
const TTL: Ttl = Ttl {
    idle: Duration::from_hours(1),
    absolute: Duration::from_hours(2),
};

struct Two {
    clock: ManualClock,
    store: MemorySessionStore,
    cache: CachingSessionStore<MemorySessionStore>,
    session: Versioned,
}

impl Two {
    /// A session that the cache knows.
    async fn new() -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
        let store = MemorySessionStore::with_clock(Arc::new(clock.clone()));
        let cache = CachingSessionStore::new(store.clone(), FRESHNESS, 2);
        let cache = cache.clock(Arc::new(clock.clone()));
        create(&store, "a").await;
        let session = cache.load(&id("a")).await.unwrap().unwrap();
        Self {
            clock,
            store,
            cache,
            session,
        }
    }

    /// The version that the cache answers.
    async fn cached(&self) -> Option<u64> {
        let loaded = self.cache.load(&id("a")).await.unwrap();
        loaded.map(|session| session.version.0)
    }

    async fn update(&self, store: &dyn SessionStore) -> Result<(), StoreErrorKind> {
        let change = SessionChange::to(self.session.record.clone());
        let updated = store.update(&id("a"), self.session.version, &change).await;
        updated.map(drop).map_err(|error| error.kind())
    }
}

fn id(name: &str) -> SessionId {
    SessionId::new(name)
}

async fn create(store: &MemorySessionStore, name: &str) {
    let (client, capabilities) = (Implementation::new("c", "1"), ClientCapabilities::default());
    let record = SessionRecord::new(
        id(name),
        Revision::V2025_11_25,
        client,
        capabilities,
        [0; 16],
    );
    store.create(&record, TTL, &Caps::none()).await.unwrap();
}

#[tokio::test]
async fn what_others_change_is_seen_after_freshness() {
    let two = Two::new().await;
    let before = two.cached().await;
    two.update(&two.store).await.unwrap();
    assert_eq!(two.cached().await, before, "still fresh");
    two.clock.advance(FRESHNESS);
    assert_eq!(two.cached().await, before.map(|version| version + 1));
}

#[tokio::test]
async fn what_this_process_changes_is_seen_at_once() {
    let two = Two::new().await;
    let before = two.cached().await;
    two.update(&two.cache).await.unwrap();
    assert_eq!(two.cached().await, before.map(|version| version + 1));
    assert!(two.cache.delete(&id("a")).await.unwrap());
    assert_eq!(two.cached().await, None);
}

#[tokio::test]
async fn an_old_record_overwrites_nothing() {
    let two = Two::new().await;
    two.update(&two.store).await.unwrap();
    assert_eq!(two.update(&two.cache).await, Err(StoreErrorKind::Conflict));
}

#[tokio::test]
async fn a_touch_that_finds_another_version_forgets_the_old_one() {
    let two = Two::new().await;
    let before = two.cached().await;
    two.update(&two.store).await.unwrap();
    two.cache.touch(&[id("a")]).await.unwrap();
    assert_eq!(two.cached().await, before.map(|version| version + 1));
}

#[tokio::test]
async fn a_full_cache_still_answers() {
    let two = Two::new().await;
    for name in ["b", "c", "d"] {
        create(&two.store, name).await;
        assert!(two.cache.load(&id(name)).await.unwrap().is_some());
    }
}
