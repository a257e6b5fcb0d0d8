//! What is counted or swept wrongly.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use mcp_core::store::{Caps, Created, SessionRecord, SessionStore, Ttl};
use tokio::task::yield_now;

use super::twist::{Answer, Store, twist};

/// Counts every session that was ever created under a cap.
#[derive(Clone, Default)]
pub(super) struct CountsForEver(Arc<AtomicU32>);
twist! { CountsForEver:
    create(self, store, record, ttl, caps) {
        let count = self.0.fetch_add(1, Ordering::SeqCst);
        match caps.per_principal {
            Some(cap) if count >= cap => Ok(Created::LimitExceeded),
            _ => store.create(record, ttl, &Caps::none()).await,
        }
    }
}

#[derive(Clone)]
pub(super) struct CountsBeforeItCreates;
twist! { CountsBeforeItCreates:
    create(self, store, record, ttl, caps) {
        let all = store.list(None, 1000).await?;
        let own = all.iter().filter(|found| found.record.principal == record.principal);
        let count = u32::try_from(own.count()).unwrap();
        if caps.per_principal.is_some_and(|cap| count >= cap) {
            return Ok(Created::LimitExceeded);
        }
        // Others create meanwhile.
        yield_now().await;
        store.create(record, ttl, &Caps::none()).await
    }
}

#[derive(Clone)]
pub(super) struct StoresWhatItRefuses;
twist! { StoresWhatItRefuses:
    create(self, store, record, ttl, caps) {
        let created = store.create(record, ttl, caps).await?;
        if created == Created::LimitExceeded {
            store.create(record, ttl, &Caps::none()).await?;
        }
        Ok(created)
    }
}

#[derive(Clone)]
pub(super) struct SweepsAll;
twist! { SweepsAll:
    sweep(self, store, _) {
        store.sweep(usize::MAX).await
    }
}

#[derive(Clone)]
pub(super) struct SweepsTheLiving;
twist! { SweepsTheLiving:
    sweep(self, store, limit) {
        for found in store.list(None, 1).await? {
            store.delete(&found.record.id).await?;
        }
        store.sweep(limit).await
    }
}
