//! [`EventStore`] on the tables `logs` and `events`.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::store::{
    Append, Appended, Attached, Epoch, Event, EventStore, From, Generation, Head, InstanceId,
    LogKey, Position, Read, ReadLimit, ReaderId, Sealed, Sealing, SessionId, StoreError,
    StoreErrorKind,
};
use sqlx::postgres::{PgRow, types::PgInterval};

use crate::{
    PostgresBackend,
    error::Effect,
    keys,
    number::{interval, length, ordered, unsigned},
    pool::Statement,
    session::get,
    sweep,
};

const APPEND: Statement = Statement {
    operation: "event.append",
    effect: Effect::Write,
    text: r#"
        SELECT verdict, epoch, last, reader_instance, reader_connection, generation
        FROM "mcp".append_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
            $17)"#,
};

const ATTACH: Statement = Statement {
    operation: "event.attach",
    effect: Effect::Write,
    text: r#"
        SELECT epoch, last, floor, sealed, generation, acked_epoch, acked_seq, is_first
        FROM "mcp".attach_log($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
};

const READ: Statement = Statement {
    operation: "event.read",
    effect: Effect::Read,
    text: r#"
        SELECT epoch, last, floor, sealed, verdict, seq, payload
        FROM "mcp".read_log($1, $2, $3, $4, $5, $6, $7, $8)"#,
};

/// The same by the reader of the log: it acknowledges.
const FENCED_READ: Statement = Statement {
    effect: Effect::Write,
    ..READ
};

/// Logs whose deadline comes near live on because somebody asked for them.
const HEADS: Statement = Statement {
    operation: "event.heads",
    effect: Effect::Read,
    text: r#"
        WITH prolonged AS (
            UPDATE "mcp".logs h SET expires_at = "mcp".later(h.expires_at, $3)
            WHERE h.ctid = ANY (ARRAY(
                SELECT n.ctid FROM "mcp".logs n
                WHERE n.ns = $1 AND n.key = ANY ($2) AND NOT n.sealed
                  AND n.expires_at > clock_timestamp()
                  AND n.expires_at < clock_timestamp() + $3 / 2
                FOR NO KEY UPDATE SKIP LOCKED)))
        SELECT h.epoch, h.seq, "mcp".floor_at(h, clock_timestamp()), h.sealed
        FROM unnest($2::bytea[]) WITH ORDINALITY AS asked (key, place)
        LEFT JOIN "mcp".logs h ON h.ns = $1 AND h.key = asked.key
            AND coalesce(h.expires_at > clock_timestamp(), true)
        ORDER BY asked.place"#,
};

const SEAL: Statement = Statement {
    operation: "event.seal",
    effect: Effect::Write,
    text: r#"
        SELECT is_first, reader_instance, reader_connection
        FROM "mcp".seal_log($1, $2, $3, $4, $5, $6, $7)"#,
};

const PURGE: Statement = Statement {
    operation: "event.purge",
    effect: Effect::Write,
    text: r#"SELECT "mcp".purge_session($1, $2, $3, $4)"#,
};

/// Where a log stands in the tables.
struct Place {
    key: Vec<u8>,
    /// Of a stream log: its session, and the lock that purging it takes.
    session: Option<Vec<u8>>,
    lock: Option<i64>,
    /// How long the log lives without being asked for.
    abandoned: Option<PgInterval>,
}

#[async_trait]
impl EventStore for PostgresBackend {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        if batch.events.is_empty() {
            let message = "the batch is empty";
            let kind = StoreErrorKind::InvalidArgument;
            return Err(StoreError::new(kind, APPEND.operation, message));
        }
        for payload in batch.events {
            self.check_size(APPEND.operation, payload.len())?;
        }
        let place = self.place(log);
        let epoch = random_epoch(APPEND.operation)?;
        let payloads: Vec<&[u8]> = batch.events.iter().map(|payload| &**payload).collect();
        let key = batch.key.map(keys::key);
        let digest = key.as_ref().map(|_| keys::batch(payloads.iter().copied()));
        let seen = batch.writer_seen.unwrap_or(Position::BEGINNING);
        let retention = Some(batch.retention).filter(|_| *log != LogKey::Config);
        let row = self.pool().row(&APPEND, |query| {
            query
                .bind(self.namespace())
                .bind(&*place.key)
                .bind(place.session.as_deref())
                .bind(place.lock)
                .bind(place.abandoned)
                .bind(epoch)
                .bind(&payloads)
                .bind(key.as_deref())
                .bind(digest.as_deref())
                .bind(seen.epoch.0.cast_signed())
                .bind(ordered(seen.seq))
                .bind(retention.map(|keep| ordered(keep.events)))
                .bind(retention.map(|keep| ordered(keep.bytes)))
                .bind(retention.and_then(|keep| keep.age).map(interval))
                .bind(
                    batch
                        .reader
                        .map(|reader| reader.instance.as_str().as_bytes()),
                )
                .bind(batch.reader.map(|reader| reader.connection.cast_signed()))
                .bind(batch.seal.map(interval))
        });
        appended(&row.await?)
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        let place = self.place(log);
        let epoch = random_epoch(ATTACH.operation)?;
        let rows = self.pool().rows(&ATTACH, |query| {
            query
                .bind(self.namespace())
                .bind(&*place.key)
                .bind(place.session.as_deref())
                .bind(place.lock)
                .bind(place.abandoned)
                .bind(epoch)
                .bind(from == From::Acknowledged)
                .bind(reader.instance.as_str().as_bytes())
                .bind(reader.connection.cast_signed())
        });
        let rows = rows.await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let generation = Generation(unsigned(get(row, 4, &ATTACH)?));
        let after = match from {
            From::After(position) => position,
            From::Acknowledged => position(get(row, 5, &ATTACH)?, get(row, 6, &ATTACH)?),
        };
        let is_first = get(row, 7, &ATTACH)?;
        let head = head(row, &ATTACH)?;
        Ok(Some(Attached::new(generation, is_first, after, head)))
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        let place = self.place(log);
        let statement = if reader.is_some() {
            &FENCED_READ
        } else {
            &READ
        };
        let rows = self.pool().rows(statement, |query| {
            query
                .bind(self.namespace())
                .bind(&*place.key)
                .bind(place.abandoned)
                .bind(after.epoch.0.cast_signed())
                .bind(ordered(after.seq))
                .bind(reader.map(|generation| ordered(generation.0)))
                .bind(length(limit.events))
                .bind(length(limit.bytes))
        });
        page(&rows.await?, after)
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        if logs.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Vec<u8>> = logs.iter().map(stored_key).collect();
        let abandoned = interval(self.settings().abandoned);
        let rows = self.pool().rows(&HEADS, |query| {
            query.bind(self.namespace()).bind(&keys).bind(abandoned)
        });
        let found = |row: &PgRow| match get::<Option<i64>>(row, 0, &HEADS)? {
            Some(_) => head(row, &HEADS).map(Some),
            None => Ok(None),
        };
        rows.await?.iter().map(found).collect()
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        if let Some(payload) = &last {
            self.check_size(SEAL.operation, payload.len())?;
        }
        let place = self.place(log);
        let epoch = random_epoch(SEAL.operation)?;
        let row = self.pool().row(&SEAL, |query| {
            query
                .bind(self.namespace())
                .bind(&*place.key)
                .bind(place.session.as_deref())
                .bind(place.lock)
                .bind(epoch)
                .bind(last.as_deref())
                .bind(interval(keep))
        });
        let row = row.await?;
        Ok(Sealing::new(
            get(&row, 0, &SEAL)?,
            reader_of(&row, 1, &SEAL)?,
        ))
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        let session = keys::key(session.as_str());
        let lock = self.space().lock("session", &session);
        let remember = interval(self.settings().tombstone);
        let row = self.pool().row(&PURGE, |query| {
            query
                .bind(self.namespace())
                .bind(&*session)
                .bind(lock)
                .bind(remember)
        });
        Ok(unsigned(get(&row.await?, 0, &PURGE)?))
    }

    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        sweep::logs(self, limit).await
    }
}

