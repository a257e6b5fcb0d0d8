//! What a failover to a replica that lags behind costs: never a wrong event, never silence.

use std::time::Duration;

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Appended, EventStore, Fence, From, Generation, InstanceId, LeaseStore, LogKey,
        Position, Read, ReadLimit, ReaderId, Retention, StoreError,
    },
};
use mcp_store_redis::RedisBackend;
use mcp_testkit::{fault::Cutter, server::RedisServer};

const KEEP: Retention = Retention {
    events: 100,
    bytes: 1 << 20,
    age: None,
};

const PAGE: ReadLimit = ReadLimit {
    events: 100,
    bytes: 1 << 20,
};

const MINUTE: Duration = Duration::from_mins(1);

fn log() -> LogKey {
    LogKey::Inbox(InstanceId::new("here"))
}

async fn append(
    store: &RedisBackend,
    payload: &'static str,
    seen: Option<Position>,
) -> Result<Appended, StoreError> {
    let events = [Bytes::from_static(payload.as_bytes())];
    let batch = Append::new(&events, KEEP).writer_seen(seen);
    store.append(&log(), batch).await
}

/// Holds a lease and attaches a reader `times` times; the last fence and generation.
async fn draw(store: &RedisBackend, times: u64) -> Result<(Fence, Generation), BoxError> {
    let mut drawn = None;
    for connection in 0..times {
        let fence = store.hold("name", "here", MINUTE, b"").await?;
        let fence = fence.ok_or("the lease is held")?;
        store.release("name", fence).await?;
        let reader = ReaderId::new(InstanceId::new("here"), connection);
        let attached = store.attach(&log(), &reader, From::Acknowledged).await?;
        drawn = attached.map(|attached| (fence, attached.generation));
    }
    drawn.ok_or_else(|| "nothing was drawn".into())
}

/// A server and a replica of it that is as far.
async fn primary_and_replica(
    store: &RedisBackend,
    primary: &RedisServer,
) -> Result<RedisServer, BoxError> {
    append(store, "kept", None).await?;
    let follow = format!("replicaof 127.0.0.1 {}", primary.port());
    primary.command(&["CONFIG", "SET", "repl-diskless-sync-delay", "0"])?;
    let replica = RedisServer::start_with(&[&follow])?;
    catch_up(primary, &replica)?;
    Ok(replica)
}

/// Waits until `replica` has read all that `primary` wrote so far.
///
/// `WAIT` would not do: it asks about the writes of its own connection.
fn catch_up(primary: &RedisServer, replica: &RedisServer) -> Result<(), BoxError> {
    let written = offset(primary, "master_repl_offset")?;
    while offset(replica, "slave_repl_offset")? < written {}
    Ok(())
}

/// How many bytes of the replication stream `server` has seen (0 for a replica before its copy).
fn offset(server: &RedisServer, field: &str) -> Result<u64, BoxError> {
    let script =
        format!("return tonumber(redis.call('INFO', 'replication'):match('{field}:(%d+)') or 0)");
    let answer = server.command(&["EVAL", &script, "0"])?;
    let offset = answer.strip_prefix(':').ok_or_else(|| answer.clone())?;
    Ok(offset.parse()?)
}

/// Every new connection leads to `server`; the store has noticed that the old ones were cut.
async fn fail_over(store: &RedisBackend, wire: &Cutter, server: &RedisServer) {
    wire.cut();
    wire.aim(server.addr());
    while store.heads(&[log()]).await.is_ok() {}
    wire.heal();
}

/// what only the primary had is gone, and everybody who knew of it is told.
#[tokio::test]
async fn a_failover_to_a_shorter_replica_begins_a_new_epoch() -> Result<(), BoxError> {
    let mut primary = RedisServer::start()?;
    let wire = Cutter::to(primary.addr())?;
    let store = RedisBackend::builder(format!("redis://{}/", wire.addr()));
    let store = store.deadline(Duration::from_secs(1)).build()?;
    let replica = primary_and_replica(&store, &primary).await?;

    replica.command(&["REPLICAOF", "NO", "ONE"])?;
    append(&store, "lost", None).await?;
    let (fence, generation) = draw(&store, 50).await?;
    let lost = append(&store, "lost too", None).await?.last;
    assert_eq!(lost.seq, 3);
    primary.kill()?;
    fail_over(&store, &wire, &replica).await;

    let gap = store.read(&log(), lost, None, PAGE).await?;
    assert!(matches!(gap, Read::Gap { .. }), "{gap:?}");
    let next = append(&store, "after", Some(lost)).await?.last;
    assert_ne!(next.epoch, lost.epoch);
    let Read::Events { events, .. } = store.read(&log(), Position::BEGINNING, None, PAGE).await?
    else {
        return Err("a log without events".into());
    };
    let payloads: Vec<_> = events.iter().map(|event| &event.payload[..]).collect();
    assert_eq!(payloads, [b"after"]);
    // Whoever held a lease or read a log before the failover is not taken for who does now.
    let (fence_after, generation_after) = draw(&store, 1).await?;
    assert!(fence_after > fence, "{fence_after:?} after {fence:?}");
    assert!(
        generation_after > generation,
        "{generation_after:?} after {generation:?}"
    );
    // Nobody takes what came after for what was lost.
    let gap = store.read(&log(), lost, None, PAGE).await?;
    assert!(matches!(gap, Read::Gap { .. }), "{gap:?}");
    Ok(())
}

/// with everything on the replica nothing is lost, and nobody is told that it was.
#[tokio::test]
async fn a_failover_to_a_complete_replica_goes_on() -> Result<(), BoxError> {
    let mut primary = RedisServer::start()?;
    let wire = Cutter::to(primary.addr())?;
    let store = RedisBackend::builder(format!("redis://{}/", wire.addr()));
    let store = store.deadline(Duration::from_secs(1)).build()?;
    let replica = primary_and_replica(&store, &primary).await?;

    let last = append(&store, "kept too", None).await?.last;
    catch_up(&primary, &replica)?;
    primary.kill()?;
    replica.command(&["REPLICAOF", "NO", "ONE"])?;
    fail_over(&store, &wire, &replica).await;

    let read = store.read(&log(), Position::BEGINNING, None, PAGE).await?;
    assert!(
        matches!(&read, Read::Events { events, .. } if events.len() == 2),
        "{read:?}"
    );
    let next = append(&store, "after", Some(last)).await?.last;
    assert_eq!(next, Position::new(last.epoch, 3));
    Ok(())
}
