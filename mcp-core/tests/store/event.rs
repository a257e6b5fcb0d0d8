//! Events: writing, keeping and reading.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_core::{
    clock::{ManualClock, Timestamp},
    store::{
        Append, Appended, Epoch, Event, EventStore, Head, InstanceId, LogKey, MemoryEventStore,
        Position, Read, ReadLimit, Retention, Sealed, SessionId, StoreErrorKind,
    },
};
use tokio::{sync::Barrier, task::JoinSet};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const ALL: Retention = Retention {
    events: u64::MAX,
    bytes: u64::MAX,
    age: None,
};
const PAGE: ReadLimit = ReadLimit {
    events: 1000,
    bytes: usize::MAX,
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

pub(crate) async fn read(store: &MemoryEventStore, log: &LogKey, after: Position) -> Read {
    store.read(log, after, None, PAGE).await.unwrap()
}

pub(crate) async fn head(store: &MemoryEventStore, log: &LogKey) -> Option<Head> {
    store.heads(std::slice::from_ref(log)).await.unwrap()[0]
}

pub(crate) fn events(read: Read) -> Vec<Event> {
    match read {
        Read::Events { events, .. } => events,
        other => panic!("no events: {other:?}"),
    }
}

pub(crate) fn texts(read: Read) -> Vec<String> {
    let text = |event: Event| String::from_utf8(event.payload.to_vec()).unwrap();
    events(read).into_iter().map(text).collect()
}

fn gap(read: &Read) -> (Position, Position) {
    match read {
        Read::Gap { floor, head } => (*floor, *head),
        other => panic!("no gap: {other:?}"),
    }
}

/// EL-01, EL-07
#[tokio::test]
async fn positions_count_from_one_without_a_hole() {
    let (store, _) = store();
    let log = LogKey::Broadcast(3);
    let first = append(&store, &log, &["a", "b"]).await;
    let last = append(&store, &log, &["c"]).await;
    assert_eq!((first.seq, last.seq), (2, 3));
    assert_ne!(first.epoch, Epoch(0));
    assert_eq!(first.epoch, last.epoch);
    let all = events(read(&store, &log, Position::BEGINNING).await);
    let seqs: Vec<_> = all.iter().map(|event| event.position.seq).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(texts(read(&store, &log, first).await), ["c"]);
    assert_eq!(texts(read(&store, &log, last).await), [""; 0]);
}

/// EL-02
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_get_distinct_positions_in_their_own_order() {
    let (store, _) = store();
    let barrier = Arc::new(Barrier::new(8));
    let mut tasks = JoinSet::new();
    for writer in 0..8 {
        let (store, barrier) = (store.clone(), Arc::clone(&barrier));
        tasks.spawn(async move {
            barrier.wait().await;
            let mut positions = Vec::new();
            for n in 0..200 {
                let text = format!("{writer} {n}");
                positions.push(append(&store, &LogKey::Config, &[&text]).await.seq);
                tokio::task::yield_now().await;
            }
            positions
        });
    }
    let written = tasks.join_all().await;
    for own in &written {
        assert!(own.is_sorted());
    }
    let all: BTreeSet<_> = written.into_iter().flatten().collect();
    assert!(all.into_iter().eq(1..=1600));
}

/// EL-03, EL-15
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn paging_sees_each_event_once_while_appends_go_on() {
    let (store, _) = store();
    let log = LogKey::Broadcast(0);
    let writer = store.clone();
    let mut tasks = JoinSet::new();
    let target = log.clone();
    tasks.spawn(async move {
        for n in 0..2000 {
            append(&writer, &target, &[&n.to_string()]).await;
            tokio::task::yield_now().await;
        }
    });
    let limit = ReadLimit {
        events: 7,
        bytes: 16,
    };
    let mut after = Position::BEGINNING;
    let mut next = 0;
    while next < 2000 {
        if let Read::Events { events, .. } = store.read(&log, after, None, limit).await.unwrap() {
            for event in events {
                assert_eq!(event.payload, next.to_string());
                next += 1;
                assert_eq!(event.position.seq, next);
                after = event.position;
            }
        }
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
}

/// EL-04
#[tokio::test]
async fn another_handle_reads_what_an_append_returned() {
    let (store, _) = store();
    let other = store.clone();
    append(&store, &LogKey::Config, &["a"]).await;
    assert_eq!(
        texts(read(&other, &LogKey::Config, Position::BEGINNING).await),
        ["a"]
    );
}

/// EL-05, EL-25
#[tokio::test]
async fn a_key_is_good_for_one_payload_once() {
    let (store, _) = store();
    let log = LogKey::Inbox(InstanceId::new("i"));
    let batch = payloads(&["a", "b"]);
    let keyed =
        async |events: &[Bytes]| store.append(&log, Append::new(events, ALL).key("k")).await;
    let first = keyed(&batch).await.unwrap();
    assert!(!first.duplicate);
    append(&store, &log, &["x"]).await;
    let again = keyed(&batch).await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.last, first.last);
    for other in [&["a", "c"][..], &["ab"], &["a"], &["", "ab"]] {
        let error = keyed(&payloads(other)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Conflict);
    }
    assert_eq!(
        texts(read(&store, &log, Position::BEGINNING).await),
        ["a", "b", "x"]
    );
}

/// EL-25
#[tokio::test]
async fn a_key_lives_as_long_as_its_entry() {
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

/// EL-08, EL-17
#[tokio::test]
async fn streams_do_not_mix() {
    let (store, _) = store();
    let logs = [stream("a", "get"), stream("b", "get"), stream("a", "post")];
    for (n, log) in logs.iter().enumerate() {
        append(&store, log, &[&n.to_string()]).await;
    }
    let one = Retention { events: 1, ..ALL };
    append_keeping(&store, &logs[0], &["more"], one).await;
    assert_eq!(
        texts(read(&store, &logs[1], Position::BEGINNING).await),
        ["1"]
    );
    assert_eq!(
        texts(read(&store, &logs[2], Position::BEGINNING).await),
        ["2"]
    );
}

/// EL-09
#[tokio::test]
async fn a_cursor_of_another_session_is_good_for_nothing() {
    let (store, _) = store();
    let position = append(&store, &stream("a", "get"), &["secret"]).await;
    assert_eq!(
        read(&store, &stream("b", "get"), position).await,
        Read::Unknown
    );
    append(&store, &stream("b", "get"), &["own", "own"]).await;
    gap(&read(&store, &stream("b", "get"), position).await);
}

/// EL-11
#[tokio::test]
async fn a_cursor_below_the_floor_is_a_gap() {
    let (store, _) = store();
    let log = LogKey::Broadcast(0);
    let first = append(&store, &log, &["a"]).await;
    let two = Retention { events: 2, ..ALL };
    let last = append_keeping(&store, &log, &["b", "c", "d"], two).await;
    for cursor in [first, Position::BEGINNING] {
        let (floor, head) = gap(&read(&store, &log, cursor).await);
        assert_eq!((floor, head), (Position::new(last.epoch, 2), last));
    }
    let floor = Position::new(last.epoch, 2);
    assert_eq!(texts(read(&store, &log, floor).await), ["c", "d"]);
}

/// EL-12
#[tokio::test]
async fn a_cursor_of_another_epoch_is_a_gap() {
    let (store, _) = store();
    let last = append(&store, &LogKey::Config, &["a", "b"]).await;
    let other = Position::new(Epoch(last.epoch.0 ^ 1), 1);
    let (floor, head) = gap(&read(&store, &LogKey::Config, other).await);
    assert_eq!((floor, head), (Position::new(last.epoch, 0), last));
}

/// EL-13
#[tokio::test]
async fn a_cursor_ahead_of_the_head_is_a_gap() {
    let (store, _) = store();
    let last = append(&store, &LogKey::Config, &["a"]).await;
    for seq in [2, u64::MAX] {
        gap(&read(&store, &LogKey::Config, Position::new(last.epoch, seq)).await);
    }
    gap(&read(&store, &LogKey::Config, Position::new(Epoch(0), 1)).await);
}

/// EL-14
#[tokio::test]
async fn a_writer_that_knows_more_than_the_log_begins_an_epoch() {
    let (store, _) = store();
    let log = LogKey::Broadcast(0);
    let one = payloads(&["x"]);
    let append_seen = async |seen: Position| -> Appended {
        let batch = Append::new(&one, ALL).writer_seen(Some(seen));
        store.append(&log, batch).await.unwrap()
    };
    let old = append(&store, &log, &["a", "b"]).await;
    assert_eq!(append_seen(old).await.last, Position::new(old.epoch, 3));
    assert_eq!(append_seen(Position::BEGINNING).await.last.seq, 4);
    assert_eq!(append_seen(Position::new(old.epoch, 1)).await.last.seq, 5);

    let ahead = append_seen(Position::new(old.epoch, 9)).await.last;
    assert_ne!(ahead.epoch, old.epoch);
    assert_eq!(ahead.seq, 1);
    gap(&read(&store, &log, old).await);
    assert_eq!(texts(read(&store, &log, Position::BEGINNING).await), ["x"]);

    let foreign = append_seen(Position::new(Epoch(ahead.epoch.0 ^ 1), 1))
        .await
        .last;
    assert_ne!(foreign.epoch, ahead.epoch);
    assert_eq!(foreign.seq, 1);
}

/// EL-14
#[tokio::test]
async fn a_repeated_append_begins_one_epoch_only() {
    let (store, _) = store();
    let old = append(&store, &LogKey::Config, &["a"]).await;
    let one = payloads(&["x"]);
    let batch = || {
        let seen = Some(Position::new(old.epoch, 5));
        Append::new(&one, ALL).key("k").writer_seen(seen)
    };
    let first = store.append(&LogKey::Config, batch()).await.unwrap();
    let again = store.append(&LogKey::Config, batch()).await.unwrap();
    assert_eq!((again.last, again.duplicate), (first.last, true));
}

/// EL-15
#[tokio::test]
async fn a_page_keeps_to_both_limits() {
    let (store, _) = store();
    append(&store, &LogKey::Config, &["aaaa", "bbbb", "cccc", "dddd"]).await;
    let page = async |events, bytes| {
        let limit = ReadLimit { events, bytes };
        let read = store
            .read(&LogKey::Config, Position::BEGINNING, None, limit)
            .await;
        match read.unwrap() {
            Read::Events { events, more, .. } => (events.len(), more),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(page(2, 1000).await, (2, true));
    assert_eq!(page(4, 1000).await, (4, false));
    assert_eq!(page(9, 0).await, (1, true));
    assert_eq!(page(9, 1).await, (1, true));
    assert_eq!(page(9, 4).await, (1, true));
    assert_eq!(page(9, 5).await, (2, true));
    assert_eq!(page(9, 16).await, (4, false));
    assert_eq!(page(0, 1000).await, (0, true));
}

/// EL-16
#[tokio::test]
async fn trimming_follows_count_bytes_and_age() {
    let (store, clock) = store();
    let kept = async |log, retention| {
        append_keeping(&store, &log, &["aa", "bb"], retention).await;
        clock.advance(SECOND);
        append_keeping(&store, &log, &["cc", "dd"], retention).await;
        let floor = Position::new(head(&store, &log).await.unwrap().last.epoch, 0);
        let floor = match read(&store, &log, floor).await {
            Read::Gap { floor, .. } => floor,
            _ => floor,
        };
        texts(read(&store, &log, floor).await)
    };
    let by_count = Retention { events: 3, ..ALL };
    assert_eq!(
        kept(LogKey::Broadcast(0), by_count).await,
        ["bb", "cc", "dd"]
    );
    let by_bytes = Retention { bytes: 5, ..ALL };
    assert_eq!(kept(LogKey::Broadcast(1), by_bytes).await, ["cc", "dd"]);
    let by_age = Retention {
        age: Some(SECOND),
        ..ALL
    };
    assert_eq!(kept(LogKey::Broadcast(2), by_age).await, ["cc", "dd"]);
    // Age goes on without any append.
    clock.advance(SECOND);
    let head = head(&store, &LogKey::Broadcast(2)).await.unwrap();
    assert_eq!((head.floor, head.last.seq), (4, 4));
    // What is decided once is never trimmed.
    assert_eq!(kept(LogKey::Config, by_count).await.len(), 4);
}

/// EL-16
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_that_races_the_trim_gets_each_event_or_a_gap() {
    let (store, _) = store();
    let log = LogKey::Broadcast(0);
    let (writer, target) = (store.clone(), log.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let few = Retention { events: 3, ..ALL };
        for n in 1..=2000 {
            append_keeping(&writer, &target, &[&n.to_string()], few).await;
            tokio::task::yield_now().await;
        }
    });
    let (mut after, mut floor) = (Position::BEGINNING, 0);
    while after.seq < 2000 {
        match read(&store, &log, after).await {
            Read::Events { events, .. } => {
                for event in events {
                    assert_eq!(event.position.seq, after.seq + 1);
                    assert_eq!(event.payload, event.position.seq.to_string());
                    after = event.position;
                }
            }
            Read::Gap { floor: new, .. } => {
                assert!(new.seq > after.seq && new.seq >= floor);
                floor = new.seq;
                after = new;
            }
            other => assert_eq!(other, Read::Unknown),
        }
        tokio::task::yield_now().await;
    }
    tasks.join_all().await;
}

/// EL-20
#[tokio::test]
async fn payloads_come_back_byte_for_byte() {
    let (store, _) = store();
    let store = store.max_payload(1024);
    let written = [
        Bytes::new(),
        Bytes::from_static(b"\r\n\0\n\n"),
        (0..=255).collect(),
        Bytes::from(vec![7; 1024]),
    ];
    store
        .append(&LogKey::Config, Append::new(&written, ALL))
        .await
        .unwrap();
    let found = events(read(&store, &LogKey::Config, Position::BEGINNING).await);
    assert!(found.iter().map(|event| &event.payload).eq(&written));
}

/// EL-20
#[tokio::test]
async fn a_payload_that_is_too_large_stores_nothing() {
    let (store, _) = store();
    let store = store.max_payload(3);
    let batch = payloads(&["abc", "abcd"]);
    let error = store
        .append(&LogKey::Config, Append::new(&batch, ALL))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert_eq!(head(&store, &LogKey::Config).await, None);
    let error = store
        .seal(&LogKey::Config, Some("abcd".into()), SECOND)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert_eq!(head(&store, &LogKey::Config).await, None);
}

#[tokio::test]
async fn an_empty_batch_is_refused() {
    let (store, _) = store();
    let error = store
        .append(&LogKey::Config, Append::new(&[], ALL))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::InvalidArgument);
    assert_eq!(head(&store, &LogKey::Config).await, None);
}

/// EL-28
#[tokio::test]
async fn heads_answer_in_the_order_asked() {
    let (store, _) = store();
    let last = append(&store, &stream("s", "5000"), &["a", "b"]).await;
    let asked: Vec<_> = (0..10_000).map(|n| stream("s", &n.to_string())).collect();
    let heads = store.heads(&asked).await.unwrap();
    assert_eq!(heads.len(), asked.len());
    for (n, found) in heads.into_iter().enumerate() {
        let expected = (n == 5000).then_some(Head::new(last, 0, Sealed::Open));
        assert_eq!(found, expected);
    }
}
