//! `elicitation/create` and `notifications/elicitation/complete`.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use super::{Meta, setters::setters};

/// What the server asks the client's user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ElicitRequestParams {
    /// To fill in a form.
    Form(ElicitRequestFormParams),
    /// To visit a URL (2025-11-25).
    Url(ElicitRequestURLParams),
}

impl<'de> Deserialize<'de> for ElicitRequestParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `mode` may be absent, which means a form: serde's tags cannot say this.
        let members = Map::<String, Value>::deserialize(deserializer)?;
        let mode = members.get("mode").and_then(Value::as_str);
        match mode.unwrap_or("form") {
            "form" => serde_json::from_value(Value::Object(members)).map(Self::Form),
            "url" => serde_json::from_value(Value::Object(members)).map(Self::Url),
            other => return Err(de::Error::unknown_variant(other, &["form", "url"])),
        }
        .map_err(de::Error::custom)
    }
}

impl From<ElicitRequestFormParams> for ElicitRequestParams {
    fn from(params: ElicitRequestFormParams) -> Self {
        Self::Form(params)
    }
}

impl From<ElicitRequestURLParams> for ElicitRequestParams {
    fn from(params: ElicitRequestURLParams) -> Self {
        Self::Url(params)
    }
}

/// A form for the client's user.
///
/// `mode` is not written: a form is what its absence means, and what 2025-06-18 expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ElicitRequestFormParams {
    /// What is asked, for the user.
    pub message: String,
    /// The JSON Schema of the form: an object whose members are strings, numbers, booleans or enums.
    pub requested_schema: Value,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ElicitRequestFormParams {
    /// Asks this with a form of this shape.
    pub fn new(message: impl Into<String>, requested_schema: impl Into<Value>) -> Self {
        Self {
            message: message.into(),
            requested_schema: requested_schema.into(),
            meta: None,
        }
    }
}

setters!(ElicitRequestFormParams {
    /// Attaches `_meta`.
    meta: Meta,
});

/// A URL for the client's user to visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "mode", rename = "url")]
#[non_exhaustive]
pub struct ElicitRequestURLParams {
    /// Why, for the user.
    pub message: String,
    /// What `notifications/elicitation/complete` will carry (2025-11-25 only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation_id: Option<String>,
    /// The URL.
    pub url: String,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ElicitRequestURLParams {
    /// Asks to visit this URL, without an id: since 2026-07-28 there is none.
    pub fn without_id(message: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            elicitation_id: None,
            url: url.into(),
            meta: None,
        }
    }

    /// Asks to visit this URL; 2025-11-25 demands an id.
    pub fn new(
        message: impl Into<String>,
        elicitation_id: impl Into<String>,
        url: impl Into<String>,
    ) -> Self {
        Self {
            message: message.into(),
            elicitation_id: Some(elicitation_id.into()),
            url: url.into(),
            meta: None,
        }
    }
}

setters!(ElicitRequestURLParams {
    /// Attaches `_meta`.
    meta: Meta,
});

/// What the user did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ElicitResult {
    /// What the user did.
    pub action: ElicitAction,
    /// What the user filled in, when a form was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Map<String, Value>>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ElicitResult {
    /// The user did this.
    #[must_use]
    pub const fn new(action: ElicitAction) -> Self {
        Self {
            action,
            content: None,
            meta: None,
        }
    }
}

setters!(ElicitResult {
    /// Gives what the user filled in.
    content: Map<String, Value>,
    /// Attaches `_meta`.
    meta: Meta,
});

/// What the user did with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "yes, no, and neither")]
pub enum ElicitAction {
    /// Agreed.
    Accept,
    /// Refused.
    Decline,
    /// Went away without an answer.
    Cancel,
}

/// A visit to a URL that has come to its end (2025-11-25 only).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ElicitationCompleteNotificationParams {
    /// The id the request came with.
    pub elicitation_id: String,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ElicitationCompleteNotificationParams {
    /// The visit with this id.
    pub fn new(elicitation_id: impl Into<String>) -> Self {
        Self {
            elicitation_id: elicitation_id.into(),
            meta: None,
        }
    }
}

setters!(ElicitationCompleteNotificationParams {
    /// Attaches `_meta`.
    meta: Meta,
});
