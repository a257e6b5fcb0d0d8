//! Sessions as the cases make them. A backend's own cases may use them, too.

use std::time::Duration;

use mcp_core::{
    BoxError,
    protocol::Revision,
    store::{
        Caps, Created, Principal, SessionId, SessionRecord, SessionStore, StoreError, Ttl, Version,
        Versioned,
    },
};
use serde_json::{json, value::RawValue};

/// A minute: the least by which the cases miss a deadline.
pub const MINUTE: Duration = Duration::from_mins(1);

/// A day: longer than any tombstone stands.
pub const DAY: Duration = Duration::from_hours(24);

/// Ten minutes without use, an hour in all: long enough that no case waits for it.
pub const TTL: Ttl = Ttl {
    idle: Duration::from_mins(10),
    absolute: Duration::from_hours(1),
};

/// An anonymous session, fresh from `initialize`.
///
/// # Errors
///
/// Never; the client's data are built from JSON.
pub fn record(id: &str) -> Result<SessionRecord, BoxError> {
    Ok(SessionRecord::new(
        SessionId::new(id),
        Revision::V2025_11_25,
        serde_json::from_value(json!({"name": "client", "version": "1"}))?,
        serde_json::from_value(json!({}))?,
        [7; 16],
    ))
}

/// The same, of `owner`.
///
/// # Errors
///
/// As [`record`].
pub fn record_of(id: &str, owner: &Principal) -> Result<SessionRecord, BoxError> {
    let mut record = record(id)?;
    record.principal = Some(owner.clone());
    Ok(record)
}

/// Somebody.
#[must_use]
pub fn alice() -> Principal {
    Principal::new("https://issuer", "alice")
}

/// JSON that is kept as it is written.
///
/// # Errors
///
/// When it is no JSON.
pub fn raw(json: &str) -> Result<Box<RawValue>, BoxError> {
    Ok(RawValue::from_string(json.to_owned())?)
}

/// A record as JSON, to compare every field at once, byte for byte.
///
/// # Errors
///
/// When it cannot be written as JSON.
pub fn text(record: &SessionRecord) -> Result<String, BoxError> {
    Ok(serde_json::to_string(record)?)
}

/// Creates a session with [`TTL`] and no cap, and expects that its id was free.
///
/// # Errors
///
/// When the id was taken, or the store fails.
///
/// # Cancel safety
///
/// As [`SessionStore::create`].
pub async fn create<S>(store: &S, record: &SessionRecord) -> Result<Version, BoxError>
where
    S: SessionStore + ?Sized,
{
    match store.create(record, TTL, &Caps::none()).await? {
        Created::Created(version) => Ok(version),
        other => Err(format!("create answered {other:?}").into()),
    }
}

/// Loads a session by the text of its id.
///
/// # Errors
///
/// When the store fails.
///
/// # Cancel safety
///
/// As [`SessionStore::load`].
pub async fn load<S>(store: &S, id: &str) -> Result<Option<Versioned>, StoreError>
where
    S: SessionStore + ?Sized,
{
    store.load(&SessionId::new(id)).await
}

/// The ids of every session, as `list` gives them.
///
/// # Errors
///
/// When the store fails.
///
/// # Cancel safety
///
/// As [`SessionStore::list`].
pub async fn ids<S>(store: &S) -> Result<Vec<String>, StoreError>
where
    S: SessionStore + ?Sized,
{
    let all = store.list(None, 1000).await?;
    Ok(all
        .iter()
        .map(|found| found.record.id.to_string())
        .collect())
}
