//! The connections to one server, held for good.
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
    error::{self, Connection},
    operation::Fault,
    slot::{Failure, Lent, Slot},
};

/// Connections to one server.
pub(crate) struct Single {
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

impl Single {
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

    /// The answer of the server, or why there is none.
    pub(crate) async fn send(&self, command: &Cmd, until: Instant) -> Result<Value, Fault> {
        let slot = self.slot();
        let mut lent = match timeout_at(until, self.lend(slot)).await {
            Ok(Ok(lent)) => lent,
            Ok(Err(failure)) => return Err(Fault::NotSent(failure)),
            Err(_) => return Err(Fault::NoConnection),
        };
        let answer = lent.connection.send_packed_command(command);
        let Ok(answer) = timeout_at(until, answer).await else {
            // Perhaps the server is slow, perhaps nobody hears us any more.
            slot.discard(lent.number);
            return Err(Fault::NoReply);
        };
        let answer = answer.and_then(Value::extract_error);
        if let Err(error) = &answer
            && error::connection_after(error) == Connection::Replace
        {
            slot.discard(lent.number);
        }
        answer.map_err(Fault::Answer)
    }

    /// A connection of its own that hears what is published in `channels`; confirmed when this returns.
    pub(crate) async fn subscribe(
        &self,
        channels: &[&str],
        hear: impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static,
    ) -> Result<MultiplexedConnection, RedisError> {
        let config = connection_config(self.deadline).set_push_sender(hear);
        let client = &self.client;
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        connection.subscribe(channels).await?;
        Ok(connection)
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

fn connection_config(deadline: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(deadline))
        .set_response_timeout(Some(deadline))
}
