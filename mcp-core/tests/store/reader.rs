//! Events: the one reader of a log.

use std::sync::Arc;

use bytes::Bytes;
use mcp_core::store::{
    Append, Attached, Epoch, EventStore, From, Generation, InstanceId, LogKey, MemoryEventStore,
    Position, Read, ReadLimit, ReaderId, Retention, SessionId,
};
use tokio::{sync::Barrier, task::JoinSet};

const ALL: Retention = Retention {
    events: u64::MAX,
    bytes: u64::MAX,
    age: None,
};

fn log() -> LogKey {
    LogKey::Stream {
        session: SessionId::new("s"),
        stream: "get".into(),
    }
}

fn reader(connection: u64) -> ReaderId {
    ReaderId::new(InstanceId::new("i"), connection)
}

async fn append(store: &MemoryEventStore, text: &str) -> Position {
    let event = [Bytes::copy_from_slice(text.as_bytes())];
    store
        .append(&log(), Append::new(&event, ALL))
        .await
        .unwrap()
        .last
}

async fn attach(store: &MemoryEventStore, connection: u64, from: From) -> Attached {
    let attached = store
        .attach(&log(), &reader(connection), from)
        .await
        .unwrap();
    attached.unwrap()
}

async fn read(
    store: &MemoryEventStore,
    after: Position,
    generation: Generation,
    events: usize,
) -> Read {
    let limit = ReadLimit {
        events,
        bytes: usize::MAX,
    };
    store
        .read(&log(), after, Some(generation), limit)
        .await
        .unwrap()
}

fn positions(read: Read) -> Vec<Position> {
    match read {
        Read::Events { events, .. } => events.into_iter().map(|event| event.position).collect(),
        other => panic!("no events: {other:?}"),
    }
}

/// EL-26
#[tokio::test]
async fn an_older_reader_is_superseded() {
    let store = MemoryEventStore::new();
    append(&store, "a").await;
    let first = attach(&store, 1, From::Acknowledged).await;
    assert_eq!(first.generation, Generation(1));
    assert_eq!(
        positions(read(&store, first.after, first.generation, 9).await).len(),
        1
    );
    let second = attach(&store, 2, From::Acknowledged).await;
    assert_eq!(second.generation, Generation(2));
    let late = read(&store, first.after, first.generation, 9).await;
    assert_eq!(late, Read::Superseded);
    assert_eq!(
        positions(read(&store, second.after, second.generation, 9).await).len(),
        1
    );
}

/// EL-26
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_generations_read_an_event() {
    for _ in 0..100 {
        let store = MemoryEventStore::new();
        let barrier = Arc::new(Barrier::new(4));
        let mut tasks = JoinSet::new();
        for connection in 0..4 {
            let (store, barrier) = (store.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                barrier.wait().await;
                let attached = attach(&store, connection, From::Acknowledged).await;
                (attached.generation, attached.after)
            });
        }
        let attached = tasks.join_all().await;
        append(&store, "a").await;
        let mut readers = 0;
        for (generation, after) in attached {
            match read(&store, after, generation, 9).await {
                Read::Events { events, .. } => {
                    assert_eq!((generation, events.len()), (Generation(4), 1));
                    readers += 1;
                }
                other => assert_eq!(other, Read::Superseded),
            }
        }
        assert_eq!(readers, 1);
    }
}

#[tokio::test]
async fn an_append_names_the_newest_reader() {
    let store = MemoryEventStore::new();
    let event = [Bytes::from_static(b"x")];
    let reader_at_append = async || {
        let appended = store.append(&log(), Append::new(&event, ALL)).await;
        appended.unwrap().reader
    };
    assert_eq!(reader_at_append().await, None);
    attach(&store, 1, From::Acknowledged).await;
    attach(&store, 2, From::Acknowledged).await;
    assert_eq!(reader_at_append().await, Some(reader(2)));
}

/// EL-27
#[tokio::test]
async fn the_next_reader_begins_after_what_was_acknowledged() {
    let store = MemoryEventStore::new();
    for text in ["a", "b", "c", "d", "e"] {
        append(&store, text).await;
    }
    let first = attach(&store, 1, From::Acknowledged).await;
    assert_eq!(first.after, Position::BEGINNING);
    let page = positions(read(&store, first.after, first.generation, 2).await);
    // Handing on a page acknowledges nothing: the next read does.
    let second = attach(&store, 2, From::Acknowledged).await;
    assert_eq!(second.after, Position::BEGINNING);
    let page_again = positions(read(&store, second.after, second.generation, 2).await);
    assert_eq!(page_again, page);
    read(&store, page[1], second.generation, 2).await;
    let third = attach(&store.clone(), 3, From::Acknowledged).await;
    assert_eq!(third.after, page[1]);
    assert_eq!(third.head.last.seq, 5);
}

