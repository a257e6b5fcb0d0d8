//! Following logs.

use std::{
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::store::{
    Append, Appended, Attached, EventStore, From, Generation, Head, LogKey, MemoryEventStore,
    Position, Read, ReadLimit, ReaderId, Retention, Sealing, SessionId, StoreError, StoreErrorKind,
    Tail, TailEvent,
};

use super::event::{ALL, SECOND, append, append_keeping, store, stream};

const A: LogKey = LogKey::Broadcast(0);
const B: LogKey = LogKey::Broadcast(1);
const FEW: Retention = Retention { events: 2, ..ALL };

/// Counts the calls, suspends before each, and fails reads of one log.
struct Probe {
    inner: MemoryEventStore,
    heads: AtomicUsize,
    reads: AtomicUsize,
    broken: Mutex<Option<(LogKey, StoreErrorKind)>>,
}

impl Probe {
    fn new(inner: &MemoryEventStore) -> Self {
        Self {
            inner: inner.clone(),
            heads: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            broken: Mutex::new(None),
        }
    }

    fn break_log(&self, broken: Option<(LogKey, StoreErrorKind)>) {
        *self.broken.lock().unwrap() = broken;
    }

    /// Calls of `heads` and `read` since the last time.
    fn calls(&self) -> (usize, usize) {
        let heads = self.heads.swap(0, Ordering::Relaxed);
        (heads, self.reads.swap(0, Ordering::Relaxed))
    }
}

#[async_trait]
impl EventStore for Probe {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        self.inner.append(log, batch).await
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        self.inner.attach(log, reader, from).await
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        if let Some((broken, kind)) = &*self.broken.lock().unwrap()
            && broken == log
        {
            return Err(StoreError::new(*kind, "event.read", "broken"));
        }
        self.inner.read(log, after, reader, limit).await
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        self.heads.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.inner.heads(logs).await
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        self.inner.seal(log, last, keep).await
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        self.inner.purge(session).await
    }
}

/// `0 text` for an event of broadcast log 0, `0 gap` for a gap in it.
fn show(events: Vec<TailEvent>) -> Vec<String> {
    let name = |log: &LogKey| match log {
        LogKey::Broadcast(n) => n.to_string(),
        _ => "-".to_owned(),
    };
    let show = |event| match event {
        TailEvent::Event { log, event } => {
            format!("{} {}", name(&log), String::from_utf8_lossy(&event.payload))
        }
        TailEvent::Gap { log } => format!("{} gap", name(&log)),
        other => panic!("{other:?}"),
    };
    events.into_iter().map(show).collect()
}

async fn poll(tail: &mut Tail, store: &dyn EventStore) -> Vec<String> {
    show(tail.poll(store).await.unwrap())
}

async fn look(tail: &mut Tail, store: &dyn EventStore, log: &LogKey) -> Vec<String> {
    show(tail.look(store, log).await.unwrap())
}

async fn armed(store: &dyn EventStore) -> Tail {
    let mut tail = Tail::new([A, B]);
    tail.arm(store).await.unwrap();
    tail
}

/// BP-01, BP-08
#[tokio::test]
async fn a_missing_log_that_appears_later_is_read_from_its_beginning() {
    let (store, _) = store();
    let mut tail = armed(&store).await;
    assert_eq!(tail.position(&A), Some(Position::BEGINNING));
    assert_eq!(poll(&mut tail, &store).await, [""; 0]);
    assert_eq!(look(&mut tail, &store, &A).await, [""; 0]);
    let last = append(&store, &A, &["a", "b"]).await;
    assert_eq!(poll(&mut tail, &store).await, ["0 a", "0 b"]);
    assert_eq!(tail.position(&A), Some(last));
}

/// BP-16, EL-28
#[tokio::test]
async fn a_poll_asks_once_and_reads_only_what_moved() {
    let (inner, _) = store();
    append(&inner, &A, &["a"]).await;
    append(&inner, &B, &["b"]).await;
    let store = Probe::new(&inner);
    let mut tail = armed(&store).await;
    assert_eq!(store.calls(), (1, 0));
    poll(&mut tail, &store).await;
    assert_eq!(store.calls(), (1, 0));
    append(&inner, &B, &["c"]).await;
    assert_eq!(poll(&mut tail, &store).await, ["1 c"]);
    assert_eq!(store.calls(), (1, 1));
    append(&inner, &A, &["d"]).await;
    assert_eq!(look(&mut tail, &store, &A).await, ["0 d"]);
    assert_eq!(store.calls(), (0, 1));
    poll(&mut tail, &store).await;
    assert_eq!(store.calls(), (1, 0));
    Tail::new([]).poll(&store).await.unwrap();
    assert_eq!(store.calls(), (0, 0));
}

/// BP-04, BP-05
#[tokio::test]
async fn a_log_that_vanishes_is_one_gap() {
    for by_look in [true, false] {
        let (store, clock) = store();
        let log = stream("s", "x");
        append(&store, &log, &["a"]).await;
        let mut tail = Tail::new([log.clone()]);
        tail.arm(&store).await.unwrap();
        store.seal(&log, None, SECOND).await.unwrap();
        clock.advance(SECOND);
        let found = if by_look {
            look(&mut tail, &store, &log).await
        } else {
            poll(&mut tail, &store).await
        };
        assert_eq!(found, ["- gap"]);
        assert_eq!(poll(&mut tail, &store).await, [""; 0]);
        assert_eq!(look(&mut tail, &store, &log).await, [""; 0]);
        append(&store, &log, &["again"]).await;
        assert_eq!(poll(&mut tail, &store).await, ["- again"]);
    }
}

