//! Leases.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use mcp_core::{
    clock::{ManualClock, Timestamp},
    store::{Fence, LeaseStore, MAX_FACTS, MemoryLeaseStore, StoreErrorKind},
};
use tokio::{sync::Barrier, task::JoinSet};

const TTL: Duration = Duration::from_secs(10);
const MILLISECOND: Duration = Duration::from_millis(1);

fn store() -> (MemoryLeaseStore, ManualClock) {
    let clock = ManualClock::starting_at(Timestamp::from_millis(1_000_000));
    (MemoryLeaseStore::with_clock(Arc::new(clock.clone())), clock)
}

async fn hold(store: &MemoryLeaseStore, name: &str, holder: &str) -> Option<Fence> {
    store.hold(name, holder, TTL, b"").await.unwrap()
}

async fn names(store: &MemoryLeaseStore, prefix: &str) -> Vec<String> {
    let leases = store.list(prefix).await.unwrap();
    leases.into_iter().map(|lease| lease.name).collect()
}

/// LS-01
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_holds_a_name() {
    let (store, _) = store();
    for round in 0..50 {
        let name = format!("n{round}");
        let barrier = Arc::new(Barrier::new(8));
        let mut tasks = JoinSet::new();
        for holder in 0..8 {
            let (store, barrier, name) = (store.clone(), Arc::clone(&barrier), name.clone());
            tasks.spawn(async move {
                barrier.wait().await;
                hold(&store, &name, &holder.to_string()).await
            });
        }
        let held = tasks.join_all().await;
        assert_eq!(held.iter().flatten().count(), 1);
    }
}

/// LS-01
#[tokio::test]
async fn every_holder_gets_a_greater_fence() {
    let (store, clock) = store();
    let mut last = Fence(0);
    for round in 0..10 {
        let fence = hold(&store, "n", "h").await.unwrap();
        assert!(fence > last);
        last = fence;
        assert_eq!(hold(&store, "n", "h").await, None);
        if round % 2 == 0 {
            assert!(store.release("n", fence).await.unwrap());
        } else {
            clock.advance(TTL);
        }
    }
}

/// LS-02
#[tokio::test]
async fn a_lease_that_is_not_renewed_ends() {
    let (store, clock) = store();
    let fence = hold(&store, "n", "a").await.unwrap();
    clock.advance(TTL - MILLISECOND);
    assert!(store.renew("n", fence, TTL, b"").await.unwrap());
    clock.advance(TTL - MILLISECOND);
    assert_eq!(hold(&store, "n", "b").await, None);
    clock.advance(MILLISECOND);
    assert!(!store.renew("n", fence, TTL, b"").await.unwrap());
    assert!(names(&store, "").await.is_empty());
    assert!(hold(&store, "n", "b").await.unwrap() > fence);
}

/// LS-03
#[tokio::test]
async fn a_stale_holder_changes_nothing() {
    let (store, clock) = store();
    let stale = hold(&store, "n", "a").await.unwrap();
    clock.advance(TTL);
    let fence = hold(&store, "n", "b").await.unwrap();
    assert!(!store.release("n", stale).await.unwrap());
    assert!(!store.renew("n", stale, TTL * 9, b"stale").await.unwrap());
    let leases = store.list("n").await.unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!((leases[0].holder.as_str(), leases[0].fence), ("b", fence));
    assert!(leases[0].facts.is_empty());
    clock.advance(TTL);
    assert!(names(&store, "n").await.is_empty());
}

/// LS-05
#[tokio::test]
async fn odd_names_do_not_collide() {
    let (store, _) = store();
    let long = "x".repeat(4096);
    let longer = format!("{long}y");
    let odd = [
        "", ":", "a", "a:", "a:b", "{a}", "*", "a\0", "é", "e\u{301}", &long, &longer,
    ];
    let mut fences = BTreeSet::new();
    for name in odd {
        fences.insert(hold(&store, name, "h").await.unwrap());
    }
    assert_eq!(fences.len(), odd.len());
    assert_eq!(names(&store, "a:").await, ["a:", "a:b"]);
    assert_eq!(names(&store, "*").await, ["*"]);
    assert!(names(&MemoryLeaseStore::new(), "").await.is_empty());
}

/// LS-07
#[tokio::test]
async fn list_shows_the_living_with_their_latest_facts() {
    let (store, clock) = store();
    let a = store.hold("i/a", "a", TTL, b"old").await.unwrap().unwrap();
    store.hold("i/b", "b", TTL, b"b").await.unwrap();
    store.hold("j/c", "c", TTL * 9, b"c").await.unwrap();
    clock.advance(TTL / 2);
    store.renew("i/a", a, TTL, b"new").await.unwrap();
    clock.advance(TTL / 2);
    let leases = store.clone().list("i/").await.unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!((leases[0].name.as_str(), leases[0].fence), ("i/a", a));
    assert_eq!(leases[0].facts, "new");
    assert_eq!(names(&store, "").await, ["i/a", "j/c"]);
}

/// LS-07
#[tokio::test]
async fn facts_over_the_limit_are_too_large() {
    let (store, _) = store();
    let most = [1; MAX_FACTS];
    let more = [1; MAX_FACTS + 1];
    let error = store.hold("n", "h", TTL, &more).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    let fence = store.hold("n", "h", TTL, &most).await.unwrap().unwrap();
    let error = store.renew("n", fence, TTL, &more).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert_eq!(store.list("n").await.unwrap()[0].facts, most.as_slice());
}
