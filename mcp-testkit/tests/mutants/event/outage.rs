//! Wrong while the backend is away, and afterwards.

use std::sync::Arc;

use mcp_core::store::{EventStore, StoreError, StoreErrorKind};

use super::twist::twist;
use crate::broken::Troubles;

/// Rightly refuses to work while the backend is away, but for one call.
#[derive(Clone)]
pub(super) struct NothingIsThere(pub(super) Arc<Troubles>);
twist! { NothingIsThere:
    append(self, store, log, batch) {
        self.0.check()?;
        store.append(log, batch).await
    }
    attach(self, store, log, reader, from) {
        self.0.check()?;
        store.attach(log, reader, from).await
    }
    read(self, store, log, after, reader, limit) {
        self.0.check()?;
        store.read(log, after, reader, limit).await
    }
    heads(self, store, logs) {
        if self.0.is_down() {
            return Ok(vec![None; logs.len()]);
        }
        store.heads(logs).await
    }
    seal(self, store, log, last, keep) {
        self.0.check()?;
        store.seal(log, last, keep).await
    }
    purge(self, store, session) {
        self.0.check()?;
        store.purge(session).await
    }
}

/// A connection that was cut stays so.
#[derive(Clone)]
pub(crate) struct NeverComesBack(pub(crate) Arc<Troubles>);

impl NeverComesBack {
    fn check(&self) -> Result<(), StoreError> {
        if self.0.outages() == 0 {
            return Ok(());
        }
        let message = "the connection is closed";
        Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "test",
            message,
        ))
    }
}

twist! { NeverComesBack:
    append(self, store, log, batch) {
        self.check()?;
        store.append(log, batch).await
    }
    read(self, store, log, after, reader, limit) {
        self.check()?;
        store.read(log, after, reader, limit).await
    }
    heads(self, store, logs) {
        self.check()?;
        store.heads(logs).await
    }
}

/// What was appended stays in the backend for ever.
#[derive(Clone)]
pub(super) struct KeepsEverything(pub(super) Arc<Troubles>);
twist! { KeepsEverything:
    append(self, store, log, batch) {
        self.0.keep();
        store.append(log, batch).await
    }
}
