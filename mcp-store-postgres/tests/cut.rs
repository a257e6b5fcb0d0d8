//! A connection that is cut at any byte: `Unavailable` means that nothing was done.

mod support;
use std::time::Duration;

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Caps, EventStore, LogKey, Position, Read, ReadLimit, Retention, SessionId,
        SessionStore, StoreError, StoreErrorKind,
    },
};
use mcp_store_postgres::PostgresBackend;
use mcp_testkit::{
    Namespace,
    fault::Cutter,
    server::PostgresServer,
    session::{TTL, record},
};

use support::{address, through};

const KEEP: Retention = Retention {
    events: 10_000,
    bytes: 1 << 20,
    age: None,
};

const PAGE: ReadLimit = ReadLimit {
    events: 10_000,
    bytes: 1 << 24,
};

const LOG: LogKey = LogKey::Broadcast(0);

async fn backend(url: &str, namespace: &Namespace) -> Result<PostgresBackend, StoreError> {
    let backend = PostgresBackend::builder(url).namespace(namespace.as_str());
    let deadline = Duration::from_millis(500);
    Box::pin(
        backend
            .pool_size(1)
            .deadline(deadline)
            .poll_only()
            .connect(),
    )
    .await
}

/// After how many bytes of a request the wire is cut: every one of the first hundred, then fewer.
fn cuts() -> impl Iterator<Item = usize> {
    (0..100).chain((100..2000).step_by(50))
}

/// One store by way of a wire that is cut, and one that reads back.
struct Stores {
    wire: Cutter,
    cut: PostgresBackend,
    whole: PostgresBackend,
}

impl Stores {
    async fn open() -> Result<Self, BoxError> {
        let url = PostgresServer::shared_url()?;
        let namespace = Namespace::fresh("cut");
        let wire = Cutter::to(address(&url))?;
        let cut = backend(&through(&url, wire.addr()), &namespace).await?;
        let whole = backend(&url, &namespace).await?;
        Ok(Self { wire, cut, whole })
    }

    async fn events(&self) -> Result<usize, StoreError> {
        match self
            .whole
            .read(&LOG, Position::BEGINNING, None, PAGE)
            .await?
        {
            Read::Events { events, .. } => Ok(events.len()),
            _ => Ok(0),
        }
    }

    async fn append(&self) -> Result<(), StoreError> {
        let events = [Bytes::from_static(b"event")];
        let appended = self.cut.append(&LOG, Append::new(&events, KEEP)).await;
        appended.map(drop)
    }

    /// Everything goes through again, and is seen to.
    async fn heal(&self) {
        self.wire.heal();
        while self.cut.heads(&[LOG]).await.is_err() {}
    }
}

/// Whether what was answered fits what was done.
fn is_true(answer: &Result<(), StoreError>, done: bool) -> bool {
    match answer {
        Ok(()) => done,
        Err(error) => match error.kind() {
            StoreErrorKind::Unavailable => !done,
            kind => kind == StoreErrorKind::Unknown,
        },
    }
}

/// of appends.
#[tokio::test]
async fn an_append_that_is_cut_says_what_became_of_it() -> Result<(), BoxError> {
    let stores = Stores::open().await?;
    stores.append().await?;
    let mut cut = 0;
    for bytes in cuts() {
        let before = stores.events().await?;
        stores.wire.cut_after(bytes);
        let answer = stores.append().await;
        cut += usize::from(answer.is_err());
        let done = stores.events().await? > before;
        assert!(
            is_true(&answer, done),
            "{answer:?} after {bytes} bytes, done: {done}"
        );
        stores.heal().await;
    }
    assert!(cut > 50, "only {cut} were cut");
    Ok(())
}

/// of what is done to sessions.
#[tokio::test]
async fn a_session_whose_call_is_cut_is_there_or_not_as_it_says() -> Result<(), BoxError> {
    let stores = Stores::open().await?;
    for bytes in cuts() {
        let record = record(&format!("s{bytes}"))?;
        let is_there = async || Ok::<_, StoreError>(stores.whole.load(&record.id).await?.is_some());
        stores.wire.cut_after(bytes);
        let created = SessionStore::create(&stores.cut, &record, TTL, &Caps::none()).await;
        let (created, done) = (created.map(drop), is_there().await?);
        assert!(
            is_true(&created, done),
            "{created:?} after {bytes} bytes, done: {done}"
        );
        stores.heal().await;

        SessionStore::create(&stores.cut, &record, TTL, &Caps::none()).await?;
        stores.wire.cut_after(bytes);
        let deleted = stores.cut.delete(&record.id).await;
        let (deleted, done) = (deleted.map(drop), !is_there().await?);
        assert!(
            is_true(&deleted, done),
            "{deleted:?} after {bytes} bytes, done: {done}"
        );
        stores.heal().await;
    }
    Ok(())
}

/// done, and nobody was told.
#[tokio::test]
async fn a_call_whose_answer_is_lost_is_unknown() -> Result<(), BoxError> {
    let stores = Stores::open().await?;
    stores.append().await?;
    stores.wire.lose_reply();
    let answer = stores.append().await.map_err(|error| error.kind());
    assert_eq!(answer, Err(StoreErrorKind::Unknown));
    assert_eq!(stores.events().await?, 2);
    stores.heal().await;
    let id = SessionId::new("none");
    stores.wire.lose_reply();
    let answer = stores.cut.delete(&id).await.map_err(|error| error.kind());
    assert_eq!(answer, Err(StoreErrorKind::Unknown));
    Ok(())
}
