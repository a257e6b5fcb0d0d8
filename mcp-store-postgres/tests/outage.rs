//! What happens while the server, or the way to it, is away.

#![expect(clippy::unwrap_used, reason = "a failure here is one of the test")]

mod support;

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use futures_util::{future::join_all, poll};
use mcp_core::{
    BoxError,
    store::{
        Append, Audience, Caps, Created, EventStore, InstanceId, LeaseStore, Listener, LogKey,
        Notifier, SessionChange, SessionId, SessionStore, StoreError,
        StoreErrorKind::{self, Unavailable, Unknown},
        Version, WakeUp,
    },
};
use mcp_store_postgres::{PostgresBackend, PostgresBuilder, sqlx};
use mcp_testkit::{
    Namespace,
    fault::Cutter,
    server::PostgresServer,
    session::{TTL, create, load, record},
};
use tokio::time::{Instant, timeout};

use support::{KEEP, address, admin, as_user, execute, kind, number, through};

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(15);

fn backend(url: &str) -> PostgresBuilder {
    let namespace = Namespace::fresh("outage");
    PostgresBackend::builder(url)
        .namespace(namespace.as_str())
        .pool_size(2)
}

fn me() -> InstanceId {
    InstanceId::new("me")
}

fn my_log() -> LogKey {
    LogKey::Inbox(me())
}

/// The next wake-up that names a log.
async fn look(listener: &mut Box<dyn Listener>) -> LogKey {
    loop {
        match timeout(LONG, listener.next()).await.unwrap().unwrap() {
            WakeUp::Look(log) => return log,
            WakeUp::MayHaveLost => {}
        }
    }
}

async fn may_have_lost(listener: &mut Box<dyn Listener>) {
    let heard = timeout(LONG, listener.next()).await.unwrap();
    assert_eq!(heard, Some(WakeUp::MayHaveLost));
}

/// Every call of every trait, none of which may succeed.
async fn kinds(backend: &PostgresBackend) -> Result<Vec<StoreErrorKind>, BoxError> {
    let id = SessionId::new("there");
    let record = record("there")?;
    let events = [Bytes::from_static(b"event")];
    let log = LogKey::Broadcast(0);
    Ok(vec![
        kind(SessionStore::create(backend, &record, TTL, &Caps::none()).await),
        kind(backend.load(&id).await),
        kind(
            backend
                .update(&id, Version(1), &SessionChange::to(record))
                .await,
        ),
        kind(backend.touch(std::slice::from_ref(&id)).await),
        kind(backend.delete(&id).await),
        kind(SessionStore::list(backend, None, 1).await),
        kind(backend.append(&log, Append::new(&events, KEEP)).await),
        kind(backend.heads(std::slice::from_ref(&log)).await),
        kind(backend.seal(&log, None, TTL.idle).await),
        kind(backend.purge(&id).await),
        kind(backend.hold("name", "holder", TTL.idle, b"").await),
        kind(LeaseStore::list(backend, "").await),
        kind(backend.publish(&Audience::Everyone, &log).await),
    ])
}

/// BP-15: connections that were ended are made again.
#[tokio::test]
async fn ended_connections_cost_no_call() -> Result<(), BoxError> {
    let server = PostgresServer::start()?;
    let backend = backend(&server.url()).connect().await?;
    let mut listener = backend.listen(&me()).await?;
    create(&backend, &record("there")?).await?;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE pid <> pg_backend_pid() AND application_name = 'mcp'";
    assert!(number(&server.url(), end).await? >= 2);
    assert!(load(&backend, "there").await?.is_some());
    may_have_lost(&mut listener).await;
    // Said again when the ear is armed again: from here on nothing is missed.
    may_have_lost(&mut listener).await;
    backend
        .publish(&Audience::Instance(me()), &my_log())
        .await?;
    assert_eq!(look(&mut listener).await, my_log());
    Ok(())
}

