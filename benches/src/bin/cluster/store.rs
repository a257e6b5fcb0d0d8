//! Where the instances keep their state.

use std::process::Command;

use mcp_core::BoxError;
use mcp_testkit::server::{PostgresServer, RedisServer};

/// Redis keeps what it was told when it is stopped.
const DURABLE: [&str; 2] = ["appendonly yes", "appendfsync everysec"];

/// A private server, or none.
pub(crate) enum Store {
    Memory,
    Redis(RedisServer),
    Postgres(PostgresServer),
}

impl Store {
    pub(crate) fn redis() -> Result<Self, BoxError> {
        Ok(Self::Redis(RedisServer::start()?))
    }

    pub(crate) fn durable_redis() -> Result<Self, BoxError> {
        Ok(Self::Redis(RedisServer::start_with(&DURABLE)?))
    }

    pub(crate) fn postgres() -> Result<Self, BoxError> {
        Ok(Self::Postgres(PostgresServer::start()?))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis(_) => "redis",
            Self::Postgres(_) => "postgres",
        }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Memory => "memory".to_owned(),
            Self::Redis(server) => server.url(),
            Self::Postgres(server) => server.url(),
        }
    }

    pub(crate) fn stop(&mut self) -> Result<(), BoxError> {
        match self {
            Self::Memory => {}
            Self::Redis(server) => server.stop()?,
            Self::Postgres(server) => server.stop()?,
        }
        Ok(())
    }

    pub(crate) fn restart(&mut self) -> Result<(), BoxError> {
        match self {
            Self::Memory => {}
            Self::Redis(server) => server.restart()?,
            Self::Postgres(server) => server.restart()?,
        }
        Ok(())
    }

    /// How many commands or statements it has been sent. What a script of ours does inside Redis is
    /// one command; every statement of ours is one transaction of PostgreSQL.
    pub(crate) fn commands(&self) -> Result<u64, BoxError> {
        match self {
            Self::Memory => Ok(0),
            Self::Redis(server) => {
                let stats = server.command(&["INFO", "commandstats"])?;
                let sent = ["evalsha", "eval", "spublish", "publish", "ping"];
                let calls = stats.lines().filter_map(|line| {
                    let (name, rest) = line.trim().strip_prefix("cmdstat_")?.split_once(':')?;
                    let calls = rest.strip_prefix("calls=")?.split(',').next()?;
                    sent.contains(&name).then(|| calls.parse::<u64>().ok())?
                });
                Ok(calls.sum())
            }
            Self::Postgres(server) => {
                let query = "SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database";
                let psql = Command::new("psql")
                    .args(["-XAtc", query])
                    .arg(server.url())
                    .output()?;
                Ok(String::from_utf8(psql.stdout)?.trim().parse()?)
            }
        }
    }
}
