//! [`Pool`]: the connections, and how one statement is run.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mcp_core::store::{StoreError, StoreErrorKind};
use metrics::{Gauge, counter, gauge, histogram};
use sqlx::{
    AssertSqlSafe, ConnectOptions, PgConnection, Postgres, Row, SqlSafeStr, SqlStr,
    postgres::{PgArguments, PgConnectOptions, PgRow},
    query::Query,
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::error::{Effect, Fault};

/// A connection that idled longer may have been forgotten by something on its way.
const LONGEST_IDLE: Duration = Duration::from_mins(4);

/// An older connection is replaced, so that servers behind one name are found again.
const LONGEST_LIFE: Duration = Duration::from_mins(30);

/// The schema as the statements and the files of `migrations` write it.
pub(crate) const DEFAULT_SCHEMA: &str = "mcp";

/// One statement of a store.
pub(crate) struct Statement {
    /// The call it belongs to, for instance `session.load`.
    pub(crate) operation: &'static str,
    pub(crate) effect: Effect,
    /// The text, with `"mcp"` for the schema.
    pub(crate) text: &'static str,
}

/// A statement whose arguments are being bound.
pub(crate) type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// A fixed number of connections, made when they are needed.
///
/// Why not the driver's own: it asks the server for a sign of life after every use, which doubles the
/// round trips, and waits for it without a limit. Here a connection whose statement was not seen to
/// end is closed, and one that idles is found dead by the next statement, which is sent again if it
/// cannot have been applied.
pub(crate) struct Pool {
    options: PgConnectOptions,
    schema: String,
    deadline: Duration,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
    in_use: Gauge,
}

struct Connection {
    inner: PgConnection,
    opened: Instant,
    used: Instant,
}

impl Pool {
    pub(crate) fn new(
        options: PgConnectOptions,
        schema: &str,
        size: usize,
        deadline: Duration,
    ) -> Self {
        Self {
            options,
            schema: schema.to_owned(),
            deadline,
            permits: Semaphore::new(size),
            idle: Mutex::default(),
            in_use: gauge!("mcp.store.pool.in_use"),
        }
    }

    /// Runs one statement: one round trip, from the second time on that a connection runs it.
    pub(crate) async fn rows<'q>(
        &self,
        statement: &Statement,
        bind: impl Fn(Bound<'q>) -> Bound<'q> + Send + Sync,
    ) -> Result<Vec<PgRow>, StoreError> {
        let result = self.run(statement, bind).await;
        result.map_err(|fault| {
            let error = fault.into_error(statement.operation);
            counter!("mcp.store.errors", "operation" => statement.operation, "kind" => error.kind().as_str())
                .increment(1);
            error
        })
    }

    /// The same for a statement that answers with one row.
    pub(crate) async fn row<'q>(
        &self,
        statement: &Statement,
        bind: impl Fn(Bound<'q>) -> Bound<'q> + Send + Sync,
    ) -> Result<PgRow, StoreError> {
        let mut rows = self.rows(statement, bind).await?;
        rows.pop().ok_or_else(|| {
            let message = "the server answered without a row";
            StoreError::new(StoreErrorKind::Corrupt, statement.operation, message)
        })
    }

    async fn run<'q>(
        &self,
        statement: &Statement,
        bind: impl Fn(Bound<'q>) -> Bound<'q> + Send + Sync,
    ) -> Result<Vec<PgRow>, Fault> {
        let ends = Instant::now() + self.deadline;
        let _permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.turn(ends).await?,
        };
        let _used = Used::one(&self.in_use);
        loop {
            let idle = self.take();
            let reused = idle.is_some();
            let mut connection = match idle {
                Some(connection) => connection,
                None => timeout_at(ends, self.open())
                    .await
                    .unwrap_or_else(|_| Err(Fault::connecting_timed_out()))?,
            };
            // Whoever drops this future drops the connection with it, in whatever state it is.
            let query = bind(sqlx::query(self.render(statement.text)));
            let answer = timeout_at(ends, query.fetch_all(&mut connection.inner)).await;
            let fault = match answer {
                Ok(Ok(rows)) => {
                    self.put(connection);
                    return Ok(rows);
                }
                Ok(Err(error)) => Fault::sent(error, statement.effect),
                Err(_) => Fault::timed_out(statement.effect),
            };
            if !fault.connection_lost {
                self.put(connection);
                return Err(fault);
            }
            // Those that idle have most likely been lost in the same moment.
            self.forget();
            if !(reused && fault.kind == StoreErrorKind::Unavailable && Instant::now() < ends) {
                return Err(fault);
            }
        }
    }

    /// Waits for a connection that others use.
    async fn turn(&self, ends: Instant) -> Result<SemaphorePermit<'_>, Fault> {
        let began = Instant::now();
        let permit = timeout_at(ends, self.permits.acquire()).await;
        let now = Instant::now();
        histogram!("mcp.store.pool.wait.duration").record(now - began);
        match permit {
            Ok(Ok(permit)) if now < ends => Ok(permit),
            _ => {
                counter!("mcp.store.pool.exhausted").increment(1);
                Err(Fault::exhausted())
            }
        }
    }

    async fn open(&self) -> Result<Connection, Fault> {
        let mut inner = self.options.connect().await.map_err(Fault::connecting)?;
        // Reads from a standby would be old, and an answer that nothing is there would be wrong.
        let row = sqlx::query("SELECT current_setting('transaction_read_only') = 'off'")
            .fetch_one(&mut inner)
            .await
            .map_err(Fault::connecting)?;
        if !row.try_get::<bool, _>(0).map_err(Fault::connecting)? {
            return Err(Fault::read_only());
        }
        let opened = Instant::now();
        Ok(Connection {
            inner,
            opened,
            used: opened,
        })
    }

    fn render(&self, text: &'static str) -> SqlStr {
        if self.schema == DEFAULT_SCHEMA {
            return text.into_sql_str();
        }
        AssertSqlSafe(in_schema(text, &self.schema)).into_sql_str()
    }

    /// The connection that was used last, so that those not needed grow old.
    fn take(&self) -> Option<Connection> {
        let now = Instant::now();
        let mut idle = self.idle();
        idle.retain(|connection| {
            now - connection.used < LONGEST_IDLE && now - connection.opened < LONGEST_LIFE
        });
        idle.pop()
    }

    fn put(&self, mut connection: Connection) {
        connection.used = Instant::now();
        self.idle().push(connection);
    }

    fn forget(&self) {
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text with another schema than `mcp`, whose name is made of letters, digits and underscores.
pub(crate) fn in_schema(text: &str, schema: &str) -> String {
    text.replace("\"mcp\"", &format!("\"{schema}\""))
}

/// A connection that is in use, as the gauge says.
struct Used<'a>(&'a Gauge);

impl<'a> Used<'a> {
    fn one(gauge: &'a Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
