//! What the tests of this crate share.

#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::expect_used, reason = "a failure here is one of the test")]

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Audience, Caps, EventStore, From, InstanceId, LeaseStore, LogKey, Notifier,
        Position, ReadLimit, ReaderId, Retention, SessionChange, SessionId, SessionStore,
        StoreError, Version,
    },
};
use mcp_store_postgres::{
    PostgresBackend,
    sqlx::{
        self, AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row,
        postgres::{PgConnectOptions, types::PgInterval},
    },
};
use mcp_testkit::{
    Damage, Harness, Namespace,
    fault::Cutter,
    server::PostgresServer,
    session::{TTL, alice, record_of},
};

/// Connections of each handle. A server takes a hundred or a few, and many tests run at once.
pub(crate) const POOL: usize = 4;

/// The server that the tests of a run share, through a wire that can be cut.
pub(crate) struct Postgres<S> {
    url: String,
    cutter: Cutter,
    make: fn(PostgresBackend) -> S,
}

impl<S> Postgres<S> {
    pub(crate) fn new(make: fn(PostgresBackend) -> S) -> Self {
        let url = PostgresServer::shared_url().expect("a PostgreSQL server");
        let cutter = Cutter::to(address(&url)).expect("a wire");
        Self { url, cutter, make }
    }

    /// Whether anybody has opened a store on the server yet.
    async fn is_used(&self) -> Result<bool, BoxError> {
        let made =
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'mcp' AND tablename = 'leases'";
        Ok(number(&self.url, made).await? > 0)
    }
}

impl<S: Send + Sync + 'static> Harness for Postgres<S> {
    type Store = S;

    async fn open(&self, namespace: &Namespace) -> Result<S, BoxError> {
        let backend = PostgresBackend::builder(through(&self.url, self.cutter.addr()))
            .namespace(namespace.as_str())
            .pool_size(POOL)
            .connect()
            .await?;
        Ok((self.make)(backend))
    }

    async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
        if !self.is_used().await? {
            return Ok(());
        }
        let by = PgInterval::try_from(by)?;
        let mut admin = admin(&self.url).await?;
        for text in [
            "UPDATE mcp.sessions SET expires_at = expires_at - $2, ends_at = ends_at - $2 WHERE ns = $1",
            "UPDATE mcp.logs SET expires_at = expires_at - $2, sweep_at = sweep_at - $2 WHERE ns = $1",
            "UPDATE mcp.events SET written_at = written_at - $2
             WHERE log IN (SELECT log FROM mcp.logs WHERE ns = $1)",
            "UPDATE mcp.purges SET expires_at = expires_at - $2 WHERE ns = $1",
            "UPDATE mcp.leases SET expires_at = expires_at - $2 WHERE ns = $1",
        ] {
            let query = sqlx::query(text).bind(namespace.as_str().as_bytes());
            query.bind(by).execute(&mut admin).await?;
        }
        Ok(admin.close().await?)
    }

    async fn close(&self, namespace: &Namespace) -> Result<(), BoxError> {
        if !self.is_used().await? {
            return Ok(());
        }
        let mut admin = admin(&self.url).await?;
        for text in [
            "DELETE FROM mcp.events WHERE log IN (SELECT log FROM mcp.logs WHERE ns = $1)",
            "DELETE FROM mcp.logs WHERE ns = $1",
            "DELETE FROM mcp.sessions WHERE ns = $1",
            "DELETE FROM mcp.purges WHERE ns = $1",
            "DELETE FROM mcp.leases WHERE ns = $1",
        ] {
            let query = sqlx::query(text).bind(namespace.as_str().as_bytes());
            query.execute(&mut admin).await?;
        }
        Ok(admin.close().await?)
    }

    async fn sever(&self, _: &Namespace) -> Result<(), BoxError> {
        self.cutter.cut();
        Ok(())
    }

    async fn restore(&self, _: &Namespace) -> Result<(), BoxError> {
        self.cutter.heal();
        Ok(())
    }

    async fn damage(
        &self,
        namespace: &Namespace,
        session: &SessionId,
        damage: Damage,
    ) -> Result<(), BoxError> {
        let record: &[u8] = match damage {
            Damage::Garbage => b"\x00\xff{",
            Damage::FromTheFuture => br#"{"version":9,"readable_from":9,"session":{}}"#,
        };
        let mut admin = admin(&self.url).await?;
        let query = sqlx::query("UPDATE mcp.sessions SET record = $3 WHERE ns = $1 AND id = $2")
            .bind(namespace.as_str().as_bytes())
            .bind(session.as_str().as_bytes())
            .bind(record);
        let done = query.execute(&mut admin).await?;
        assert_eq!(done.rows_affected(), 1, "there was a session to damage");
        Ok(admin.close().await?)
    }

    async fn held(&self, namespace: &Namespace) -> Result<u64, BoxError> {
        if !self.is_used().await? {
            return Ok(0);
        }
        let rows = sqlx::query_scalar::<_, i64>(
            "SELECT (SELECT count(*) FROM mcp.sessions WHERE ns = $1)
                  + (SELECT count(*) FROM mcp.logs WHERE ns = $1)
                  + (SELECT count(*) FROM mcp.events e JOIN mcp.logs l USING (log) WHERE l.ns = $1)
                  + (SELECT count(*) FROM mcp.purges WHERE ns = $1)
                  + (SELECT count(*) FROM mcp.leases WHERE ns = $1)",
        );
        let mut admin = admin(&self.url).await?;
        let rows = rows
            .bind(namespace.as_str().as_bytes())
            .fetch_one(&mut admin)
            .await?;
        admin.close().await?;
        Ok(u64::try_from(rows)?)
    }
}

