//! Events: how a log ends, and what is left of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_core::store::{
    Append, EventStore, From, InstanceId, LogKey, Position, Read, ReadLimit, ReaderId, Retention,
    Sealed, SessionId, StoreErrorKind,
};
use tokio::{sync::Barrier, task::JoinSet};

use super::event::{
    ALL, SECOND, append, append_keeping, head, payloads, read, store, stream, texts,
};

/// EL-18, EL-25
#[tokio::test]
async fn a_repeated_append_is_recognised_after_the_seal() {
    let (store, _) = store();
    let batch = payloads(&["a"]);
    let retry = async || {
        store
            .append(&stream("s", "x"), Append::new(&batch, ALL).key("k"))
            .await
    };
    let first = retry().await.unwrap();
    store.seal(&stream("s", "x"), None, SECOND).await.unwrap();
    let again = retry().await.unwrap();
    assert_eq!((again.last, again.duplicate), (first.last, true));
}

/// EL-14, EL-25
#[tokio::test]
async fn keys_end_with_their_epoch() {
    let (store, _) = store();
    let batch = payloads(&["a"]);
    let keyed = || Append::new(&batch, ALL).key("k");
    let old = store.append(&LogKey::Config, keyed()).await.unwrap().last;
    let ahead = Some(Position::new(old.epoch, 9));
    let other = Append::new(&batch, ALL).writer_seen(ahead);
    let new = store.append(&LogKey::Config, other).await.unwrap().last;
    let again = store.append(&LogKey::Config, keyed()).await.unwrap();
    assert_eq!(
        (again.last, again.duplicate),
        (Position::new(new.epoch, 2), false)
    );
}

/// EL-18
#[tokio::test]
async fn the_first_seal_ends_the_log() {
    let (store, clock) = store();
    let log = stream("s", "post");
    let first = append(&store, &log, &["a"]).await;
    assert!(store.seal(&log, Some("end".into()), SECOND).await.unwrap());
    assert!(
        !store
            .seal(&log, Some("other end".into()), SECOND)
            .await
            .unwrap()
    );
    let late = payloads(&["late"]);
    let error = store
        .append(&log, Append::new(&late, ALL))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert_eq!(head(&store, &log).await.unwrap().sealed, Sealed::Sealed);
    assert_eq!(texts(read(&store, &log, first).await), ["end"]);

    clock.advance(SECOND - Duration::from_millis(1));
    assert_eq!(
        texts(read(&store, &log, Position::BEGINNING).await),
        ["a", "end"]
    );
    clock.advance(Duration::from_millis(1));
    assert_eq!(read(&store, &log, first).await, Read::Unknown);
    assert_eq!(head(&store, &log).await, None);
}

/// EL-18
#[tokio::test]
async fn the_end_shows_on_the_page_that_reaches_it() {
    let (store, _) = store();
    let log = stream("s", "post");
    append(&store, &log, &["a", "b"]).await;
    let sealed = async |after, events| {
        let limit = ReadLimit {
            events,
            bytes: usize::MAX,
        };
        match store.read(&log, after, None, limit).await.unwrap() {
            Read::Events { sealed, .. } => sealed,
            other => panic!("{other:?}"),
        }
    };
    assert!(!sealed(Position::BEGINNING, 9).await);
    store.seal(&log, Some("c".into()), SECOND).await.unwrap();
    assert!(!sealed(Position::BEGINNING, 2).await);
    assert!(sealed(Position::BEGINNING, 3).await);
    let last = head(&store, &log).await.unwrap().last;
    assert!(sealed(last, 1).await);
}

/// EL-18
#[tokio::test]
async fn the_last_event_of_a_sealed_log_is_not_trimmed() {
    let (store, clock) = store();
    let log = stream("s", "post");
    let tight = Retention {
        events: 2,
        bytes: 4,
        age: Some(SECOND),
    };
    append_keeping(&store, &log, &["a"], tight).await;
    store
        .seal(&log, Some("a long response".into()), SECOND * 9)
        .await
        .unwrap();
    clock.advance(SECOND * 8);
    let floor = Position::new(head(&store, &log).await.unwrap().last.epoch, 1);
    assert_eq!(texts(read(&store, &log, floor).await), ["a long response"]);
}

