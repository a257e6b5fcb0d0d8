//! [`PostgresBackend`].

use std::{fmt, sync::Arc, time::Duration};

use mcp_core::store::{StoreError, StoreErrorKind};
use sqlx::postgres::PgConnectOptions;

use crate::{
    PostgresBuilder,
    hub::{Hub, Setup},
    keys::Space,
    pool::Pool,
    publisher::Publisher,
};

/// Every store of an MCP server, in one PostgreSQL database. A clone is another handle to the same.
///
/// It is a [`SessionStore`](mcp_core::store::SessionStore), an
/// [`EventStore`](mcp_core::store::EventStore), a [`Notifier`](mcp_core::store::Notifier) and a
/// [`LeaseStore`](mcp_core::store::LeaseStore). Each call is one statement, and one round trip.
///
/// # Examples
///
/// ```no_run
/// use mcp_core::{McpRouter, Server};
/// use mcp_store_postgres::PostgresBackend;
///
/// # async fn run() -> Result<(), mcp_core::BoxError> {
/// let stores = PostgresBackend::connect("postgres://mcp@db.internal/mcp?sslmode=verify-full").await?;
/// let server = Server::builder(McpRouter::new()).backend(stores).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PostgresBackend(Arc<Inner>);

struct Inner {
    pool: Arc<Pool>,
    settings: Settings,
    space: Space,
    /// `None` when everybody polls.
    wake_ups: Option<WakeUps>,
}

/// How this process says and hears that something is new.
struct WakeUps {
    publisher: Arc<Publisher>,
    hub: Arc<Hub>,
}

/// What the operations need to know of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) namespace: Vec<u8>,
    pub(crate) deadline: Duration,
    pub(crate) tombstone: Duration,
    pub(crate) abandoned: Duration,
    pub(crate) max_payload: usize,
    pub(crate) probe: Duration,
}

impl PostgresBackend {
    /// Connects with the default settings, and brings the schema up to date.
    ///
    /// # Errors
    ///
    /// As for [`PostgresBuilder::connect`].
    ///
    /// # Cancel safety
    ///
    /// As for [`PostgresBuilder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// Other settings than the default ones.
    pub fn builder(url: impl Into<String>) -> PostgresBuilder {
        PostgresBuilder::new(url.into())
    }

    /// Must be called in a runtime: a backend that publishes has a task of its own.
    pub(crate) fn new(
        pool: Pool,
        settings: Settings,
        space: Space,
        listen_options: Option<PgConnectOptions>,
    ) -> Self {
        let pool = Arc::new(pool);
        let wake_ups = listen_options.map(|options| {
            let deadline = settings.deadline;
            let publisher = Arc::new(Publisher::start(Arc::clone(&pool), deadline));
            let hub = Hub::new(Setup {
                options,
                deadline,
                probe: settings.probe,
                space: space.clone(),
                publisher: Arc::clone(&publisher),
            });
            WakeUps {
                publisher,
                hub: Arc::new(hub),
            }
        });
        Self(Arc::new(Inner {
            pool,
            settings,
            space,
            wake_ups,
        }))
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn namespace(&self) -> &[u8] {
        &self.0.settings.namespace
    }

    pub(crate) fn space(&self) -> &Space {
        &self.0.space
    }

    pub(crate) fn publisher(&self) -> Option<&Publisher> {
        let wake_ups = self.0.wake_ups.as_ref()?;
        Some(&wake_ups.publisher)
    }

    pub(crate) fn hub(&self) -> Option<&Arc<Hub>> {
        let wake_ups = self.0.wake_ups.as_ref()?;
        Some(&wake_ups.hub)
    }

    pub(crate) fn check_size(
        &self,
        operation: &'static str,
        bytes: usize,
    ) -> Result<(), StoreError> {
        let most = self.0.settings.max_payload;
        if bytes <= most {
            return Ok(());
        }
        let message = format!("a payload is larger than {most} bytes");
        Err(StoreError::new(
            StoreErrorKind::TooLarge,
            operation,
            message,
        ))
    }
}

impl fmt::Debug for PostgresBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBackend")
            .field("space", &self.0.space)
            .field("deadline", &self.0.settings.deadline)
            .field("max_payload", &self.0.settings.max_payload)
            .finish_non_exhaustive()
    }
}
