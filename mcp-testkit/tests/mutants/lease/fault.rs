//! What is held, renewed or listed wrongly.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use mcp_core::store::{Fence, LeaseStore, MAX_FACTS, StoreError, StoreErrorKind};
use tokio::task::{block_in_place, yield_now};

use super::twist::{Answer, Store, twist};

#[derive(Clone)]
pub(super) struct EveryoneHolds;
twist! { EveryoneHolds:
    hold(self, store, (name, holder), ttl, facts) {
        let held = store.hold(name, holder, ttl, facts).await?;
        Ok(held.or(Some(Fence(1))))
    }
}

#[derive(Clone)]
pub(super) struct OneFenceForAll;
twist! { OneFenceForAll:
    hold(self, store, (name, holder), ttl, facts) {
        let held = store.hold(name, holder, ttl, facts).await?;
        Ok(held.map(|_| Fence(1)))
    }
}

#[derive(Clone)]
pub(super) struct RenewHoldsAgain;
twist! { RenewHoldsAgain:
    renew(self, store, (name, fence), ttl, facts) {
        let renewed = store.renew(name, fence, ttl, facts).await?;
        Ok(renewed || store.hold(name, "again", ttl, facts).await?.is_some())
    }
}

#[derive(Clone)]
pub(super) struct AnyFenceWill;
twist! { AnyFenceWill:
    release(self, store, name, _) {
        match store.list(name).await?.first() {
            Some(lease) => store.release(name, lease.fence).await,
            None => Ok(false),
        }
    }
}

#[derive(Clone)]
pub(super) struct ReleaseIsAlwaysTrue;
twist! { ReleaseIsAlwaysTrue:
    release(self, store, name, fence) {
        store.release(name, fence).await?;
        Ok(true)
    }
}

#[derive(Clone)]
pub(super) struct FoldsNames;
twist! { FoldsNames:
    hold(self, store, (name, holder), ttl, facts) {
        store.hold(&name.to_lowercase(), holder, ttl, facts).await
    }
}

#[derive(Clone)]
pub(super) struct KeepsTheFirstFacts;
twist! { KeepsTheFirstFacts:
    renew(self, store, (name, fence), ttl, _) {
        let leases = store.list(name).await?;
        let first = leases.first().map(|lease| lease.facts.clone());
        store.renew(name, fence, ttl, &first.unwrap_or_default()).await
    }
}

#[derive(Clone)]
pub(super) struct CutsFacts;
twist! { CutsFacts:
    hold(self, store, (name, holder), ttl, facts) {
        store.hold(name, holder, ttl, &facts[..facts.len().min(MAX_FACTS)]).await
    }
}

#[derive(Clone)]
pub(super) struct HoldsInTwoSteps;
twist! { HoldsInTwoSteps:
    hold(self, store, (name, holder), ttl, facts) {
        let held = store.hold(name, holder, ttl, b"").await?;
        yield_now().await;
        if let Some(fence) = held {
            store.renew(name, fence, ttl, facts).await?;
        }
        Ok(held)
    }
}

#[derive(Clone)]
pub(super) struct RenewsInTwoSteps;
twist! { RenewsInTwoSteps:
    renew(self, store, (name, fence), ttl, facts) {
        if !store.release(name, fence).await? {
            return Ok(false);
        }
        yield_now().await;
        Ok(store.hold(name, "h", ttl, facts).await?.is_some())
    }
}

#[derive(Clone)]
pub(super) struct BlocksItsThread;
twist! { BlocksItsThread:
    hold(self, store, (name, holder), ttl, facts) {
        block_in_place(|| ());
        store.hold(name, holder, ttl, facts).await
    }
}

/// Works for twenty callers.
#[derive(Clone, Default)]
pub(super) struct RefusesACrowd(Arc<AtomicU32>);
twist! { RefusesACrowd:
    hold(self, store, (name, holder), ttl, facts) {
        let callers = self.0.fetch_add(1, Ordering::SeqCst);
        for _ in 0..50 {
            yield_now().await;
        }
        self.0.fetch_sub(1, Ordering::SeqCst);
        if callers >= 20 {
            let message = "no connection is free";
            return Err(StoreError::new(StoreErrorKind::Unavailable, "lease.hold", message));
        }
        store.hold(name, holder, ttl, facts).await
    }
}

#[derive(Clone)]
pub(super) struct ShowsFacts;
twist! { ShowsFacts:
    hold(self, store, (name, holder), ttl, facts) {
        let held = store.hold(name, holder, ttl, facts).await;
        held.map_err(|error| {
            let message = format!("{} is too large", String::from_utf8_lossy(facts));
            StoreError::new(error.kind(), "lease.hold", message)
        })
    }
}

#[derive(Clone)]
pub(super) struct RenewsLonger;
twist! { RenewsLonger:
    renew(self, store, (name, fence), ttl, facts) {
        store.renew(name, fence, ttl * 2, facts).await
    }
}
