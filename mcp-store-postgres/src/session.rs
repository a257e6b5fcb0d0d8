//! [`SessionStore`] on the table `sessions`.

use async_trait::async_trait;
use mcp_core::{
    clock::Timestamp,
    store::{
        Caps, Created, SessionChange, SessionId, SessionRecord, SessionStore, StoreError,
        StoreErrorKind, Ttl, Version, Versioned,
        codec::{decode_session, encode_session, readable},
    },
};
use sqlx::{Row, postgres::PgRow};

use crate::{
    PostgresBackend,
    error::{Effect, Fault},
    keys,
    number::{interval, length, ordered, unsigned},
    pool::Statement,
    sweep,
};

/// The longest id a session may have: it stands in an index, in the order of its bytes.
const LONGEST_ID: usize = 1024;

const CREATE: Statement = Statement {
    operation: "session.create",
    effect: Effect::Write,
    text: r#"SELECT "mcp".create_session($1, $2, $3, $4, $5, $6, $7, $8)"#,
};

const LOAD: Statement = Statement {
    operation: "session.load",
    effect: Effect::Read,
    text: r#"
        SELECT s.record, s.version, (extract(epoch FROM s.created_at) * 1000)::bigint
        FROM "mcp".sessions s
        WHERE s.ns = $1 AND s.id = $2 AND s.record IS NOT NULL
          AND s.expires_at > clock_timestamp()"#,
};

const UPDATE: Statement = Statement {
    operation: "session.update",
    effect: Effect::Write,
    text: r#"SELECT "mcp".update_session($1, $2, $3, $4, $5, $6, $7)"#,
};

const TOUCH: Statement = Statement {
    operation: "session.touch",
    effect: Effect::Write,
    text: r#"
        SELECT t.current_version
        FROM unnest($2::bytea[]) WITH ORDINALITY AS asked (id, place)
        LEFT JOIN "mcp".touch_sessions($1, $2) t ON t.touched = asked.id
        ORDER BY asked.place"#,
};

const DELETE: Statement = Statement {
    operation: "session.delete",
    effect: Effect::Write,
    text: r#"
        UPDATE "mcp".sessions s SET
            record = NULL, owner = NULL, expires_at = clock_timestamp() + $3
        WHERE s.ns = $1 AND s.id = $2 AND s.record IS NOT NULL
          AND s.expires_at > clock_timestamp()
        RETURNING 1"#,
};

const LIST: Statement = Statement {
    operation: "session.list",
    effect: Effect::Read,
    text: r#"
        SELECT s.record, s.version, (extract(epoch FROM s.created_at) * 1000)::bigint, s.id
        FROM "mcp".sessions s
        WHERE s.ns = $1 AND s.id >= $2 AND s.record IS NOT NULL
          AND s.expires_at > clock_timestamp()
        ORDER BY s.id LIMIT $3"#,
};

