//! The rights that OPERATIONS.md names are enough, and all of them are needed.

#[path = "support/operations.rs"]
mod operations;

use std::time::Duration;

use mcp_core::{
    BoxError,
    store::{Audience, InstanceId, LogKey, Notifier, StoreErrorKind, WakeUp},
};
use mcp_store_redis::{
    RedisBackend,
    deadpool_redis::redis::{Client, cmd},
};
use mcp_testkit::server::RedisServer;
use operations::every_operation;

/// The user that OPERATIONS.md describes.
fn documented() -> &'static str {
    let text = include_str!("../OPERATIONS.md");
    let line = text.lines().find(|line| line.starts_with("user mcp "));
    line.unwrap_or("no user is named")
}

fn start() -> Result<RedisServer, BoxError> {
    let lines = [
        "user default off",
        "user admin on >admin ~* &* +@all",
        documented(),
    ];
    Ok(RedisServer::start_with(&lines)?)
}

fn backend(server: &RedisServer, namespace: &str) -> Result<RedisBackend, BoxError> {
    let url = format!("redis://mcp:secret@{}/", server.addr());
    let backend = RedisBackend::builder(url).namespace(namespace);
    Ok(backend.deadline(Duration::from_millis(500)).build()?)
}

async fn everything(store: &RedisBackend, name: &str) -> Result<(), BoxError> {
    store.check().await?;
    every_operation(store, name, |_, _| {}).await?;
    let mut ear = store.listen(&InstanceId::new("here")).await?;
    store.publish(&Audience::Everyone, &LogKey::Config).await?;
    assert_eq!(ear.next().await, Some(WakeUp::Look(LogKey::Config)));
    Ok(())
}

/// the documented rights are enough.
#[tokio::test]
async fn the_documented_user_may_do_everything_a_store_does() -> Result<(), BoxError> {
    let server = start()?;
    everything(&backend(&server, "mcp")?, "name").await
}

#[tokio::test]
async fn the_documented_user_may_do_nothing_in_another_namespace() -> Result<(), BoxError> {
    let server = start()?;
    let store = backend(&server, "mcp2")?;
    let refused = store.publish(&Audience::Everyone, &LogKey::Config).await;
    let kind = refused.err().map(|error| error.kind());
    assert_eq!(kind, Some(StoreErrorKind::Unavailable));
    assert!(store.listen(&InstanceId::new("here")).await.is_err());
    assert!(every_operation(&store, "name", |_, _| {}).await.is_err());
    Ok(())
}

/// and none is too much.
#[tokio::test]
async fn every_right_of_the_documented_user_is_needed() -> Result<(), BoxError> {
    let server = start()?;
    let admin = Client::open(format!("redis://admin:admin@{}/", server.addr()))?;
    let mut admin = admin.get_multiplexed_async_connection().await?;
    let rights = documented()
        .split(' ')
        .filter_map(|word| word.strip_prefix('+'));
    for (number, right) in rights.enumerate() {
        // The pool says it before it lends a connection again; refused, it makes another one.
        if right == "unwatch" {
            continue;
        }
        let user = |sign| {
            cmd("ACL")
                .arg("SETUSER")
                .arg("mcp")
                .arg(format!("{sign}{right}"))
                .clone()
        };
        user('-').exec_async(&mut admin).await?;
        cmd("SCRIPT").arg("FLUSH").exec_async(&mut admin).await?;
        let done = everything(&backend(&server, "mcp")?, &format!("name-{number}")).await;
        assert!(done.is_err(), "{right} is not needed");
        user('+').exec_async(&mut admin).await?;
    }
    everything(&backend(&server, "mcp")?, "name").await
}
