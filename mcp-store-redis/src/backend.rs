//! [`RedisBackend`].

use std::{fmt, sync::Arc, time::Duration};

use deadpool_redis::redis::cmd;
use mcp_core::store::{StoreError, StoreErrorKind};

use crate::{
    RedisBuilder,
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
    /// A backend with default settings whose server has answered.
    ///
    /// # Errors
    ///
    /// As [`RedisBuilder::connect`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it leaves nothing behind.
    pub async fn connect(url: impl Into<String>) -> Result<Self, StoreError> {
        Self::builder(url).connect().await
    }

    /// Settings for a backend.
    pub fn builder(url: impl Into<String>) -> RedisBuilder {
        RedisBuilder::new(url)
    }

    /// Asks the server for an answer.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown` when there is none.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn check(&self) -> Result<(), StoreError> {
        let ping = self.begin("store.check").command(&cmd("PING")).await;
        ping.map(drop)
    }

    pub(crate) fn new(connections: Connections, keys: Keys, settings: Settings) -> Self {
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

/// A number that nobody else has.
pub(crate) fn random(operation: &'static str) -> Result<u64, StoreError> {
    getrandom::u64().map_err(|source| {
        let message = "the system gave no random number";
        StoreError::new(StoreErrorKind::Unavailable, operation, message).with_source(source)
    })
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
}
