//! What a failover to a standby that lags behind costs: never a wrong event, never silence.

mod support;

use std::time::Duration;

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Appended, EventStore, Fence, From, Generation, InstanceId, LeaseStore, LogKey,
        Position, Read, ReadLimit, ReaderId, StoreError, StoreErrorKind,
    },
};
use mcp_store_postgres::PostgresBackend;
use mcp_testkit::{fault::Cutter, server::PostgresServer};

use support::{KEEP, execute, kind, number, through};

const PAGE: ReadLimit = ReadLimit {
    events: 100,
    bytes: 1 << 20,
};

const MINUTE: Duration = Duration::from_mins(1);

fn log() -> LogKey {
    LogKey::Inbox(InstanceId::new("here"))
}

async fn append(
    store: &PostgresBackend,
    payload: &'static str,
    seen: Option<Position>,
) -> Result<Appended, StoreError> {
    let events = [Bytes::from_static(payload.as_bytes())];
    let batch = Append::new(&events, KEEP).writer_seen(seen);
    store.append(&log(), batch).await
}

/// Holds a lease and attaches a reader `times` times; the last fence and generation.
async fn draw(store: &PostgresBackend, times: u64) -> Result<(Fence, Generation), BoxError> {
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

/// A store by way of a wire that leads to a server.
async fn store(server: &PostgresServer) -> Result<(Cutter, PostgresBackend), BoxError> {
    let wire = Cutter::to(server.addr())?;
    let store = PostgresBackend::builder(through(&server.url(), wire.addr()))
        .pool_size(2)
        .deadline(Duration::from_secs(1))
        .connect()
        .await?;
    Ok((wire, store))
}

/// Waits until `standby` has everything that `primary` has.
async fn caught_up(primary: &PostgresServer, standby: &PostgresServer) -> Result<(), BoxError> {
    let lsn = |call: &str| format!("SELECT ({call}() - '0/0'::pg_lsn)::bigint");
    let written = number(&primary.url(), &lsn("pg_current_wal_lsn")).await?;
    while number(&standby.url(), &lsn("pg_last_wal_replay_lsn")).await? < written {}
    Ok(())
}

/// Every new connection leads to `server`, and those that were are cut.
fn fail_over(wire: &Cutter, server: &PostgresServer) {
    wire.cut();
    wire.aim(server.addr());
    wire.heal();
}

/// what only the primary had is gone, and everybody who knew of it is told.
#[tokio::test]
async fn a_failover_to_a_shorter_standby_begins_a_new_epoch() -> Result<(), BoxError> {
    let mut primary = PostgresServer::start()?;
    let (wire, store) = store(&primary).await?;
    append(&store, "kept", None).await?;
    let standby = primary.standby()?;
    caught_up(&primary, &standby).await?;

    // It follows no more, as when the network between them is gone.
    execute(&standby.url(), "ALTER SYSTEM SET primary_conninfo = ''").await?;
    execute(&standby.url(), "SELECT pg_reload_conf()").await?;
    while number(&primary.url(), "SELECT count(*) FROM pg_stat_replication").await? > 0 {}
    append(&store, "lost", None).await?;
    let (fence, generation) = draw(&store, 50).await?;
    let lost = append(&store, "lost too", None).await?.last;
    assert_eq!(lost.seq, 3);
    primary.kill()?;
    standby.promote()?;
    fail_over(&wire, &standby);

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
    Ok(())
}

/// a standby says that it takes nothing; promoted, it goes on where the primary ended.
#[tokio::test]
async fn a_standby_is_unavailable_until_it_is_promoted() -> Result<(), BoxError> {
    let mut primary = PostgresServer::start()?;
    let (wire, store) = store(&primary).await?;
    let last = append(&store, "kept", None).await?.last;
    let standby = primary.standby()?;
    caught_up(&primary, &standby).await?;
    primary.kill()?;
    fail_over(&wire, &standby);

    // The first call may still find a connection that was cut under it.
    let mut said = kind(append(&store, "refused", Some(last)).await);
    if said == StoreErrorKind::Unknown {
        said = kind(append(&store, "refused", Some(last)).await);
    }
    assert_eq!(said, StoreErrorKind::Unavailable);
    standby.promote()?;
    let next = append(&store, "after", Some(last)).await?.last;
    assert_eq!(next, Position::new(last.epoch, 2));
    Ok(())
}
