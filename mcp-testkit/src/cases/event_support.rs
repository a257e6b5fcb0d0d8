//! What the cases about logs share.

use std::{fmt, panic, thread, time::Duration};

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Attached, Event, EventStore, From, Generation, Head, InstanceId, LogKey, Position,
        Read, ReadLimit, ReaderId, Retention, SessionId, StoreError, StoreErrorKind,
    },
};
use tokio::runtime;

use crate::CaseResult;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// Nothing is trimmed.
pub(crate) const ALL: Retention = Retention {
    events: u64::MAX,
    bytes: u64::MAX,
    age: None,
};

/// Everything that is there.
pub(crate) const PAGE: ReadLimit = ReadLimit {
    events: 100_000,
    bytes: usize::MAX,
};

pub(crate) fn stream(session: &str, name: &str) -> LogKey {
    LogKey::Stream {
        session: SessionId::new(session),
        stream: name.into(),
    }
}

pub(crate) fn payloads(texts: &[&str]) -> Vec<Bytes> {
    let bytes = |text: &&str| Bytes::copy_from_slice(text.as_bytes());
    texts.iter().map(bytes).collect()
}

pub(crate) async fn append_keeping(
    store: &dyn EventStore,
    log: &LogKey,
    texts: &[&str],
    retention: Retention,
) -> Result<Position, BoxError> {
    let events = payloads(texts);
    let appended = store.append(log, Append::new(&events, retention)).await?;
    assert!(
        !appended.duplicate,
        "an append without a key is no repetition"
    );
    Ok(appended.last)
}

pub(crate) async fn append(
    store: &dyn EventStore,
    log: &LogKey,
    texts: &[&str],
) -> Result<Position, BoxError> {
    append_keeping(store, log, texts, ALL).await
}

/// Appends one event by a writer that has seen `seen`.
pub(crate) async fn append_seen(
    store: &dyn EventStore,
    log: &LogKey,
    text: &str,
    seen: Position,
) -> Result<Position, BoxError> {
    let events = payloads(&[text]);
    let batch = Append::new(&events, ALL).writer_seen(Some(seen));
    Ok(store.append(log, batch).await?.last)
}

pub(crate) async fn read(
    store: &dyn EventStore,
    log: &LogKey,
    after: Position,
) -> Result<Read, BoxError> {
    Ok(store.read(log, after, None, PAGE).await?)
}

pub(crate) async fn head(store: &dyn EventStore, log: &LogKey) -> Result<Option<Head>, BoxError> {
    let heads = store.heads(std::slice::from_ref(log)).await?;
    assert_eq!(heads.len(), 1, "one answer for each log asked for");
    Ok(heads[0])
}

/// The head of a log that must be there.
pub(crate) async fn known_head(store: &dyn EventStore, log: &LogKey) -> Result<Head, BoxError> {
    let head = head(store, log).await?;
    head.ok_or_else(|| format!("{log:?} does not exist").into())
}

pub(crate) fn events(read: Read) -> Result<Vec<Event>, BoxError> {
    match read {
        Read::Events { events, .. } => Ok(events),
        other => Err(format!("no events: {other:?}").into()),
    }
}

pub(crate) fn texts(read: Read) -> Result<Vec<String>, BoxError> {
    let text = |event: Event| Ok(String::from_utf8(event.payload.to_vec())?);
    events(read)?.into_iter().map(text).collect()
}

/// What stands after `after`, as text.
pub(crate) async fn texts_after(
    store: &dyn EventStore,
    log: &LogKey,
    after: Position,
) -> Result<Vec<String>, BoxError> {
    texts(read(store, log, after).await?)
}

/// What the log holds, as text; nothing when there is no log.
pub(crate) async fn all_texts(
    store: &dyn EventStore,
    log: &LogKey,
) -> Result<Vec<String>, BoxError> {
    match read(store, log, Position::BEGINNING).await? {
        Read::Unknown => Ok(Vec::new()),
        found => texts(found),
    }
}

/// What the log still holds behind its floor, as text.
pub(crate) async fn kept_texts(
    store: &dyn EventStore,
    log: &LogKey,
) -> Result<Vec<String>, BoxError> {
    match read(store, log, Position::BEGINNING).await? {
        Read::Gap { floor, .. } => texts_after(store, log, floor).await,
        found => texts(found),
    }
}

/// The floor and the head of a gap.
pub(crate) fn gap(read: &Read) -> Result<(Position, Position), BoxError> {
    match read {
        Read::Gap { floor, head } => Ok((*floor, *head)),
        other => Err(format!("no gap: {other:?}").into()),
    }
}

/// The kind of a failure that must be one.
pub(crate) fn failure<T: fmt::Debug>(
    result: Result<T, StoreError>,
) -> Result<StoreErrorKind, BoxError> {
    match result {
        Err(error) => Ok(error.kind()),
        Ok(answer) => Err(format!("no failure: {answer:?}").into()),
    }
}

pub(crate) fn reader(connection: u64) -> ReaderId {
    ReaderId::new(InstanceId::new("i"), connection)
}

/// Attaches to a log that must be there.
pub(crate) async fn attach(
    store: &dyn EventStore,
    log: &LogKey,
    connection: u64,
    from: From,
) -> Result<Attached, BoxError> {
    let attached = store.attach(log, &reader(connection), from).await?;
    attached.ok_or_else(|| format!("{log:?} has no reader").into())
}

pub(crate) async fn read_as(
    store: &dyn EventStore,
    log: &LogKey,
    after: Position,
    generation: Generation,
    events: usize,
) -> Result<Read, BoxError> {
    let limit = ReadLimit { events, ..PAGE };
    Ok(store.read(log, after, Some(generation), limit).await?)
}

pub(crate) fn positions(read: Read) -> Result<Vec<Position>, BoxError> {
    let position = |event: Event| event.position;
    Ok(events(read)?.into_iter().map(position).collect())
}

/// The numbers of the events, which must be of one epoch.
pub(crate) fn numbers(read: Read) -> Result<Vec<u64>, BoxError> {
    let positions = positions(read)?;
    let epoch = positions.first().map(|first| first.epoch);
    assert!(
        positions.iter().all(|at| Some(at.epoch) == epoch),
        "a page is of one epoch"
    );
    Ok(positions.into_iter().map(|at| at.seq).collect())
}

/// Runs a case's calls on a runtime of one thread, while the thread of the case waits.
pub(crate) fn on_one_thread(calls: impl Future<Output = CaseResult> + Send) -> CaseResult {
    let run = || -> CaseResult {
        let mut runtime = runtime::Builder::new_current_thread();
        runtime.enable_all().build()?.block_on(calls)
    };
    let ended = thread::scope(|threads| threads.spawn(run).join());
    ended.unwrap_or_else(|panic| panic::resume_unwind(panic))
}
