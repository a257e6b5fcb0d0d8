//! A store of one's own: sessions in a SQLite file that the processes of one machine share.
//!
//! It shows what a backend crate needs, and that it is not much: the trait of [`mcp_core::store`],
//! and in `tests/conformance.rs` the suite that proves it.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use mcp_core::{
    clock::Timestamp,
    store::{
        Caps, Created, Principal, SessionChange, SessionId, SessionRecord, SessionStore,
        StoreError,
        StoreErrorKind::{self, Conflict, InvalidArgument, Unavailable, Unknown},
        Ttl, Version, Versioned,
        codec::{decode_session, encode_session, readable},
    },
};
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow},
};

/// Times are milliseconds of the file's own clock. A session without a record is a tombstone.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS sessions (
        id BLOB PRIMARY KEY, record BLOB, owner TEXT, version INTEGER NOT NULL,
        created INTEGER NOT NULL, idle INTEGER NOT NULL, ends INTEGER NOT NULL, due INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS sessions_by_owner ON sessions (owner) WHERE owner IS NOT NULL;
    CREATE INDEX IF NOT EXISTS sessions_by_due ON sessions (due);
    CREATE VIEW IF NOT EXISTS clock AS SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now;
    CREATE VIEW IF NOT EXISTS live AS
        SELECT sessions.* FROM sessions, clock WHERE record IS NOT NULL AND due > now;";

const TAKEN: &str = "SELECT 1 FROM sessions, clock WHERE id = ?1 AND due > now";
const COUNT: &str = "SELECT count(*) FROM live WHERE owner = ?1";
const CREATE: &str = "
    INSERT OR REPLACE INTO sessions (id, record, owner, version, created, idle, ends, due)
    SELECT ?1, ?2, ?3, 1, now, ?4, now + ?5, now + min(?4, ?5) FROM clock";
const LOAD: &str = "SELECT record, version, created FROM live WHERE id = ?1";
const OWNER: &str = "SELECT owner FROM live WHERE id = ?1";
const UPDATE: &str = "
    UPDATE sessions SET record = ?4, version = version + 1,
        idle = coalesce(?5, idle), ends = coalesce(created + ?6, ends),
        due = CASE WHEN ?5 IS NULL THEN due ELSE min(now + ?5, created + ?6) END
    FROM clock WHERE sessions.id = ?1 AND version = ?2 AND owner IS ?3
        AND record IS NOT NULL AND due > now
    RETURNING version";
const TOUCH: &str = "
    UPDATE sessions SET due = min(now + idle, ends)
    FROM clock WHERE sessions.id = ?1 AND record IS NOT NULL AND due > now RETURNING version";
const DELETE: &str = "
    UPDATE sessions SET record = NULL, owner = NULL, due = now + ?2
    FROM clock WHERE sessions.id = ?1 AND record IS NOT NULL AND due > now";
const LIST: &str = "
    SELECT record, version, created, id FROM live WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2";
const SWEEP: &str = "
    DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions, clock WHERE due <= now ORDER BY due LIMIT ?1)";

/// How long the id of a deleted session stays taken.
const TOMBSTONE: Duration = Duration::from_mins(15);

/// How long a call waits for the writers of other processes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sessions in a SQLite file. A clone uses the same connection.
#[derive(Clone, Debug)]
pub struct SqliteSessionStore {
    pool: SqlitePool,
}

impl SqliteSessionStore {
    /// The sessions in `file`, which is made when it is missing.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or holds something else.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it may leave an empty file behind.
    pub async fn open(file: impl AsRef<Path>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(PATIENCE);
        // SQLite has one writer at a time; one connection keeps the calls of a process in order.
        let pool = SqlitePoolOptions::new().max_connections(1);
        let pool = pool
            .connect_with(options)
            .await
            .map_err(|e| failed(e, "session.open"))?;
        let made = sqlx::raw_sql(SCHEMA).execute(&pool).await;
        made.map_err(|e| failed(e, "session.open"))?;
        Ok(Self { pool })
    }
}

