//! What goes wrong when the backend is away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mcp_core::store::{Fence, Lease, LeaseStore, StoreError, StoreErrorKind};

use super::twist::{Answer, Store, twist};
use crate::broken::Troubles;

/// Does right.
#[derive(Clone)]
pub(super) struct FailsWhenDown(pub(super) Arc<Troubles>);
twist! { FailsWhenDown:
    hold(self, store, (name, holder), ttl, facts) {
        self.0.check()?;
        store.hold(name, holder, ttl, facts).await
    }
    renew(self, store, (name, fence), ttl, facts) {
        self.0.check()?;
        store.renew(name, fence, ttl, facts).await
    }
    release(self, store, name, fence) {
        self.0.check()?;
        store.release(name, fence).await
    }
    list(self, store, prefix) {
        self.0.check()?;
        store.list(prefix).await
    }
}

#[derive(Clone)]
pub(super) struct ListsNothingWhenDown(pub(super) Arc<Troubles>);
twist! { ListsNothingWhenDown:
    list(self, store, prefix) {
        if self.0.is_down() {
            return Ok(Vec::new());
        }
        store.list(prefix).await
    }
}

/// Keeps its broken connection.
#[derive(Clone)]
pub(super) struct NeverRecovers(Arc<Troubles>, Arc<AtomicBool>);

impl NeverRecovers {
    pub(super) fn new(troubles: Arc<Troubles>) -> Self {
        Self(troubles, Arc::default())
    }
}

twist! { NeverRecovers:
    list(self, store, prefix) {
        self.1.fetch_or(self.0.is_down(), Ordering::SeqCst);
        self.0.check()?;
        store.list(prefix).await
    }
    renew(self, store, (name, fence), ttl, facts) {
        if self.1.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "lease.renew", "closed"));
        }
        store.renew(name, fence, ttl, facts).await
    }
}

#[derive(Clone)]
pub(super) struct SaysItWasNotApplied(pub(super) Arc<Troubles>);
twist! { SaysItWasNotApplied:
    hold(self, store, (name, holder), ttl, facts) {
        let held = store.hold(name, holder, ttl, facts).await?;
        self.0.check()?;
        Ok(held)
    }
}
