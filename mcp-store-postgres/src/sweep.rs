//! Freeing what has ended. Any number of processes may do it at once: each passes over the rows that
//! another one holds.

use mcp_core::store::StoreError;

use crate::{PostgresBackend, error::Effect, number::length, pool::Statement, session::get};

const SESSIONS: Statement = Statement {
    operation: "session.sweep",
    effect: Effect::Write,
    text: r#"
        WITH gone AS (
            DELETE FROM "mcp".sessions s WHERE s.ctid = ANY (ARRAY(
                SELECT e.ctid FROM "mcp".sessions e
                WHERE e.ns = $1 AND e.expires_at <= (SELECT clock_timestamp())
                ORDER BY e.expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))
            RETURNING 1)
        SELECT count(*) FROM gone"#,
};

const LOGS: Statement = Statement {
    operation: "event.sweep",
    effect: Effect::Write,
    text: r#"SELECT "mcp".sweep_logs($1, $2)"#,
};

/// Expired sessions and old tombstones.
pub(crate) async fn sessions(backend: &PostgresBackend, limit: usize) -> Result<usize, StoreError> {
    run(backend, &SESSIONS, limit).await
}

/// Logs that have vanished, events that are too old, and what is remembered of purges.
pub(crate) async fn logs(backend: &PostgresBackend, limit: usize) -> Result<usize, StoreError> {
    run(backend, &LOGS, limit).await
}

async fn run(
    backend: &PostgresBackend,
    statement: &Statement,
    limit: usize,
) -> Result<usize, StoreError> {
    let limit = length(limit);
    let row = backend.pool().row(statement, |query| {
        query.bind(backend.namespace()).bind(limit)
    });
    let freed: i64 = get(&row.await?, 0, statement)?;
    Ok(usize::try_from(freed).unwrap_or(0))
}
