//! Sessions in a cluster, where a session and its indexes are of different slots.
//!
//! No script can touch them all, so the session itself decides: an index may name one that does not
//! exist, which whoever counts or lists finds out. A place under an owner's cap is reserved before the
//! session is made, so that the cap holds; a reservation whose maker died is dropped when the place is
//! needed.

use std::time::Duration;

use deadpool_redis::redis::cmd;
use mcp_core::store::{Created, SessionId, SessionRecord, StoreError, Version};

use crate::{
    RedisBackend,
    backend::millis,
    error,
    keys::IndexKeys,
    operation::Operation,
    scripts::{self, Call, Reply},
    session::{New, read_ids},
};

/// For how long a reserved session need not exist yet: longer than any call may take.
const LATE: Duration = Duration::from_mins(1);

/// When a session ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// At the latest.
    ends: u64,
    /// If it is not used any more.
    due: u64,
}

impl Times {
    pub(crate) fn read(reply: &mut Reply) -> Result<Self, StoreError> {
        Ok(Self {
            ends: reply.number()?,
            due: reply.number()?,
        })
    }
}

impl RedisBackend {
    pub(crate) async fn create_spread(
        &self,
        operation: &Operation<'_>,
        record: &SessionRecord,
        new: &New,
    ) -> Result<Created, StoreError> {
        let id = &record.id;
        let Some(is_new) = self.reserve(operation, id, new).await? else {
            return Ok(Created::LimitExceeded);
        };
        let create = self
            .session_call(&scripts::CREATE, id, &new.owner)
            .arg(new.record.clone())
            .arg(new.owner.clone())
            .number(millis(new.ttl.idle))
            .number(millis(new.ttl.absolute))
            .arg("");
        let mut reply = operation.run(&create).await?;
        match reply.text()?.as_str() {
            "created" => {
                let times = Times::read(&mut reply)?;
                let indexed = self.index_spread(operation, id, &new.owner, times).await;
                indexed.map_err(error::half_done)?;
                Ok(Created::Created(Version(1)))
            }
            "exists" => {
                // The place is needed if another create of this id, for this owner, came first.
                if is_new && self.owner(operation, id).await? != Some(new.owner.clone()) {
                    self.release(operation, id, &new.owner).await?;
                }
                Ok(Created::Exists)
            }
            _ => Err(reply.unexpected()),
        }
    }

    /// Enters a session in every index.
    pub(crate) async fn index_spread(
        &self,
        operation: &Operation<'_>,
        id: &SessionId,
        owner: &str,
        times: Times,
    ) -> Result<(), StoreError> {
        let call = || {
            Call::new(&scripts::INDEX)
                .arg(id.as_str().to_owned())
                .number(times.ends)
        };
        let IndexKeys { ids, due } = self.keys().index();
        let all = call().keys([ids, due]).number(0).number(times.due);
        operation.run(&all).await?;
        if !owner.is_empty() {
            // It is made now: whoever finds its place taken and no session may drop it.
            let keys = [self.keys().owner(owner), self.keys().latest(owner)];
            let of_owner = call().keys(keys).number(times.ends).arg("");
            operation.run(&of_owner).await?;
        }
        Ok(())
    }

    /// Takes a session out of every index.
    pub(crate) async fn unindex_spread(
        &self,
        operation: &Operation<'_>,
        id: &SessionId,
        owner: &str,
    ) -> Result<(), StoreError> {
        let IndexKeys { ids, due } = self.keys().index();
        let settle = Call::new(&scripts::SETTLE)
            .keys([ids, due])
            .arg(id.as_str().to_owned())
            .arg("");
        operation.run(&settle).await?;
        if owner.is_empty() {
            return Ok(());
        }
        self.release(operation, id, owner).await
    }

    /// Reserves a place; says whether the session had none. `None` when the cap is reached.
    async fn reserve(
        &self,
        operation: &Operation<'_>,
        id: &SessionId,
        new: &New,
    ) -> Result<Option<bool>, StoreError> {
        if new.owner.is_empty() {
            return Ok(Some(false));
        }
        let mut ended = Vec::new();
        loop {
            let call = Call::new(&scripts::RESERVE)
                .key(self.keys().owner(&new.owner))
                .key(self.keys().latest(&new.owner))
                .arg(id.as_str().to_owned())
                .number(millis(new.ttl.absolute))
                .maybe(new.caps.per_principal.map(u64::from))
                .number(millis(LATE))
                .args(
                    ended
                        .iter()
                        .map(|id: &SessionId| id.as_str().to_owned().into()),
                );
            let mut reply = operation.run(&call).await?;
            if reply.text()? == "reserved" {
                return Ok(Some(reply.flag()?));
            }
            let is_known = reply.flag()?;
            let had_looked = !ended.is_empty();
            ended = self
                .ended(operation, &new.owner, read_ids(reply.list())?)
                .await?;
            if ended.is_empty() || had_looked {
                // A session that lives is not one more.
                let lives = is_known && !ended.contains(id);
                return Ok(lives.then_some(false));
            }
        }
    }

    /// Whom a session belongs to; a tombstone belongs to nobody.
    async fn owner(
        &self,
        operation: &Operation<'_>,
        id: &SessionId,
    ) -> Result<Option<String>, StoreError> {
        let mut owner = cmd("HGET");
        owner.arg(self.keys().session(id)).arg("owner");
        let owner = operation.command(&owner).await?;
        Reply::new(operation.name(), owner).maybe_text()
    }

    async fn release(
        &self,
        operation: &Operation<'_>,
        id: &SessionId,
        owner: &str,
    ) -> Result<(), StoreError> {
        let mut release = cmd("ZREM");
        release.arg(self.keys().owner(owner)).arg(id.as_str());
        operation.command(&release).await.map(drop)
    }
}
