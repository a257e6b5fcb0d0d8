//! What cannot be dropped, shared or used everywhere.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use mcp_core::store::{
    Caps, Created, SessionChange, SessionId, SessionRecord, SessionStore, StoreError,
    StoreErrorKind, Ttl, Version, Versioned,
};
use tokio::task::{block_in_place, yield_now};

use super::twist::{Answer, Store, twist};

#[derive(Clone)]
pub(super) struct CreatesInTwoSteps;
twist! { CreatesInTwoSteps:
    create(self, store, record, ttl, caps) {
        let mut half = record.clone();
        half.subscriptions.clear();
        let created = store.create(&half, ttl, caps).await?;
        yield_now().await;
        store.update(&record.id, Version(1), &SessionChange::to(record.clone())).await?;
        Ok(created)
    }
}

#[derive(Clone)]
pub(super) struct UpdatesInTwoSteps;
twist! { UpdatesInTwoSteps:
    update(self, store, id, expected, change) {
        let mut half = change.clone();
        half.record.subscriptions.clear();
        let Some(version) = store.update(id, expected, &half).await? else {
            return Ok(None);
        };
        yield_now().await;
        store.update(id, version, change).await?;
        Ok(Some(version))
    }
}

/// Removes the record first, and gives the place under the cap back afterwards.
#[derive(Clone, Default)]
pub(super) struct DeletesInTwoSteps(Arc<AtomicU32>);
twist! { DeletesInTwoSteps:
    create(self, store, record, ttl, caps) {
        let kept = self.0.load(Ordering::SeqCst);
        match caps.per_principal {
            Some(cap) => store.create(record, ttl, &caps.per_principal(cap.saturating_sub(kept))).await,
            None => store.create(record, ttl, caps).await,
        }
    }
    delete(self, store, id) {
        let deleted = store.delete(id).await?;
        if deleted {
            self.0.fetch_add(1, Ordering::SeqCst);
            yield_now().await;
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(deleted)
    }
}

#[derive(Clone)]
pub(super) struct BlocksItsThread;
twist! { BlocksItsThread:
    load(self, store, id) {
        block_in_place(|| ());
        store.load(id).await
    }
}

/// Works for twenty callers.
#[derive(Clone, Default)]
pub(super) struct RefusesACrowd(Arc<AtomicU32>);
twist! { RefusesACrowd:
    load(self, store, id) {
        let callers = self.0.fetch_add(1, Ordering::SeqCst);
        for _ in 0..50 {
            yield_now().await;
        }
        let found = store.load(id).await;
        self.0.fetch_sub(1, Ordering::SeqCst);
        if callers >= 20 {
            let message = "no connection is free";
            return Err(StoreError::new(StoreErrorKind::Unavailable, "session.load", message));
        }
        found
    }
}
