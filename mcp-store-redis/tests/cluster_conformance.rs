//! The stores on a cluster of three keep every rule, too.
#![cfg(feature = "cluster")]

#[path = "support/nodes.rs"]
mod nodes;

use std::time::Duration;

use mcp_core::BoxError;
use mcp_store_redis::RedisBackend;
use mcp_testkit::{
    Capability, Claims, Harness, Namespace, event_store, fault::Cutter, lease_store, session_store,
    topic,
};
use nodes::Cluster;

struct OnCluster<S> {
    cluster: Cluster,
    make: fn(RedisBackend) -> S,
}

impl<S> OnCluster<S> {
    async fn start(make: fn(RedisBackend) -> S) -> Result<Self, BoxError> {
        let cluster = Cluster::start().await?;
        Ok(Self { cluster, make })
    }
}

impl<S: Send + Sync + 'static> Harness for OnCluster<S> {
    type Store = S;

    async fn open(&self, namespace: &Namespace) -> Result<S, BoxError> {
        // A slot is a round trip, and one case asks for ten thousand logs.
        let builder = self.cluster.builder().deadline(Duration::from_secs(10));
        let builder = builder.namespace(namespace.as_str());
        Ok((self.make)(builder.build()?))
    }

    async fn advance(&self, namespace: &Namespace, by: Duration) -> Result<(), BoxError> {
        let (pattern, by) = (format!("{{{namespace}:*"), by.as_millis().to_string());
        let advance = [
            "EVAL",
            include_str!("support/advance.lua"),
            "0",
            &pattern,
            &by,
        ];
        self.cluster.ask::<()>(&advance).await.map(drop)
    }

    async fn sever(&self, _: &Namespace) -> Result<(), BoxError> {
        self.cluster.wires.iter().for_each(Cutter::cut);
        Ok(())
    }

    async fn restore(&self, _: &Namespace) -> Result<(), BoxError> {
        self.cluster.wires.iter().for_each(Cutter::heal);
        Ok(())
    }
}

fn claims() -> Claims {
    let why = "the function form of a suite starts no other process";
    let claims = Claims::new().with(Capability::Outage);
    claims.without(Capability::Processes, why)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_sessions_holds_on_a_cluster() -> Result<(), BoxError> {
    let harness = OnCluster::start(|backend| backend).await?;
    let why = "it is what a single server is for";
    let claims = claims().without(Capability::Damage, why);
    let claims = claims.without(Capability::Scan, why);
    session_store::run_all(&harness, &claims)
        .await
        .assert_passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_logs_holds_on_a_cluster() -> Result<(), BoxError> {
    let harness = OnCluster::start(|backend| backend).await?;
    let why = "it is what a single server is for";
    event_store::run_all(&harness, &claims().without(Capability::Scan, why))
        .await
        .assert_passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_wake_ups_holds_on_a_cluster() -> Result<(), BoxError> {
    let harness = OnCluster::start(|backend| (backend.clone(), backend)).await?;
    topic::run_all(&harness, &claims()).await.assert_passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_leases_holds_on_a_cluster() -> Result<(), BoxError> {
    let harness = OnCluster::start(|backend| backend).await?;
    lease_store::run_all(&harness, &claims())
        .await
        .assert_passed();
    Ok(())
}
