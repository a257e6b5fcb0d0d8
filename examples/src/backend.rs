//! Where the state of a server lives, as `--backend` says.

use std::time::Duration;

use mcp_core::store::Backend;
use mcp_store_postgres::PostgresBackend;
use mcp_store_redis::RedisBackend;

use crate::{failure::Failure, flags::Flags};

/// The stores that all instances share; `None` for those in memory. A URL may hold a password, so it
/// is never repeated.
pub(crate) async fn connect(flags: &Flags) -> Result<Option<Backend>, Failure> {
    let url = flags.backend.as_str();
    let patience = Duration::from_secs(flags.reach_within);
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    match scheme {
        None if url == "memory" => Ok(None),
        Some("redis" | "rediss") => {
            let stores = RedisBackend::builder(url)
                .namespace(&flags.namespace)
                .reach_within(patience);
            Ok(Some(Box::pin(stores.connect()).await?.into()))
        }
        Some("postgres" | "postgresql") => {
            let stores = PostgresBackend::builder(url)
                .namespace(&flags.namespace)
                .reach_within(patience);
            Ok(Some(Box::pin(stores.connect()).await?.into()))
        }
        _ => Err(Failure::usage(
            "--backend is memory, redis://… or postgres://…",
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[tokio::test]
    async fn a_backend_that_cannot_be_used_is_refused_without_its_password() {
        for url in [
            "redis://u:secret@127.0.0.1:1/0",
            "redis://u:secret@127.0.0.1:x",
            "postgres://u:secret@127.0.0.1:1/db",
            "postgres://u:secret@127.0.0.1:x/db",
            "mysql://u:secret@host/db",
            "secret",
        ] {
            let flags = Flags::parse_from(["server", "--backend", url, "--reach-within", "0"]);
            let text = connect(&flags).await.unwrap_err().to_string();
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[tokio::test]
    async fn memory_is_not_shared() {
        let flags = Flags::parse_from(["server"]);
        assert!(connect(&flags).await.unwrap().is_none());
    }
}
