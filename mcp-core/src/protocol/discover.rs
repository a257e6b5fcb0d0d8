//! `server/discover`, whose parameters are [`RequestParams`](super::RequestParams).

use serde::{Deserialize, Serialize};

use super::{CacheScope, Meta, ResultType, Revision, ServerCapabilities, setters::setters};

/// What a server is and can do, for any client that asks (2026-07-28).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DiscoverResult {
    /// Whether it is final.
    #[serde(default)]
    pub result_type: ResultType,
    /// The revisions a client may choose from, some of which this crate may not know.
    pub supported_versions: Vec<String>,
    /// What the server can do.
    pub capabilities: ServerCapabilities,
    /// How to use the server, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// How many milliseconds it stays fresh.
    pub ttl_ms: u64,
    /// Who may keep it.
    pub cache_scope: CacheScope,
    /// What the sender attached; a server names itself here.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl DiscoverResult {
    /// These revisions and capabilities, stale at once and for this caller only.
    pub fn new(
        supported_versions: impl IntoIterator<Item = Revision>,
        capabilities: ServerCapabilities,
    ) -> Self {
        Self {
            result_type: ResultType::Complete,
            supported_versions: supported_versions
                .into_iter()
                .map(|revision| revision.as_str().to_owned())
                .collect(),
            capabilities,
            instructions: None,
            ttl_ms: 0,
            cache_scope: CacheScope::Private,
            meta: None,
        }
    }

    /// Says how many milliseconds it stays fresh.
    #[must_use]
    pub const fn ttl_ms(mut self, ttl_ms: u64) -> Self {
        self.ttl_ms = ttl_ms;
        self
    }

    /// Says who may keep it.
    #[must_use]
    pub const fn cache_scope(mut self, cache_scope: CacheScope) -> Self {
        self.cache_scope = cache_scope;
        self
    }
}

setters!(DiscoverResult {
    /// Tells the model how to use the server.
    instructions: String,
    /// Attaches `_meta`.
    meta: Meta,
});