/// BP-15: a restart needs no restart of the process.
#[tokio::test]
async fn a_server_that_comes_back_is_used_again() -> Result<(), BoxError> {
    let mut server = PostgresServer::start()?;
    let backend = backend(&server.url()).connect().await?;
    let mut listener = backend.listen(&me()).await?;
    create(&backend, &record("there")?).await?;
    server.stop()?;
    for kind in kinds(&backend).await? {
        assert!(matches!(kind, Unavailable | Unknown), "{kind:?}");
    }
    assert_eq!(kind(backend.listen(&me()).await.map(drop)), Unavailable);
    server.restart()?;
    assert!(load(&backend, "there").await?.is_some());
    may_have_lost(&mut listener).await;
    may_have_lost(&mut listener).await;
    backend.publish(&Audience::Everyone, &my_log()).await?;
    assert_eq!(look(&mut listener).await, my_log());
    Ok(())
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_answered() -> Result<(), BoxError> {
    let mut server = PostgresServer::start()?;
    let backend = backend(&server.url()).connect().await?;
    create(&backend, &record("there")?).await?;
    let log = LogKey::Broadcast(1);
    let events = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    let before = backend.append(&log, Append::new(&events, KEEP)).await?;
    server.kill()?;
    server.restart()?;
    // Idle connections were cut without a word, so the first call may not know what became of it.
    let first = backend.hold("name", "holder", TTL.idle, b"").await;
    assert!(first.is_ok() || kind(first) == Unknown);
    assert!(load(&backend, "there").await?.is_some());
    let batch = Append::new(&events, KEEP).writer_seen(Some(before.last));
    let after = backend.append(&log, batch).await?;
    assert_eq!(after.last.epoch, before.last.epoch);
    assert_eq!(after.last.seq, 4);
    Ok(())
}

/// X-04: what takes no writes says so.
#[tokio::test]
async fn a_server_that_takes_no_writes_is_unavailable() -> Result<(), BoxError> {
    let server = PostgresServer::start()?;
    let backend = backend(&server.url()).connect().await?;
    create(&backend, &record("there")?).await?;
    execute(
        &server.url(),
        "ALTER SYSTEM SET default_transaction_read_only = on",
    )
    .await?;
    execute(&server.url(), "SELECT pg_reload_conf()").await?;
    // A new connection, or an old one once it has heard, takes nothing and knows nothing.
    let read_only = async || loop {
        if let Err(error) = backend.delete(&SessionId::new("none")).await {
            return error.kind();
        }
    };
    assert_eq!(timeout(LONG, read_only()).await?, Unavailable);
    assert!(
        kinds(&backend)
            .await?
            .iter()
            .all(|kind| *kind == Unavailable)
    );
    let again = "SET default_transaction_read_only = off;
                 ALTER SYSTEM RESET default_transaction_read_only";
    for text in again.split(';') {
        execute_writable(&server.url(), text).await?;
    }
    assert!(load(&backend, "there").await?.is_some());
    Ok(())
}

/// Runs a statement on a server that takes no writes by default, and has it read its settings.
async fn execute_writable(url: &str, text: &str) -> Result<(), BoxError> {
    let mut admin = admin(url).await?;
    for text in [
        "SET default_transaction_read_only = off",
        text,
        "SELECT pg_reload_conf()",
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()))
            .execute(&mut admin)
            .await?;
    }
    Ok(())
}

