//! [`LeaseStore`].

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mcp_core::store::{Fence, Lease, LeaseStore, MAX_FACTS, StoreError};

use crate::{
    RedisBackend,
    backend::millis,
    error,
    keys::LeaseKeys,
    scripts::{self, Call, Script},
};

/// How many ended leases a `hold` forgets on its way.
const FORGOTTEN_BY_HOLD: usize = 16;

#[async_trait]
impl LeaseStore for RedisBackend {
    async fn hold(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<Option<Fence>, StoreError> {
        const OPERATION: &str = "lease.hold";
        let call = self
            .lease_call(&scripts::HOLD)
            .arg(name.to_owned())
            .arg(holder.to_owned())
            .number(millis(ttl))
            .arg(check_facts(OPERATION, facts)?)
            .count(FORGOTTEN_BY_HOLD);
        let fence = self.begin(OPERATION).run(&call).await?.maybe_number()?;
        Ok(fence.map(Fence))
    }

    async fn renew(
        &self,
        name: &str,
        fence: Fence,
        ttl: Duration,
        facts: &[u8],
    ) -> Result<bool, StoreError> {
        const OPERATION: &str = "lease.renew";
        let call = self
            .lease_call(&scripts::RENEW)
            .arg(name.to_owned())
            .number(fence.0)
            .number(millis(ttl))
            .arg(check_facts(OPERATION, facts)?);
        self.begin(OPERATION).run(&call).await?.flag()
    }

    async fn release(&self, name: &str, fence: Fence) -> Result<bool, StoreError> {
        let call = self
            .lease_call(&scripts::RELEASE)
            .arg(name.to_owned())
            .number(fence.0);
        self.begin("lease.release").run(&call).await?.flag()
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Lease>, StoreError> {
        let call = self.lease_call(&scripts::LIST).arg(prefix.to_owned());
        let mut reply = self.begin("lease.list").run(&call).await?;
        let mut leases = Vec::new();
        while !reply.is_empty() {
            let (name, holder) = (reply.text()?, reply.text()?);
            let fence = Fence(reply.number()?);
            leases.push(Lease::new(name, holder, fence, reply.bytes()?));
        }
        leases.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(leases)
    }
}

impl RedisBackend {
    fn lease_call(&self, script: &'static Script) -> Call {
        let LeaseKeys { due, held, fence } = self.keys().leases();
        Call::new(script).keys([due, held, fence])
    }
}

fn check_facts(operation: &'static str, facts: &[u8]) -> Result<Bytes, StoreError> {
    if facts.len() <= MAX_FACTS {
        return Ok(Bytes::copy_from_slice(facts));
    }
    Err(error::too_large(
        operation,
        "what the holder says of itself",
        MAX_FACTS,
    ))
}