impl PostgresBackend {
    fn place(&self, log: &LogKey) -> Place {
        let session = match log {
            LogKey::Stream { session, .. } => Some(keys::key(session.as_str()).into_owned()),
            _ => None,
        };
        let lock = session.as_ref();
        let lock = lock.map(|session| self.space().lock("session", session));
        let abandoned = match log {
            LogKey::Stream { .. } | LogKey::Inbox(_) => Some(interval(self.settings().abandoned)),
            LogKey::Broadcast(_) | LogKey::Config => None,
        };
        Place {
            key: stored_key(log),
            session,
            lock,
            abandoned,
        }
    }
}

fn stored_key(log: &LogKey) -> Vec<u8> {
    keys::key(&log.encode()).into_owned()
}

fn appended(row: &PgRow) -> Result<Appended, StoreError> {
    let verdict: &str = get(row, 0, &APPEND)?;
    let refused = match verdict {
        "appended" | "duplicate" => None,
        "key" => Some("the key was used for another payload"),
        _ => Some("the log is sealed"),
    };
    if let Some(message) = refused {
        let kind = StoreErrorKind::Conflict;
        return Err(StoreError::new(kind, APPEND.operation, message));
    }
    let last = position(get(row, 1, &APPEND)?, get(row, 2, &APPEND)?);
    let reader = reader_of(row, 3, &APPEND)?;
    let generation = Generation(unsigned(get(row, 5, &APPEND)?));
    let reader = reader.map(|reader| (reader, generation));
    Ok(Appended::new(last, reader, verdict == "duplicate"))
}