/// EL-27
#[tokio::test]
async fn a_reader_that_resumes_earlier_takes_the_acknowledged_position_back() {
    let store = MemoryEventStore::new();
    let first = append(&store, "a").await;
    let last = append(&store, "b").await;
    let before = attach(&store, 1, From::Acknowledged).await;
    read(&store, last, before.generation, 9).await;
    let resumed = attach(&store, 2, From::After(first)).await;
    assert_eq!(resumed.after, first);
    read(&store, resumed.after, resumed.generation, 9).await;
    let next = attach(&store, 3, From::Acknowledged).await;
    assert_eq!(next.after, first);
}

/// EL-27
#[tokio::test]
async fn reads_without_a_generation_and_gaps_acknowledge_nothing() {
    let store = MemoryEventStore::new();
    let last = append(&store, "a").await;
    let limit = ReadLimit {
        events: 9,
        bytes: 9,
    };
    store.read(&log(), last, None, limit).await.unwrap();
    let attached = attach(&store, 1, From::Acknowledged).await;
    assert_eq!(attached.after, Position::BEGINNING);
    for forged in [Position::new(last.epoch, 7), Position::new(Epoch(5), 1)] {
        let answer = read(&store, forged, attached.generation, 9).await;
        assert!(matches!(answer, Read::Gap { .. }));
    }
    let attached = attach(&store, 2, From::Acknowledged).await;
    assert_eq!(attached.after, Position::BEGINNING);
}

#[tokio::test]
async fn a_missing_log_is_made_for_whoever_begins_where_others_left() {
    let store = MemoryEventStore::new();
    let after = From::After(Position::BEGINNING);
    let missing = store.attach(&log(), &reader(1), after).await.unwrap();
    assert_eq!(missing, None);
    assert_eq!(store.heads(&[log()]).await.unwrap(), [None]);
    let attached = attach(&store, 1, From::Acknowledged).await;
    assert_eq!(attached.generation, Generation(1));
    assert_ne!(attached.head.last.epoch, Epoch(0));
    assert_eq!(attached.head.last.seq, 0);
    let first = append(&store, "a").await;
    assert_eq!(first, Position::new(attached.head.last.epoch, 1));
}

/// EL-14
#[tokio::test]
async fn the_reader_stays_when_an_epoch_begins() {
    let store = MemoryEventStore::new();
    let old = append(&store, "a").await;
    let attached = attach(&store, 1, From::Acknowledged).await;
    read(&store, old, attached.generation, 9).await;
    let event = [Bytes::from_static(b"x")];
    let ahead = Append::new(&event, ALL).writer_seen(Some(Position::new(old.epoch, 7)));
    let appended = store.append(&log(), ahead).await.unwrap();
    assert_eq!(appended.reader, Some(reader(1)));
    let Read::Gap { floor, .. } = read(&store, old, attached.generation, 9).await else {
        panic!("the old epoch is a gap");
    };
    assert_eq!(floor, Position::new(appended.last.epoch, 0));
    let page = positions(read(&store, floor, attached.generation, 9).await);
    assert_eq!(page, [appended.last]);
    let next = attach(&store, 2, From::Acknowledged).await;
    assert_eq!((next.generation, next.after), (Generation(2), floor));
}

/// EL-22
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_that_take_over_lose_and_repeat_nothing_acknowledged() {
    let store = MemoryEventStore::new();
    let writer = store.clone();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        for n in 1..=3000 {
            append(&writer, &n.to_string()).await;
            tokio::task::yield_now().await;
        }
    });
    let mut acknowledged = 0;
    let mut connection = 0;
    while acknowledged < 3000 {
        connection += 1;
        let attached = attach(&store, connection, From::Acknowledged).await;
        assert_eq!(attached.after.seq, acknowledged);
        let mut after = attached.after;
        for _ in 0..5 {
            let page = positions(read(&store, after, attached.generation, 10).await);
            acknowledged = after.seq;
            for position in page {
                assert_eq!(position.seq, after.seq + 1);
                after = position;
            }
            tokio::task::yield_now().await;
        }
    }
    tasks.join_all().await;
}
