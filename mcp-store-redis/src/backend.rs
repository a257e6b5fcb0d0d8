//! [`RedisBackend`].

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::redis::cmd;

use crate::{
    BuildError, RedisBackendBuilder,
    builder::Settings,
    hub::Hub,
    keys::Keys,
    pool::{Connections, Operation},
};

/// Every store of a server, on one Redis or Valkey.
///
/// It implements [`SessionStore`](mcp_core::store::SessionStore),
/// [`EventStore`](mcp_core::store::EventStore), [`LeaseStore`](mcp_core::store::LeaseStore) and
/// [`Notifier`](mcp_core::store::Notifier). A clone shares the connections of its original.
#[derive(Clone)]
pub struct RedisBackend {
    inner: Arc<Inner>,
}

struct Inner {
    connections: Connections,
    keys: Keys,
    settings: Settings,
    hub: Arc<Hub>,
}

impl RedisBackend {
    /// A backend with default settings; the server has answered when this returns.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the URL cannot be understood or the server does not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it leaves nothing behind.
    pub async fn connect(url: impl Into<String>) -> Result<Self, BuildError> {
        let backend = Self::builder(url).build()?;
        backend.check().await?;
        Ok(backend)
    }

    /// Settings for a backend.
    pub fn builder(url: impl Into<String>) -> RedisBackendBuilder {
        RedisBackendBuilder::new(url)
    }

    /// Asks the server for an answer.
    ///
    /// # Errors
    ///
    /// [`BuildError::Unreachable`] when there is none.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn check(&self) -> Result<(), BuildError> {
        let ping = self.begin("redis.check").command(&cmd("PING")).await;
        ping.map(drop).map_err(BuildError::Unreachable)
    }

    pub(crate) fn from_parts(connections: Connections, keys: Keys, settings: Settings) -> Self {
        let inner = Inner {
            connections,
            keys,
            settings,
            hub: Arc::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Starts the time of an operation.
    pub(crate) fn begin(&self, operation: &'static str) -> Operation<'_> {
        self.inner.connections.begin(operation)
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// Who listens through this backend.
    pub(crate) fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    pub(crate) fn shared_hub(&self) -> &Arc<Hub> {
        &self.inner.hub
    }

    pub(crate) fn settings(&self) -> Settings {
        self.inner.settings
    }
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend")
            .field("keys", &self.inner.keys)
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

/// A time as Redis takes it: whole milliseconds, rounded up, and few enough for sums to be exact.
pub(crate) fn millis(time: Duration) -> u64 {
    const LONGEST: u128 = 1 << 50;
    let millis = time.as_nanos().div_ceil(1_000_000).min(LONGEST);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_and_bounded() {
        assert_eq!(millis(Duration::ZERO), 0);
        assert_eq!(millis(Duration::from_nanos(1)), 1);
        assert_eq!(millis(Duration::from_millis(7)), 7);
        assert_eq!(millis(Duration::MAX), 1 << 50);
    }

    #[test]
    fn debug_shows_no_password() {
        let builder = RedisBackend::builder("redis://user:hunter2@localhost");
        let shown = format!("{builder:?}");
        let backend = builder.build().unwrap();
        assert!(!format!("{shown} {backend:?}").contains("hunter2"));
    }
}
