//! Sessions: creating, changing and deleting them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use mcp_core::{
    clock::{ManualClock, Timestamp},
    protocol::Revision,
    store::{
        Caps, Created, MemorySessionStore, Principal, SessionChange, SessionId, SessionRecord,
        SessionStore, StoreErrorKind, Ttl, Version, Versioned,
    },
};
use serde_json::{json, value::RawValue};
use tokio::{sync::Barrier, task::JoinSet};

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);
pub(crate) const TTL: Ttl = Ttl {
    idle: Duration::from_mins(1),
    absolute: Duration::from_mins(10),
};

pub(crate) fn store() -> (MemorySessionStore, ManualClock) {
    let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
    (
        MemorySessionStore::with_clock(Arc::new(clock.clone())),
        clock,
    )
}

pub(crate) fn id(name: &str) -> SessionId {
    SessionId::new(name)
}

pub(crate) fn record(name: &str) -> SessionRecord {
    SessionRecord::new(
        id(name),
        Revision::V2025_11_25,
        serde_json::from_value(json!({"name": "client", "version": "1"})).unwrap(),
        serde_json::from_value(json!({})).unwrap(),
        [7; 16],
    )
}

pub(crate) fn record_of(name: &str, owner: &Principal) -> SessionRecord {
    let mut record = record(name);
    record.principal = Some(owner.clone());
    record
}