/// A connection of the test's own.
pub(crate) async fn admin(url: &str) -> Result<PgConnection, sqlx::Error> {
    url.parse::<PgConnectOptions>()?.connect().await
}

/// Runs statements of the test's own.
pub(crate) async fn execute(url: &str, text: &str) -> Result<(), BoxError> {
    let mut admin = admin(url).await?;
    sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
        .execute(&mut admin)
        .await?;
    Ok(admin.close().await?)
}

/// The one number that a query answers with.
pub(crate) async fn number(url: &str, text: &str) -> Result<i64, BoxError> {
    let mut admin = admin(url).await?;
    let row = sqlx::query(AssertSqlSafe(text.to_owned()))
        .fetch_one(&mut admin)
        .await?;
    admin.close().await?;
    Ok(row.try_get(0)?)
}

/// The same database, by way of `address`.
pub(crate) fn through(url: &str, address: SocketAddr) -> String {
    let options: PgConnectOptions = url.parse().expect("a URL");
    let options = options.host(&address.ip().to_string()).port(address.port());
    options.to_url_lossy().to_string()
}

/// A user without a password, and with no rights but what it is given.
pub(crate) fn as_user(url: &str, user: &str) -> String {
    let options: PgConnectOptions = url.parse().expect("a URL");
    options.username(user).to_url_lossy().to_string()
}

pub(crate) fn kind<T: std::fmt::Debug>(
    result: Result<T, StoreError>,
) -> mcp_core::store::StoreErrorKind {
    result.expect_err("an error").kind()
}

pub(crate) fn address(url: &str) -> SocketAddr {
    use std::net::ToSocketAddrs;
    let options: PgConnectOptions = url.parse().expect("a URL");
    let mut found = (options.get_host(), options.get_port())
        .to_socket_addrs()
        .expect("an address");
    found.next().expect("an address")
}

/// What logs keep here.
pub(crate) const KEEP: Retention = Retention {
    events: 100,
    bytes: 10_000,
    age: None,
};

/// Every call once; says how many there were.
pub(crate) async fn every_call(backend: &PostgresBackend, name: &str) -> Result<usize, BoxError> {
    let id = SessionId::new(name);
    let record = record_of(name, &alice())?;
    let log = LogKey::Stream {
        session: id.clone(),
        stream: "stream".into(),
    };
    let events = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    let ids = [id.clone(), SessionId::new("other")];
    let page = ReadLimit {
        events: 10,
        bytes: 1000,
    };
    let reader = ReaderId::new(InstanceId::new("i"), 1);
    backend
        .create(&record, TTL, &Caps::none().per_principal(100))
        .await?;
    backend.load(&id).await?;
    backend
        .update(&id, Version(1), &SessionChange::to(record))
        .await?;
    backend.touch(&ids).await?;
    SessionStore::list(backend, None, 10).await?;
    let appended = backend
        .append(&log, Append::new(&events, KEEP).key("key"))
        .await?;
    assert_eq!(appended.last.seq, 2);
    let attached = backend.attach(&log, &reader, From::Acknowledged).await?;
    let generation = attached.map(|attached| attached.generation);
    backend
        .read(&log, Position::BEGINNING, generation, page)
        .await?;
    backend.read(&log, Position::BEGINNING, None, page).await?;
    backend.heads(&[log.clone(), LogKey::Config]).await?;
    backend.seal(&log, None, Duration::from_secs(1)).await?;
    backend.purge(&id).await?;
    backend.delete(&id).await?;
    let fence = backend
        .hold(name, "holder", TTL.idle, b"")
        .await?
        .ok_or("held")?;
    backend.renew(name, fence, TTL.idle, b"").await?;
    LeaseStore::list(backend, "").await?;
    backend.release(name, fence).await?;
    backend.publish(&Audience::Everyone, &log).await?;
    SessionStore::sweep(backend, 10).await?;
    EventStore::sweep(backend, 10).await?;
    Ok(20)
}
