//! [`PostgresBuilder`].

use std::{fmt, str::FromStr, time::Duration};

use mcp_core::store::{StoreError, StoreErrorKind, reach};
use sqlx::{ConnectOptions, postgres::PgConnectOptions};

use crate::{
    PostgresBackend,
    backend::Settings,
    keys::Space,
    migrate,
    pool::{DEFAULT_SCHEMA, Pool},
};

const OPERATION: &str = "store.connect";

const POOL_SIZE: usize = 10;

const DEADLINE: Duration = Duration::from_secs(2);

/// Longer than any instance serves a session from what it remembers, and than a call is under way.
const TOMBSTONE: Duration = Duration::from_mins(15);

/// Longer than a session may be idle.
const ABANDONED: Duration = Duration::from_hours(24);

/// A message of 4 MiB and what wraps it, twice over.
const MAX_PAYLOAD: usize = 8 * 1024 * 1024;

const PROBE: Duration = Duration::from_secs(5);

/// About as long as a server takes to start.
const REACH_WITHIN: Duration = Duration::from_secs(30);

/// The longest namespace: it stands in every index.
const LONGEST_NAMESPACE: usize = 255;

/// The longest name of a schema that the server does not cut.
const LONGEST_SCHEMA: usize = 63;

/// Settings of a [`PostgresBackend`]. `Debug` shows no URL.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use mcp_store_postgres::PostgresBackend;
///
/// # async fn run() -> Result<(), mcp_core::store::StoreError> {
/// let backend = PostgresBackend::builder("postgres://mcp@pgbouncer.internal:6432/mcp")
///     .listen_url("postgres://mcp@db.internal/mcp")
///     .namespace("notes")
///     .pool_size(20)
///     .deadline(Duration::from_secs(1))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[must_use]
pub struct PostgresBuilder {
    url: String,
    listen_url: Option<String>,
    namespace: String,
    schema: String,
    pool_size: usize,
    deadline: Duration,
    tombstone: Duration,
    abandoned: Duration,
    max_payload: usize,
    probe: Duration,
    reach_within: Duration,
    poll_only: bool,
    migrate: bool,
}

impl PostgresBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            listen_url: None,
            namespace: "mcp".to_owned(),
            schema: DEFAULT_SCHEMA.to_owned(),
            pool_size: POOL_SIZE,
            deadline: DEADLINE,
            tombstone: TOMBSTONE,
            abandoned: ABANDONED,
            max_payload: MAX_PAYLOAD,
            probe: PROBE,
            reach_within: REACH_WITHIN,
            poll_only: false,
            migrate: true,
        }
    }

    /// Whose state this is; servers with different ones share a schema and nothing else. `mcp`
    /// unless told.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The schema with the tables: letters, digits and underscores. `mcp` unless told.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// At most this many connections for calls; 10 unless told. A listener has one of its own.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections;
        self
    }

    /// The most a call may take, waiting for a connection included; 2 s unless told.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long the id of a deleted session stays taken; 15 minutes unless told.
    pub fn tombstone(mut self, time: Duration) -> Self {
        self.tombstone = time;
        self
    }

    /// After how long without any call an open stream log or inbox vanishes; a day unless told, and
    /// at the latest after half as long again.
    ///
    /// It catches the logs of sessions that expired while nobody looked, so make it longer than
    /// sessions may be idle.
    pub fn abandoned_after(mut self, time: Duration) -> Self {
        self.abandoned = time;
        self
    }

    /// The largest payload of one event, and the largest session; 8 MiB unless told.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// How often a process proves that it hears what is published; 5 s unless told.
    pub fn probe_every(mut self, time: Duration) -> Self {
        self.probe = time;
        self
    }

    /// A URL that goes straight to the server, for LISTEN and migrations, when the other one goes to
    /// a pooler.
    ///
    /// The pooler's connections are then used as they are. Those to the server are told to give up a
    /// statement before its deadline; see the README for what a pooler's role should be told.
    pub fn listen_url(mut self, url: impl Into<String>) -> Self {
        self.listen_url = Some(url.into());
        self
    }

    /// Neither LISTEN nor NOTIFY: every process finds what is new when it polls.
    pub fn poll_only(mut self) -> Self {
        self.poll_only = true;
        self
    }

    /// Whether to bring the schema up to date when connecting; `true` unless told. With `false` the
    /// role needs no more than to use it.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// How long [`connect`](Self::connect) tries to reach a server that does not answer; 30 s unless told.
    pub fn reach_within(mut self, time: Duration) -> Self {
        self.reach_within = time;
        self
    }

    /// Connects, and makes sure that the schema is one that this version can work with. A server that is
    /// not up yet is waited for, as [`reach_within`](Self::reach_within) says.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for settings that make no sense, `Unavailable` when the server cannot be
    /// reached, `Unsupported` when the schema is missing, too old, or made by a version that this one
    /// does not understand.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, each migration has been made as a whole or not at all.
    pub async fn connect(self) -> Result<PostgresBackend, StoreError> {
        self.check()?;
        let options = parse(&self.url)?;
        let direct = self.listen_url.as_deref().map(parse).transpose()?;
        let for_calls = match direct {
            Some(_) => options.clone(),
            None => guarded(options.clone(), self.deadline),
        };
        let direct = direct.unwrap_or(options);
        let check = || migrate::check(&direct, &self.schema, self.migrate, self.deadline);
        reach(self.reach_within, check).await?;
        let pool = Pool::new(for_calls, &self.schema, self.pool_size, self.deadline);
        let space = Space::new(&self.schema, &self.namespace);
        let settings = Settings {
            namespace: self.namespace.into_bytes(),
            deadline: self.deadline,
            tombstone: self.tombstone,
            abandoned: self.abandoned,
            max_payload: self.max_payload,
            probe: self.probe,
        };
        let listen = Some(direct).filter(|_| !self.poll_only);
        Ok(PostgresBackend::new(pool, settings, space, listen))
    }

    fn check(&self) -> Result<(), StoreError> {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let plain = self.schema.chars().all(letters);
        if !plain || self.schema.is_empty() || self.schema.len() > LONGEST_SCHEMA {
            return Err(invalid(
                "the schema's name is not letters, digits and underscores",
            ));
        }
        if self.namespace.len() > LONGEST_NAMESPACE {
            return Err(invalid("the namespace is longer than 255 bytes"));
        }
        if self.pool_size == 0 {
            return Err(invalid("the pool has no connection"));
        }
        if self.deadline.is_zero() || self.probe.is_zero() {
            return Err(invalid("a time is zero"));
        }
        Ok(())
    }
}

impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("namespace", &self.namespace)
            .field("schema", &self.schema)
            .field("pool_size", &self.pool_size)
            .field("deadline", &self.deadline)
            .field("poll_only", &self.poll_only)
            .field("migrate", &self.migrate)
            .finish_non_exhaustive()
    }
}

fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    // The parser's own error may quote what it could not read.
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| invalid("the URL of the database is not valid"))?;
    // Statements are short and run all the time; what fails is reported by the caller.
    let options = options.disable_statement_logging();
    Ok(match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("mcp"),
    })
}

/// Connections whose statements end before their callers give up: what ends so was not applied, and
/// the caller knows it. The isolation level is the one that the functions are written for.
fn guarded(options: PgConnectOptions, deadline: Duration) -> PgConnectOptions {
    let patience = (deadline * 3 / 4).as_millis().max(1).to_string();
    options.options([
        ("statement_timeout", patience.as_str()),
        ("default_transaction_isolation", "read committed"),
    ])
}

fn invalid(message: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::InvalidArgument, OPERATION, message)
}
