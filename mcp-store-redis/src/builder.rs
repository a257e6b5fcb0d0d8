//! [`RedisBackendBuilder`].

use std::{fmt, time::Duration};

use deadpool_redis::redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisError};
use mcp_core::store::StoreError;

use crate::{RedisBackend, keys::Keys, pool::Connections};

/// Configures a [`RedisBackend`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use mcp_store_redis::RedisBackend;
///
/// # fn main() -> Result<(), mcp_store_redis::BuildError> {
/// let backend = RedisBackend::builder("redis://localhost:6379")
///     .namespace("notes-production")
///     .deadline(Duration::from_secs(1))
///     .build()?;
/// # drop(backend);
/// # Ok(()) }
/// ```
#[must_use]
pub struct RedisBackendBuilder {
    url: String,
    namespace: String,
    connections: usize,
    settings: Settings,
}

/// What the stores need to know besides their connections and keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) deadline: Duration,
    pub(crate) tombstone: Duration,
    pub(crate) max_payload: usize,
    pub(crate) abandoned: Duration,
    pub(crate) probe: Duration,
}

impl RedisBackendBuilder {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            namespace: "mcp".to_owned(),
            connections: 2,
            settings: Settings {
                deadline: Duration::from_secs(2),
                tombstone: Duration::from_mins(15),
                max_payload: 8 * 1024 * 1024,
                abandoned: Duration::from_hours(24),
                probe: Duration::from_secs(5),
            },
        }
    }

    /// What keeps the keys of one deployment apart from those of another on the same server; any
    /// text, `mcp` unless told.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How many connections are held for good; 2 unless told. Calls share them, so this is not how
    /// many may be under way at once. Each listener has one more.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// How long a call may take, with everything it has to wait for; 2 s unless told.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.settings.deadline = time;
        self
    }

    /// How long the id of a deleted session stays taken; 15 minutes unless told. It has to be longer
    /// than any instance serves a session from what it remembers.
    pub fn tombstone(mut self, time: Duration) -> Self {
        self.settings.tombstone = time;
        self
    }

    /// The largest payload of one event and the largest record, in bytes; 8 MiB unless told.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.settings.max_payload = bytes;
        self
    }

    /// After how long without any call an open stream log or inbox vanishes; a day unless told.
    ///
    /// It catches the logs of sessions that expired while nobody looked, so make it longer than
    /// sessions may live. A log in use is kept alive when half of this time is over.
    pub fn abandoned_after(mut self, time: Duration) -> Self {
        self.settings.abandoned = time;
        self
    }

    /// How often a listener proves that it hears what is published; 5 s unless told.
    pub fn probe_every(mut self, time: Duration) -> Self {
        self.settings.probe = time;
        self
    }

    /// A backend that connects when it is first used.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the URL cannot be understood, or asks for a feature that is off.
    pub fn build(self) -> Result<RedisBackend, BuildError> {
        let info = connection_info(&self.url)?;
        if self.connections == 0 {
            return Err(BuildError::NoConnections);
        }
        let connections = Connections::new(info, self.connections, self.settings.deadline)?;
        Ok(RedisBackend::from_parts(
            connections,
            Keys::new(&self.namespace),
            self.settings,
        ))
    }
}

/// Shows neither the URL nor what is in it: it may hold a password.
impl fmt::Debug for RedisBackendBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackendBuilder")
            .field("namespace", &self.namespace)
            .field("connections", &self.connections)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// RESP3, because it says when a connection is lost, and lets messages come between replies.
fn connection_info(url: &str) -> Result<ConnectionInfo, BuildError> {
    let info = url.into_connection_info().map_err(BuildError::Url)?;
    let settings = info.redis_settings().clone();
    // A user with few rights may not name its library, and every refusal is an entry in a log.
    let settings = settings.set_skip_set_lib_name();
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

/// Why there is no backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The URL cannot be understood, or asks for TLS without the feature `tls`.
    #[error("the url is not one of redis")]
    Url(#[source] RedisError),
    /// Not even one connection was asked for.
    #[error("a backend needs at least one connection")]
    NoConnections,
    /// The connections cannot be made with this configuration.
    #[error("the connections cannot be configured")]
    Connections(#[source] mcp_core::BoxError),
    /// The server did not answer.
    #[error("the server did not answer")]
    Unreachable(#[source] StoreError),
}
