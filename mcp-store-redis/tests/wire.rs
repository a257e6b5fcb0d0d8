//! What goes over the wire: every operation is one round trip.

#[path = "support/turns.rs"]
mod turns;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Audience, Caps, EventStore, From, Generation, InstanceId, LeaseStore, LogKey,
        Notifier, Position, ReadLimit, ReaderId, Retention, SessionChange, SessionId, SessionStore,
        Ttl, Version,
    },
};
use mcp_store_redis::{
    RedisBackend,
    deadpool_redis::redis::{Client, cmd},
};
use mcp_testkit::{server::RedisServer, session};
use turns::Turns;

const TTL: Ttl = Ttl {
    idle: Duration::from_mins(1),
    absolute: Duration::from_hours(1),
};

const KEEP: Retention = Retention {
    events: 100,
    bytes: 1 << 20,
    age: Some(Duration::from_mins(1)),
};

const PAGE: ReadLimit = ReadLimit {
    events: 100,
    bytes: 1 << 20,
};

fn stream(name: &str) -> LogKey {
    LogKey::Stream {
        session: SessionId::new("session"),
        stream: Arc::from(name),
    }
}

/// A backend whose round trips are counted, and which the server knows all scripts of.
async fn counted(server: &RedisServer) -> Result<(Turns, RedisBackend), BoxError> {
    let turns = Turns::to(server.addr()).await?;
    let backend = RedisBackend::builder(turns.url()).pool_size(1).build()?;
    every_operation(&backend, "first", |_, _| {}).await?;
    turns.take();
    Ok((turns, backend))
}

/// Runs each operation once, and says after each what it was and how many round trips it may take.
async fn every_operation(
    store: &RedisBackend,
    name: &str,
    mut done: impl FnMut(&str, usize),
) -> Result<(), BoxError> {
    let record = session::record_of(name, &session::alice())?;
    let id = record.id.clone();
    store
        .create(&record, TTL, &Caps::none().per_principal(100))
        .await?;
    done("session.create", 1);
    store.load(&id).await?;
    done("session.load", 1);
    let change = SessionChange::to(record).with_ttl(TTL);
    store.update(&id, Version(1), &change).await?;
    done("session.update", 1);
    store.touch(&[id.clone(), SessionId::new("other")]).await?;
    done("session.touch", 1);
    SessionStore::list(store, None, 10).await?;
    done("session.list", 2);
    store.delete(&id).await?;
    done("session.delete", 2);

    let log = stream(name);
    let events = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    store
        .append(&log, Append::new(&events, KEEP).key("key"))
        .await?;
    done("event.append", 1);
    let reader = ReaderId::new(InstanceId::new("here"), 1);
    store.attach(&log, &reader, From::Acknowledged).await?;
    done("event.attach", 1);
    store
        .read(&log, Position::BEGINNING, Some(Generation(1)), PAGE)
        .await?;
    done("event.read", 1);
    store.heads(&[log.clone(), LogKey::Config]).await?;
    done("event.heads", 1);
    store.seal(&log, None, Duration::from_mins(1)).await?;
    done("event.seal", 1);

    let fence = store.hold(name, "me", Duration::from_mins(1), b"").await?;
    done("lease.hold", 1);
    let fence = fence.ok_or("the name was taken")?;
    store
        .renew(name, fence, Duration::from_mins(1), b"")
        .await?;
    done("lease.renew", 1);
    LeaseStore::list(store, "").await?;
    done("lease.list", 1);
    store.release(name, fence).await?;
    done("lease.release", 1);

    store.publish(&Audience::Everyone, &log).await?;
    done("notify.publish", 1);
    Ok(())
}

#[tokio::test]
async fn every_operation_takes_the_round_trips_it_says() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let (turns, backend) = counted(&server).await?;
    every_operation(&backend, "second", |operation, most| {
        assert_eq!(turns.take(), most, "{operation}");
    })
    .await
}

#[tokio::test]
async fn a_forgotten_script_costs_one_more_round_trip_once() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let (turns, backend) = counted(&server).await?;
    server.command(&["SCRIPT", "FLUSH"])?;
    for expected in [2, 1, 1] {
        backend.touch(&[SessionId::new("session")]).await?;
        assert_eq!(turns.take(), expected);
    }
    Ok(())
}

#[tokio::test]
async fn heads_of_many_logs_and_touches_of_many_sessions_are_one_round_trip() -> Result<(), BoxError>
{
    let server = RedisServer::start()?;
    let (turns, backend) = counted(&server).await?;
    let logs: Vec<LogKey> = (0..500).map(|n| stream(&n.to_string())).collect();
    assert_eq!(backend.heads(&logs).await?.len(), logs.len());
    assert_eq!(turns.take(), 1);
    let ids: Vec<SessionId> = (0..500).map(|n| SessionId::new(n.to_string())).collect();
    assert_eq!(backend.touch(&ids).await?.len(), ids.len());
    assert_eq!(turns.take(), 1);
    Ok(())
}

#[tokio::test]
async fn a_thousand_calls_share_two_connections() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let backend = RedisBackend::connect(server.url()).await?;
    let log = LogKey::Broadcast(0);
    let events = [Bytes::from_static(b"event")];
    let appends = (0..1000).map(|_| backend.append(&log, Append::new(&events, KEEP)));
    let appended = futures_util::future::try_join_all(appends).await?;
    let mut positions: Vec<u64> = appended.iter().map(|appended| appended.last.seq).collect();
    positions.sort_unstable();
    assert!(positions.into_iter().eq(1..=1000));
    // What asks is connected, too.
    let client = Client::open(server.url())?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let clients: String = cmd("CLIENT")
        .arg("LIST")
        .query_async(&mut connection)
        .await?;
    assert_eq!(clients.lines().count(), 3, "{clients}");
    Ok(())
}
