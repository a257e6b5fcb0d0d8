//! The way to the servers of a cluster.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
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
use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use mcp_core::store::StoreError;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    builder::invalid,
    error,
    operation::Fault,
    slot::{Failure, pause},
};

/// A connection must be there after this part of the deadline: who waits for a node that does not answer
/// still has time to ask another one.
const TO_CONNECT: u32 = 4;

/// Who comes while the connections are being replaced waits for the new ones this part of the deadline,
/// then asks on the present ones.
const TO_WAIT: u32 = 8;

/// The connections are replaced no more often than once in so many deadlines.
const BETWEEN: u32 = 4;

/// Connections to every server of a cluster. The client keeps them and replaces those that ended;
/// a server that does not answer in time makes this replace them all, for nobody can tell whether it
/// is slow or its connection leads nowhere. Meanwhile the others are asked on the present ones.
pub(crate) struct Cluster {
    nodes: Vec<ConnectionInfo>,
    deadline: Duration,
    #[cfg(feature = "tls")]
    certificates: Option<TlsCertificates>,
    held: Mutex<Held>,
}

/// New connections. They are made by whoever waits for them.
type Connecting = Shared<BoxFuture<'static, Result<ClusterConnection, Failure>>>;

/// The connections, once somebody has needed them.
#[derive(Default)]
struct Held {
    present: Option<ClusterConnection>,
    /// What is to take their place.
    next: Option<Connecting>,
    /// How many there were before.
    number: u64,
    /// When the last that were in doubt were replaced.
    replaced: Option<Instant>,
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
        let (mut connection, number) = self.lend(until).await?;
        let mut refusals = 0;
        loop {
            let answer = connection.req_packed_command(command);
            let Ok(answer) = timeout_at(until, answer).await else {
                self.doubt(number);
                return Err(Fault::NoReply);
            };
            let error = match answer.and_then(Value::extract_error) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            // The client has learnt from it where the slot is now.
            refusals += 1;
            if error.is_timeout() {
                self.doubt(number);
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

    /// The connections, and their number.
    async fn lend(&self, until: Instant) -> Result<(ClusterConnection, u64), Fault> {
        let (present, next, number) = {
            let mut held = self.lock();
            if held.present.is_none() && held.next.is_none() {
                held.next = Some(self.connect());
            }
            (held.present.clone(), held.next.clone(), held.number)
        };
        let Some(next) = next else {
            return present
                .map(|present| (present, number))
                .ok_or(Fault::NoConnection);
        };
        let patience = match present {
            Some(_) => until.min(Instant::now() + self.deadline / TO_WAIT),
            None => until,
        };
        let fault = match timeout_at(patience, next).await {
            Ok(Ok(new)) => return Ok(self.replace(number, new)),
            Ok(Err(failure)) => {
                self.lock().next.take_if(|next| next.peek().is_some());
                Fault::NotSent(failure)
            }
            Err(_) => Fault::NoConnection,
        };
        present.map(|present| (present, number)).ok_or(fault)
    }

    fn connect(&self) -> Connecting {
        let client = self.client(|builder| builder);
        let connect = async move { Ok(client?.get_async_connection().await?) };
        connect.boxed().shared()
    }

    /// Puts new connections in the place of those with this number, unless somebody has.
    fn replace(&self, number: u64, new: ClusterConnection) -> (ClusterConnection, u64) {
        let mut held = self.lock();
        if held.number == number {
            held.present = Some(new.clone());
            held.next = None;
            held.number += 1;
        }
        (new, held.number)
    }

    /// One of these connections may lead nowhere: others are made, unless they are already.
    fn doubt(&self, number: u64) {
        let mut held = self.lock();
        let rests = held
            .replaced
            .is_some_and(|last| last.elapsed() < self.deadline * BETWEEN);
        if held.number == number && held.next.is_none() && !rests {
            metrics::counter!("mcp.store.connections.lost").increment(1);
            held.replaced = Some(Instant::now());
            held.next = Some(self.connect());
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
            .connection_timeout(self.deadline / TO_CONNECT)
            .response_timeout(self.deadline);
        #[cfg(feature = "tls")]
        let builder = match &self.certificates {
            Some(certificates) => builder.certs(certificates.clone()),
            None => builder,
        };
        more(builder).build()
    }
}
