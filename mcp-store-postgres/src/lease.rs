//! [`LeaseStore`] on the table `leases`.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::store::{Fence, Lease, LeaseStore, MAX_FACTS, StoreError, StoreErrorKind};
use sqlx::postgres::PgRow;

use crate::{
    PostgresBackend,
    error::Effect,
    keys,
    number::{interval, ordered, unsigned},
    pool::Statement,
    session::get,
};

const HOLD: Statement = Statement {
    operation: "lease.hold",
    effect: Effect::Write,
    text: r#"SELECT "mcp".hold_lease($1, $2, $3, $4, $5, $6, $7)"#,
};

const RENEW: Statement = Statement {
    operation: "lease.renew",
    effect: Effect::Write,
    text: r#"
        UPDATE "mcp".leases l SET expires_at = clock_timestamp() + $4, facts = $5
        WHERE l.ns = $1 AND l.key = $2 AND l.fence = $3 AND l.expires_at > clock_timestamp()
        RETURNING 1"#,
};

const RELEASE: Statement = Statement {
    operation: "lease.release",
    effect: Effect::Write,
    text: r#"
        DELETE FROM "mcp".leases l
        WHERE l.ns = $1 AND l.key = $2 AND l.fence = $3 AND l.expires_at > clock_timestamp()
        RETURNING 1"#,
};

/// Plain keys lie between the prefix and the prefix with a byte behind it that no text has, the
/// digests of long names behind all of them.
const LIST: Statement = Statement {
    operation: "lease.list",
    effect: Effect::Read,
    text: r#"
        SELECT l.name, l.holder, l.fence, l.facts FROM "mcp".leases l
        WHERE l.ns = $1 AND (l.key BETWEEN $2 AND $2 || '\xff'::bytea OR l.key >= '\xff'::bytea)
          AND substring(l.name FROM 1 FOR octet_length($2)) = $2
          AND l.expires_at > clock_timestamp()
        ORDER BY l.name"#,
};

#[async_trait]
impl LeaseStore for PostgresBackend {
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError> {
        check_facts(&HOLD, facts)?;
        let key = keys::key(name);
        let lock = self.space().lock("lease", &key);
        let row = self.pool().row(&HOLD, |query| {
            query
                .bind(self.namespace())
                .bind(&*key)
                .bind(name.as_bytes())
                .bind(lock)
                .bind(holder.as_bytes())
                .bind(interval(ttl))
                .bind(facts)
        });
        let fence: Option<i64> = get(&row.await?, 0, &HOLD)?;
        Ok(fence.map(|fence| Fence(unsigned(fence))))
    }

    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError> {
        check_facts(&RENEW, facts)?;
        let key = keys::key(name);
        let rows = self.pool().rows(&RENEW, |query| {
            query
                .bind(self.namespace())
                .bind(&*key)
                .bind(ordered(fence.0))
                .bind(interval(ttl))
                .bind(facts)
        });
        Ok(!rows.await?.is_empty())
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError> {
        let key = keys::key(name);
        let rows = self.pool().rows(&RELEASE, |query| {
            query
                .bind(self.namespace())
                .bind(&*key)
                .bind(ordered(fence.0))
        });
        Ok(!rows.await?.is_empty())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        let prefix = prefix.as_bytes();
        let rows = self
            .pool()
            .rows(&LIST, |query| query.bind(self.namespace()).bind(prefix));
        rows.await?.iter().map(decode).collect()
    }
}

fn decode(row: &PgRow) -> Result<Lease, StoreError> {
    let name = text(row, 0)?;
    let holder = text(row, 1)?;
    let fence = Fence(unsigned(get(row, 2, &LIST)?));
    let facts: &[u8] = get(row, 3, &LIST)?;
    Ok(Lease::new(
        name,
        holder,
        fence,
        Bytes::copy_from_slice(facts),
    ))
}

fn text(row: &PgRow, column: usize) -> Result<String, StoreError> {
    let bytes: Vec<u8> = get(row, column, &LIST)?;
    String::from_utf8(bytes).map_err(|_| {
        let message = "a stored name is not text";
        StoreError::new(StoreErrorKind::Corrupt, LIST.operation, message)
    })
}

fn check_facts(statement: &Statement, facts: &[u8]) -> Result<(), StoreError> {
    if facts.len() <= MAX_FACTS {
        return Ok(());
    }
    Err(StoreError::new(
        StoreErrorKind::TooLarge,
        statement.operation,
        format!("the facts are larger than {MAX_FACTS} bytes"),
    ))
}
