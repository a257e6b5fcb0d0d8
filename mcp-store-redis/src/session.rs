//! [`SessionStore`].

use async_trait::async_trait;
use bytes::Bytes;
use deadpool_redis::redis::cmd;
use futures_util::future::try_join_all;
use mcp_core::{
    clock::Timestamp,
    store::{
        Caps, Created, SessionChange, SessionId, SessionRecord, SessionStore, StoreError,
        StoreErrorKind, Ttl, Version, Versioned,
        codec::{decode_session, encode_session, readable},
    },
};

#[cfg(feature = "cluster")]
use crate::spread::Times;
use crate::{
    RedisBackend,
    backend::millis,
    error,
    keys::{IndexKeys, owner_digest},
    operation::Operation,
    scripts::{self, Call, Reply, Script},
};

/// How many sessions one run of a script looks at, so that others get a turn in between.
const AT_ONCE: usize = 512;

/// How many ids a page of the index has at most.
const PAGE: usize = 256;

#[async_trait]
impl SessionStore for RedisBackend {
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError> {
        let operation = self.begin("session.create");
        let new = New {
            record: self.encode(&operation, record)?,
            owner: owner_digest(record.principal.as_ref()),
            ttl,
            caps: *caps,
        };
        #[cfg(feature = "cluster")]
        if self.connections().is_cluster() {
            return self.create_spread(&operation, record, &new).await;
        }
        let members = match self.try_create(&operation, record, &new, &[]).await? {
            Tried::Done(created) => return Ok(created),
            Tried::Full(members) => members,
        };
        // Sessions that ended early are found out now, when their places are needed.
        let ended = self.ended(&operation, &new.owner, members).await?;
        if ended.is_empty() {
            return Ok(Created::LimitExceeded);
        }
        match self.try_create(&operation, record, &new, &ended).await? {
            Tried::Done(created) => Ok(created),
            Tried::Full(_) => Ok(Created::LimitExceeded),
        }
    }

    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError> {
        self.load_in(&self.begin("session.load"), id).await
    }

    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError> {
        let operation = self.begin("session.update");
        let refuse =
            |kind, message: &'static str| Err(StoreError::new(kind, operation.name(), message));
        if change.record.id != *id {
            return refuse(StoreErrorKind::InvalidArgument, "the record has another id");
        }
        let record = self.encode(&operation, &change.record)?;
        let owner = owner_digest(change.record.principal.as_ref());
        let mut call = self
            .session_call(&scripts::UPDATE, id, &owner)
            .number(expected.0)
            .arg(record)
            .arg(owner.clone());
        if let Some(ttl) = change.ttl {
            call = call.number(millis(ttl.idle)).number(millis(ttl.absolute));
        }
        let mut reply = operation.run(&call).await?;
        match reply.text()?.as_str() {
            "done" => {
                let version = Version(reply.number()?);
                #[cfg(feature = "cluster")]
                if self.connections().is_cluster() && change.ttl.is_some() {
                    let times = Times::read(&mut reply)?;
                    let indexed = self.index_spread(&operation, id, &owner, times).await;
                    indexed.map_err(error::half_done)?;
                }
                Ok(Some(version))
            }
            "none" => Ok(None),
            "owner" => refuse(StoreErrorKind::InvalidArgument, "the owner cannot change"),
            "conflict" => refuse(
                StoreErrorKind::Conflict,
                "the version is not the current one",
            ),
            _ => Err(reply.unexpected()),
        }
    }

    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError> {
        let operation = self.begin("session.touch");
        let versions = self
            .each(&operation, &Call::new(&scripts::TOUCH), ids)
            .await?;
        Ok(versions.into_iter().map(|v| v.map(Version)).collect())
    }

    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError> {
        let operation = self.begin("session.delete");
        let call = Call::new(&scripts::DELETE)
            .key(self.keys().session(id))
            .number(millis(self.settings().tombstone));
        let Some(owner) = operation.run(&call).await?.maybe_text()? else {
            return Ok(false);
        };
        // The session is gone. An index that still names it is corrected by whoever comes across it.
        let unindexed = self.unindex(&operation, id, &owner).await;
        unindexed.map_err(error::half_done)?;
        Ok(true)
    }

    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError> {
        let operation = self.begin("session.list");
        let mut page = Vec::new();
        let mut after = after.cloned();
        while page.len() < limit {
            let wanted = (limit - page.len()).min(PAGE);
            let ids = self.indexed(&operation, after.as_ref(), wanted).await?;
            let loads = ids.iter().map(async |id| {
                let loaded = self.load_in(&operation, id).await;
                readable(loaded).map(Option::flatten)
            });
            page.extend(try_join_all(loads).await?.into_iter().flatten());
            if ids.len() < wanted {
                break;
            }
            after = ids.into_iter().last();
        }
        Ok(page)
    }

    /// Corrects the index: expired sessions go from it, and the others are looked at again when they
    /// would expire if nobody used them. The sessions themselves are freed by Redis.
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let operation = self.begin("session.sweep");
        let index = self.keys().index();
        let due = Call::new(&scripts::DUE).key(index.due.clone()).count(limit);
        let ids = read_ids(operation.run(&due).await?)?;
        if ids.is_empty() {
            return Ok(0);
        }
        let ends = self
            .each(&operation, &Call::new(&scripts::ENDS), &ids)
            .await?;
        let mut settle = Call::new(&scripts::SETTLE).keys([index.ids, index.due]);
        for (id, ends) in ids.iter().zip(ends) {
            settle = settle.arg(id.as_str().to_owned()).maybe(ends);
        }
        let freed = operation.run(&settle).await?.number()?;
        Ok(usize::try_from(freed).unwrap_or(usize::MAX))
    }
}

