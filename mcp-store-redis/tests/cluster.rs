//! Three servers that share the keys.
#![cfg(feature = "cluster")]

#[path = "support/nodes.rs"]
mod nodes;
#[path = "support/operations.rs"]
mod operations;

use std::{collections::BTreeSet, slice, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use mcp_core::{
    BoxError,
    store::{
        Append, Audience, Caps, Created, EventStore, InstanceId, Listener, LogKey, Notifier,
        Retention, SessionChange, SessionId, SessionStore, Ttl, Version, WakeUp,
    },
};
use mcp_store_redis::RedisBackend;
use mcp_testkit::{race, session};
use nodes::{Cluster, SLOTS};
use operations::{every_operation, stream};

const TTL: Ttl = Ttl {
    idle: Duration::from_mins(1),
    absolute: Duration::from_hours(1),
};

fn backend(cluster: &Cluster) -> Result<RedisBackend, BoxError> {
    Ok(cluster.builder().deadline(Duration::from_secs(5)).build()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_works_and_is_spread_over_the_nodes() -> Result<(), BoxError> {
    let cluster = Cluster::start().await?;
    let store = backend(&cluster)?;
    for number in 0..20 {
        every_operation(&store, &format!("name-{number}"), |_, _| {}).await?;
        store
            .create(&session::record(&format!("s{number}"))?, TTL, &Caps::none())
            .await?;
    }
    let sizes: Vec<u32> = cluster.ask(&["DBSIZE"]).await?;
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
    let listed = store.list(None, 100).await?;
    assert_eq!(listed.len(), 20);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_session_leaves_its_tombstone_alone() -> Result<(), BoxError> {
    let cluster = Cluster::start().await?;
    let store = backend(&cluster)?;
    let record = session::record_of("one", &session::alice())?;
    store.create(&record, TTL, &Caps::none()).await?;
    let change = SessionChange::to(record.clone()).with_ttl(TTL);
    assert_eq!(
        store.update(&record.id, Version(1), &change).await?,
        Some(Version(2))
    );
    assert!(store.delete(&record.id).await?);
    let keys: Vec<BTreeSet<String>> = cluster.ask(&["KEYS", "*"]).await?;
    // What was reserved a moment ago is remembered for a minute.
    let keys = keys.into_iter().flatten();
    let left: Vec<_> = keys.filter(|key| !key.ends_with(":new")).collect();
    assert_eq!(left, ["{mcp:s:one}"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cap_of_an_owner_is_never_exceeded() -> Result<(), BoxError> {
    let cluster = Cluster::start().await?;
    let caps = Caps::none().per_principal(3);
    let stores = vec![backend(&cluster)?; 12];
    let created = race(stores, move |number, store| async move {
        let record = session::record_of(&format!("s{number}"), &session::alice())?;
        Ok::<_, BoxError>(store.create(&record, TTL, &caps).await?)
    })
    .await;
    let created = created.into_iter().collect::<Result<Vec<_>, _>>()?;
    let made = created
        .iter()
        .filter(|created| matches!(created, Created::Created(_)));
    assert_eq!(made.count(), 3, "{created:?}");
    // A free place is found again.
    let store = backend(&cluster)?;
    let first = store.list(None, 1).await?;
    assert!(store.delete(&first[0].record.id).await?);
    let record = session::record_of("another", &session::alice())?;
    let again = store.create(&record, TTL, &caps).await?;
    assert_eq!(again, Created::Created(Version(1)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_and_sessions_of_every_slot_are_asked_for_at_once() -> Result<(), BoxError> {
    let cluster = Cluster::start().await?;
    let store = backend(&cluster)?;
    let keep = Retention {
        events: 10,
        bytes: 1 << 20,
        age: None,
    };
    let events = [Bytes::from_static(b"event")];
    let logs: Vec<LogKey> = (0..50).map(|n| stream(&format!("s{n}"), "get")).collect();
    for log in &logs[..25] {
        store.append(log, Append::new(&events, keep)).await?;
    }
    let heads = store.heads(&logs).await?;
    assert!(heads[..25].iter().all(Option::is_some));
    assert!(heads[25..].iter().all(Option::is_none));
    let ids: Vec<SessionId> = (0..50).map(|n| SessionId::new(n.to_string())).collect();
    assert_eq!(store.touch(&ids).await?, vec![None; 50]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_hear_whatever_node_has_their_channel() -> Result<(), BoxError> {
    let cluster = Cluster::start().await?;
    let (here, there) = (backend(&cluster)?, backend(&cluster)?);
    for number in 0..10 {
        let instance = InstanceId::new(format!("i{number}"));
        let mut ear = here.listen(&instance).await?;
        hears(&there, &Audience::Instance(instance), ear.as_mut()).await?;
        hears(&there, &Audience::Everyone, ear.as_mut()).await?;
    }
    Ok(())
}

/// BP-13: a connection that leads nowhere is replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_fell_silent_is_reached_again_by_another_connection() -> Result<(), BoxError> {
    let cluster = Cluster::start().await?;
    let store = cluster.builder().deadline(Duration::from_millis(500));
    let store = store.build()?;
    let logs: Vec<LogKey> = (0..20).map(|n| stream(&format!("s{n}"), "get")).collect();
    store.heads(&logs).await?;
    // What is on the way stays there for ever; new connections lead to the nodes.
    for wire in &cluster.wires {
        wire.strand();
    }
    let failed = store.heads(&logs).await;
    assert!(failed.is_err_and(|error| error.is_retryable()));
    let mut answer = store.heads(&logs).await;
    for _ in 0..5 {
        if answer.is_ok() {
            break;
        }
        answer = store.heads(&logs).await;
    }
    assert_eq!(answer?, vec![None; 20]);
    Ok(())
}

/// Who asks other nodes than the one that is silent is answered, also while its connections are made
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_node_keeps_nobody_from_the_others() -> Result<(), BoxError> {
    let cluster = Cluster::start().await?;
    let store = cluster.builder().deadline(Duration::from_secs(1));
    let store = store.build()?;
    let logs: Vec<LogKey> = (0..30).map(|n| stream(&format!("s{n}"), "get")).collect();
    store.heads(&logs).await?;
    cluster.wires[0].stall();
    let ask = || join_all(logs.iter().map(|log| store.heads(slice::from_ref(log))));
    let mut rounds = Vec::new();
    for _ in 0..6 {
        let answers = ask().await;
        rounds.push(answers.iter().map(Result::is_ok).collect::<Vec<_>>());
    }
    let answered = rounds[0].iter().filter(|ok| **ok).count();
    assert!((10..30).contains(&answered), "{answered}");
    assert!(rounds.iter().all(|round| *round == rounds[0]), "{rounds:?}");
    cluster.wires[0].heal();
    while store.heads(&logs).await.is_err() {}
    Ok(())
}

/// BP-15: slots may move.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moved_is_found_within_the_call() -> Result<(), BoxError> {
    let cluster = Cluster::start().await?;
    let store = backend(&cluster)?;
    assert_eq!(store.heads(&[LogKey::Config]).await?, [None]);
    let slots: Vec<u32> = cluster.ask(&["CLUSTER", "KEYSLOT", "{mcp:c}:l"]).await?;
    let slot = slots[0].to_string();
    let owner = SLOTS.iter().position(|(_, last)| slots[0] <= *last);
    let ids: Vec<String> = cluster.ask(&["CLUSTER", "MYID"]).await?;
    let next = &ids[(owner.ok_or("no owner")? + 1) % 3];
    let moved: Vec<String> = cluster
        .ask(&["CLUSTER", "SETSLOT", &slot, "NODE", next])
        .await?;
    assert_eq!(moved, ["OK"; 3]);
    let keep = Retention {
        events: 10,
        bytes: 1 << 20,
        age: None,
    };
    let events = [Bytes::from_static(b"event")];
    let appended = store
        .append(&LogKey::Config, Append::new(&events, keep))
        .await?;
    assert_eq!(appended.last.seq, 1);
    Ok(())
}

/// Publishes until it is heard. Each time it is heard, or a loss is announced.
async fn hears(
    store: &RedisBackend,
    audience: &Audience,
    ear: &mut dyn Listener,
) -> Result<(), BoxError> {
    loop {
        store.publish(audience, &LogKey::Config).await?;
        if ear.next().await == Some(WakeUp::Look(LogKey::Config)) {
            return Ok(());
        }
    }
}
