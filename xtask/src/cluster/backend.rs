//! The backend that the instances share: a private server, or one that somebody named.

use mcp_testkit::server::{PostgresServer, RedisServer};

use crate::run::Result;

/// A backend that somebody else runs is left alone.
const NOT_OURS: &str = "only a private backend can be stopped: --backend redis or postgres";

/// A Redis that keeps what it was told when it is stopped.
const DURABLE: [&str; 2] = ["appendonly yes", "appendfsync always"];

/// A backend.
#[derive(Debug)]
pub(crate) enum Backend {
    Redis(RedisServer),
    Postgres(PostgresServer),
    Given(String),
}

impl Backend {
    /// `redis` and `postgres` are private servers, gone with this value; a URL is taken as it is.
    pub(crate) fn start(wanted: &str) -> Result<Self> {
        match wanted {
            "redis" => Ok(Self::Redis(RedisServer::start_with(&DURABLE)?)),
            "postgres" => Ok(Self::Postgres(PostgresServer::start()?)),
            url if is_shared(url) => Ok(Self::Given(url.to_owned())),
            _ => Err(
                "--backend is redis, postgres, redis://… or postgres://…; memory cannot be shared"
                    .into(),
            ),
        }
    }

    /// Its address for the instances. One that was given may hold a password.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Redis(server) => server.url(),
            Self::Postgres(server) => server.url(),
            Self::Given(url) => url.clone(),
        }
    }

    /// Stops a private server; what it was told stays.
    pub(crate) fn stop(&mut self) -> Result {
        match self {
            Self::Redis(server) => server.stop()?,
            Self::Postgres(server) => server.stop()?,
            Self::Given(_) => return Err(NOT_OURS.into()),
        }
        Ok(())
    }

    /// Starts a private server again.
    pub(crate) fn restart(&mut self) -> Result {
        match self {
            Self::Redis(server) => server.restart()?,
            Self::Postgres(server) => server.restart()?,
            Self::Given(_) => return Err(NOT_OURS.into()),
        }
        Ok(())
    }

    /// For the person at the terminal.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Redis(_) => format!("a private Redis at {}", self.url()),
            Self::Postgres(_) => format!("a private PostgreSQL at {}", self.url()),
            Self::Given(_) => "the one that was given".to_owned(),
        }
    }
}

fn is_shared(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    matches!(scheme, Some("redis" | "rediss" | "postgres" | "postgresql"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_refused() {
        for wanted in ["memory", "", "http://127.0.0.1/"] {
            let error = Backend::start(wanted).unwrap_err().to_string();
            assert!(error.contains("cannot be shared"), "{error}");
        }
    }

    #[test]
    fn a_url_is_not_repeated() {
        let backend = Backend::start("redis://user:secret@host/").unwrap();
        assert_eq!(backend.url(), "redis://user:secret@host/");
        assert!(!backend.describe().contains("secret"));
    }
}
