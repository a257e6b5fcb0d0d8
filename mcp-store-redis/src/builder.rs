//! [`RedisBuilder`].

use std::{fmt, time::Duration};

#[cfg(feature = "tls")]
use deadpool_redis::redis::TlsCertificates;
use deadpool_redis::redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use mcp_core::store::{StoreError, StoreErrorKind, reach};

#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::{
    RedisBackend,
    connections::{Connections, Way},
    keys::Keys,
    pool::Single,
};

/// Configures a [`RedisBackend`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use mcp_store_redis::RedisBackend;
///
/// # fn main() -> Result<(), mcp_core::store::StoreError> {
/// let backend = RedisBackend::builder("redis://localhost:6379")
///     .namespace("notes-production")
///     .deadline(Duration::from_secs(1))
///     .build()?;
/// # drop(backend);
/// # Ok(()) }
/// ```
#[must_use]
pub struct RedisBuilder {
    url: String,
    /// Further nodes, if it is a cluster.
    #[cfg(feature = "cluster")]
    nodes: Option<Vec<String>>,
    namespace: String,
    connections: usize,
    settings: Settings,
    reach_within: Duration,
    #[cfg(feature = "tls")]
    certificates: Option<TlsCertificates>,
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

impl RedisBuilder {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            #[cfg(feature = "cluster")]
            nodes: None,
            namespace: "mcp".to_owned(),
            connections: 2,
            settings: Settings {
                deadline: Duration::from_secs(2),
                tombstone: Duration::from_mins(15),
                max_payload: 8 * 1024 * 1024,
                abandoned: Duration::from_hours(24),
                probe: Duration::from_secs(5),
            },
            reach_within: Duration::from_secs(30),
            #[cfg(feature = "tls")]
            certificates: None,
        }
    }

    #[cfg(feature = "cluster")]
    pub(crate) fn cluster(mut urls: Vec<String>) -> Self {
        let first = urls.pop().unwrap_or_default();
        Self {
            nodes: Some(urls),
            ..Self::new(first)
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

    /// After how long without any call an open stream log or inbox vanishes; a day unless told, and
    /// at the latest after half as long again.
    ///
    /// It catches the logs of sessions that expired while nobody looked, so make it longer than
    /// sessions may be idle.
    pub fn abandoned_after(mut self, time: Duration) -> Self {
        self.settings.abandoned = time;
        self
    }

    /// How long [`connect`](Self::connect) tries to reach a server that does not answer; 30 s unless told.
    pub fn reach_within(mut self, time: Duration) -> Self {
        self.reach_within = time;
        self
    }

    /// How often a listener proves that it hears what is published; 5 s unless told.
    pub fn probe_every(mut self, time: Duration) -> Self {
        self.settings.probe = time;
        self
    }

    /// Whom to trust instead of the system's root certificates, and how to identify oneself, on a
    /// `rediss://` URL.
    #[cfg(feature = "tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
    pub fn certificates(mut self, certificates: TlsCertificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// A backend that connects when it is first used.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` when the URL cannot be understood, or asks for a feature that is off, or when
    /// no connection is asked for.
    pub fn build(self) -> Result<RedisBackend, StoreError> {
        if self.connections == 0 {
            return Err(invalid("a backend needs at least one connection"));
        }
        let way = self.way()?;
        let connections = Connections::new(way, self.settings.deadline);
        let keys = Keys::new(&self.namespace);
        Ok(RedisBackend::new(connections, keys, self.settings))
    }

    #[cfg(not(feature = "cluster"))]
    fn way(&self) -> Result<Way, StoreError> {
        self.single()
    }

    #[cfg(feature = "cluster")]
    fn way(&self) -> Result<Way, StoreError> {
        let Some(others) = &self.nodes else {
            return self.single();
        };
        let nodes = others.iter().chain([&self.url]);
        let nodes = nodes.map(|url| self.info(url)).collect::<Result<_, _>>()?;
        let cluster = Cluster::new(nodes, self.settings.deadline);
        #[cfg(feature = "tls")]
        let cluster = cluster.certificates(self.certificates.clone());
        Ok(Way::Cluster(cluster.check()?))
    }

    fn single(&self) -> Result<Way, StoreError> {
        let info = self.info(&self.url)?;
        let single = Single::new(info, self.connections, self.settings.deadline)?;
        Ok(Way::Single(single))
    }

    #[cfg_attr(
        not(feature = "tls"),
        expect(clippy::unused_self, reason = "it has the certificates")
    )]
    fn info(&self, url: &str) -> Result<ConnectionInfo, StoreError> {
        let info = connection_info(url)?;
        #[cfg(feature = "tls")]
        let info = crate::tls::secure(info, self.certificates.as_ref())?;
        Ok(info)
    }

    /// A backend whose server has answered. One that is not up yet is waited for, as
    /// [`reach_within`](Self::reach_within) says.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build) and [`RedisBackend::check`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it leaves nothing behind.
    pub async fn connect(self) -> Result<RedisBackend, StoreError> {
        let within = self.reach_within;
        let backend = self.build()?;
        reach(within, || backend.check()).await?;
        Ok(backend)
    }
}

/// Shows neither the URL nor what is in it: it may hold a password.
impl fmt::Debug for RedisBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuilder")
            .field("namespace", &self.namespace)
            .field("connections", &self.connections)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// RESP3, because it says when a connection is lost, and lets messages come between replies.
fn connection_info(url: &str) -> Result<ConnectionInfo, StoreError> {
    // What the client says of a URL might repeat its password.
    let info = url
        .into_connection_info()
        .map_err(|_| invalid("the url is not one of redis"))?;
    let settings = info.redis_settings().clone();
    // A user with few rights may not name its library, and every refusal is an entry in a log.
    let settings = settings.set_skip_set_lib_name();
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

/// A setting that makes no sense.
pub(crate) fn invalid(message: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::InvalidArgument, "store.connect", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let urls = [
            "",
            "localhost",
            "http://localhost",
            "redis://",
            "redis://u:hunter2@h:x",
        ];
        for builder in urls.map(RedisBuilder::new) {
            let error = builder.build().unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::InvalidArgument);
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        let none = RedisBuilder::new("redis://localhost").pool_size(0);
        assert!(none.build().is_err());
    }

    #[test]
    fn debug_shows_no_password() {
        let builder = RedisBuilder::new("redis://user:hunter2@localhost");
        let shown = format!("{builder:?}");
        let backend = builder.build().unwrap();
        assert!(!format!("{shown} {backend:?}").contains("hunter2"));
    }
}
