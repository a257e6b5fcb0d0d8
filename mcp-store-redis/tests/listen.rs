//! What a listener hears when the way to the server breaks.

use std::{thread, time::Duration};

use mcp_core::{
    BoxError,
    store::{Audience, InstanceId, Listener, LogKey, Notifier, WakeUp},
};
use mcp_store_redis::RedisBackend;
use mcp_testkit::{fault::Cutter, server::RedisServer};
use tokio::{runtime, time::timeout};

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(10);

const LOG: LogKey = LogKey::Broadcast(3);

fn backend(url: &str) -> Result<RedisBackend, BoxError> {
    let backend = RedisBackend::builder(url)
        .deadline(Duration::from_millis(500))
        .probe_every(Duration::from_millis(50));
    Ok(backend.build()?)
}

async fn listen(store: &RedisBackend) -> Result<Box<dyn Listener>, BoxError> {
    Ok(store.listen(&InstanceId::new("here")).await?)
}

async fn next(ear: &mut Box<dyn Listener>) -> Result<WakeUp, BoxError> {
    timeout(SOON, ear.next())
        .await?
        .ok_or("the listener ended".into())
}

/// Publishes until the listener hears it.
async fn hears_again(store: &RedisBackend, ear: &mut Box<dyn Listener>) -> Result<(), BoxError> {
    loop {
        let heard = async {
            store.publish(&Audience::Everyone, &LOG).await.ok();
            next(ear).await
        };
        if heard.await? == WakeUp::Look(LOG) {
            return Ok(());
        }
    }
}

/// BP-15: a cut connection is made again, and says so.
#[tokio::test]
async fn a_killed_listener_says_that_it_may_have_lost_and_hears_again() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    let mut ear = listen(&store).await?;
    for _ in 0..3 {
        server.command(&["CLIENT", "KILL", "TYPE", "pubsub"])?;
        assert_eq!(next(&mut ear).await?, WakeUp::MayHaveLost);
        hears_again(&store, &mut ear).await?;
    }
    Ok(())
}

/// BP-13: what is half-open is noticed and replaced.
#[tokio::test]
async fn a_deaf_listener_is_noticed_by_its_probe() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let wire = Cutter::to(server.addr())?;
    let through = backend(&format!("redis://{}/", wire.addr()))?;
    let mut ear = listen(&through).await?;
    // Nothing is closed, nothing arrives.
    wire.stall();
    assert_eq!(next(&mut ear).await?, WakeUp::MayHaveLost);
    wire.heal();
    hears_again(&backend(&server.url())?, &mut ear).await
}

/// BP-15: so is one to a server that was restarted.
#[tokio::test]
async fn a_restarted_server_is_heard_again() -> Result<(), BoxError> {
    let mut server = RedisServer::start()?;
    let store = backend(&server.url())?;
    let mut ear = listen(&store).await?;
    server.kill()?;
    assert_eq!(next(&mut ear).await?, WakeUp::MayHaveLost);
    server.restart()?;
    hears_again(&store, &mut ear).await
}

#[tokio::test]
async fn probes_are_not_handed_on() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    let mut ear = listen(&store).await?;
    // Several probes go out in this time, and all come back.
    let quiet = timeout(Duration::from_millis(400), ear.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    hears_again(&store, &mut ear).await
}

/// BP-17, BP-18: of somebody else, or of the next version.
#[tokio::test]
async fn foreign_messages_are_skipped() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    let mut ear = listen(&store).await?;
    for message in ["", "hello", "look9 b4", "look1 b99999", "\u{0}"] {
        server.command(&["PUBLISH", "{mcp:w}", message])?;
        server.command(&["PUBLISH", "{mcp:w:here}", message])?;
    }
    store
        .publish(&Audience::Instance(InstanceId::new("here")), &LOG)
        .await?;
    assert_eq!(next(&mut ear).await?, WakeUp::Look(LOG));
    Ok(())
}

/// BP-14: whoever listens is told that nobody hears any more, and may begin again.
#[tokio::test]
async fn a_task_that_ends_ends_its_listeners_and_another_takes_its_place() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    let first = store.clone();
    // The task runs where its first listener was made, and ends with that runtime.
    let made = thread::spawn(move || -> Result<Box<dyn Listener>, BoxError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(listen(&first))
    });
    let mut orphan = made.join().map_err(|_| "the thread panicked")??;
    while timeout(SOON, orphan.next()).await?.is_some() {}
    let mut ear = listen(&store).await?;
    hears_again(&store, &mut ear).await
}

/// BP-19: all listeners share one connection.
#[tokio::test]
async fn dropped_listeners_leave_no_connection() -> Result<(), BoxError> {
    let server = RedisServer::start()?;
    let store = backend(&server.url())?;
    let mut ears = Vec::new();
    for _ in 0..20 {
        ears.push(listen(&store).await?);
    }
    // They share one.
    assert_eq!(subscribers(&server)?, 1);
    drop(ears);
    // The server hears of it as soon as the runtime gets to it.
    for _ in 0..1000 {
        if subscribers(&server)? == 0 {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
    Err("connections are left".into())
}

fn subscribers(server: &RedisServer) -> Result<u32, BoxError> {
    let script = "return redis.call('PUBSUB', 'NUMSUB', '{mcp:w}')[2]";
    let answer = server.command(&["EVAL", script, "0"])?;
    Ok(answer.trim_start_matches(':').parse()?)
}