/// X-05: nobody waits for ever.
#[tokio::test]
async fn a_busy_pool_is_unavailable_and_the_statement_in_its_way_ends() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let namespace = Namespace::fresh("busy");
    let backend = PostgresBackend::builder(&url)
        .namespace(namespace.as_str())
        .pool_size(1)
        .deadline(Duration::from_secs(2))
        .connect()
        .await?;
    create(&backend, &record("there")?).await?;
    let mut admin = admin(&url).await?;
    sqlx::raw_sql("BEGIN").execute(&mut admin).await?;
    sqlx::query("SELECT FROM mcp.sessions WHERE ns = $1 FOR UPDATE")
        .bind(namespace.as_str().as_bytes())
        .fetch_all(&mut admin)
        .await?;
    let id = SessionId::new("there");
    let (held, first, second) =
        tokio::join!(backend.delete(&id), backend.load(&id), backend.load(&id),);
    // The server gave up before the caller did, so the caller knows.
    let error = held.unwrap_err();
    assert_eq!(error.kind(), Unavailable);
    assert_eq!(
        error.to_string(),
        "session.delete: the statement took too long"
    );
    // Those that waited for the only connection got it then, or were told.
    for load in [first, second] {
        assert!(load.is_ok_and(|found| found.is_some()));
    }
    let waiting = std::iter::repeat_with(|| backend.delete(&id)).take(3);
    // The second one's statement began too late to end before its caller's patience.
    let mut messages = Vec::new();
    for result in join_all(waiting).await {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), Unavailable | Unknown), "{error:?}");
        messages.push(error.to_string());
    }
    let busy = "session.delete: every connection is busy".to_owned();
    assert!(messages.contains(&busy), "{messages:?}");
    sqlx::raw_sql("ROLLBACK").execute(&mut admin).await?;
    // What became of the one that was given up is not known; this one's answer is.
    backend.delete(&id).await?;
    assert!(backend.load(&id).await?.is_none());
    Ok(())
}

/// X-05: many calls take turns.
#[tokio::test]
async fn a_thousand_calls_share_two_connections() -> Result<(), BoxError> {
    let backend = backend(&PostgresServer::shared_url()?)
        .deadline(LONG)
        .connect()
        .await?;
    create(&backend, &record("there")?).await?;
    let id = SessionId::new("there");
    let calls = std::iter::repeat_with(|| backend.load(&id)).take(1000);
    for found in join_all(calls).await {
        assert!(found?.is_some());
    }
    Ok(())
}

#[tokio::test]
async fn a_server_without_a_free_connection_is_unavailable() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    // The schema is there, and this role may not even begin.
    let backend = backend(&url).connect().await?;
    create(&backend, &record("there")?).await?;
    let role = Namespace::fresh("role");
    execute(
        &url,
        &format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0"),
    )
    .await?;
    let no_longer = PostgresBackend::builder(as_user(&url, role.as_str()));
    let refused = no_longer.reach_within(Duration::ZERO).connect().await;
    let error = refused.unwrap_err();
    execute(&url, &format!("DROP ROLE {role}")).await?;
    assert_eq!(error.kind(), Unavailable);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.ends_with("(SQLSTATE 53300)"), "{cause}");
    Ok(())
}

#[tokio::test]
async fn a_half_open_connection_costs_one_call_its_answer() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let wire = Cutter::to(address(&url))?;
    let backend = backend(&through(&url, wire.addr()))
        .deadline(Duration::from_millis(300))
        .connect()
        .await?;
    create(&backend, &record("there")?).await?;
    wire.stall();
    let began = Instant::now();
    assert_eq!(
        kind(backend.delete(&SessionId::new("there")).await),
        Unknown
    );
    // The next one needs a new connection, and sends nothing without.
    assert_eq!(
        kind(backend.delete(&SessionId::new("there")).await),
        Unavailable
    );
    assert_eq!(kind(load(&backend, "there").await), Unavailable);
    assert!(began.elapsed() < Duration::from_secs(3));
    wire.heal();
    load(&backend, "there").await?;
    Ok(())
}

/// BP-13: what is half-open is noticed and replaced.
#[tokio::test]
async fn an_ear_that_went_deaf_is_replaced() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let wire = Cutter::to(address(&url))?;
    let backend = backend(&url)
        .listen_url(through(&url, wire.addr()))
        .probe_every(Duration::from_millis(200))
        .connect()
        .await?;
    let mut listener = backend.listen(&me()).await?;
    wire.stall();
    // Calls go another way, and succeed: only the probe can tell.
    backend.publish(&Audience::Everyone, &my_log()).await?;
    may_have_lost(&mut listener).await;
    wire.heal();
    may_have_lost(&mut listener).await;
    backend
        .publish(&Audience::Everyone, &LogKey::Config)
        .await?;
    loop {
        // What was said while it was deaf may still come.
        if look(&mut listener).await == LogKey::Config {
            return Ok(());
        }
    }
}

