//! One operation of a store, and the time it has.

use deadpool_redis::redis::{Cmd, RedisError, Value};
use mcp_core::store::StoreError;
use tokio::time::Instant;

use crate::{
    connections::Connections,
    error::{self, Sent},
    scripts::{Call, Reply},
    slot::Failure,
};

/// An operation. Everything it sends shares its time.
pub(crate) struct Operation<'a> {
    connections: &'a Connections,
    name: &'static str,
    until: Instant,
}

impl<'a> Operation<'a> {
    /// Starts the time of an operation.
    pub(crate) fn begin(connections: &'a Connections, name: &'static str) -> Self {
        Self {
            connections,
            name,
            until: Instant::now() + connections.deadline(),
        }
    }
}

impl Operation<'_> {
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Runs a script.
    pub(crate) async fn run(&self, call: &Call) -> Result<Reply, StoreError> {
        let answer = match self.connections.send(&call.by_hash(), self.until).await {
            Err(Fault::Answer(error)) if error::is_unknown_script(&error) => {
                self.connections.send(&call.by_text(), self.until).await
            }
            answer => answer,
        };
        let value = answer.map_err(|fault| self.note(fault))?;
        Ok(Reply::new(self.name, value))
    }

    /// Sends a command.
    pub(crate) async fn command(&self, command: &Cmd) -> Result<Value, StoreError> {
        let answer = self.connections.send(command, self.until).await;
        answer.map_err(|fault| self.note(fault))
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
            Fault::Answer(error) => error::translate(self.name, &error, Sent::Perhaps),
        };
        let kind = error.kind().as_str();
        metrics::counter!("mcp.store.errors", "operation" => self.name, "kind" => kind)
            .increment(1);
        error
    }
}

/// Why a command has no answer, or one that is an error.
pub(crate) enum Fault {
    /// There is no connection, for this reason.
    NotSent(Failure),
    /// There was no connection in time.
    NoConnection,
    /// It was sent, and the time is over.
    NoReply,
    /// The server's, or the client's when the connection broke.
    Answer(RedisError),
}
