//! A cluster of one's own.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use mcp_core::BoxError;
use mcp_store_redis::{
    RedisBackend, RedisBuilder,
    deadpool_redis::redis::{Client, FromRedisValue, cmd},
};
use mcp_testkit::{fault::Cutter, server::RedisServer};
use tokio::time::interval;

pub(crate) const SLOTS: [(u32, u32); 3] = [(0, 5460), (5461, 10922), (10923, 16383)];

/// Three servers that share the slots. Clients find each behind its wire.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<RedisServer>,
    pub(crate) wires: Vec<Cutter>,
}

impl Cluster {
    pub(crate) async fn start() -> Result<Self, BoxError> {
        let mut nodes = Vec::new();
        let mut wires = Vec::new();
        let mut buses = Vec::new();
        for (number, slots) in (1..).zip(SLOTS) {
            let bus = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            let bus_line = format!("cluster-port {bus}");
            // Where it leads is known once the server has a port.
            let wire = Cutter::to(SocketAddr::from(([127, 0, 0, 1], bus)))?;
            let announced = format!("cluster-announce-port {}", wire.addr().port());
            let node = RedisServer::start_with(&["cluster-enabled yes", &bus_line, &announced])?;
            wire.aim(node.addr());
            let (from, to) = (slots.0.to_string(), slots.1.to_string());
            expect_ok(&node.command(&["CLUSTER", "ADDSLOTSRANGE", &from, &to])?)?;
            let epoch = number.to_string();
            expect_ok(&node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch])?)?;
            nodes.push(node);
            wires.push(wire);
            buses.push(bus.to_string());
        }
        let cluster = Self { nodes, wires };
        // They tell each other what they have; one that did not answer in time has to be told again.
        let mut looks = interval(Duration::from_millis(50));
        for look in 0.. {
            if look % 40 == 0 {
                cluster.meet(&buses)?;
            }
            if cluster.is_whole().await? {
                break;
            }
            looks.tick().await;
        }
        Ok(cluster)
    }

    fn meet(&self, buses: &[String]) -> Result<(), BoxError> {
        for (node, bus) in self.nodes.iter().zip(buses).skip(1) {
            let port = node.port().to_string();
            let met = self.nodes[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]);
            expect_ok(&met?)?;
        }
        Ok(())
    }

    async fn is_whole(&self) -> Result<bool, BoxError> {
        let states: Vec<String> = self.ask(&["CLUSTER", "INFO"]).await?;
        let is_whole = |state: &String| {
            state.contains("cluster_state:ok") && state.contains("cluster_known_nodes:3")
        };
        Ok(states.iter().all(is_whole))
    }

    /// One node is enough to find the others.
    pub(crate) fn builder(&self) -> RedisBuilder {
        RedisBackend::cluster([format!("redis://{}", self.wires[1].addr())])
    }

    /// What each node answers.
    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> Result<Vec<T>, BoxError> {
        let mut answers = Vec::new();
        for node in &self.nodes {
            let client = Client::open(node.url())?;
            let mut connection = client.get_multiplexed_async_connection().await?;
            let mut command = cmd(words[0]);
            command.arg(&words[1..]);
            answers.push(command.query_async(&mut connection).await?);
        }
        Ok(answers)
    }
}

fn expect_ok(answer: &str) -> Result<(), BoxError> {
    if answer == "+OK" {
        return Ok(());
    }
    Err(answer.to_owned().into())
}
