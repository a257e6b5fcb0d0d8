//! What goes wrong when the backend is away, or when what it keeps is damaged.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use mcp_core::store::{
    Caps, Created, SessionChange, SessionId, SessionRecord, SessionStore, StoreError,
    StoreErrorKind, Ttl, Version, Versioned,
};
use mcp_testkit::Damage;

use super::twist::{Answer, Store, twist};
use crate::broken::Troubles;

#[derive(Clone)]
pub(super) struct FindsNothingWhenDown(pub(super) Arc<Troubles>);
twist! { FindsNothingWhenDown:
    load(self, store, id) {
        if self.0.is_down() {
            return Ok(None);
        }
        store.load(id).await
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
    load(self, store, id) {
        self.1.fetch_or(self.0.is_down(), Ordering::SeqCst);
        if self.1.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, "session.load", "closed"));
        }
        store.load(id).await
    }
}

#[derive(Clone)]
pub(super) struct SaysItWasNotApplied(pub(super) Arc<Troubles>);
twist! { SaysItWasNotApplied:
    create(self, store, record, ttl, caps) {
        let created = store.create(record, ttl, caps).await?;
        self.0.check()?;
        Ok(created)
    }
}

fn reading(damage: Damage) -> StoreErrorKind {
    match damage {
        Damage::Garbage => StoreErrorKind::Corrupt,
        Damage::FromTheFuture => StoreErrorKind::Unsupported,
    }
}

/// A store whose backend can be taken away, and whose records can be damaged. It does right, unless
/// there is a kind of damage that it takes for nothing.
#[derive(Clone)]
pub(super) struct ReadsDamage(pub(super) Arc<Troubles>, pub(super) Option<Damage>);

twist! { ReadsDamage:
    create(self, store, record, ttl, caps) {
        self.0.check()?;
        store.create(record, ttl, caps).await
    }
    load(self, store, id) {
        self.0.check()?;
        let found = store.load(id).await?;
        match self.0.damage_of(id).filter(|_| found.is_some()) {
            Some(damage) if self.1 == Some(damage) => Ok(None),
            Some(damage) => Err(StoreError::new(reading(damage), "session.load", "cannot be decoded")),
            None => Ok(found),
        }
    }
    update(self, store, id, expected, change) {
        self.0.check()?;
        store.update(id, expected, change).await
    }
    touch(self, store, ids) {
        self.0.check()?;
        store.touch(ids).await
    }
    delete(self, store, id) {
        self.0.check()?;
        store.delete(id).await
    }
    list(self, store, after, limit) {
        self.0.check()?;
        let mut page = store.list(after, limit + self.0.damaged()).await?;
        page.retain(|found| self.0.damage_of(&found.record.id).is_none());
        page.truncate(limit);
        Ok(page)
    }
}

/// One record that cannot be read keeps everybody from all others.
#[derive(Clone)]
pub(super) struct ListsAllOrNothing(pub(super) Arc<Troubles>);

twist! { ListsAllOrNothing:
    list(self, store, after, limit) {
        let page = store.list(after, limit).await?;
        match page.iter().find_map(|found| self.0.damage_of(&found.record.id)) {
            Some(damage) => Err(StoreError::new(reading(damage), "session.list", "cannot be decoded")),
            None => Ok(page),
        }
    }
}

/// What was created stays in the backend for ever.
#[derive(Clone)]
pub(super) struct KeepsEverything(pub(super) Arc<Troubles>);

twist! { KeepsEverything:
    create(self, store, record, ttl, caps) {
        self.0.keep();
        store.create(record, ttl, caps).await
    }
}
