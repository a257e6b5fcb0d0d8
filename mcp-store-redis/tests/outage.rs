//! What happens when the server, or the way to it, breaks.

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use futures_util::poll;
use mcp_core::{
    BoxError,
    store::{
        Append, Appended, Caps, Created, EventStore, InstanceId, LogKey, Position, Read, ReadLimit,
        Retention, SessionStore, StoreError, StoreErrorKind, Ttl,
    },
};
use mcp_store_redis::RedisBackend;
use mcp_testkit::{fault::Cutter, server::RedisServer, session};

const TTL: Ttl = Ttl {
    idle: Duration::from_mins(1),
    absolute: Duration::from_hours(1),
};

const KEEP: Retention = Retention {
    events: 100,
    bytes: 1 << 20,
    age: None,
};

const PAGE: ReadLimit = ReadLimit {
    events: 100,
    bytes: 1 << 20,
};

/// Short, so that what is lost for good is given up soon.
const DEADLINE: Duration = Duration::from_millis(500);

fn log() -> LogKey {
    LogKey::Inbox(InstanceId::new("here"))
}

fn backend(url: &str) -> Result<RedisBackend, StoreError> {
    RedisBackend::builder(url).deadline(DEADLINE).build()
}

fn through(wire: &Cutter) -> Result<RedisBackend, StoreError> {
    backend(&format!("redis://{}/", wire.addr()))
}

/// Appends one event, with what the writer has seen and under a key if there is one.
async fn append(
    store: &RedisBackend,
    seen: Option<Position>,
    key: Option<&str>,
) -> Result<Appended, StoreError> {
    let events = [Bytes::from_static(b"event")];
    let mut batch = Append::new(&events, KEEP).writer_seen(seen);
    batch.key = key;
    store.append(&log(), batch).await
}

/// How many events there are.
async fn count(store: &RedisBackend) -> Result<usize, BoxError> {
    match store.read(&log(), Position::BEGINNING, None, PAGE).await? {
        Read::Events { events, .. } => Ok(events.len()),
        Read::Unknown => Ok(0),
        other => Err(format!("{other:?}").into()),
    }
}

#[track_caller]
fn assert_kind<T>(answer: Result<T, StoreError>, kind: StoreErrorKind) {
    assert_eq!(answer.err().map(|error| error.kind()), Some(kind));
}

#[tokio::test]
async fn nobody_there_is_unavailable_at_once() -> Result<(), BoxError> {
    let mut server = RedisServer::start()?;
    let store = backend(&server.url())?;
    server.kill()?;
    assert_kind(
        append(&store, None, None).await,
        StoreErrorKind::Unavailable,
    );
    let refused = RedisBackend::builder(server.url()).reach_within(Duration::ZERO);
    let refused = refused.connect().await;
    assert_kind(refused, StoreErrorKind::Unavailable);
    server.restart()?;
    append(&store, None, None).await?;
    Ok(())
}

/// BP-15: the scripts are sent again.
#[tokio::test]
async fn a_flushed_script_cache_is_not_noticed() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    let first = append(&store, None, None).await?;
    server.command(&["SCRIPT", "FLUSH"])?;
    let second = append(&store, Some(first.last), None).await?;
    assert_eq!(second.last, Position::new(first.last.epoch, 2));
    Ok(())
}

/// BP-15: connections that were cut are made again.
#[tokio::test]
async fn killed_connections_are_replaced_without_a_failed_call() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    for expected in 1..=5 {
        append(&store, None, None).await?;
        assert_eq!(count(&store).await?, expected);
        server.command(&["CLIENT", "KILL", "TYPE", "normal"])?;
        // The connections hear of their end before the next call is made.
        settle().await;
    }
    Ok(())
}

/// Lets everything run that can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_was_appended_survives_a_crash() -> Result<(), BoxError> {
    let mut server = RedisServer::start_with(&["appendonly yes", "appendfsync always"])?;
    let store = backend(&server.url())?;
    let record = session::record("session")?;
    store.create(&record, TTL, &Caps::none()).await?;
    let first = append(&store, None, Some("key")).await?;
    server.kill()?;
    server.restart()?;
    settle().await;
    let again = append(&store, Some(first.last), Some("key")).await?;
    assert_eq!((again.last, again.duplicate), (first.last, true));
    let second = append(&store, Some(first.last), None).await?;
    assert_eq!(second.last, Position::new(first.last.epoch, 2));
    assert_eq!(count(&store).await?, 2);
    let taken = store.create(&record, TTL, &Caps::none()).await?;
    assert_eq!(taken, Created::Exists);
    Ok(())
}

