//! Bringing the schema up to date.
//!
//! Each file of `migrations` is one version, applied in one transaction while an advisory lock is
//! held, and noted in the table `migrations` together with the oldest version of this crate's schema
//! that can still work beside it. What is there already is left alone, so a role that may only use
//! the schema gets by once it is up to date.

use std::time::Duration;

use mcp_core::store::{StoreError, StoreErrorKind};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, postgres::PgConnectOptions,
};
use tokio::time::timeout;

use crate::{error::Fault, keys::Space, pool::in_schema};

const OPERATION: &str = "store.migrate";

/// How long all of it may take, waiting for others who do the same included.
const PATIENCE: Duration = Duration::from_mins(2);

/// One step of the schema.
struct Migration {
    version: i32,
    /// Code that knows the schema up to this version can work with it after this step.
    readable_from: i32,
    text: &'static str,
}

const MIGRATIONS: [Migration; 4] = [
    Migration {
        version: 1,
        readable_from: 1,
        text: include_str!("../migrations/0001_tables.sql"),
    },
    Migration {
        version: 2,
        readable_from: 1,
        text: include_str!("../migrations/0002_sessions.sql"),
    },
    Migration {
        version: 3,
        readable_from: 1,
        text: include_str!("../migrations/0003_logs.sql"),
    },
    Migration {
        version: 4,
        readable_from: 1,
        text: include_str!("../migrations/0004_leases.sql"),
    },
];

/// The version this code is written for.
const CURRENT: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// What stands in the table of migrations.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Found {
    version: i32,
    readable_from: i32,
}

/// Makes sure that the schema can be worked with; brings it up to date if `migrate`.
pub(crate) async fn check(
    options: &PgConnectOptions,
    schema: &str,
    migrate: bool,
    deadline: Duration,
) -> Result<(), StoreError> {
    let connecting = timeout(deadline, options.connect()).await;
    let mut connection = connecting
        .map_err(|_| Fault::connecting_timed_out())
        .and_then(|connected| connected.map_err(Fault::connecting))
        .map_err(|fault| fault.into_error(OPERATION))?;
    let result = timeout(PATIENCE, run(&mut connection, schema, migrate)).await;
    let result = result.unwrap_or_else(|_| {
        let message = "the schema was not brought up to date in time";
        Err(StoreError::new(
            StoreErrorKind::Unavailable,
            OPERATION,
            message,
        ))
    });
    // Whether the server hears the farewell makes no difference.
    let _ = timeout(deadline, connection.close()).await;
    result
}

async fn run(connection: &mut PgConnection, schema: &str, migrate: bool) -> Result<(), StoreError> {
    let found = find(connection, schema).await?;
    if let Some(found) = found
        && found.version >= CURRENT
    {
        return judge(found);
    }
    if !migrate {
        let message = "the schema is missing or too old: run the migrations";
        return Err(StoreError::new(
            StoreErrorKind::Unsupported,
            OPERATION,
            message,
        ));
    }
    let lock = Space::new(schema, "").lock("migrations", &[]);
    execute(connection, format!("SELECT pg_advisory_lock({lock})")).await?;
    let applied = apply(connection, schema).await;
    let unlocked = execute(connection, format!("SELECT pg_advisory_unlock({lock})")).await;
    applied.and(unlocked)
}

/// Whether code of this version can work with a schema that is not older.
fn judge(found: Found) -> Result<(), StoreError> {
    if found.readable_from <= CURRENT {
        return Ok(());
    }
    let message = "the schema was made by a newer version that this one cannot work with";
    Err(StoreError::new(
        StoreErrorKind::Unsupported,
        OPERATION,
        message,
    ))
}

/// Applies what is missing. The caller holds the lock.
async fn apply(connection: &mut PgConnection, schema: &str) -> Result<(), StoreError> {
    let found = find(connection, schema).await?;
    if let Some(found) = found
        && found.version >= CURRENT
    {
        return judge(found);
    }
    if found.is_none() {
        prepare(connection, schema).await?;
    }
    let present = found.map_or(0, |found| found.version);
    for migration in MIGRATIONS.iter().filter(|step| step.version > present) {
        let Migration {
            version,
            readable_from,
            text,
        } = migration;
        // Several statements in one message are one transaction.
        let text = in_schema(
            &format!(
                "{text};\nINSERT INTO \"mcp\".migrations (version, readable_from) \
                 VALUES ({version}, {readable_from})"
            ),
            schema,
        );
        execute(connection, text).await?;
        tracing::info!(version, "the database schema has been brought up to date");
    }
    Ok(())
}

/// The schema and the table of migrations, where they are missing.
async fn prepare(connection: &mut PgConnection, schema: &str) -> Result<(), StoreError> {
    let name = in_schema("\"mcp\"", schema);
    let there = query(connection, "SELECT to_regnamespace($1) IS NOT NULL", &name).await?;
    if !there.try_get::<bool, _>(0).map_err(failed)? {
        execute(connection, in_schema("CREATE SCHEMA \"mcp\"", schema)).await?;
    }
    let table = "CREATE TABLE IF NOT EXISTS \"mcp\".migrations (
        version integer PRIMARY KEY,
        readable_from integer NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now())";
    execute(connection, in_schema(table, schema)).await
}

/// The newest migration; `None` when there was none.
async fn find(connection: &mut PgConnection, schema: &str) -> Result<Option<Found>, StoreError> {
    let table = in_schema("\"mcp\".migrations", schema);
    let there = query(connection, "SELECT to_regclass($1) IS NOT NULL", &table).await?;
    if !there.try_get::<bool, _>(0).map_err(failed)? {
        return Ok(None);
    }
    let newest =
        format!("SELECT version, readable_from FROM {table} ORDER BY version DESC LIMIT 1");
    let newest = sqlx::query(AssertSqlSafe(newest));
    let row = newest.fetch_optional(connection).await.map_err(failed)?;
    let found = row.map(|row| {
        Ok(Found {
            version: row.try_get(0)?,
            readable_from: row.try_get(1)?,
        })
    });
    found.transpose().map_err(failed)
}

async fn query(
    connection: &mut PgConnection,
    text: &'static str,
    argument: &str,
) -> Result<sqlx::postgres::PgRow, StoreError> {
    let query = sqlx::query(text).bind(argument);
    query.fetch_one(connection).await.map_err(failed)
}

/// Runs one or several statements, as one transaction.
async fn execute(connection: &mut PgConnection, text: String) -> Result<(), StoreError> {
    let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await;
    done.map(drop).map_err(failed)
}

fn failed(error: sqlx::Error) -> StoreError {
    Fault::sent(error, crate::error::Effect::Write).into_error(OPERATION)
}
