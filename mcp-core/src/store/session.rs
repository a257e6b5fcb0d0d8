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

/// Everything a session is, apart from its streams. `Debug` shows neither data nor secret.
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionRecord {
    /// The id core minted.
    pub id: SessionId,
    /// The negotiated revision.
    pub revision: Revision,
    /// What the client calls itself.
    pub client: Arc<Implementation>,
    /// What the client declared at `initialize`.
    pub capabilities: Arc<ClientCapabilities>,
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
    /// What a newer version stored beside these, kept for it.
    #[serde(skip)]
    pub(super) unknown: BTreeMap<String, Box<RawValue>>,
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
            client: Arc::new(client),
            capabilities: Arc::new(capabilities),
            principal: None,
            initialized: false,
            log_level: None,
            subscriptions: BTreeSet::new(),
            data: BTreeMap::new(),
            secret,
            unknown: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for SessionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRecord")
            .field("id", &self.id)
            .field("revision", &self.revision)
            .field("client", &self.client)
            .field("initialized", &self.initialized)
            .finish_non_exhaustive()
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
///
/// # Contract
///
/// The store, whatever it keeps the records in:
///
/// * SS-02: `create` is create-if-absent. Of many concurrent ones of an id exactly one succeeds,
///   and its record stands.
/// * SS-03: the id of a deleted session stays taken for the tombstone time.
/// * SS-04: what was written through one handle is read through another, every field byte for byte.
/// * SS-05: `update` writes when the version is the current one and grows it by one; otherwise it
///   is a `Conflict` and nothing changes.
/// * SS-06: no update is lost among concurrent ones.
/// * SS-07: `update` of a missing, expired or deleted session is `Ok(None)` and makes none.
/// * SS-08: after `delete` returned, nothing that raced it makes `load` answer `Some`.
/// * SS-10: a second `delete` answers `false`.
/// * SS-11: `delete` removes the record and every index of it; only the tombstone stays.
/// * SS-13: a session is there until its time is over and not after, by the backend's clock.
/// * SS-14: the clock of the calling instance changes nothing.
/// * SS-15: `touch` starts the idle time again, never past the absolute one.
/// * SS-16: `load` does not lengthen a life; `update` changes it only when asked.
/// * SS-17: id, owner and creation time never change; an attempt is `InvalidArgument`.
/// * SS-18: what has expired is invisible to every call and every count before it is swept.
/// * SS-19: `sweep` may run everywhere at once, is bounded, goes on where it left off, and never
///   takes a live or just touched session.
/// * SS-21, SS-22: the owner, or that there is none, comes back as it was given: issuer and subject.
/// * SS-23: no two ids or owners collide, whatever characters they have.
/// * SS-24: namespaces share nothing, also when the name of one begins with that of the other.
/// * SS-25: the cap of a principal is never exceeded; expired sessions do not count.
/// * SS-26: a stored record says which versions can read it; who cannot answers `Unsupported`.
/// * SS-27: bytes that cannot be decoded are `Corrupt`, and concern that one session: a list leaves
///   it out.
/// * SS-28: application data comes back byte for byte through every call.
/// * SS-29: `list` pages through the sessions in the order of the bytes of their ids, each once.
///
/// The caller:
///
/// * SS-01: mints the ids, at random, and never uses one twice.
/// * SS-20: compares the owner after the load, and treats somebody else's session as unknown.
/// * After [`StoreErrorKind::Unknown`](super::StoreErrorKind::Unknown) it reads before it decides.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Stores a record under a fresh id.
    ///
    /// # Errors
    ///
    /// `TooLarge` when the record is larger than the store takes; else only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the record stands as a whole or not at all.
    async fn create(
        &self,
        record: &SessionRecord,
        ttl: Ttl,
        caps: &Caps,
    ) -> Result<Created, StoreError>;

    /// The record, unless it is unknown, expired or deleted.
    ///
    /// # Errors
    ///
    /// `Corrupt` or `Unsupported` when it cannot be decoded; else only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    async fn load(&self, id: &SessionId) -> Result<Option<Versioned>, StoreError>;

    /// Replaces the record if its version is still `expected`; `None` when there is no such session.
    ///
    /// # Errors
    ///
    /// `Conflict` when the version is another one: load, decide again, try again.
    /// `InvalidArgument` when the record has another id or owner. `TooLarge` as for `create`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the change is made as a whole or not at all.
    async fn update(
        &self,
        id: &SessionId,
        expected: Version,
        change: &SessionChange,
    ) -> Result<Option<Version>, StoreError>;

    /// Starts the idle time of each session again; says which still live, in the order asked.
    ///
    /// # Errors
    ///
    /// Only when the backend fails; some of the sessions may have been touched then.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, each session has been touched or not.
    async fn touch(&self, ids: &[SessionId]) -> Result<Vec<Option<Version>>, StoreError>;

    /// Removes the session; `false` when there was none.
    ///
    /// # Errors
    ///
    /// Only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the session is there or gone; deleting again is harmless.
    async fn delete(&self, id: &SessionId) -> Result<bool, StoreError>;

    /// Up to `limit` live sessions with ids after `after`, in the order of the bytes of their ids.
    ///
    /// A session that lives from the first page to the last is seen exactly once. A page with fewer
    /// than `limit` is the last one. A session whose record cannot be read is left out, so that one
    /// of them does not keep an operator from all others.
    ///
    /// # Errors
    ///
    /// As for `load`, but for a record that cannot be read.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    async fn list(
        &self,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Versioned>, StoreError>;

    /// Frees what up to `limit` expired sessions and old tombstones still hold; says how many.
    ///
    /// A store whose backend does this by itself has nothing to do.
    ///
    /// # Errors
    ///
    /// Only when the backend fails.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the next call goes on.
    async fn sweep(&self, limit: usize) -> Result<usize, StoreError> {
        let _ = limit;
        Ok(0)
    }
}
