//! Operations per second, and how long the slowest hundredth takes.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use mcp_core::{
    BoxError,
    protocol::{ClientCapabilities, Implementation, Revision},
    store::{
        Append, Caps, EventStore, LogKey, Position, ReadLimit, Retention, SessionId, SessionRecord,
        SessionStore, StoreError, Ttl,
    },
};

use crate::Cli;

const TTL: Ttl = Ttl {
    idle: Duration::from_hours(1),
    absolute: Duration::from_hours(2),
};
const KEEP: Retention = Retention {
    events: 1000,
    bytes: 1 << 24,
    age: None,
};

pub(crate) fn header() {
    println!(
        "{:<10}{:<24}{:>12}{:>12}{:>12}",
        "store", "operation", "per second", "p50", "p99"
    );
}

/// What one operation took, each time.
pub(crate) fn row(store: &str, operation: &str, took: Duration, mut each: Vec<Duration>) {
    each.sort_unstable();
    let at = |hundredth: usize| each.get(each.len() * hundredth / 100).copied();
    let shown = |time: Option<Duration>| format!("{:.2?}", time.unwrap_or_default());
    let times = u32::try_from(each.len()).unwrap_or(u32::MAX);
    let rate = f64::from(times) / took.as_secs_f64();
    let (middle, slow) = (shown(at(50)), shown(at(99)));
    println!("{store:<10}{operation:<24}{rate:>12.0}{middle:>12}{slow:>12}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Does `work` for each number below `times`, from several tasks of this one.
pub(crate) async fn repeat<Fut>(
    store: &str,
    operation: &str,
    cli: &Cli,
    work: impl Fn(usize) -> Fut,
) -> Result<(), StoreError>
where
    Fut: Future<Output = Result<(), StoreError>>,
{
    let next = Arc::new(AtomicUsize::new(0));
    let began = now();
    let tasks = (0..cli.tasks).map(|_| async {
        let mut each = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= cli.times {
                return Ok::<_, StoreError>(each);
            }
            let began = now();
            work(number).await?;
            each.push(began.elapsed());
        }
    });
    let mut all = Vec::new();
    for each in join_all(tasks).await {
        all.extend(each?);
    }
    row(store, operation, began.elapsed(), all);
    Ok(())
}

/// Every future to its end, all of them polled by this task.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    futures_util::future::join_all(futures).await
}

fn id(number: usize) -> SessionId {
    SessionId::new(format!("session-{number}"))
}

fn stream(number: usize) -> LogKey {
    LogKey::Stream {
        session: id(number % 100),
        stream: "get".into(),
    }
}

pub(crate) async fn measure(
    name: &str,
    sessions: &impl SessionStore,
    events: &impl EventStore,
    cli: &Cli,
) -> Result<(), BoxError> {
    let payload = [Bytes::from(vec![b'x'; 200])];
    let page = ReadLimit {
        events: 100,
        bytes: 1 << 20,
    };
    repeat(name, "create", cli, |number| async move {
        let client = Implementation::new("bench", "1.0.0");
        let capabilities = ClientCapabilities::default();
        let revision = Revision::V2025_11_25;
        let record = SessionRecord::new(id(number), revision, client, capabilities, [0; 16]);
        sessions.create(&record, TTL, &Caps::none()).await.map(drop)
    })
    .await?;
    repeat(name, "load", cli, |number| async move {
        sessions.load(&id(number)).await.map(drop)
    })
    .await?;
    repeat(name, "touch", cli, |number| async move {
        sessions.touch(&[id(number)]).await.map(drop)
    })
    .await?;
    repeat(name, "append", cli, |number| {
        let payload = &payload;
        async move {
            let batch = Append::new(payload, KEEP);
            events.append(&stream(number), batch).await.map(drop)
        }
    })
    .await?;
    repeat(name, "read after", cli, |number| async move {
        let log = stream(number);
        let head = Position::BEGINNING;
        events.read(&log, head, None, page).await.map(drop)
    })
    .await?;
    let logs: Vec<_> = (0..100).map(stream).collect();
    repeat(name, "heads of 100 logs", cli, |_| {
        let logs = &logs;
        async move { events.heads(logs).await.map(drop) }
    })
    .await?;
    Ok(())
}
