//! The store that the instances of a case share.

use mcp_core::store::{EventStore, LeaseStore, SessionStore};
use mcp_store_postgres::PostgresBackend;
use mcp_store_redis::RedisBackend;
use mcp_testkit::{
    Namespace,
    server::{PostgresServer, RedisServer},
};

/// Which store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Backend {
    Redis,
    Postgres,
}

impl Backend {
    /// A place of a case's own, on the server that all cases share.
    pub(crate) fn place(self) -> Place {
        let url = match self {
            Self::Redis => RedisServer::shared_url(),
            Self::Postgres => PostgresServer::shared_url(),
        };
        Place::fresh(url.unwrap())
    }

    /// A server of a case's own, which keeps what it was told when it is stopped.
    pub(crate) fn start(self) -> BackendServer {
        match self {
            Self::Redis => BackendServer::Redis(
                RedisServer::start_with(&["appendonly yes", "appendfsync always"]).unwrap(),
            ),
            Self::Postgres => BackendServer::Postgres(PostgresServer::start().unwrap()),
        }
    }
}

/// A server that can be stopped and started again.
pub(crate) enum BackendServer {
    Redis(RedisServer),
    Postgres(PostgresServer),
}

impl BackendServer {
    pub(crate) fn place(&self) -> Place {
        Place::fresh(match self {
            Self::Redis(server) => server.url(),
            Self::Postgres(server) => server.url(),
        })
    }

    pub(crate) fn stop(&mut self) {
        match self {
            Self::Redis(server) => server.stop(),
            Self::Postgres(server) => server.stop(),
        }
        .unwrap();
    }

    pub(crate) fn restart(&mut self) {
        match self {
            Self::Redis(server) => server.restart(),
            Self::Postgres(server) => server.restart(),
        }
        .unwrap();
    }
}

/// What stands in a place, for a case that looks into it.
pub(crate) trait Stores: SessionStore + EventStore + LeaseStore {}

impl<T: SessionStore + EventStore + LeaseStore> Stores for T {}

/// A namespace on a server.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    url: String,
    namespace: Namespace,
}

impl Place {
    fn fresh(url: String) -> Self {
        Self {
            url,
            namespace: Namespace::fresh("cluster"),
        }
    }

    /// How an instance is told of it.
    pub(crate) fn flags(&self) -> Vec<String> {
        let namespace = self.namespace.as_str();
        ["--backend", &self.url, "--namespace", namespace]
            .map(str::to_owned)
            .into()
    }

    /// The stores that stand there.
    pub(crate) async fn stores(&self) -> Box<dyn Stores> {
        let namespace = self.namespace.as_str();
        if self.url.starts_with("redis:") {
            let stores = RedisBackend::builder(&self.url).namespace(namespace);
            Box::new(stores.build().unwrap())
        } else {
            let stores = PostgresBackend::builder(&self.url).namespace(namespace);
            Box::new(Box::pin(stores.connect()).await.unwrap())
        }
    }
}
