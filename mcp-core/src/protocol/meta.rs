//! `_meta`, and the messages that carry nothing else.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ProgressToken, ResultType, setters::setters};

/// What either side attaches to a message or an item, under keys of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Meta(pub Map<String, Value>);

impl Meta {
    /// The key under which a result names the server (2026-07-28).
    pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
    /// The key under which a notification names its subscription (2026-07-28).
    pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

    /// A `_meta` without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(key.into(), value.into());
        self
    }

    /// The member called `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The token under which the sender wants to hear of progress.
    #[must_use]
    pub fn progress_token(&self) -> Option<ProgressToken> {
        ProgressToken::from_value(self.get("progressToken")?)
    }

    /// Whether it has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Map<String, Value>> for Meta {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

/// The parameters of a request that has none of its own, such as `ping` and `roots/list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestParams {
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

setters!(RequestParams {
    /// Attaches `_meta`.
    meta: Meta,
});

/// The parameters of a notification that has none of its own, such as the `list_changed` ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotificationParams {
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

setters!(NotificationParams {
    /// Attaches `_meta`.
    meta: Meta,
});

/// A result that says no more than that the request succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EmptyResult {
    /// Whether it is final; every result says so since 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_type: Option<ResultType>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

setters!(EmptyResult {
    /// Says whether it is final.
    result_type: ResultType,
    /// Attaches `_meta`.
    meta: Meta,
});
