//! Resident memory of an instance.

use futures_util::future::try_join_all;
use mcp_benches::{process::Process, wire::Connection};
use mcp_core::BoxError;

use crate::{Cli, node, store::Store};

/// How many connections begin sessions at once.
const CONNECTIONS: u32 = 16;

/// What many idle sessions add to an instance.
pub(crate) async fn sessions(name: &str, store: &Store, cli: &Cli) -> Result<(), BoxError> {
    let node = node::start(store)?;
    // What is made once is made by the first ones.
    begin(&node, CONNECTIONS).await?;
    let before = node.resident()?;
    begin(&node, cli.sessions).await?;
    let added = node.resident()?.saturating_sub(before);
    println!(
        "{name}: {} idle sessions add {:.1} MiB resident, {} bytes each",
        cli.sessions,
        mebibytes(added),
        added / u64::from(cli.sessions),
    );
    Ok(())
}

async fn begin(node: &Process, sessions: u32) -> Result<(), BoxError> {
    let each = (0..CONNECTIONS).map(|_| async {
        let mut connection = Connection::open(node.addr()).await?;
        for _ in 0..sessions / CONNECTIONS {
            connection.begin().await?;
        }
        Ok::<_, BoxError>(())
    });
    try_join_all(each).await?;
    Ok(())
}

/// What open streams add to an instance with their sessions, and to bare axum.
pub(crate) async fn streams(cli: &Cli) -> Result<(), BoxError> {
    let bare = node::bare()?;
    let bare = open(&bare, &vec![None; cli.streams as usize]).await?;
    let node = node::start(&Store::Memory)?;
    let mut connection = Connection::open(node.addr()).await?;
    let mut sessions = Vec::new();
    for _ in 0..cli.streams {
        sessions.push(Some(connection.begin().await?));
    }
    let ours = open(&node, &sessions).await?;
    let each = |added: u64| added / u64::from(cli.streams);
    println!(
        "memory: {} open streams add {:.1} MiB resident, {} bytes each; bare axum {:.1} MiB, {} \
         bytes each; {:.2} times as much",
        cli.streams,
        mebibytes(ours),
        each(ours),
        mebibytes(bare),
        each(bare),
        float(ours) / float(bare),
    );
    Ok(())
}

/// Opens the streams; how much memory they add.
async fn open(node: &Process, sessions: &[Option<String>]) -> Result<u64, BoxError> {
    let mut open = Vec::new();
    let mut before = 0;
    for (number, session) in sessions.iter().enumerate() {
        // The first ones make what is made once.
        if number == 16 {
            before = node.resident()?;
        }
        let connection = Connection::open(node.addr()).await?;
        open.push(connection.listen(session.as_deref()).await?);
    }
    Ok(node.resident()?.saturating_sub(before))
}

fn mebibytes(bytes: u64) -> f64 {
    float(bytes) / float(1 << 20)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn float(bytes: u64) -> f64 {
    bytes as f64
}