#[async_trait]
impl SessionStore for SqliteSessionStore {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        let (id, owner) = (key(&record.id), owner(record));
        let bytes = encode_session(record)?;
        let created = async {
            let mut step = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            if sqlx::query(TAKEN)
                .bind(id)
                .fetch_optional(&mut *step)
                .await?
                .is_some()
            {
                return Ok(Created::Exists);
            }
            if let (Some(owner), Some(cap)) = (&owner, caps.per_principal) {
                let live: i64 = sqlx::query_scalar(COUNT)
                    .bind(owner)
                    .fetch_one(&mut *step)
                    .await?;
                if live >= i64::from(cap) {
                    return Ok(Created::LimitExceeded);
                }
            }
            let create = sqlx::query(CREATE).bind(id).bind(&*bytes).bind(&owner);
            let create = create.bind(millis(ttl.idle)).bind(millis(ttl.absolute));
            create.execute(&mut *step).await?;
            step.commit().await?;
            Ok(Created::Created(Version(1)))
        };
        created.await.map_err(|e| failed(e, "session.create"))
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        let found = sqlx::query(LOAD)
            .bind(key(id))
            .fetch_optional(&self.pool)
            .await;
        let found = found.map_err(|e| failed(e, "session.load"))?;
        found.map(|row| decode(&row, "session.load")).transpose()
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        let refuse = |kind, message| Err(StoreError::new(kind, "session.update", message));
        if change.record.id != *id {
            return refuse(InvalidArgument, "the record has another id");
        }
        let (owner, bytes) = (owner(&change.record), encode_session(&change.record)?);
        let update = sqlx::query_scalar(UPDATE)
            .bind(key(id))
            .bind(version(expected));
        let update = update.bind(&owner).bind(&*bytes);
        let update = update.bind(change.ttl.map(|ttl| millis(ttl.idle)));
        let update = update.bind(change.ttl.map(|ttl| millis(ttl.absolute)));
        let updated: Result<Option<i64>, _> = update.fetch_optional(&self.pool).await;
        if let Some(updated) = updated.map_err(|e| failed(e, "session.update"))? {
            return Ok(Some(Version(updated.cast_unsigned())));
        }
        // Whatever has happened since, one of these is true of a moment within this call.
        let found = sqlx::query_scalar(OWNER)
            .bind(key(id))
            .fetch_optional(&self.pool)
            .await;
        let found: Option<Option<String>> = found.map_err(|e| failed(e, "session.update"))?;
        match found {
            None => Ok(None),
            Some(found) if found != owner => refuse(InvalidArgument, "the owner cannot change"),
            Some(_) => refuse(Conflict, "the version is not the current one"),
        }
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        let mut versions = Vec::with_capacity(ids.len());
        for id in ids {
            let touch = sqlx::query_scalar(TOUCH).bind(key(id));
            let touched: Result<Option<i64>, _> = touch.fetch_optional(&self.pool).await;
            let touched = touched.map_err(|e| failed(e, "session.touch"))?;
            versions.push(touched.map(|version| Version(version.cast_unsigned())));
        }
        Ok(versions)
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        let delete = sqlx::query(DELETE).bind(key(id)).bind(millis(TOMBSTONE));
        let deleted = delete.execute(&self.pool).await;
        Ok(deleted
            .map_err(|e| failed(e, "session.delete"))?
            .rows_affected()
            > 0)
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        let mut page = Vec::new();
        let mut after = after.map(|id| key(id).to_vec());
        while page.len() < limit {
            let wanted = limit - page.len();
            let list = sqlx::query(LIST).bind(after.take()).bind(count(wanted));
            let rows = list.fetch_all(&self.pool).await;
            let rows = rows.map_err(|e| failed(e, "session.list"))?;
            for row in &rows {
                page.extend(readable(decode(row, "session.list"))?);
            }
            if rows.len() < wanted {
                break;
            }
            after = rows.last().map(|row| row.get(3));
        }
        Ok(page)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let swept = sqlx::query(SWEEP)
            .bind(count(limit))
            .execute(&self.pool)
            .await;
        let swept = swept
            .map_err(|e| failed(e, "session.sweep"))?
            .rows_affected();
        Ok(usize::try_from(swept).unwrap_or(usize::MAX))
    }
}

fn key(id: &SessionId) -> &[u8] {
    id.as_str().as_bytes()
}

/// Issuer and subject in one text: the length keeps any two of them apart.
fn owner(record: &SessionRecord) -> Option<String> {
    let Principal {
        issuer, subject, ..
    } = record.principal.as_ref()?;
    Some(format!("{}:{issuer}{subject}", issuer.len()))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn version(version: Version) -> i64 {
    version.0.cast_signed()
}

fn decode(row: &SqliteRow, operation: &'static str) -> Result<Versioned, StoreError> {
    let record = decode_session(row.get(0), operation)?;
    let (version, created): (i64, i64) = (row.get(1), row.get(2));
    let created = Timestamp::from_millis(created.cast_unsigned());
    Ok(Versioned::new(
        record,
        Version(version.cast_unsigned()),
        created,
    ))
}

/// A statement that found another writer in its way has changed nothing; of any other it is not known.
fn failed(error: sqlx::Error, operation: &'static str) -> StoreError {
    let busy = matches!(&error, sqlx::Error::Database(e) if e.code().as_deref() == Some("5"));
    let (kind, message): (StoreErrorKind, _) = match error {
        sqlx::Error::PoolTimedOut => (Unavailable, "every connection is busy"),
        _ if busy => (Unavailable, "another process is writing"),
        _ => (Unknown, "the file cannot be used"),
    };
    StoreError::new(kind, operation, message).with_source(error)
}