/// EL-18
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_sealers_wins() {
    let (store, _) = store();
    let barrier = Arc::new(Barrier::new(8));
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let (store, barrier) = (store.clone(), Arc::clone(&barrier));
        tasks.spawn(async move {
            barrier.wait().await;
            let end = Bytes::from(n.to_string());
            let won = store
                .seal(&stream("s", "x"), Some(end), SECOND)
                .await
                .unwrap();
            won.then(|| n.to_string())
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(
        texts(read(&store, &stream("s", "x"), Position::BEGINNING).await),
        winners
    );
}

/// EL-19
#[tokio::test]
async fn a_purge_leaves_nothing_of_the_session() {
    let (store, _) = store();
    for name in ["a", "b", ""] {
        append(&store, &stream("s", name), &["x"]).await;
    }
    for other in ["r", "s2", "", "t"] {
        append(&store, &stream(other, "a"), &["x"]).await;
    }
    assert_eq!(store.purge(&SessionId::new("s")).await.unwrap(), 3);
    assert_eq!(store.purge(&SessionId::new("s")).await.unwrap(), 0);
    assert_eq!(head(&store, &stream("s", "a")).await, None);
    for other in ["r", "s2", "", "t"] {
        assert!(head(&store, &stream(other, "a")).await.is_some());
    }
}

/// EL-19
#[tokio::test]
async fn nothing_is_added_to_a_purged_session() {
    let (store, _) = store();
    store.purge(&SessionId::new("s")).await.unwrap();
    let late = payloads(&["late"]);
    let log = stream("s", "a");
    let error = store
        .append(&log, Append::new(&late, ALL))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Conflict);
    assert!(!store.seal(&log, Some("end".into()), SECOND).await.unwrap());
    let reader = ReaderId::new(InstanceId::new("i"), 1);
    assert_eq!(
        store
            .attach(&log, &reader, From::Acknowledged)
            .await
            .unwrap(),
        None
    );
    assert_eq!(head(&store, &log).await, None);
}

/// EL-19
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_that_race_a_purge_are_purged_or_rejected() {
    let (store, _) = store();
    for round in 0..100 {
        let session = format!("s{round}");
        let barrier = Arc::new(Barrier::new(4));
        let mut tasks = JoinSet::new();
        for n in 0..3 {
            let (store, barrier) = (store.clone(), Arc::clone(&barrier));
            let log = stream(&session, &n.to_string());
            tasks.spawn(async move {
                let event = payloads(&["x"]);
                barrier.wait().await;
                drop(store.append(&log, Append::new(&event, ALL)).await);
            });
        }
        barrier.wait().await;
        store
            .purge(&SessionId::new(session.as_str()))
            .await
            .unwrap();
        tasks.join_all().await;
        for n in 0..3 {
            assert_eq!(head(&store, &stream(&session, &n.to_string())).await, None);
        }
    }
}

/// EL-21
#[tokio::test]
async fn a_log_outlives_its_events() {
    let (store, clock) = store();
    let log = stream("s", "get");
    let short = Retention {
        age: Some(SECOND),
        ..ALL
    };
    let last = append_keeping(&store, &log, &["a"], short).await;
    clock.advance(SECOND * 60);
    let head = head(&store, &log).await.unwrap();
    assert_eq!((head.last, head.floor), (last, 1));
    let next = append_keeping(&store, &log, &["b"], short).await;
    assert_eq!(next, Position::new(last.epoch, 2));
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

/// X-10
#[tokio::test]
async fn debug_shows_no_payload() {
    let (store, _) = store();
    append(&store, &LogKey::Config, &["classified"]).await;
    let found = read(&store, &LogKey::Config, Position::BEGINNING).await;
    let events = payloads(&["classified"]);
    let batch = Append::new(&events, ALL).key("classified");
    assert!(!format!("{store:?} {found:?} {batch:?}").contains("classified"));
}
