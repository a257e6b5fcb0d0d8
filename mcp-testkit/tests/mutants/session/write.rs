//! What is written wrongly.

use std::collections::BTreeMap;

use mcp_core::store::{
    Caps, Created, Principal, SessionChange, SessionId, SessionRecord, SessionStore,
    StoreErrorKind, Ttl, Version, Versioned,
};
use serde_json::value::RawValue;
use tokio::task::yield_now;

use super::twist::{Answer, Store, twist};

#[derive(Clone)]
pub(super) struct CreateReplaces;
twist! { CreateReplaces:
    create(self, store, record, ttl, caps) {
        match store.create(record, ttl, caps).await? {
            Created::Exists => Ok(Created::Created(Version(1))),
            created => Ok(created),
        }
    }
}

#[derive(Clone)]
pub(super) struct AnyVersionWill;
twist! { AnyVersionWill:
    load(self, store, id) {
        let found = store.load(id).await;
        // Others write meanwhile.
        yield_now().await;
        found
    }
    update(self, store, id, expected, change) {
        match store.update(id, expected, change).await {
            Err(error) if error.kind() == StoreErrorKind::Conflict => {
                let current = store.load(id).await?.map(|found| found.version);
                store.update(id, current.unwrap_or(expected), change).await
            }
            answer => answer,
        }
    }
}

#[derive(Clone)]
pub(super) struct UpdateCreates;
twist! { UpdateCreates:
    update(self, store, id, expected, change) {
        let updated = store.update(id, expected, change).await?;
        if let (None, Some(ttl)) = (updated, change.ttl) {
            store.create(&change.record, ttl, &Caps::none()).await?;
        }
        Ok(updated)
    }
}

#[derive(Clone)]
pub(super) struct DeleteIsAlwaysTrue;
twist! { DeleteIsAlwaysTrue:
    delete(self, store, id) {
        store.delete(id).await?;
        Ok(true)
    }
}

#[derive(Clone)]
pub(super) struct UpdateIgnoresTheTtl;
twist! { UpdateIgnoresTheTtl:
    update(self, store, id, expected, change) {
        let mut change = change.clone();
        change.ttl = None;
        store.update(id, expected, &change).await
    }
}

#[derive(Clone)]
pub(super) struct UpdateIgnoresTheAbsoluteTime;
twist! { UpdateIgnoresTheAbsoluteTime:
    update(self, store, id, expected, change) {
        let mut change = change.clone();
        if let Some(ttl) = &mut change.ttl {
            ttl.absolute *= 1000;
        }
        store.update(id, expected, &change).await
    }
}

#[derive(Clone)]
pub(super) struct TakesAnyRecord;
twist! { TakesAnyRecord:
    update(self, store, id, expected, change) {
        match store.update(id, expected, change).await {
            Err(error) if error.kind() == StoreErrorKind::InvalidArgument => Ok(Some(expected)),
            answer => answer,
        }
    }
}

#[derive(Clone)]
pub(super) struct FoldsIds;
twist! { FoldsIds:
    create(self, store, record, ttl, caps) {
        let mut record = record.clone();
        record.id = SessionId::new(record.id.as_str().to_lowercase());
        store.create(&record, ttl, caps).await
    }
}

#[derive(Clone)]
pub(super) struct JoinsOwners;
twist! { JoinsOwners:
    create(self, store, record, ttl, caps) {
        let mut record = record.clone();
        let joined = |owner: Principal| Principal::new(format!("{}:{}", owner.issuer, owner.subject), "");
        record.principal = record.principal.map(joined);
        store.create(&record, ttl, caps).await
    }
}

#[derive(Clone)]
pub(super) struct Reformats;
twist! { Reformats:
    update(self, store, id, expected, change) {
        let mut change = change.clone();
        let parsed = change.record.data.iter().map(|(key, value)| {
            let parsed = serde_json::from_str::<serde_json::Value>(value.get());
            let written = parsed.and_then(|value| RawValue::from_string(value.to_string()));
            (key.clone(), written.unwrap_or_else(|_| value.clone()))
        });
        change.record.data = parsed.collect::<BTreeMap<_, _>>();
        store.update(id, expected, &change).await
    }
}

#[derive(Clone)]
pub(super) struct NamesTheSession;
twist! { NamesTheSession:
    update(self, store, id, expected, change) {
        let answer = store.update(id, expected, change).await;
        answer.map_err(|error| {
            let message = format!("session {id} cannot be updated");
            mcp_core::store::StoreError::new(error.kind(), "session.update", message)
        })
    }
}
