//! Connections held for good, and the way of a command through them.
//!
//! A multiplexed connection carries any number of commands at once, so no operation takes one out
//! of the pool: it copies a handle. The pool makes connections, and checks one that is given back
//! before it lends it again; that is done when one was lost, never for an operation.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool_redis::{
    Manager, Pool, Runtime, Timeouts,
    redis::{
        AsyncConnectionConfig, Client, Cmd, ConnectionInfo, PushInfo, PushKind, RedisError, Value,
        aio::MultiplexedConnection,
    },
};
use mcp_core::store::StoreError;
use tokio::time::{Instant, timeout_at};

use crate::{
    builder::invalid,
    error::{self, Connection, Sent},
    scripts::{Call, Reply},
    slot::{Failure, Lent, Slot},
};

pub(crate) struct Connections {
    deadline: Duration,
    pool: Pool,
    slots: Vec<Slot>,
    /// Counts calls, to spread them over the slots.
    calls: AtomicUsize,
    /// Counts connections of the pool that ended.
    losses: Arc<AtomicU64>,
    /// For connections that are not of the pool.
    client: Client,
}

impl Connections {
    pub(crate) fn new(
        info: ConnectionInfo,
        size: usize,
        deadline: Duration,
    ) -> Result<Self, StoreError> {
        let losses = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&losses);
        let count_losses = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            Ok::<(), ()>(())
        };
        let config = connection_config(deadline).set_push_sender(count_losses);
        let refused = |_| invalid("the client does not take this configuration");
        let client = Client::open(info.clone()).map_err(refused)?;
        let manager = Manager::new_with_config(info, config).map_err(refused)?;
        let pool = Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(deadline),
                create: Some(deadline),
                recycle: Some(deadline),
            })
            .build()
            .map_err(|_| invalid("the pool does not take this configuration"))?;
        Ok(Self {
            deadline,
            pool,
            slots: (0..size).map(|_| Slot::default()).collect(),
            calls: AtomicUsize::new(0),
            losses,
            client,
        })
    }

    /// Starts the time of an operation.
    pub(crate) fn begin(&self, name: &'static str) -> Operation<'_> {
        Operation {
            connections: self,
            name,
            until: Instant::now() + self.deadline,
        }
    }

    /// A connection of its own that hears what is published in `channels`; confirmed when this returns.
    pub(crate) async fn subscribe(
        &self,
        operation: &'static str,
        channels: &[&str],
        hear: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<MultiplexedConnection, StoreError> {
        let until = Instant::now() + self.deadline;
        let hear = move |push| {
            hear(push);
            Ok::<(), ()>(())
        };
        let config = connection_config(self.deadline).set_push_sender(hear);
        let subscribe = async {
            let client = &self.client;
            let mut connection = client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            connection.subscribe(channels).await?;
            Ok::<_, RedisError>(connection)
        };
        match timeout_at(until, subscribe).await {
            Ok(Ok(connection)) => Ok(connection),
            // Nothing is applied by a subscription that nobody holds.
            Ok(Err(error)) => Err(error::translate(operation, &error, Sent::No).0),
            Err(_) => Err(error::not_sent_in_time(operation)),
        }
    }

    /// A handle to a connection that is not known to be broken.
    async fn lend(&self, slot: &Slot) -> Result<Lent, Failure> {
        let losses = self.losses.load(Ordering::SeqCst);
        slot.lend(&self.pool, losses).await
    }

    fn slot(&self) -> &Slot {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        &self.slots[call % self.slots.len()]
    }
}

/// One operation of a store, with the time it has for everything it sends.
pub(crate) struct Operation<'a> {
    connections: &'a Connections,
    name: &'static str,
    until: Instant,
}

impl Operation<'_> {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Runs a script.
    pub(crate) async fn run(&self, call: &Call) -> Result<Reply, StoreError> {
        let answer = match self.send(&call.by_hash()).await {
            Err(Fault::Answer(error)) if error::is_unknown_script(&error) => {
                self.send(&call.by_text()).await
            }
            answer => answer,
        };
        let value = answer.map_err(|fault| self.note(fault))?;
        Ok(Reply::new(self.name, value))
    }

    /// Sends a command.
    pub(crate) async fn command(&self, command: &Cmd) -> Result<Value, StoreError> {
        let answer = self.send(command).await;
        answer.map_err(|fault| self.note(fault))
    }

    /// The answer of the server, or why there is none.
    async fn send(&self, command: &Cmd) -> Result<Value, Fault> {
        let slot = self.connections.slot();
        let mut lent = match timeout_at(self.until, self.connections.lend(slot)).await {
            Ok(Ok(lent)) => lent,
            Ok(Err(failure)) => return Err(Fault::NotSent(failure)),
            Err(_) => return Err(Fault::NoConnection),
        };
        let answer = lent.connection.send_packed_command(command);
        let Ok(answer) = timeout_at(self.until, answer).await else {
            // Perhaps the server is slow, perhaps nobody hears us any more.
            slot.discard(lent.number);
            return Err(Fault::NoReply);
        };
        let answer = answer.and_then(Value::extract_error);
        if let Err(error) = &answer {
            let (_, connection) = error::translate(self.name, error, Sent::Perhaps);
            if connection == Connection::Replace {
                slot.discard(lent.number);
            }
        }
        answer.map_err(Fault::Answer)
    }

    /// Counts a fault, and says it in the words of the traits.
    fn note(&self, fault: Fault) -> StoreError {
        let error = match fault {
            Fault::NotSent(failure) => failure.into_error(self.name),
            Fault::NoConnection => {
                metrics::counter!("mcp.store.pool.exhausted").increment(1);
                error::not_sent_in_time(self.name)
            }
            Fault::NoReply => error::no_reply_in_time(self.name),
            Fault::Answer(error) => error::translate(self.name, &error, Sent::Perhaps).0,
        };
        let kind = error.kind().as_str();
        metrics::counter!("mcp.store.errors", "operation" => self.name, "kind" => kind)
            .increment(1);
        error
    }
}

/// Why a command has no answer, or one that is an error.
enum Fault {
    /// There is no connection, for this reason.
    NotSent(Failure),
    /// There was no connection in time.
    NoConnection,
    /// It was sent, and the time is over.
    NoReply,
    /// The server's, or the client's when the connection broke.
    Answer(RedisError),
}

fn connection_config(deadline: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(deadline))
        .set_response_timeout(Some(deadline))
}
