//! The store that the instances of a case share.

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
    /// The flags of an instance on the server that all cases share, in a place of this case's own.
    pub(crate) fn flags(self) -> Vec<String> {
        let url = match self {
            Self::Redis => RedisServer::shared_url(),
            Self::Postgres => PostgresServer::shared_url(),
        };
        flags(&url.unwrap())
    }

    /// A server of this case's own, which keeps what it was told when it is stopped.
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
    pub(crate) fn flags(&self) -> Vec<String> {
        flags(&match self {
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

fn flags(url: &str) -> Vec<String> {
    let namespace = Namespace::fresh("cluster");
    ["--backend", url, "--namespace", namespace.as_str()]
        .map(str::to_owned)
        .into()
}