/// What `create` writes.
pub(crate) struct New {
    pub(crate) record: Bytes,
    pub(crate) owner: String,
    pub(crate) ttl: Ttl,
    pub(crate) caps: Caps,
}

enum Tried {
    Done(Created),
    /// The cap is reached, by these sessions.
    Full(Vec<SessionId>),
}

impl RedisBackend {
    fn encode(
        &self,
        operation: &Operation<'_>,
        record: &SessionRecord,
    ) -> Result<Bytes, StoreError> {
        let limit = self.settings().max_payload;
        let bytes = encode_session(record)?;
        if bytes.len() > limit {
            return Err(error::too_large(operation.name(), "the record", limit));
        }
        Ok(bytes)
    }

    async fn try_create(
        &self,
        operation: &Operation<'_>,
        record: &SessionRecord,
        new: &New,
        ended: &[SessionId],
    ) -> Result<Tried, StoreError> {
        let call = self
            .session_call(&scripts::CREATE, &record.id, &new.owner)
            .arg(new.record.clone())
            .arg(new.owner.clone())
            .number(millis(new.ttl.idle))
            .number(millis(new.ttl.absolute))
            .maybe(new.caps.per_principal.map(u64::from))
            .args(ended.iter().map(|id| id.as_str().to_owned().into()));
        let mut reply = operation.run(&call).await?;
        match reply.text()?.as_str() {
            "created" => Ok(Tried::Done(Created::Created(Version(1)))),
            "exists" => Ok(Tried::Done(Created::Exists)),
            "full" => Ok(Tried::Full(read_ids(reply.list())?)),
            _ => Err(reply.unexpected()),
        }
    }

    /// A script about one session, with its id and the keys of its indexes.
    pub(crate) fn session_call(
        &self,
        script: &'static Script,
        id: &SessionId,
        owner: &str,
    ) -> Call {
        Call::new(script)
            .key(self.keys().session(id))
            .keys(
                self.index_keys(owner)
                    .filter(|_| !self.connections().is_cluster()),
            )
            .arg(id.as_str().to_owned())
    }

    /// The indexes of a session of `owner`, who may be nobody.
    fn index_keys(&self, owner: &str) -> impl Iterator<Item = String> {
        let IndexKeys { ids, due } = self.keys().index();
        let of_owner = (!owner.is_empty()).then(|| self.keys().owner(owner));
        [ids, due].into_iter().chain(of_owner)
    }

    /// Takes a session of `owner` out of the indexes.
    async fn unindex(
        &self,
        operation: &Operation<'_>,
        id: &SessionId,
        owner: &str,
    ) -> Result<(), StoreError> {
        #[cfg(feature = "cluster")]
        if self.connections().is_cluster() {
            return self.unindex_spread(operation, id, owner).await;
        }
        let settle = Call::new(&scripts::SETTLE)
            .keys(self.index_keys(owner))
            .arg(id.as_str().to_owned())
            .arg("");
        operation.run(&settle).await.map(drop)
    }

    /// Those of `ids` that are not live sessions of `owner`.
    pub(crate) async fn ended(
        &self,
        operation: &Operation<'_>,
        owner: &str,
        ids: Vec<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        let script = Call::new(&scripts::ENDS).arg(owner.to_owned());
        let ends = self.each(operation, &script, &ids).await?;
        let ended = ids.into_iter().zip(ends).filter(|(_, ends)| ends.is_none());
        Ok(ended.map(|(id, _)| id).collect())
    }

    async fn load_in(
        &self,
        operation: &Operation<'_>,
        id: &SessionId,
    ) -> Result<Option<Versioned>, StoreError> {
        let mut load = cmd("HMGET");
        load.arg(self.keys().session(id));
        load.arg(&["record", "version", "created"]);
        let mut stored = Reply::new(operation.name(), operation.command(&load).await?);
        let Some(record) = stored.maybe_bytes()? else {
            return Ok(None);
        };
        let version = Version(stored.number()?);
        let created_at = Timestamp::from_millis(stored.number()?);
        let record = decode_session(&record, operation.name()).inspect_err(|_| {
            metrics::counter!("mcp.store.corrupt", "operation" => operation.name()).increment(1);
        })?;
        Ok(Some(Versioned::new(record, version, created_at)))
    }

    /// Makes a call that answers a number or nothing for each session; the answers in the order asked.
    async fn each(
        &self,
        operation: &Operation<'_>,
        call: &Call,
        ids: &[SessionId],
    ) -> Result<Vec<Option<u64>>, StoreError> {
        let runs = ids.chunks(self.keys_at_once(AT_ONCE)).map(async |ids| {
            let keys = ids.iter().map(|id| self.keys().session(id));
            let mut reply = operation.run(&call.clone().keys(keys)).await?;
            let answers = ids.iter().map(|_| reply.maybe_number());
            answers.collect::<Result<Vec<_>, _>>()
        });
        Ok(try_join_all(runs).await?.concat())
    }

    /// Up to `limit` ids of the index after `after`. Not all of them need to live.
    async fn indexed(
        &self,
        operation: &Operation<'_>,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        let from = after.map_or_else(|| "-".to_owned(), |id| format!("({id}"));
        let mut range = cmd("ZRANGE");
        range.arg(self.keys().index().ids).arg(from).arg("+");
        range.arg(&["BYLEX", "LIMIT", "0"]).arg(limit);
        read_ids(Reply::new(
            operation.name(),
            operation.command(&range).await?,
        ))
    }
}

pub(crate) fn read_ids(mut reply: Reply) -> Result<Vec<SessionId>, StoreError> {
    let mut ids = Vec::new();
    while !reply.is_empty() {
        ids.push(SessionId::new(reply.text()?));
    }
    Ok(ids)
}
