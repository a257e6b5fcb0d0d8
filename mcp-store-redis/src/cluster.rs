//! The way to the servers of a cluster.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

#[cfg(feature = "tls")]
use deadpool_redis::redis::TlsCertificates;
use deadpool_redis::{
    cluster::{ClusterClient, ClusterClientBuilder, ClusterConnection},
    redis::{
        Cmd, ConnectionInfo, ProtocolVersion, PushInfo, RedisError, Value, aio::ConnectionLike as _,
    },
};
use mcp_core::store::StoreError;
use tokio::{
    sync::OnceCell,
    time::{Instant, sleep_until, timeout_at},
};

use crate::{
    builder::invalid,
    error,
    operation::Fault,
    slot::{Failure, pause},
};

/// Connections to every server of a cluster. The client keeps them and replaces those that ended;
/// a server that does not answer in time makes this replace them all, for nobody can tell whether it
/// is slow or its connection leads nowhere.
pub(crate) struct Cluster {
    nodes: Vec<ConnectionInfo>,
    deadline: Duration,
    #[cfg(feature = "tls")]
    certificates: Option<TlsCertificates>,
    held: Mutex<Held>,
}

/// The connections, once somebody has needed them.
#[derive(Clone, Default)]
struct Held {
    connection: Arc<OnceCell<ClusterConnection>>,
    /// How many there were before.
    number: u64,
}

impl Cluster {
    pub(crate) fn new(nodes: Vec<ConnectionInfo>, deadline: Duration) -> Self {
        Self {
            nodes,
            deadline,
            #[cfg(feature = "tls")]
            certificates: None,
            held: Mutex::default(),
        }
    }

    /// Those of the nodes that are found later are the same as those of the first.
    #[cfg(feature = "tls")]
    pub(crate) fn certificates(mut self, certificates: Option<TlsCertificates>) -> Self {
        self.certificates = certificates;
        self
    }

    /// The cluster, if its settings make sense.
    pub(crate) fn check(self) -> Result<Self, StoreError> {
        let refused = |_| invalid("the client does not take this configuration");
        self.client(|builder| builder).map_err(refused)?;
        Ok(self)
    }

    /// The answer of the node that has the command's keys, or why there is none.
    pub(crate) async fn send(&self, command: &Cmd, until: Instant) -> Result<Value, Fault> {
        let held = self.lock().clone();
        let connect = held.connection.get_or_try_init(async || {
            let client = self.client(|builder| builder)?;
            client.get_async_connection().await
        });
        let mut connection = match timeout_at(until, connect).await {
            Ok(Ok(connection)) => connection.clone(),
            Ok(Err(error)) => return Err(Fault::NotSent(Failure::from(error))),
            Err(_) => return Err(Fault::NoConnection),
        };
        let mut refusals = 0;
        loop {
            let answer = connection.req_packed_command(command);
            let Ok(answer) = timeout_at(until, answer).await else {
                self.discard(held.number);
                return Err(Fault::NoReply);
            };
            let error = match answer.and_then(Value::extract_error) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            // The client has learnt from it where the slot is now.
            refusals += 1;
            if error.is_timeout() {
                self.discard(held.number);
            }
            let again = Instant::now() + pause(refusals);
            if !error::is_of_another_node(&error) || again >= until {
                return Err(Fault::Answer(error));
            }
            sleep_until(again).await;
        }
    }

    /// A connection of its own that hears what is published in `channels`; confirmed when this returns.
    pub(crate) async fn subscribe(
        &self,
        channels: &[&str],
        hear: impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static,
    ) -> Result<ClusterConnection, RedisError> {
        let client = self.client(|builder| builder.push_sender(hear))?;
        let mut connection = client.get_async_connection().await?;
        for channel in channels {
            // Each may be of another node.
            connection.ssubscribe(*channel).await?;
        }
        Ok(connection)
    }

    /// Lets go of the connections, unless they are gone already. Who waits for an answer still has
    /// them.
    fn discard(&self, number: u64) {
        let mut held = self.lock();
        if held.number == number {
            metrics::counter!("mcp.store.connections.lost").increment(1);
            *held = Held {
                connection: Arc::default(),
                number: number + 1,
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Repeats nothing by itself: only this store knows what may be done twice.
    fn client(
        &self,
        more: impl FnOnce(ClusterClientBuilder) -> ClusterClientBuilder,
    ) -> Result<ClusterClient, RedisError> {
        let builder = ClusterClientBuilder::new(self.nodes.clone())
            .retries(0)
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(self.deadline)
            .response_timeout(self.deadline);
        #[cfg(feature = "tls")]
        let builder = match &self.certificates {
            Some(certificates) => builder.certs(certificates.clone()),
            None => builder,
        };
        more(builder).build()
    }
}
