//! A harness for the kit: Redis behind a wire that can be cut.

use std::{sync::OnceLock, time::Duration};

use mcp_core::{BoxError, store::SessionId};
use mcp_store_redis::{
    RedisBackend,
    deadpool_redis::redis::{Client, Cmd, FromRedisValue, cmd},
};
use mcp_testkit::{Damage, Harness, Namespace, fault::Cutter, server::RedisServer};

/// The server that all tests of a run share; one namespace for each case.
pub(crate) struct Redis<S> {
    make: fn(RedisBackend) -> S,
    wire: OnceLock<Cutter>,
}

impl<S> Redis<S> {
    pub(crate) fn new(make: fn(RedisBackend) -> S) -> Self {
        Self {
            make,
            wire: OnceLock::new(),
        }
    }

    fn wire(&self) -> Result<&Cutter, BoxError> {
        if let Some(wire) = self.wire.get() {
            return Ok(wire);
        }
        let url = RedisServer::shared_url()?;
        let address = url.trim_start_matches("redis://").trim_end_matches('/');
        let wire = Cutter::to(address.parse()?)?;
        Ok(self.wire.get_or_init(|| wire))
    }
}

impl<S: Send + Sync + 'static> Harness for Redis<S> {
    type Store = S;

    async fn open(&self, namespace: &Namespace) -> Result<S, BoxError> {
        let url = format!("redis://{}", self.wire()?.addr());
        let backend = RedisBackend::builder(url).namespace(namespace.as_str());
        Ok((self.make)(backend.build()?))
    }

    async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
        let mut advance = cmd("EVAL");
        advance.arg(include_str!("advance.lua")).arg(0);
        advance
            .arg(pattern(namespace))
            .arg(by.as_millis().to_string());
        ask(&advance).await
    }

    async fn close(&self, namespace: &Namespace) -> Result<(), BoxError> {
        let keys: Vec<String> = ask(cmd("KEYS").arg(pattern(namespace))).await?;
        if keys.is_empty() {
            return Ok(());
        }
        ask(cmd("UNLINK").arg(keys)).await
    }

    async fn sever(&self, _: &Namespace) -> Result<(), BoxError> {
        self.wire()?.cut();
        Ok(())
    }

    async fn restore(&self, _: &Namespace) -> Result<(), BoxError> {
        self.wire()?.heal();
        Ok(())
    }

    async fn damage(
        &self,
        namespace: &Namespace,
        session: &SessionId,
        damage: Damage,
    ) -> Result<(), BoxError> {
        let key = format!("{{{namespace}:s:{session}}}");
        let record = match damage {
            Damage::Garbage => "\u{0}garbage",
            Damage::FromTheFuture => {
                r#"{"version":9000,"readable_from":9000,"session":{"moved":true}}"#
            }
        };
        let mut overwrite = cmd("HSET");
        overwrite.arg(key).arg("record").arg(record);
        ask(&overwrite).await
    }

    async fn held(&self, namespace: &Namespace) -> Result<u64, BoxError> {
        let mut held = cmd("EVAL");
        held.arg(include_str!("held.lua")).arg(0);
        ask(held.arg(pattern(namespace))).await
    }
}

/// What every key of a namespace looks like.
pub(crate) fn pattern(namespace: &Namespace) -> String {
    format!("{{{namespace}:*")
}

/// Asks the shared server, past every wire and store.
pub(crate) async fn ask<T: FromRedisValue>(command: &Cmd) -> Result<T, BoxError> {
    let client = Client::open(RedisServer::shared_url()?)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    Ok(command.query_async(&mut connection).await?)
}
