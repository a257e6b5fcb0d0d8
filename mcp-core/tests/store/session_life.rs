//! Sessions: how long they live, how many there may be.

use std::{sync::Arc, time::Duration};

use mcp_core::store::{Caps, Created, SessionChange, SessionStore, Ttl, Version};
use tokio::{sync::Barrier, task::JoinSet};

use super::session::{
    MILLISECOND, MINUTE, TTL, alice, create, id, load, names, record, record_of, store,
};

/// SS-11
#[tokio::test]
async fn delete_leaves_a_tombstone_only() {
    let (store, clock) = store();
    let store = store.tombstones_for(MINUTE);
    let caps = Caps::none().per_principal(1);
    store
        .create(&record_of("a", &alice()), TTL, &caps)
        .await
        .unwrap();
    store.delete(&id("a")).await.unwrap();
    assert!(names(&store).await.is_empty());
    // Its place under the cap is free.
    let next = store
        .create(&record_of("b", &alice()), TTL, &caps)
        .await
        .unwrap();
    assert_eq!(next, Created::Created(Version(1)));
    store.delete(&id("b")).await.unwrap();
    clock.advance(MINUTE);
    assert_eq!(store.sweep(100).await.unwrap(), 2);
    assert_eq!(store.sweep(100).await.unwrap(), 0);
}

/// SS-13
#[tokio::test]
async fn expired_session_is_not_loaded() {
    let (store, clock) = store();
    create(&store, &record("s")).await;
    clock.advance(MINUTE - MILLISECOND);
    assert!(load(&store, "s").await.is_some());
    clock.advance(MILLISECOND);
    assert!(load(&store, "s").await.is_none());
}

/// SS-15
#[tokio::test]
async fn touch_starts_the_idle_time_again_but_not_past_the_absolute_one() {
    let (store, clock) = store();
    create(&store, &record("s")).await;
    for _ in 0..11 {
        clock.advance(MINUTE * 9 / 10);
        let alive = store.touch(&[id("none"), id("s")]).await.unwrap();
        assert_eq!(alive, [None, Some(Version(1))]);
    }
    // 594 seconds have passed: the idle time would last until 654.
    clock.advance(Duration::from_secs(6) - MILLISECOND);
    assert!(load(&store, "s").await.is_some());
    clock.advance(MILLISECOND);
    assert!(load(&store, "s").await.is_none());
    assert_eq!(store.touch(&[id("s")]).await.unwrap(), [None]);
}

/// SS-16
#[tokio::test]
async fn neither_load_nor_update_changes_the_life_time() {
    let (store, clock) = store();
    create(&store, &record("s")).await;
    clock.advance(MINUTE / 2);
    load(&store, "s").await.unwrap();
    let change = SessionChange::to(record("s"));
    store.update(&id("s"), Version(1), &change).await.unwrap();
    names(&store).await;
    clock.advance(MINUTE / 2 - MILLISECOND);
    assert!(load(&store, "s").await.is_some());
    clock.advance(MILLISECOND);
    assert!(load(&store, "s").await.is_none());
}

/// SS-16
#[tokio::test]
async fn an_update_may_give_another_life_time() {
    let (store, clock) = store();
    create(&store, &record("s")).await;
    clock.advance(MINUTE / 2);
    let longer = Ttl {
        idle: MINUTE * 5,
        absolute: MINUTE * 3,
    };
    let change = SessionChange::to(record("s")).with_ttl(longer);
    store.update(&id("s"), Version(1), &change).await.unwrap();
    // The absolute bound counts from the creation.
    clock.advance(MINUTE * 5 / 2 - MILLISECOND);
    assert!(load(&store, "s").await.is_some());
    clock.advance(MILLISECOND);
    assert!(load(&store, "s").await.is_none());
}

/// SS-18
#[tokio::test]
async fn what_has_expired_is_invisible_before_it_is_swept() {
    let (store, clock) = store();
    let caps = Caps::none().per_principal(1);
    store
        .create(&record_of("old", &alice()), TTL, &caps)
        .await
        .unwrap();
    clock.advance(MINUTE);
    assert!(names(&store).await.is_empty());
    assert!(!store.delete(&id("old")).await.unwrap());
    let new = store
        .create(&record_of("new", &alice()), TTL, &caps)
        .await
        .unwrap();
    assert_eq!(new, Created::Created(Version(1)));
    assert_eq!(names(&store).await, ["new"]);
}

/// SS-19
#[tokio::test]
async fn a_sweep_is_bounded_and_spares_the_living() {
    let (store, clock) = store();
    for n in 0..20 {
        create(&store, &record(&format!("s{n:02}"))).await;
    }
    clock.advance(MINUTE / 2);
    store.touch(&[id("s03"), id("s07")]).await.unwrap();
    clock.advance(MINUTE / 2);
    assert_eq!(store.sweep(10).await.unwrap(), 10);
    assert_eq!(store.clone().sweep(10).await.unwrap(), 8);
    assert_eq!(store.sweep(10).await.unwrap(), 0);
    assert_eq!(names(&store).await, ["s03", "s07"]);
}

/// SS-25
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_cap_of_a_principal_is_never_exceeded() {
    let (store, _) = store();
    let barrier = Arc::new(Barrier::new(32));
    let mut tasks = JoinSet::new();
    for worker in 0..32 {
        let (store, barrier) = (store.clone(), Arc::clone(&barrier));
        tasks.spawn(async move {
            let record = record_of(&format!("s{worker}"), &alice());
            barrier.wait().await;
            store
                .create(&record, TTL, &Caps::none().per_principal(5))
                .await
                .unwrap()
        });
    }
    let answers = tasks.join_all().await;
    let created = answers
        .iter()
        .filter(|answer| matches!(answer, Created::Created(_)));
    assert_eq!(created.count(), 5);
    let refused = answers
        .iter()
        .filter(|answer| **answer == Created::LimitExceeded);
    assert_eq!(refused.count(), 27);
    assert_eq!(names(&store).await.len(), 5);
    // Others are not concerned, and nobody counts anonymous sessions.
    let caps = Caps::none().per_principal(0);
    let anonymous = store
        .create(&record("anonymous"), TTL, &caps)
        .await
        .unwrap();
    assert_eq!(anonymous, Created::Created(Version(1)));
}