pub(crate) fn alice() -> Principal {
    Principal::new("https://issuer", "alice")
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

pub(crate) async fn create(store: &impl SessionStore, record: &SessionRecord) -> Created {
    store.create(record, TTL, &Caps::none()).await.unwrap()
}

pub(crate) async fn load(store: &impl SessionStore, name: &str) -> Option<Versioned> {
    store.load(&id(name)).await.unwrap()
}

pub(crate) async fn names(store: &impl SessionStore) -> Vec<String> {
    let all = store.list(None, 1000).await.unwrap();
    all.iter()
        .map(|found| found.record.id.to_string())
        .collect()
}

fn bytes(record: &SessionRecord) -> Vec<u8> {
    serde_json::to_vec(record).unwrap()
}

/// SS-02
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_one_concurrent_create_wins() {
    let (store, _) = store();
    for round in 0..50 {
        let name = format!("s{round}");
        let barrier = Arc::new(Barrier::new(8));
        let mut tasks = JoinSet::new();
        for worker in 0..8 {
            let (store, barrier, mut record) = (store.clone(), Arc::clone(&barrier), record(&name));
            tasks.spawn(async move {
                record.subscriptions.insert(format!("by {worker}"));
                barrier.wait().await;
                (create(&store, &record).await, bytes(&record))
            });
        }
        let answers = tasks.join_all().await;
        let mut winners = answers
            .iter()
            .filter(|(answer, _)| *answer == Created::Created(Version(1)));
        let (_, winner) = winners.next().unwrap();
        assert!(winners.next().is_none());
        let losers = answers
            .iter()
            .filter(|(answer, _)| *answer == Created::Exists);
        assert_eq!(losers.count(), 7);
        assert_eq!(&bytes(&load(&store, &name).await.unwrap().record), winner);
    }
}

/// SS-03
#[tokio::test]
async fn a_deleted_id_cannot_be_created_again_within_the_tombstone_time() {
    let (store, clock) = store();
    let store = store.tombstones_for(MINUTE);
    create(&store, &record("s")).await;
    assert!(store.delete(&id("s")).await.unwrap());
    assert_eq!(create(&store, &record("s")).await, Created::Exists);
    clock.advance(MINUTE - MILLISECOND);
    assert_eq!(create(&store, &record("s")).await, Created::Exists);
    clock.advance(MILLISECOND);
    assert_eq!(
        create(&store, &record("s")).await,
        Created::Created(Version(1))
    );
}

/// SS-04
#[tokio::test]
async fn another_handle_loads_every_field() {
    let (store, _) = store();
    let other = store.clone();
    let mut written = record_of("s", &alice());
    written.initialized = true;
    written.subscriptions.insert("file:///a".to_owned());
    written.data.insert("k".to_owned(), raw("[1, 2]"));
    create(&store, &written).await;
    let found = load(&other, "s").await.unwrap();
    assert_eq!(bytes(&found.record), bytes(&written));
    assert_eq!(found.version, Version(1));
    assert_eq!(found.created_at, Timestamp::from_millis(1_000_000));
}

/// SS-05
#[tokio::test]
async fn a_stale_version_conflicts_and_changes_nothing() {
    let (store, _) = store();
    create(&store, &record("s")).await;
    let mut first = record("s");
    first.initialized = true;
    let change = SessionChange::to(first);
    let version = store.update(&id("s"), Version(1), &change).await.unwrap();
    assert_eq!(version, Some(Version(2)));
    let late = SessionChange::to(record("s"));
    for stale in [0, 1, 3] {
        let error = store
            .update(&id("s"), Version(stale), &late)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    }
    let found = load(&store, "s").await.unwrap();
    assert!(found.record.initialized);
    assert_eq!(found.version, Version(2));
}

/// SS-06
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_concurrent_update_is_lost() {
    async fn increment(store: &MemorySessionStore) {
        loop {
            let found = load(store, "s").await.unwrap();
            let mut record = found.record;
            let count: u32 = serde_json::from_str(record.data["n"].get()).unwrap();
            record
                .data
                .insert("n".to_owned(), raw(&(count + 1).to_string()));
            let change = SessionChange::to(record);
            if store.update(&id("s"), found.version, &change).await.is_ok() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    let (store, _) = store();
    let mut start = record("s");
    start.data.insert("n".to_owned(), raw("0"));
    create(&store, &start).await;
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let store = store.clone();
        tasks.spawn(async move {
            for _ in 0..100 {
                increment(&store).await;
            }
        });
    }
    tasks.join_all().await;
    let found = load(&store, "s").await.unwrap();
    assert_eq!(found.record.data["n"].get(), "6400");
    assert_eq!(found.version, Version(6401));
}

/// SS-07
#[tokio::test]
async fn an_update_never_makes_a_session() {
    let (store, clock) = store();
    create(&store, &record("expired")).await;
    clock.advance(MINUTE);
    create(&store, &record("deleted")).await;
    store.delete(&id("deleted")).await.unwrap();
    for name in ["missing", "expired", "deleted"] {
        let change = SessionChange::to(record(name)).with_ttl(TTL);
        let answer = store.update(&id(name), Version(1), &change).await.unwrap();
        assert_eq!(answer, None, "{name}");
        assert!(load(&store, name).await.is_none(), "{name}");
    }
}

/// SS-08
#[tokio::test]
async fn delete_wins_over_a_late_update() {
    let (store, _) = store();
    create(&store, &record("s")).await;
    let held = load(&store, "s").await.unwrap();
    store.delete(&id("s")).await.unwrap();
    let change = SessionChange::to(held.record).with_ttl(TTL);
    assert_eq!(
        store.update(&id("s"), held.version, &change).await.unwrap(),
        None
    );
    assert_eq!(store.touch(&[id("s")]).await.unwrap(), [None]);
    assert!(load(&store, "s").await.is_none());
}

/// SS-08
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_that_races_a_delete_brings_the_session_back() {
    let (store, _) = store();
    for round in 0..200 {
        let name = format!("s{round}");
        create(&store, &record(&name)).await;
        let barrier = Arc::new(Barrier::new(4));
        let mut tasks = JoinSet::new();
        for worker in 0..4 {
            let (store, barrier, name) = (store.clone(), Arc::clone(&barrier), name.clone());
            tasks.spawn(async move {
                barrier.wait().await;
                match worker {
                    0 => drop(store.delete(&id(&name)).await.unwrap()),
                    1 => drop(create(&store, &record(&name)).await),
                    2 => drop(store.touch(&[id(&name)]).await.unwrap()),
                    _ => {
                        let change = SessionChange::to(record(&name)).with_ttl(TTL);
                        drop(store.update(&id(&name), Version(1), &change).await);
                    }
                }
            });
        }
        tasks.join_all().await;
        assert!(load(&store, &name).await.is_none());
    }
}

/// SS-10
#[tokio::test]
async fn a_second_delete_answers_false() {
    let (store, _) = store();
    create(&store, &record("s")).await;
    assert!(store.delete(&id("s")).await.unwrap());
    assert!(!store.delete(&id("s")).await.unwrap());
    assert!(!store.delete(&id("never")).await.unwrap());
}

/// SS-17
#[tokio::test]
async fn owner_and_id_cannot_be_changed() {
    let (store, clock) = store();
    create(&store, &record_of("s", &alice())).await;
    clock.advance(MILLISECOND);
    let other_owner = record_of("s", &Principal::new("https://issuer", "mallory"));
    let other_id = record_of("t", &alice());
    for wrong in [other_owner, record("s"), other_id] {
        let change = SessionChange::to(wrong);
        let error = store
            .update(&id("s"), Version(1), &change)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::InvalidArgument);
    }
    let change = SessionChange::to(record_of("s", &alice()));
    store.update(&id("s"), Version(1), &change).await.unwrap();
    let found = load(&store, "s").await.unwrap();
    assert_eq!(found.created_at, Timestamp::from_millis(1_000_000));
    assert_eq!(found.record.principal, Some(alice()));
}

/// SS-21, SS-22: owners are compared as a whole.
#[tokio::test]
async fn a_record_comes_back_with_exactly_its_owner() {
    let (store, _) = store();
    create(&store, &record("anonymous")).await;
    create(&store, &record_of("bound", &alice())).await;
    assert_eq!(
        load(&store, "anonymous").await.unwrap().record.principal,
        None
    );
    let owner = load(&store, "bound").await.unwrap().record.principal;
    assert_eq!(owner, Some(alice()));
    assert_ne!(owner, Some(Principal::new("https://other", "alice")));
}

/// SS-23
#[tokio::test]
async fn odd_names_do_not_collide() {
    let (store, _) = store();
    let odd = [
        "", ":", "::", "a:b", "a", "b", "{a}", "%", "*", "a\n", "a\0", "a\0b", "é", "e\u{301}",
    ];
    for name in odd {
        assert_eq!(
            create(&store, &record(name)).await,
            Created::Created(Version(1))
        );
    }
    let expected: BTreeSet<_> = odd.into_iter().map(str::to_owned).collect();
    assert_eq!(names(&store).await, Vec::from_iter(expected));
    let caps = Caps::none().per_principal(1);
    for (n, (issuer, subject)) in [("a:", "b"), ("a", ":b"), ("", "a:b")]
        .into_iter()
        .enumerate()
    {
        let owned = record_of(&format!("owned{n}"), &Principal::new(issuer, subject));
        let created = store.create(&owned, TTL, &caps).await.unwrap();
        assert_eq!(created, Created::Created(Version(1)));
    }
}

/// SS-24
#[tokio::test]
async fn two_stores_share_nothing() {
    let ((one, _), (other, _)) = (store(), store());
    create(&one, &record("s")).await;
    assert!(load(&other, "s").await.is_none());
    assert!(names(&other).await.is_empty());
    assert!(!other.delete(&id("s")).await.unwrap());
    assert!(load(&one, "s").await.is_some());
}

/// SS-28
#[tokio::test]
async fn values_come_back_byte_for_byte() {
    let (store, _) = store();
    let long = format!("\"{}\"", "x".repeat(1024 * 1024));
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let values = [
        "{}",
        "[]",
        "18446744073709551615",
        "-9223372036854775808",
        "1.0",
        "1e400",
        "0.1",
        r#""\ud800""#,
        "\"🦀\"",
        "{ \"a\" : 1 }",
        &long,
        &deep,
    ];
    let mut written = record("s");
    create(&store, &written).await;
    for (n, value) in values.iter().enumerate() {
        written.data.insert(n.to_string(), raw(value));
    }
    let change = SessionChange::to(written).with_ttl(TTL);
    store.update(&id("s"), Version(1), &change).await.unwrap();
    store.touch(&[id("s")]).await.unwrap();
    let found = load(&store, "s").await.unwrap();
    for (n, value) in values.iter().enumerate() {
        assert_eq!(found.record.data[&n.to_string()].get(), *value);
    }
}

#[tokio::test]
async fn list_pages_in_the_order_of_ids() {
    let (store, _) = store();
    for n in (0..25).rev() {
        create(&store, &record(&format!("s{n:02}"))).await;
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(after.as_ref(), 10).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.record.id.clone());
        seen.extend(page.iter().map(|found| found.record.id.to_string()));
    }
    let expected: Vec<_> = (0..25).map(|n| format!("s{n:02}")).collect();
    assert_eq!(seen, expected);
}

/// X-10
#[tokio::test]
async fn debug_shows_no_session() {
    let (store, _) = store();
    let mut written = record_of("confidential", &alice());
    written.data.insert("k".to_owned(), raw("\"classified\""));
    create(&store, &written).await;
    let found = load(&store, "confidential").await;
    let shown = format!("{store:?} {found:?}");
    for hidden in ["confidential", "classified", "[7, 7", "alice"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