#[async_trait]
impl SessionStore for PostgresBackend {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        let id = record.id.as_str().as_bytes();
        if id.len() > LONGEST_ID {
            return Err(invalid(&CREATE, "the id is too long"));
        }
        let bytes = self.encode(record, CREATE.operation)?;
        let owner = record.principal.as_ref().map(keys::owner);
        let cap = caps.per_principal.filter(|_| owner.is_some());
        let lock = owner.as_ref().filter(|_| cap.is_some());
        let lock = lock.map(|owner| self.space().lock("owner", owner));
        let row = self.pool().row(&CREATE, |query| {
            query
                .bind(self.namespace())
                .bind(id)
                .bind(&*bytes)
                .bind(owner.as_deref())
                .bind(interval(ttl.idle))
                .bind(interval(ttl.absolute))
                .bind(cap.map(i64::from))
                .bind(lock)
        });
        match verdict(&row.await?, &CREATE)?.as_str() {
            "created" => Ok(Created::Created(Version(1))),
            "limit" => Ok(Created::LimitExceeded),
            _ => Ok(Created::Exists),
        }
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        let id = id.as_str().as_bytes();
        let rows = self
            .pool()
            .rows(&LOAD, |query| query.bind(self.namespace()).bind(id))
            .await?;
        rows.first().map(|row| decode(row, &LOAD)).transpose()
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        if change.record.id != *id {
            return Err(invalid(&UPDATE, "the record has another id"));
        }
        let id = id.as_str().as_bytes();
        let bytes = self.encode(&change.record, UPDATE.operation)?;
        let owner = change.record.principal.as_ref().map(keys::owner);
        let row = self.pool().row(&UPDATE, |query| {
            query
                .bind(self.namespace())
                .bind(id)
                .bind(ordered(expected.0))
                .bind(&*bytes)
                .bind(owner.as_deref())
                .bind(change.ttl.map(|ttl| interval(ttl.idle)))
                .bind(change.ttl.map(|ttl| interval(ttl.absolute)))
        });
        match verdict(&row.await?, &UPDATE)?.as_str() {
            "updated" => Ok(Some(Version(expected.0.saturating_add(1)))),
            "owner" => Err(invalid(&UPDATE, "the owner cannot change")),
            "conflict" => Err(StoreError::new(
                StoreErrorKind::Conflict,
                UPDATE.operation,
                "the version is not the current one",
            )),
            _ => Ok(None),
        }
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&[u8]> = ids.iter().map(|id| id.as_str().as_bytes()).collect();
        let rows = self
            .pool()
            .rows(&TOUCH, |query| query.bind(self.namespace()).bind(&ids))
            .await?;
        let version = |row: &PgRow| {
            let version: Option<i64> = get(row, 0, &TOUCH)?;
            Ok(version.map(|version| Version(unsigned(version))))
        };
        rows.iter().map(version).collect()
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        let id = id.as_str().as_bytes();
        let tombstone = interval(self.settings().tombstone);
        let rows = self.pool().rows(&DELETE, |query| {
            query.bind(self.namespace()).bind(id).bind(tombstone)
        });
        Ok(!rows.await?.is_empty())
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        let mut page = Vec::new();
        let mut after: Option<Vec<u8>> = after.map(|id| id.as_str().as_bytes().to_vec());
        while page.len() < limit {
            // Nothing lies between an id and the same with a zero byte behind it.
            let first = after.map_or(Vec::new(), |id| [&id[..], &[0]].concat());
            let wanted = limit - page.len();
            let rows = self.pool().rows(&LIST, |query| {
                let query = query.bind(self.namespace()).bind(first.clone());
                query.bind(length(wanted))
            });
            let rows = rows.await?;
            for row in &rows {
                page.extend(readable(decode(row, &LIST))?);
            }
            if rows.len() < wanted {
                break;
            }
            after = rows.last().map(|row| get(row, 3, &LIST)).transpose()?;
        }
        Ok(page)
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        sweep::sessions(self, limit).await
    }
}

impl PostgresBackend {
    fn encode(
        &self,
        record: &SessionRecord,
        operation: &'static str,
    ) -> Result<bytes::Bytes, StoreError> {
        let bytes = encode_session(record)?;
        self.check_size(operation, bytes.len())?;
        Ok(bytes)
    }
}

fn decode(row: &PgRow, statement: &Statement) -> Result<Versioned, StoreError> {
    let bytes: &[u8] = get(row, 0, statement)?;
    let record = decode_session(bytes, statement.operation).inspect_err(|_| {
        metrics::counter!("mcp.store.corrupt", "operation" => statement.operation).increment(1);
    })?;
    let version = Version(unsigned(get(row, 1, statement)?));
    let created_at = Timestamp::from_millis(unsigned(get(row, 2, statement)?));
    Ok(Versioned::new(record, version, created_at))
}

fn verdict(row: &PgRow, statement: &Statement) -> Result<String, StoreError> {
    get(row, 0, statement)
}

/// A column of an answer.
pub(crate) fn get<'r, T>(
    row: &'r PgRow,
    column: usize,
    statement: &Statement,
) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let value = row.try_get(column);
    value.map_err(|error| Fault::sent(error, statement.effect).into_error(statement.operation))
}

fn invalid(statement: &Statement, message: &'static str) -> StoreError {
    StoreError::new(
        StoreErrorKind::InvalidArgument,
        statement.operation,
        message,
    )
}
