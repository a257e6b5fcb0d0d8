//! The way to the server, or to the servers of a cluster.

use std::time::Duration;

#[cfg(feature = "cluster")]
use deadpool_redis::cluster::ClusterConnection;
use deadpool_redis::redis::{Cmd, PushInfo, RedisError, Value, aio::MultiplexedConnection};
use mcp_core::store::StoreError;
use tokio::time::{Instant, timeout};

#[cfg(feature = "cluster")]
use crate::cluster::Cluster;
use crate::{
    error::{self, Sent},
    operation::Fault,
    pool::Single,
};

pub(crate) struct Connections {
    deadline: Duration,
    way: Way,
}

pub(crate) enum Way {
    Single(Single),
    #[cfg(feature = "cluster")]
    Cluster(Cluster),
}

impl Connections {
    pub(crate) fn new(way: Way, deadline: Duration) -> Self {
        Self { deadline, way }
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Whether a script can touch keys of one hash tag only.
    pub(crate) fn is_cluster(&self) -> bool {
        !matches!(self.way, Way::Single(_))
    }

    /// The answer of the server, or why there is none.
    pub(crate) async fn send(&self, command: &Cmd, until: Instant) -> Result<Value, Fault> {
        match &self.way {
            Way::Single(single) => single.send(command, until).await,
            #[cfg(feature = "cluster")]
            Way::Cluster(cluster) => cluster.send(command, until).await,
        }
    }

    /// The command that publishes.
    pub(crate) fn publish(&self) -> &'static str {
        match self.way {
            Way::Single(_) => "PUBLISH",
            // Else every node would hear of every message.
            #[cfg(feature = "cluster")]
            Way::Cluster(_) => "SPUBLISH",
        }
    }

    /// A connection of its own that hears what is published in `channels`; confirmed when this returns.
    pub(crate) async fn subscribe(
        &self,
        operation: &'static str,
        channels: &[&str],
        hear: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<Subscriber, StoreError> {
        let hear = move |push| {
            hear(push);
            Ok(())
        };
        let subscribe = async {
            Ok::<_, RedisError>(match &self.way {
                Way::Single(single) => Subscriber::Single(single.subscribe(channels, hear).await?),
                #[cfg(feature = "cluster")]
                Way::Cluster(cluster) => {
                    Subscriber::Cluster(cluster.subscribe(channels, hear).await?)
                }
            })
        };
        match timeout(self.deadline, subscribe).await {
            Ok(Ok(subscriber)) => Ok(subscriber),
            // Nothing is applied by a subscription that nobody holds.
            Ok(Err(error)) => Err(error::translate(operation, &error, Sent::No)),
            Err(_) => Err(error::not_sent_in_time(operation)),
        }
    }
}

/// A connection that hears. It ends when this is dropped.
pub(crate) enum Subscriber {
    Single(MultiplexedConnection),
    #[cfg(feature = "cluster")]
    Cluster(ClusterConnection),
}

impl Subscriber {
    /// Hears one more channel; confirmed when this returns.
    pub(crate) async fn subscribe(&mut self, channel: &str) -> Result<(), RedisError> {
        match self {
            Self::Single(connection) => connection.subscribe(channel).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => connection.ssubscribe(channel).await,
        }
    }

    /// Hears a channel no longer.
    pub(crate) async fn unsubscribe(&mut self, channel: &str) -> Result<(), RedisError> {
        match self {
            Self::Single(connection) => connection.unsubscribe(channel).await,
            #[cfg(feature = "cluster")]
            Self::Cluster(connection) => connection.sunsubscribe(channel).await,
        }
    }
}
