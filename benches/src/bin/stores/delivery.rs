//! From an append in one process to the event in another.

use std::{
    env,
    process::Stdio,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Audience, EventStore, InstanceId, LogKey, Notifier, Retention, Tail, TailEvent,
        WakeUp,
    },
};
use mcp_store_postgres::PostgresBackend;
use mcp_store_redis::RedisBackend;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    Cli,
    operations::{now, row},
};

const LOG: LogKey = LogKey::Broadcast(0);
const KEEP: Retention = Retention {
    events: 1000,
    bytes: 1 << 24,
    age: None,
};
const READY: &str = "ready";

/// The same clock in both processes, in microseconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn micros() -> Result<u64, BoxError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(since.as_micros())?)
}

trait Both: EventStore + Notifier {}

impl<T: EventStore + Notifier> Both for T {}

async fn connect(url: &str) -> Result<Box<dyn Both>, BoxError> {
    if url.starts_with("redis") {
        return Ok(Box::new(RedisBackend::connect(url).await?));
    }
    Ok(Box::new(Box::pin(PostgresBackend::connect(url)).await?))
}

/// Prints how many microseconds ago each event was appended.
pub(crate) async fn hear(url: &str) -> Result<(), BoxError> {
    let store = connect(url).await?;
    let mut ear = store.listen(&InstanceId::new("hears")).await?;
    let mut tail = Tail::new([LOG]);
    tail.arm(&*store as &dyn EventStore).await?;
    println!("{READY}");
    while let Some(woken) = ear.next().await {
        if woken == WakeUp::Look(LOG) {
            for event in tail.look(&*store as &dyn EventStore, &LOG).await? {
                if let TailEvent::Event { event, .. } = event {
                    let sent: u64 = std::str::from_utf8(&event.payload)?.parse()?;
                    println!("{}", micros()?.saturating_sub(sent));
                }
            }
        }
    }
    Ok(())
}

/// Appends one event after the other, each when the one before has arrived.
pub(crate) async fn measure(name: &str, url: &str, cli: &Cli) -> Result<(), BoxError> {
    let mut other = Command::new(env::current_exe()?)
        .args(["--hear", url])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = other
        .stdout
        .take()
        .ok_or("the other process has no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let ready = lines.next_line().await?;
    if ready.as_deref() != Some(READY) {
        return Err("the other process did not begin".into());
    }
    let store = connect(url).await?;
    let mut each = Vec::new();
    let began = now();
    for _ in 0..cli.times / 10 {
        let event = [Bytes::from(micros()?.to_string())];
        store.append(&LOG, Append::new(&event, KEEP)).await?;
        store.publish(&Audience::Everyone, &LOG).await?;
        let arrived = lines.next_line().await?.ok_or("the other process ended")?;
        each.push(Duration::from_micros(arrived.parse()?));
    }
    row(name, "append → other process", began.elapsed(), each);
    other.kill().await?;
    Ok(())
}
