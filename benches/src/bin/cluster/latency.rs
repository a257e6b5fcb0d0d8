//! From a publication at one instance to the stream of a client of another.

use std::time::Duration;

use mcp_benches::wire::Connection;
use mcp_core::BoxError;
use serde_json::json;

use crate::{
    Cli,
    node::{self, URI},
    now, pause,
    store::Store,
};

const UPDATED: &str = "notifications/resources/updated";

/// Publishes again and again, each time when the word before has arrived.
pub(crate) async fn measure(store: &mut Store, cli: &Cli) -> Result<(), BoxError> {
    let (here, there) = (node::start(store)?, node::start(store)?);
    let mut speaker = Connection::open(here.addr()).await?;
    let session = speaker.begin().await?;
    let uri = json!({ "uri": URI });
    speaker
        .request(&session, "resources/subscribe", &uri)
        .await?;
    let listener = Connection::open(there.addr()).await?;
    let mut listener = listener.listen(Some(&session)).await?;
    // What was subscribed before the stream began is told once, as it may have changed before.
    listener.hear(UPDATED).await?;
    let mut took = Vec::new();
    for _ in 0..cli.publishes {
        pause(Duration::from_millis(5)).await;
        let began = now();
        let answer = speaker.call(&session, "publish").await?;
        listener.hear(UPDATED).await?;
        took.push(began.elapsed());
        if answer.status() != 200 {
            return Err(format!("a call was answered with {}", answer.status()).into());
        }
    }
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied();
    println!(
        "{}: a publication is heard at another instance after {:.2?} (p50), {:.2?} (p99)",
        store.name(),
        at(50).unwrap_or_default(),
        at(99).unwrap_or_default(),
    );
    Ok(())
}
