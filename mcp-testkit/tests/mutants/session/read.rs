//! What is read, listed or touched wrongly.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use mcp_core::{
    clock::Timestamp,
    store::{
        Caps, Created, Principal, SessionChange, SessionId, SessionRecord, SessionStore, Ttl,
        Version, Versioned,
    },
};

use super::twist::{Answer, Store, twist};

#[derive(Clone)]
pub(super) struct ForgetsSubscriptions;
twist! { ForgetsSubscriptions:
    load(self, store, id) {
        let mut found = store.load(id).await?;
        if let Some(found) = &mut found {
            found.record.subscriptions.clear();
        }
        Ok(found)
    }
}

#[derive(Clone)]
pub(super) struct ForgetsTheIssuer;
twist! { ForgetsTheIssuer:
    load(self, store, id) {
        let mut found = store.load(id).await?;
        if let Some(owner) = found.as_mut().and_then(|found| found.record.principal.as_mut()) {
            *owner = Principal::new("https://issuer", Arc::clone(&owner.subject));
        }
        Ok(found)
    }
}

#[derive(Clone)]
pub(super) struct LoadTouches;
twist! { LoadTouches:
    load(self, store, id) {
        store.touch(std::slice::from_ref(id)).await?;
        store.load(id).await
    }
}

#[derive(Clone)]
pub(super) struct TouchOnlyLooks;
twist! { TouchOnlyLooks:
    touch(self, store, ids) {
        let mut versions = Vec::new();
        for id in ids {
            versions.push(store.load(id).await?.map(|found| found.version));
        }
        Ok(versions)
    }
}

#[derive(Clone)]
pub(super) struct TouchesTheFirst;
twist! { TouchesTheFirst:
    touch(self, store, ids) {
        let mut versions = store.touch(&ids[..1]).await?;
        versions.resize(ids.len(), None);
        Ok(versions)
    }
}

#[derive(Clone)]
pub(super) struct TouchBeginsANewLife;
twist! { TouchBeginsANewLife:
    touch(self, store, ids) {
        let ttl = Ttl {
            idle: Duration::from_mins(10),
            absolute: Duration::from_hours(24),
        };
        let mut versions = Vec::new();
        for id in ids {
            if let Some(found) = store.load(id).await? {
                let change = SessionChange::to(found.record).with_ttl(ttl);
                versions.push(store.update(id, found.version, &change).await?);
            } else {
                versions.push(None);
            }
        }
        Ok(versions)
    }
}

#[derive(Clone)]
pub(super) struct ListsInReverse;
twist! { ListsInReverse:
    list(self, store, after, limit) {
        let mut page = store.list(after, limit).await?;
        page.reverse();
        Ok(page)
    }
}

/// Lists everything that was ever created.
#[derive(Clone, Default)]
pub(super) struct ListsTheDead(Arc<Mutex<Vec<SessionRecord>>>);
twist! { ListsTheDead:
    create(self, store, record, ttl, caps) {
        self.0.lock().unwrap().push(record.clone());
        store.create(record, ttl, caps).await
    }
    list(self, _, _, limit) {
        let all = self.0.lock().unwrap();
        let shown = all.iter().take(limit).cloned();
        let shown = shown.map(|record| Versioned::new(record, Version(1), Timestamp::default()));
        Ok(shown.collect())
    }
}
