//! What goes over the wire: every operation is one round trip.

#[path = "support/operations.rs"]
mod operations;
#[path = "support/turns.rs"]
mod turns;

use std::time::Duration;

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Caps, EventStore, LeaseStore, LogKey, Retention, SessionChange, SessionId,
        SessionStore, Version,
    },
};
use mcp_store_redis::{
    RedisBackend,
    deadpool_redis::redis::{Client, cmd},
};
use mcp_testkit::{
    server::RedisServer,
    session::{self, TTL},
};
use operations::{every_operation, stream};
use tokio::time::Instant;
use turns::Turns;

/// A backend whose round trips are counted, and which the server knows all scripts of.
async fn counted(server: &RedisServer) -> Result<(Turns, RedisBackend), BoxError> {
    let turns = Turns::to(server.addr()).await?;
    let backend = RedisBackend::builder(turns.url()).pool_size(1).build()?;
    every_operation(&backend, "first", |_, _| {}).await?;
    turns.take();
    Ok((turns, backend))
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
    let logs: Vec<LogKey> = (0..500)
        .map(|n| stream("session", &n.to_string()))
        .collect();
    assert_eq!(backend.heads(&logs).await?.len(), logs.len());
    assert_eq!(turns.take(), 1);
    let ids: Vec<SessionId> = (0..500).map(|n| SessionId::new(n.to_string())).collect();
    assert_eq!(backend.touch(&ids).await?.len(), ids.len());
    assert_eq!(turns.take(), 1);
    Ok(())
}

/// SS-14: the same calls are the same bytes whenever they are made: no clock of the process is in them.
#[tokio::test]
async fn no_clock_of_the_process_is_sent() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let (turns, backend) = counted(&server).await?;
    let record = session::record("session")?;
    let mut said = Vec::new();
    for _ in 0..2 {
        turns.said();
        let began = Instant::now();
        backend.create(&record, TTL, &Caps::none()).await?;
        backend.touch(std::slice::from_ref(&record.id)).await?;
        let change = SessionChange::to(record.clone());
        // The second time it is a conflict.
        backend.update(&record.id, Version(1), &change).await.ok();
        backend.load(&record.id).await?;
        backend.hold("name", "holder", TTL.idle, b"facts").await?;
        said.push(turns.said());
        while began.elapsed() < Duration::from_millis(20) {
            tokio::task::yield_now().await;
        }
    }
    assert!(!said[0].is_empty());
    assert_eq!(said[0], said[1]);
    Ok(())
}

/// BP-19, X-05: connections are shared, not taken.
#[tokio::test]
async fn a_thousand_calls_share_two_connections() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let backend = RedisBackend::connect(server.url()).await?;
    let log = LogKey::Broadcast(0);
    let events = [Bytes::from_static(b"event")];
    let keep = Retention {
        events: 100,
        bytes: 1 << 20,
        age: None,
    };
    let appends = (0..1000).map(|_| backend.append(&log, Append::new(&events, keep)));
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