/// BP-02, BP-03
#[tokio::test]
async fn pages_are_bounded_and_miss_nothing() {
    let (store, _) = store();
    let limit = ReadLimit {
        events: 2,
        bytes: usize::MAX,
    };
    let mut tail = Tail::new([A, B]).page(limit);
    tail.arm(&store).await.unwrap();
    append(&store, &A, &["1", "2", "3", "4", "5"]).await;
    append(&store, &B, &["1"]).await;
    assert_eq!(poll(&mut tail, &store).await, ["0 1", "0 2", "1 1"]);
    assert!(tail.is_behind());
    assert_eq!(look(&mut tail, &store, &A).await, ["0 3", "0 4"]);
    assert!(tail.is_behind());
    assert_eq!(poll(&mut tail, &store).await, ["0 5"]);
    assert!(!tail.is_behind());
}

#[tokio::test]
async fn logs_come_and_go() {
    let (store, _) = store();
    let first = append(&store, &A, &["a", "b"]).await;
    let mut tail = Tail::new([]);
    assert_eq!(look(&mut tail, &store, &A).await, [""; 0]);
    tail.follow(A, Position::new(first.epoch, 1));
    tail.follow(B, Position::BEGINNING);
    append(&store, &B, &["c"]).await;
    assert_eq!(poll(&mut tail, &store).await, ["0 b", "1 c"]);
    tail.unfollow(&A);
    append(&store, &A, &["d"]).await;
    assert_eq!(poll(&mut tail, &store).await, [""; 0]);
    assert_eq!(tail.position(&A), None);
}

/// BP-17
#[tokio::test]
async fn a_log_that_cannot_be_read_does_not_hold_back_the_others() {
    let (inner, _) = store();
    let store = Probe::new(&inner);
    let mut tail = armed(&store).await;
    append(&inner, &A, &["a"]).await;
    append(&inner, &B, &["b"]).await;
    store.break_log(Some((A, StoreErrorKind::Corrupt)));
    assert_eq!(poll(&mut tail, &store).await, ["1 b"]);
    append(&inner, &B, &["c"]).await;
    let error = tail.poll(&store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert_eq!(poll(&mut tail, &store).await, ["1 c"]);
    for _ in 0..2 {
        let error = tail.poll(&store).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    }
    store.break_log(None);
    assert_eq!(poll(&mut tail, &store).await, ["0 a"]);
}

///
#[tokio::test]
async fn an_outage_loses_nothing() {
    let (inner, _) = store();
    let store = Probe::new(&inner);
    let mut tail = armed(&store).await;
    append(&inner, &A, &["a"]).await;
    store.break_log(Some((A, StoreErrorKind::Unavailable)));
    assert!(tail.poll(&store).await.unwrap_err().is_retryable());
    assert!(tail.look(&store, &A).await.unwrap_err().is_retryable());
    store.break_log(None);
    assert_eq!(poll(&mut tail, &store).await, ["0 a"]);
}

///
#[tokio::test]
async fn an_outage_ends_a_poll_and_a_corrupt_log_does_not() {
    let (inner, _) = store();
    let store = Probe::new(&inner);
    let logs: Vec<_> = (10..60).map(|n| stream("s", &n.to_string())).collect();
    for log in &logs {
        append(&inner, log, &["a"]).await;
    }
    store.break_log(Some((logs[0].clone(), StoreErrorKind::Corrupt)));
    let mut tail = Tail::new(logs.clone());
    assert_eq!(tail.poll(&store).await.unwrap().len(), 49);
    assert_eq!(store.calls(), (1, 50));

    store.break_log(Some((logs[0].clone(), StoreErrorKind::Unavailable)));
    let mut tail = Tail::new(logs);
    assert_eq!(tail.poll(&store).await.unwrap().len(), 15);
    assert_eq!(store.calls(), (1, 16));
    assert!(tail.poll(&store).await.unwrap_err().is_retryable());
    store.break_log(None);
    assert_eq!(tail.poll(&store).await.unwrap().len(), 35);
}

///
#[tokio::test]
async fn a_poll_that_is_dropped_loses_and_repeats_nothing() {
    let mut finished = 0;
    for polls in 0.. {
        let (inner, _) = store();
        let store = Probe::new(&inner);
        append(&inner, &A, &["old"]).await;
        let mut tail = armed(&store).await;
        append_keeping(&inner, &A, &["a", "b", "c"], FEW).await;
        append(&inner, &B, &["d"]).await;
        let mut handed_out = Vec::new();
        {
            let mut future = pin!(tail.poll(&store));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if let std::task::Poll::Ready(events) = future.as_mut().poll(&mut context) {
                    handed_out = show(events.unwrap());
                    finished += 1;
                    break;
                }
            }
        }
        handed_out.extend(poll(&mut tail, &store).await);
        assert_eq!(
            handed_out,
            ["0 gap", "0 b", "0 c", "1 d"],
            "after {polls} polls"
        );
        if finished > 0 {
            assert!(polls > 3);
            return;
        }
    }
}