/// BP-17, BP-18: of somebody else, or of the next version.
#[tokio::test]
async fn what_is_not_understood_is_skipped() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let backend = backend(&url).connect().await?;
    let mut listener = backend.listen(&me()).await?;
    for channel in channels(&url).await? {
        for payload in ["", "look", "look1 x9", "look2 b1", "sing b1"] {
            execute(&url, &format!("NOTIFY {channel}, '{payload}'")).await?;
        }
    }
    backend.publish(&Audience::Everyone, &my_log()).await?;
    assert_eq!(look(&mut listener).await, my_log());
    Ok(())
}

/// The channels that some connection's last statement listened on.
async fn channels(url: &str) -> Result<Vec<String>, BoxError> {
    use sqlx::Row;
    let mut admin = admin(url).await?;
    let rows = sqlx::query(
        r#"SELECT DISTINCT (regexp_matches(query, 'LISTEN ("[^"]+")', 'g'))[1]
           FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"#,
    )
    .fetch_all(&mut admin)
    .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn a_process_that_only_polls_neither_speaks_nor_hears() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let wire = Cutter::to(address(&url))?;
    let backend = backend(&through(&url, wire.addr()))
        .poll_only()
        .connect()
        .await?;
    wire.cut();
    backend.publish(&Audience::Everyone, &my_log()).await?;
    let mut listener = backend.listen(&me()).await?;
    let heard = timeout(Duration::from_millis(50), listener.next()).await;
    assert!(heard.is_err(), "it heard {heard:?}");
    Ok(())
}

#[tokio::test]
async fn errors_show_no_password() -> Result<(), BoxError> {
    let wire = Cutter::to(address(&PostgresServer::shared_url()?))?;
    wire.cut();
    let url = format!("postgres://user:hunter2@{}/db", wire.addr());
    let builder = PostgresBackend::builder(&url);
    let mut shown = vec![format!("{builder:?}")];
    for url in [
        url.as_str(),
        "postgres://user:hunter2@host:port/db",
        "hunter2",
    ] {
        let error: StoreError = PostgresBackend::builder(url)
            .reach_within(Duration::ZERO)
            .connect()
            .await
            .unwrap_err();
        shown.push(format!("{error} {error:?}"));
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            shown.push(format!("{error} {error:?}"));
            cause = error.source();
        }
    }
    assert!(!shown.concat().contains("hunter2"), "{shown:?}");
    Ok(())
}

#[tokio::test]
async fn a_call_given_up_leaves_its_connection_to_nobody() -> Result<(), BoxError> {
    let backend = backend(&PostgresServer::shared_url()?)
        .pool_size(1)
        .connect()
        .await?;
    let no_caps = Caps::none();
    for round in 0..20 {
        let record = record(&format!("s{round}"))?;
        let call = SessionStore::create(&backend, &record, TTL, &no_caps);
        let given_up = timeout(Duration::from_micros(100 * round), call).await;
        let found = load(&backend, record.id.as_str()).await?;
        if let Ok(created) = given_up {
            assert_eq!(created?, Created::Created(Version(1)));
            assert!(found.is_some());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_up_later_than_its_clients_is_waited_for() -> Result<(), BoxError> {
    let url = PostgresServer::shared_url()?;
    let wire = Cutter::to(address(&url))?;
    wire.cut();
    let url = through(&url, wire.addr());
    let refused = backend(&url).reach_within(Duration::ZERO).connect().await;
    assert_eq!(kind(refused), Unavailable);
    let mut connect = pin!(backend(&url).connect());
    assert!(poll!(&mut connect).is_pending());
    wire.heal();
    connect.await?;
    Ok(())
}
