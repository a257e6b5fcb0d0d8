//! One record per session: [`SessionStore`] and what it keeps.

use std::{collections::BTreeMap, collections::BTreeSet, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::StoreError;
use crate::{
    clock::Timestamp,
    protocol::{ClientCapabilities, Implementation, LoggingLevel, Revision},
};

/// The id of a session, as in `Mcp-Session-Id`. `Debug` shows a short prefix only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Arc<str>);

impl std::borrow::Borrow<str> for SessionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl SessionId {
    /// Wraps an id without judging it.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.0.chars().take(4).collect();
        write!(f, "SessionId({shown}…)")
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who a request comes from: the issuer and subject of its credentials, never the token's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Principal {
    /// Who vouches for the subject, for instance an OAuth issuer URL.
    pub issuer: Arc<str>,
    /// The subject, unique within the issuer.
    pub subject: Arc<str>,
}

impl Principal {
    /// A principal.
    pub fn new(issuer: impl Into<Arc<str>>, subject: impl Into<Arc<str>>) -> Self {
        Self {
            issuer: issuer.into(),
            subject: subject.into(),
        }
    }
}

/// Everything a session is, apart from its streams.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionRecord {
    /// The id core minted.
    pub id: SessionId,
    /// The negotiated revision.
    pub revision: Revision,
    /// What the client calls itself.
    pub client: Implementation,
    /// What the client declared at `initialize`.
    pub capabilities: ClientCapabilities,
    /// Who made the session; only the same principal may use it.
    pub principal: Option<Principal>,
    /// Whether `notifications/initialized` has arrived.
    pub initialized: bool,
    /// The level of `logging/setLevel`.
    pub log_level: Option<LoggingLevel>,
    /// The URIs of `resources/subscribe`.
    pub subscriptions: BTreeSet<String>,
    /// What handlers remember for this session.
    pub data: BTreeMap<String, Box<RawValue>>,
    /// Keys the tags in the ids of requests sent to this client.
    pub secret: [u8; 16],
}

impl SessionRecord {
    /// A fresh record, as `initialize` makes it.
    #[must_use]
    pub fn new(
        id: SessionId,
        revision: Revision,
        client: Implementation,
        capabilities: ClientCapabilities,
        secret: [u8; 16],
    ) -> Self {
        Self {
            id,
            revision,
            client,
            capabilities,
            principal: None,
            initialized: false,
            log_level: None,
            subscriptions: BTreeSet::new(),
            data: BTreeMap::new(),
            secret,
        }
    }
}

/// The optimistic lock of a record; grows by one with every update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number and nothing else")]
pub struct Version(pub u64);

/// How long a session lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the two bounds of a life")]
pub struct Ttl {
    /// Time without use after which the session ends; every `touch` starts it again.
    pub idle: Duration,
    /// Time since `create` after which the session ends, used or not.
    pub absolute: Duration,
}

/// Limits checked by `create`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caps {
    /// At most this many live sessions of one principal.
    pub per_principal: Option<u32>,
}

impl Caps {
    /// No cap at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Caps the live sessions of one principal; anonymous sessions are not counted.
    #[must_use]
    pub fn per_principal(mut self, sessions: u32) -> Self {
        self.per_principal = Some(sessions);
        self
    }
}

/// The answer of [`SessionStore::create`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every answer")]
pub enum Created {
    /// The record stands, with this version.
    Created(Version),
    /// The id is taken, or was deleted a moment ago.
    Exists,
    /// A cap is reached; nothing was stored.
    LimitExceeded,
}

/// A record with what the backend knows about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Versioned {
    /// The record.
    pub record: SessionRecord,
    /// Its version.
    pub version: Version,
    /// When it was created, by the backend's clock.
    pub created_at: Timestamp,
}

impl Versioned {
    /// What a store answers to `load`.
    #[must_use]
    pub fn new(record: SessionRecord, version: Version, created_at: Timestamp) -> Self {
        Self {
            record,
            version,
            created_at,
        }
    }
}

/// What [`SessionStore::update`] writes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionChange {
    /// The whole record after the change. Id and principal must be those of the stored one.
    pub record: SessionRecord,
    /// A new life time, counted from now (idle) and from creation (absolute).
    pub ttl: Option<Ttl>,
}

impl SessionChange {
    /// Writes `record`, leaves the life time alone.
    #[must_use]
    pub fn to(record: SessionRecord) -> Self {
        Self { record, ttl: None }
    }

    /// Gives the session another life time as well.
    #[must_use]
    pub fn with_ttl(mut self, ttl: Ttl) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

/// Where sessions live.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Stores a record under a fresh id.
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError>;

    /// The record, unless it is unknown, expired or deleted.
    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError>;

    /// Replaces the record if its version is still `expected`; `None` when there is no such session.
    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError>;

    /// Starts the idle time of each session again; says which still live, in the order asked.
    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError>;

    /// Removes the session; `false` when there was none.
    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError>;

    /// Up to `limit` live sessions with ids after `after`, in the order of their ids.
    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError>;

    /// Frees what up to `limit` expired sessions still hold; says how many were freed.
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let _ = limit;
        Ok(0)
    }
}