#[tokio::test]
async fn a_server_that_lost_everything_begins_new_epochs() -> Result<(), BoxError> {
    let mut server = RedisServer::start()?;
    let store = backend(&server.url())?;
    append(&store, None, None).await?;
    let old = append(&store, None, None).await?.last;
    server.restart()?;
    settle().await;
    let gone = store.read(&log(), old, None, PAGE).await?;
    assert_eq!(gone, Read::Unknown);
    let new = append(&store, Some(old), None).await?.last;
    assert_eq!(new.seq, 1);
    assert_ne!(new.epoch, old.epoch);
    let gap = store.read(&log(), old, None, PAGE).await?;
    assert!(
        matches!(gap, Read::Gap { head, .. } if head == new),
        "{gap:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_log_that_was_set_back_begins_a_new_epoch_with_the_next_append() -> Result<(), BoxError> {
    let mut server = RedisServer::start()?;
    let store = backend(&server.url())?;
    append(&store, None, None).await?;
    server.command(&["SAVE"])?;
    let lost = append(&store, None, None).await?.last;
    // The crash takes back what came after the snapshot, as a failover does.
    server.restart()?;
    settle().await;
    assert_eq!(count(&store).await?, 1);
    let gap = store.read(&log(), lost, None, PAGE).await?;
    assert!(matches!(gap, Read::Gap { .. }), "{gap:?}");
    let next = append(&store, Some(lost), None).await?.last;
    assert_ne!(next.epoch, lost.epoch);
    Ok(())
}

#[tokio::test]
async fn a_half_open_connection_ends_with_the_deadline_and_is_replaced() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let wire = Cutter::to(server.addr())?;
    let store = through(&wire)?;
    append(&store, None, None).await?;
    wire.stall();
    assert_kind(append(&store, None, None).await, StoreErrorKind::Unknown);
    wire.heal();
    append(&store, None, None).await?;
    Ok(())
}

#[tokio::test]
async fn a_paused_server_costs_no_more_than_the_deadline() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    append(&store, None, Some("1")).await?;
    server.pause()?;
    let began = tokio::time::Instant::now();
    let calls = (0..50).map(|_| append(&store, None, Some("2")));
    for answer in futures_util::future::join_all(calls).await {
        assert!(answer.is_err());
    }
    assert!(began.elapsed() < DEADLINE * 3, "{:?}", began.elapsed());
    server.resume()?;
    append(&store, None, Some("2")).await?;
    assert_eq!(count(&store).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_lost_reply_is_unknown_and_its_key_finds_the_event() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let wire = Cutter::to(server.addr())?;
    let store = RedisBackend::builder(format!("redis://{}/", wire.addr()));
    let store = store.deadline(DEADLINE).pool_size(1).build()?;
    append(&store, None, Some("warm")).await?;
    wire.lose_reply();
    assert_kind(
        append(&store, None, Some("key")).await,
        StoreErrorKind::Unknown,
    );
    wire.heal();
    let again = append(&store, None, Some("key")).await?;
    assert!(again.duplicate);
    assert_eq!(count(&store).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_request_cut_in_its_midst_is_not_applied() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let wire = Cutter::to(server.addr())?;
    let store = RedisBackend::builder(format!("redis://{}/", wire.addr()));
    let store = store.deadline(DEADLINE).pool_size(1).build()?;
    append(&store, None, None).await?;
    for bytes in [1, 50, 200] {
        wire.cut_after(bytes);
        assert_kind(append(&store, None, None).await, StoreErrorKind::Unknown);
        wire.heal();
        assert_eq!(count(&store).await?, 1, "cut after {bytes} bytes");
    }
    Ok(())
}

/// what takes no writes says so.
#[tokio::test]
async fn a_replica_is_unavailable_until_it_is_promoted() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    append(&store, None, None).await?;
    server.command(&["REPLICAOF", "127.0.0.1", "1"])?;
    assert_kind(
        append(&store, None, None).await,
        StoreErrorKind::Unavailable,
    );
    server.command(&["REPLICAOF", "NO", "ONE"])?;
    append(&store, None, None).await?;
    assert_eq!(count(&store).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_full_server_is_unavailable_and_changes_nothing() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    append(&store, None, None).await?;
    server.command(&["CONFIG", "SET", "maxmemory", "1"])?;
    assert_kind(
        append(&store, None, None).await,
        StoreErrorKind::Unavailable,
    );
    let record = session::record("session")?;
    let created = store.create(&record, TTL, &Caps::none()).await;
    assert_kind(created, StoreErrorKind::Unavailable);
    server.command(&["CONFIG", "SET", "maxmemory", "0"])?;
    assert_eq!(count(&store).await?, 1);
    assert!(store.load(&record.id).await?.is_none());
    Ok(())
}

/// nobody waits for ever.
#[tokio::test]
async fn no_connection_to_be_had_is_unavailable() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    server.command(&["CONFIG", "SET", "maxclients", "1"])?;
    // It holds the only connection there is.
    let first = RedisBackend::builder(server.url()).pool_size(1).build()?;
    append(&first, None, None).await?;
    let second = backend(&server.url())?;
    let calls = (0..20).map(|_| append(&second, None, None));
    for answer in futures_util::future::join_all(calls).await {
        assert_kind(answer, StoreErrorKind::Unavailable);
    }
    drop(first);
    let mut answer = append(&second, None, None).await;
    // The server takes a moment to notice that the first has gone.
    for _ in 0..20 {
        if answer.is_ok() {
            break;
        }
        answer = append(&second, None, None).await;
    }
    answer?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_up_later_than_its_clients_is_waited_for() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let wire = Cutter::to(server.addr())?;
    wire.cut();
    let url = format!("redis://{}/", wire.addr());
    let builder = || RedisBackend::builder(url.as_str()).deadline(DEADLINE);
    let refused = builder().reach_within(Duration::ZERO).connect().await;
    assert_kind(refused, StoreErrorKind::Unavailable);
    let mut connect = pin!(builder().connect());
    assert!(poll!(&mut connect).is_pending());
    wire.heal();
    connect.await?;
    Ok(())
}
