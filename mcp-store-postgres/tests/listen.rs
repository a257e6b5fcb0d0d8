//! The one connection of a process that listens, and the task behind it.

mod support;

use std::{thread, time::Duration};

use mcp_core::{
    BoxError,
    store::{Audience, InstanceId, Listener, LogKey, Notifier, WakeUp},
};
use mcp_store_postgres::PostgresBackend;
use mcp_testkit::{Namespace, server::PostgresServer};
use tokio::{runtime, time::timeout};

use support::number;

const LONG: Duration = Duration::from_secs(15);

async fn backend(url: &str) -> Result<PostgresBackend, BoxError> {
    let namespace = Namespace::fresh("listen");
    let builder = PostgresBackend::builder(url).namespace(namespace.as_str());
    Ok(builder.pool_size(2).connect().await?)
}

fn me() -> InstanceId {
    InstanceId::new("me")
}

/// BP-14: whoever listens is told that nobody hears any more, and may begin again.
#[tokio::test]
async fn a_task_that_ends_ends_its_listeners_and_another_takes_its_place() -> Result<(), BoxError> {
    let backend = backend(&PostgresServer::shared_url()?).await?;
    let store = backend.clone();
    // The task runs where its first listener was made, and ends with that runtime.
    let made = thread::spawn(move || -> Result<Box<dyn Listener>, BoxError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(runtime.block_on(store.listen(&me()))?)
    });
    let mut orphan = made.join().map_err(|_| "the thread panicked")??;
    while timeout(LONG, orphan.next()).await?.is_some() {}

    let mut listener = timeout(LONG, backend.listen(&me())).await??;
    backend
        .publish(&Audience::Everyone, &LogKey::Config)
        .await?;
    while timeout(LONG, listener.next()).await? != Some(WakeUp::Look(LogKey::Config)) {}
    Ok(())
}

/// BP-19: all listeners of a process share one connection.
#[tokio::test]
async fn many_listeners_are_one_connection() -> Result<(), BoxError> {
    let server = PostgresServer::start()?;
    let backend = backend(&server.url()).await?;
    let mut ears = Vec::new();
    for n in 0..200 {
        ears.push(backend.listen(&InstanceId::new(n.to_string())).await?);
    }
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'";
    assert_eq!(number(&server.url(), listening).await?, 1);
    let all = "SELECT count(*) FROM pg_stat_activity
               WHERE application_name = 'mcp' AND pid <> pg_backend_pid()";
    assert!(number(&server.url(), all).await? <= 3);
    Ok(())
}
