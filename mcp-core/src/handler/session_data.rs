//! What handlers remember for a session.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    server::Link,
    store::{StoreError, StoreErrorKind},
};

/// Values kept in the session's record, on every instance, as long as the session lives.
///
/// Each read asks the store. Meant for small things: a choice, a cursor, a draft's id.
#[derive(Debug)]
pub struct SessionData<'a>(Option<&'a Link>);

impl<'a> SessionData<'a> {
    pub(crate) fn new(link: Option<&'a Link>) -> Self {
        Self(link)
    }

    fn link(&self, operation: &'static str) -> Result<&'a Link, StoreError> {
        self.0.ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Unsupported,
                operation,
                "this call has no session",
            )
        })
    }

    /// The value under `key`, if there is one of this type.
    ///
    /// # Errors
    ///
    /// `Unsupported` without a session, `Corrupt` when the value has another type, and what the
    /// store fails with.
    ///
    /// # Cancel safety
    ///
    /// Safe: nothing is changed.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        const OPERATION: &str = "session_data.get";
        let link = self.link(OPERATION)?;
        let record = link.server.reload(&link.session).await?;
        let json = record.as_ref().and_then(|record| record.data.get(key));
        let value = json
            .map(|json| serde_json::from_str(json.get()))
            .transpose();
        value.map_err(|error| {
            StoreError::new(StoreErrorKind::Corrupt, OPERATION, "another type").with_source(error)
        })
    }

    /// Stores a value under `key`.
    ///
    /// # Errors
    ///
    /// `Unsupported` without a session, `InvalidArgument` when the value is not JSON, and what the
    /// store fails with.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the value is stored or it is not.
    pub async fn set<T: Serialize + Sync>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        const OPERATION: &str = "session_data.set";
        let link = self.link(OPERATION)?;
        let json = serde_json::value::to_raw_value(value).map_err(|error| {
            StoreError::new(StoreErrorKind::InvalidArgument, OPERATION, "not JSON")
                .with_source(error)
        })?;
        let change = link.server.change_session(&link.session, |record| {
            record.data.insert(key.to_owned(), json.clone());
        });
        change.await.map(drop)
    }

    /// Forgets the value under `key`.
    ///
    /// # Errors
    ///
    /// `Unsupported` without a session, and what the store fails with.
    ///
    /// # Cancel safety
    ///
    /// When dropped, the value is forgotten or it is not.
    pub async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let link = self.link("session_data.remove")?;
        let change = link.server.change_session(&link.session, |record| {
            record.data.remove(key);
        });
        change.await.map(drop)
    }
}