/// Two columns from `column` on: the instance and the connection of a log's reader.
fn reader_of(
    row: &PgRow,
    column: usize,
    statement: &Statement,
) -> Result<Option<ReaderId>, StoreError> {
    let instance: Option<&[u8]> = get(row, column, statement)?;
    let connection: Option<i64> = get(row, column + 1, statement)?;
    Ok(instance.zip(connection).map(|(instance, connection)| {
        let instance = InstanceId::new(String::from_utf8_lossy(instance).into_owned());
        ReaderId::new(instance, connection.cast_unsigned())
    }))
}

/// The first four columns of an answer: epoch, last, floor, sealed.
fn head(row: &PgRow, statement: &Statement) -> Result<Head, StoreError> {
    let last = position(get(row, 0, statement)?, get(row, 1, statement)?);
    let sealed = if get(row, 3, statement)? {
        Sealed::Sealed
    } else {
        Sealed::Open
    };
    Ok(Head::new(last, unsigned(get(row, 2, statement)?), sealed))
}

fn page(rows: &[PgRow], after: Position) -> Result<Read, StoreError> {
    let Some(first) = rows.first() else {
        return Ok(Read::Unknown);
    };
    let head = head(first, &READ)?;
    match get(first, 4, &READ)? {
        "superseded" => return Ok(Read::Superseded),
        "gap" => {
            return Ok(Read::Gap {
                floor: Position::new(head.last.epoch, head.floor),
                head: head.last,
            });
        }
        _ => {}
    }
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let seq: Option<i64> = get(row, 5, &READ)?;
        let payload: Option<&[u8]> = get(row, 6, &READ)?;
        if let Some((seq, payload)) = seq.zip(payload) {
            let position = Position::new(head.last.epoch, unsigned(seq));
            events.push(Event::new(position, Bytes::copy_from_slice(payload)));
        }
    }
    let reached = events.last().map_or(after.seq, |event| event.position.seq);
    let more = reached < head.last.seq;
    Ok(Read::Events {
        events,
        more,
        sealed: head.sealed == Sealed::Sealed && !more,
    })
}

fn position(epoch: i64, seq: i64) -> Position {
    Position::new(Epoch(epoch.cast_unsigned()), unsigned(seq))
}

/// A life of a log that has never been: random, and not the epoch of [`Position::BEGINNING`].
fn random_epoch(operation: &'static str) -> Result<i64, StoreError> {
    let number = getrandom::u64().map_err(|source| {
        let message = "the system gave no random number";
        StoreError::new(StoreErrorKind::Unavailable, operation, message).with_source(source)
    })?;
    Ok(number.max(1).cast_signed())
}
