//! Logs in memory: what is bounded, freed and shown.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_core::{
    clock::{ManualClock, Timestamp},
    store::{
        Append, EventStore, Head, LogKey, MemoryEventStore, Position, ReadLimit, Retention,
        SessionId, StoreErrorKind,
    },
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const ALL: Retention = Retention {
    events: u64::MAX,
    bytes: u64::MAX,
    age: None,
};

pub(crate) fn store() -> (MemoryEventStore, ManualClock) {
    let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
    (MemoryEventStore::with_clock(Arc::new(clock.clone())), clock)
}

pub(crate) fn stream(session: &str, name: &str) -> LogKey {
    LogKey::Stream {
        session: SessionId::new(session),
        stream: name.into(),
    }
}

pub(crate) fn payloads(texts: &[&str]) -> Vec<Bytes> {
    texts
        .iter()
        .map(|text| Bytes::copy_from_slice(text.as_bytes()))
        .collect()
}

pub(crate) async fn append_keeping(
    store: &MemoryEventStore,
    log: &LogKey,
    texts: &[&str],
    retention: Retention,
) -> Position {
    let events = payloads(texts);
    store
        .append(log, Append::new(&events, retention))
        .await
        .unwrap()
        .last
}

pub(crate) async fn append(store: &MemoryEventStore, log: &LogKey, texts: &[&str]) -> Position {
    append_keeping(store, log, texts, ALL).await
}

async fn head(store: &MemoryEventStore, log: &LogKey) -> Option<Head> {
    store.heads(std::slice::from_ref(log)).await.unwrap()[0]
}

#[tokio::test]
async fn a_key_is_forgotten_with_its_entry() {
    let (store, _) = store();
    let log = LogKey::Broadcast(1);
    let two = Retention { events: 2, ..ALL };
    let keyed = payloads(&["keyed"]);
    let retry = async || {
        store
            .append(&log, Append::new(&keyed, two).key("k"))
            .await
            .unwrap()
    };
    retry().await;
    append_keeping(&store, &log, &["x"], two).await;
    assert!(retry().await.duplicate);
    append_keeping(&store, &log, &["y"], two).await;
    assert!(!retry().await.duplicate);
}

#[tokio::test]
async fn the_largest_payload_can_be_chosen() {
    let (store, _) = store();
    let store = store.max_payload(3);
    append(&store, &LogKey::Config, &["abc"]).await;
    let batch = payloads(&["abc", "abcd"]);
    let error = store
        .append(&LogKey::Config, Append::new(&batch, ALL))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    let error = store
        .seal(&LogKey::Config, Some("abcd".into()), SECOND)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert_eq!(head(&store, &LogKey::Config).await.unwrap().last.seq, 1);
}

#[tokio::test]
async fn a_sealed_log_goes_at_its_moment_and_not_before() {
    let (store, clock) = store();
    let log = stream("s", "post");
    store.seal(&log, Some("end".into()), SECOND).await.unwrap();
    clock.advance(SECOND - Duration::from_millis(1));
    assert!(head(&store, &log).await.is_some());
    clock.advance(Duration::from_millis(1));
    assert_eq!(head(&store, &log).await, None);
}

#[tokio::test]
async fn a_sweep_frees_sealed_abandoned_and_aged_logs() {
    let (store, clock) = store();
    let store = store.abandoned_after(SECOND * 10);
    let aged = Retention {
        age: Some(SECOND * 2),
        ..ALL
    };
    append(&store, &stream("a", "abandoned"), &["x"]).await;
    append(&store, &stream("b", "used"), &["x"]).await;
    store
        .seal(&stream("c", "sealed"), None, SECOND)
        .await
        .unwrap();
    append_keeping(&store, &LogKey::Broadcast(0), &["x"], aged).await;
    assert_eq!(store.sweep(100).await.unwrap(), 0);
    clock.advance(SECOND);
    assert_eq!(store.sweep(100).await.unwrap(), 1);
    clock.advance(SECOND);
    assert_eq!(store.sweep(100).await.unwrap(), 1);
    head(&store, &stream("b", "used")).await.unwrap();
    clock.advance(SECOND * 8);
    assert_eq!(store.sweep(100).await.unwrap(), 1);
    assert_eq!(store.sweep(100).await.unwrap(), 0);
    assert!(head(&store, &stream("b", "used")).await.is_some());
    assert_eq!(head(&store, &stream("a", "abandoned")).await, None);
    assert!(head(&store, &LogKey::Broadcast(0)).await.is_some());
}

///
#[tokio::test]
async fn debug_shows_no_payload() {
    let (store, _) = store();
    append(&store, &LogKey::Config, &["classified"]).await;
    let limit = ReadLimit {
        events: 9,
        bytes: 99,
    };
    let found = store
        .read(&LogKey::Config, Position::BEGINNING, None, limit)
        .await
        .unwrap();
    let events = payloads(&["classified"]);
    let batch = Append::new(&events, ALL).key("classified");
    assert!(!format!("{store:?} {found:?} {batch:?}").contains("classified"));
}
