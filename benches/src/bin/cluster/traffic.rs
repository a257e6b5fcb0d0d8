//! What the store hears while streams are open and nobody says anything.

use std::time::Duration;

use mcp_benches::wire::Connection;
use mcp_core::BoxError;

use crate::{Cli, node, pause, store::Store};

/// How long it is listened to.
const WHILE: Duration = Duration::from_mins(1);

/// Opens streams, and counts.
pub(crate) async fn measure(store: &Store, cli: &Cli) -> Result<(), BoxError> {
    let node = node::start(store)?;
    let mut connection = Connection::open(node.addr()).await?;
    let mut open = Vec::new();
    for _ in 0..cli.streams {
        let session = connection.begin().await?;
        let stream = Connection::open(node.addr()).await?;
        open.push(stream.listen(Some(&session)).await?);
    }
    // Until the store has told what it was told last.
    pause(Duration::from_secs(15)).await;
    let before = store.commands()?;
    pause(WHILE).await;
    let sent = store.commands()?.saturating_sub(before);
    println!(
        "{}: {} silent streams cost {:.1} commands a second",
        store.name(),
        open.len(),
        f64::from(u32::try_from(sent)?) / WHILE.as_secs_f64(),
    );
    Ok(())
}
