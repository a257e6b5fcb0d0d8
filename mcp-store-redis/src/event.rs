//! [`EventStore`].

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use mcp_core::store::{
    Append, Appended, Attached, Epoch, Event, EventStore, From, Generation, Head, InstanceId,
    LogKey, Position, Read, ReadLimit, ReaderId, Sealed, Sealing, SessionId, StoreError,
    StoreErrorKind,
};

use crate::{
    RedisBackend,
    backend::{millis, random},
    error,
    operation::Operation,
    scripts::{self, Call, Reply, Script},
};

/// How long a purged session takes no new logs: longer than any append can be under way.
const PURGED: Duration = Duration::from_mins(15);

/// How many heads one run of a script looks at, so that others get a turn in between.
const AT_ONCE: usize = 1024;

#[async_trait]
impl EventStore for RedisBackend {
    async fn append(&self, log: &LogKey, batch: Append<'_>) -> Result<Appended, StoreError> {
        let operation = self.begin("event.append");
        let refuse =
            |kind, message: &'static str| Err(StoreError::new(kind, operation.name(), message));
        if batch.events.is_empty() {
            return refuse(StoreErrorKind::InvalidArgument, "the batch is empty");
        }
        for payload in batch.events {
            self.check_size(&operation, payload)?;
        }
        let seen = batch
            .writer_seen
            .filter(|seen| *seen != Position::BEGINNING);
        let digest = batch.key.map(|_| digest(batch.events));
        let call = self
            .log_call(&operation, &scripts::APPEND, log)?
            .maybe(seen.map(|seen| seen.epoch.0))
            .number(seen.map_or(0, |seen| seen.seq))
            .arg(batch.key.unwrap_or_default().to_owned())
            .arg(digest.unwrap_or_default())
            .number(batch.retention.events)
            .number(batch.retention.bytes)
            .maybe(batch.retention.age.map(millis))
            .arg(if *log == LogKey::Config { "0" } else { "1" })
            .arg(
                batch
                    .reader
                    .map_or("", |reader| reader.instance.as_str())
                    .to_owned(),
            )
            .number(batch.reader.map_or(0, |reader| reader.connection))
            .maybe(batch.seal.map(millis))
            .args(batch.events.iter().cloned());
        let mut reply = operation.run(&call).await?;
        match reply.text()?.as_str() {
            "done" => {
                let last = read_position(&mut reply)?;
                let duplicate = reply.flag()?;
                let reader = read_reader(&mut reply)?;
                let generation = reply.maybe_number()?.map(Generation);
                Ok(Appended::new(last, reader.zip(generation), duplicate))
            }
            "sealed" => refuse(StoreErrorKind::Conflict, "the log is sealed"),
            "other" => refuse(
                StoreErrorKind::Conflict,
                "the key was used for another payload",
            ),
            _ => Err(reply.unexpected()),
        }
    }

    async fn attach(
        &self,
        log: &LogKey,
        reader: &ReaderId,
        from: From,
    ) -> Result<Option<Attached>, StoreError> {
        let operation = self.begin("event.attach");
        let call = self
            .log_call(&operation, &scripts::ATTACH, log)?
            .arg(reader.instance.as_str().to_owned())
            .number(reader.connection)
            .arg(if from == From::Acknowledged { "1" } else { "0" });
        let mut reply = operation.run(&call).await?;
        if reply.is_empty() {
            return Ok(None);
        }
        let (generation, is_first) = (Generation(reply.number()?), reply.flag()?);
        let epoch = reply.maybe_number()?;
        let acknowledged = match (epoch, reply.maybe_number()?) {
            (Some(epoch), Some(seq)) => Position::new(Epoch(epoch), seq),
            _ => Position::BEGINNING,
        };
        let after = match from {
            From::After(position) => position,
            From::Acknowledged => acknowledged,
        };
        let head = read_head(&mut reply)?;
        Ok(Some(Attached::new(generation, is_first, after, head)))
    }

    async fn read(
        &self,
        log: &LogKey,
        after: Position,
        reader: Option<Generation>,
        limit: ReadLimit,
    ) -> Result<Read, StoreError> {
        let operation = self.begin("event.read");
        let call = self
            .log_call(&operation, &scripts::READ, log)?
            .number(after.epoch.0)
            .number(after.seq)
            .maybe(reader.map(|generation| generation.0))
            .count(limit.events)
            .count(limit.bytes);
        let mut reply = operation.run(&call).await?;
        match reply.text()?.as_str() {
            "page" => read_page(&mut reply),
            "gap" => {
                let epoch = Epoch(reply.number()?);
                let floor = Position::new(epoch, reply.number()?);
                let head = Position::new(epoch, reply.number()?);
                Ok(Read::Gap { floor, head })
            }
            "superseded" => Ok(Read::Superseded),
            "unknown" => Ok(Read::Unknown),
            _ => Err(reply.unexpected()),
        }
    }

    async fn heads(&self, logs: &[LogKey]) -> Result<Vec<Option<Head>>, StoreError> {
        let operation = self.begin("event.heads");
        let chunks = logs
            .chunks(self.keys_at_once(AT_ONCE))
            .map(|logs| self.some_heads(&operation, logs));
        Ok(try_join_all(chunks).await?.concat())
    }

