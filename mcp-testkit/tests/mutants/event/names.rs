//! Logs that get into each other's way.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_core::store::{EventStore, LogKey, SessionId};

use super::twist::twist;

/// Every log goes by another name.
#[derive(Clone)]
pub(super) struct Renamed(pub(super) fn(&LogKey) -> LogKey);
twist! { Renamed:
    append(self, store, log, batch) {
        store.append(&(self.0)(log), batch).await
    }

    attach(self, store, log, reader, from) {
        store.attach(&(self.0)(log), reader, from).await
    }

    read(self, store, log, after, reader, limit) {
        store.read(&(self.0)(log), after, reader, limit).await
    }

    heads(self, store, logs) {
        let logs: Vec<_> = logs.iter().map(self.0).collect();
        store.heads(&logs).await
    }

    seal(self, store, log, last, keep) {
        store.seal(&(self.0)(log), last, keep).await
    }
}

fn stream(session: &str, stream: &str) -> LogKey {
    LogKey::Stream {
        session: SessionId::new(session),
        stream: stream.into(),
    }
}

/// The name of a stream is enough.
pub(super) fn without_session(log: &LogKey) -> LogKey {
    match log {
        LogKey::Stream { stream: name, .. } => stream("", name),
        other => other.clone(),
    }
}

/// The parts of a name stand next to each other, with a colon between them.
pub(super) fn joined(log: &LogKey) -> LogKey {
    match log {
        LogKey::Stream {
            session,
            stream: name,
        } => stream("", &format!("{}:{name}", session.as_str())),
        other => other.clone(),
    }
}

/// One stream of each session stands where a purge does not look.
pub(super) fn b_elsewhere(log: &LogKey) -> LogKey {
    match log {
        LogKey::Stream {
            session,
            stream: name,
        } if **name == *"b" => stream(&format!("{}.b", session.as_str()), name),
        other => other.clone(),
    }
}

/// The log that must not be trimmed is one like the others.
pub(super) fn without_config(log: &LogKey) -> LogKey {
    match log {
        LogKey::Config => LogKey::Broadcast(7),
        other => other.clone(),
    }
}

/// Whoever writes to a log that is full makes room in the one it wrote to before.
#[derive(Clone, Default)]
pub(super) struct EvictsOthers(Arc<Mutex<Option<LogKey>>>);
twist! { EvictsOthers:
    append(self, store, log, batch) {
        let before = self.0.lock().unwrap().replace(log.clone());
        if batch.retention.events < 10
            && let Some(other) = before
            && other != *log
        {
            store.seal(&other, None, Duration::ZERO).await?;
        }
        store.append(log, batch).await
    }
}

/// The sessions that were written to, in whatever order.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<Vec<(SessionId, LogKey)>>>);

impl Sessions {
    pub(super) fn note(&self, log: &LogKey) {
        if let LogKey::Stream { session, .. } = log {
            self.0.lock().unwrap().push((session.clone(), log.clone()));
        }
    }

    pub(super) fn all(&self) -> Vec<(SessionId, LogKey)> {
        let mut noted = self.0.lock().unwrap().clone();
        noted.sort();
        noted.dedup();
        noted
    }

    pub(super) fn logs_of(&self, session: &SessionId) -> Vec<LogKey> {
        let all = self.all().into_iter();
        all.filter(|(of, _)| of == session)
            .map(|(_, log)| log)
            .collect()
    }
}

/// A session is all names that begin with its own.
#[derive(Clone, Default)]
pub(super) struct PurgesByPrefix(Sessions);
twist! { PurgesByPrefix:
    append(self, store, log, batch) {
        self.0.note(log);
        store.append(log, batch).await
    }

    purge(self, store, session) {
        let mut purged = 0;
        for (other, _) in self.0.all() {
            if other.as_str().starts_with(session.as_str()) {
                purged += store.purge(&other).await?;
            }
        }
        Ok(purged)
    }
}
