//! Calls while the store is away, and after it.

use std::{collections::BTreeMap, time::Duration};

use mcp_benches::wire::Connection;
use mcp_core::BoxError;

use crate::{Cli, node, now, pause, store::Store};

/// Sessions that both instances know.
const SESSIONS: usize = 20;
/// How long after the store's return everything must work.
const LATEST: Duration = Duration::from_mins(1);

struct Clients {
    here: Connection,
    there: Connection,
    sessions: Vec<String>,
}

impl Clients {
    /// A call in every session at each instance; counts the statuses.
    async fn round(&mut self, seen: &mut BTreeMap<u16, u32>) -> Result<(), BoxError> {
        for session in &self.sessions {
            for connection in [&mut self.here, &mut self.there] {
                let answer = connection.call(session, "echo").await?;
                *seen.entry(answer.status()).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Whether everything works: a new session, and its call elsewhere.
    async fn all_works(&mut self) -> Result<bool, BoxError> {
        let Ok(session) = self.here.begin().await else {
            return Ok(false);
        };
        Ok(self.there.call(&session, "publish").await?.status() == 200)
    }
}

/// Stops the store, waits, and starts it again, while calls go on.
pub(crate) async fn measure(store: &mut Store, cli: &Cli) -> Result<(), BoxError> {
    let (here, there) = (node::start(store)?, node::start(store)?);
    let mut clients = Clients {
        here: Connection::open(here.addr()).await?,
        there: Connection::open(there.addr()).await?,
        sessions: Vec::new(),
    };
    for _ in 0..SESSIONS {
        let session = clients.here.begin().await?;
        clients.sessions.push(session);
    }
    clients.round(&mut BTreeMap::new()).await?;
    store.stop()?;
    let (mut seen, gone) = (BTreeMap::new(), now());
    while gone.elapsed() < Duration::from_secs(cli.away) {
        clients.round(&mut seen).await?;
        pause(Duration::from_millis(100)).await;
    }
    store.restart()?;
    let back = now();
    while !clients.all_works().await? {
        if back.elapsed() > LATEST {
            return Err("the store is back, and nothing works".into());
        }
        pause(Duration::from_millis(20)).await;
    }
    let works = back.elapsed();
    clients.round(&mut seen).await?;
    let all: u32 = seen.values().sum();
    let answered = seen.get(&200).copied().unwrap_or_default();
    println!(
        "{}: away for {} s, {answered} of {all} calls of known sessions were answered ({seen:?}); \
         everything works {works:.2?} after its return",
        store.name(),
        cli.away,
    );
    if seen.contains_key(&404) {
        return Err("a session was lost".into());
    }
    Ok(())
}