    async fn seal(
        &self,
        log: &LogKey,
        last: Option<Bytes>,
        keep: Duration,
    ) -> Result<Sealing, StoreError> {
        let operation = self.begin("event.seal");
        if let Some(payload) = &last {
            self.check_size(&operation, payload)?;
        }
        let call = self
            .log_call(&operation, &scripts::SEAL, log)?
            .number(millis(keep))
            .args(last);
        let mut reply = operation.run(&call).await?;
        Ok(Sealing::new(reply.flag()?, read_reader(&mut reply)?))
    }

    async fn purge(&self, session: &SessionId) -> Result<u64, StoreError> {
        let operation = self.begin("event.purge");
        let registry = self.keys().registry(session);
        let bar = Call::new(&scripts::BAR)
            .keys([self.keys().purged(session), registry.clone()])
            .number(millis(PURGED));
        let mut names = operation.run(&bar).await?;
        // From here on no log can be added, so these are all.
        let mut purge = Call::new(&scripts::PURGE).key(registry);
        while !names.is_empty() {
            let name = names.text()?;
            let log = self.keys().stream(session, &name);
            purge = purge.keys([log.head, log.entries, log.given]).arg(name);
        }
        operation
            .run(&purge)
            .await
            .map_err(error::half_done)?
            .number()
    }
}

impl RedisBackend {
    fn check_size(&self, operation: &Operation<'_>, payload: &Bytes) -> Result<(), StoreError> {
        let limit = self.settings().max_payload;
        if payload.len() <= limit {
            return Ok(());
        }
        Err(error::too_large(operation.name(), "a payload", limit))
    }

    /// A script about one log, with the keys and arguments that all of them take.
    fn log_call(
        &self,
        operation: &Operation<'_>,
        script: &'static Script,
        log: &LogKey,
    ) -> Result<Call, StoreError> {
        let keys = self.keys().log(log);
        let name = keys.session.as_ref().map(|log| log.name.clone());
        // An epoch that has never been, and is not that of `Position::BEGINNING`.
        let epoch = random(operation.name())?.max(1);
        Ok(Call::new(script)
            .keys(keys.all())
            .arg(name.unwrap_or_default())
            .number(epoch)
            .maybe(self.patience(log)))
    }

    /// For how many milliseconds an open log lives unasked; `None` for those that always stay.
    fn patience(&self, log: &LogKey) -> Option<u64> {
        match log {
            LogKey::Stream { .. } | LogKey::Inbox(_) => Some(millis(self.settings().abandoned)),
            LogKey::Broadcast(_) | LogKey::Config => None,
        }
    }

    async fn some_heads(
        &self,
        operation: &Operation<'_>,
        logs: &[LogKey],
    ) -> Result<Vec<Option<Head>>, StoreError> {
        let mut call = Call::new(&scripts::HEADS);
        for log in logs {
            call = call
                .key(self.keys().log(log).head)
                .maybe(self.patience(log));
        }
        let mut reply = operation.run(&call).await?;
        let mut found = Vec::with_capacity(logs.len());
        let mut due = Vec::new();
        for (i, log) in logs.iter().enumerate() {
            let head = read_maybe_head(&mut reply)?;
            if reply.flag()? {
                due.push((i, log));
            }
            found.push(head);
        }
        let looks = due.into_iter().map(async |(i, log)| {
            let call = self.log_call(operation, &scripts::FIND, log)?;
            let mut reply = operation.run(&call).await?;
            let head = (!reply.is_empty()).then(|| read_head(&mut reply));
            Ok::<_, StoreError>((i, head.transpose()?))
        });
        for (i, head) in try_join_all(looks).await? {
            found[i] = head;
        }
        Ok(found)
    }
}

/// Tells the payloads of two batches apart.
fn digest(events: &[Bytes]) -> String {
    let mut hasher = blake3::Hasher::new();
    for payload in events {
        hasher.update(&payload.len().to_le_bytes());
        hasher.update(payload);
    }
    hasher.finalize().to_hex().to_string()
}

fn read_position(reply: &mut Reply) -> Result<Position, StoreError> {
    Ok(Position::new(Epoch(reply.number()?), reply.number()?))
}

fn read_head(reply: &mut Reply) -> Result<Head, StoreError> {
    read_maybe_head(reply)?.ok_or_else(|| reply.unexpected())
}

/// A head, or the same number of values that stand for none.
fn read_maybe_head(reply: &mut Reply) -> Result<Option<Head>, StoreError> {
    let epoch = reply.text()?;
    let (seq, floor) = (reply.number()?, reply.number()?);
    let sealed = if reply.flag()? {
        Sealed::Sealed
    } else {
        Sealed::Open
    };
    if epoch.is_empty() {
        return Ok(None);
    }
    let epoch = epoch.parse().map_err(|_| reply.unexpected())?;
    Ok(Some(Head::new(
        Position::new(Epoch(epoch), seq),
        floor,
        sealed,
    )))
}

fn read_reader(reply: &mut Reply) -> Result<Option<ReaderId>, StoreError> {
    let (instance, connection) = (reply.maybe_text()?, reply.maybe_number()?);
    let reader = instance.zip(connection);
    Ok(reader.map(|(instance, connection)| ReaderId::new(InstanceId::new(instance), connection)))
}

fn read_page(reply: &mut Reply) -> Result<Read, StoreError> {
    let mut position = read_position(reply)?;
    let (more, sealed) = (reply.flag()?, reply.flag()?);
    let mut payloads = reply.list();
    let mut events = Vec::new();
    while !payloads.is_empty() {
        position.seq += 1;
        events.push(Event::new(position, payloads.bytes()?));
    }
    Ok(Read::Events {
        events,
        more,
        sealed,
    })
}
