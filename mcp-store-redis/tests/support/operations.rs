//! Every operation of every store, once.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_core::{
    BoxError,
    store::{
        Append, Audience, Caps, EventStore, From, InstanceId, LeaseStore, LogKey, Notifier,
        Position, ReadLimit, ReaderId, Retention, SessionChange, SessionId, SessionStore, Ttl,
        Version,
    },
};
use mcp_store_redis::RedisBackend;
use mcp_testkit::session;

const MINUTE: Duration = Duration::from_mins(1);

const TTL: Ttl = Ttl {
    idle: MINUTE,
    absolute: Duration::from_hours(1),
};

const PAGE: ReadLimit = ReadLimit {
    events: 100,
    bytes: 1 << 20,
};

/// Runs each operation, and says after each what it was and how many round trips it may take.
///
/// `name` is part of the names of everything it makes.
pub(crate) async fn every_operation(
    store: &RedisBackend,
    name: &str,
    mut done: impl FnMut(&str, usize),
) -> Result<(), BoxError> {
    sessions(store, name, &mut done).await?;
    logs(store, name, &mut done).await?;
    leases(store, name, &mut done).await?;
    store.publish(&Audience::Everyone, &LogKey::Config).await?;
    done("notify.publish", 1);
    Ok(())
}

/// A stream log.
pub(crate) fn stream(session: &str, name: &str) -> LogKey {
    LogKey::Stream {
        session: SessionId::new(session),
        stream: Arc::from(name),
    }
}

async fn sessions(
    store: &RedisBackend,
    name: &str,
    done: &mut impl FnMut(&str, usize),
) -> Result<(), BoxError> {
    let record = session::record_of(name, &session::alice())?;
    let id = record.id.clone();
    let caps = Caps::none().per_principal(100);
    store.create(&record, TTL, &caps).await?;
    done("session.create", 1);
    store.load(&id).await?;
    done("session.load", 1);
    let change = SessionChange::to(record).with_ttl(TTL);
    store.update(&id, Version(1), &change).await?;
    done("session.update", 1);
    store.touch(&[id.clone(), SessionId::new("other")]).await?;
    done("session.touch", 1);
    // The index, then the records.
    SessionStore::list(store, None, 10).await?;
    done("session.list", 2);
    // The record, then the indexes, of which only the record tells.
    store.delete(&id).await?;
    done("session.delete", 2);
    // One that is due at once: the index, what it names, and its correction.
    let ttl = Ttl {
        idle: Duration::ZERO,
        ..TTL
    };
    let due = session::record(&format!("{name}-due"))?;
    store.create(&due, ttl, &caps).await?;
    done("session.create", 1);
    SessionStore::sweep(store, 10).await?;
    done("session.sweep", 3);
    Ok(())
}

async fn logs(
    store: &RedisBackend,
    name: &str,
    done: &mut impl FnMut(&str, usize),
) -> Result<(), BoxError> {
    let log = stream(name, "stream");
    // The first event, with its key, is trimmed by the second.
    let keep = Retention {
        events: 1,
        bytes: 1 << 20,
        age: Some(MINUTE),
    };
    for key in ["one", "two"] {
        let events = [Bytes::from_static(b"event")];
        store
            .append(&log, Append::new(&events, keep).key(key))
            .await?;
        done("event.append", 1);
    }
    let reader = ReaderId::new(InstanceId::new("here"), 1);
    let attached = store.attach(&log, &reader, From::Acknowledged).await?;
    done("event.attach", 1);
    let generation = attached.map(|attached| attached.generation);
    store
        .read(&log, Position::BEGINNING, generation, PAGE)
        .await?;
    done("event.read", 1);
    store.heads(&[log.clone(), LogKey::Config]).await?;
    done("event.heads", 1);
    store.seal(&log, None, MINUTE).await?;
    done("event.seal", 1);
    // The mark and the names of the logs, then the logs.
    store.purge(&SessionId::new(name)).await?;
    done("event.purge", 2);
    Ok(())
}

async fn leases(
    store: &RedisBackend,
    name: &str,
    done: &mut impl FnMut(&str, usize),
) -> Result<(), BoxError> {
    let fence = store.hold(name, "me", MINUTE, b"facts").await?;
    done("lease.hold", 1);
    let fence = fence.ok_or("the name was taken")?;
    store.renew(name, fence, MINUTE, b"facts").await?;
    done("lease.renew", 1);
    LeaseStore::list(store, "").await?;
    done("lease.list", 1);
    store.release(name, fence).await?;
    done("lease.release", 1);
    Ok(())
}
