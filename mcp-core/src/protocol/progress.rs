//! `notifications/progress`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Value, value::RawValue};

use super::{Meta, number, setters::setters};
use crate::jsonrpc::RequestId;

/// What ties progress to a request: a string or an integer, kept as the bytes it came in.
///
/// Two tokens are equal when their bytes are.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ProgressToken(RequestId);

impl ProgressToken {
    /// The token as JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.as_json()
    }

    /// The token in a value that has already been read, if it is one.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::from(text.as_str())),
            Value::Number(number) => RequestId::from_json(number.to_string().into())
                .ok()
                .map(Self),
            _ => None,
        }
    }
}

impl From<i64> for ProgressToken {
    fn from(token: i64) -> Self {
        Self(RequestId::from(token))
    }
}

impl From<&str> for ProgressToken {
    fn from(token: &str) -> Self {
        Self(RequestId::from(token))
    }
}

impl From<&RequestId> for ProgressToken {
    /// A request's own id is a token that no other request in flight has.
    fn from(id: &RequestId) -> Self {
        Self(id.clone())
    }
}

impl fmt::Display for ProgressToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl fmt::Debug for ProgressToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgressToken({})", self.as_json())
    }
}

impl<'de> Deserialize<'de> for ProgressToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        RequestId::from_json(raw.get().into())
            .map(Self)
            .map_err(|_| de::Error::custom("a progress token is a string or an integer"))
    }
}

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProgressNotificationParams {
    /// The token the request came with.
    pub progress_token: ProgressToken,
    /// What is done so far; it grows with every notification.
    #[serde(serialize_with = "number::serialize")]
    pub progress: f64,
    /// What there is to do, if known.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "number::option"
    )]
    pub total: Option<f64>,
    /// What is going on, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ProgressNotificationParams {
    /// Progress without a total and a message.
    pub fn new(progress_token: ProgressToken, progress: impl Into<f64>) -> Self {
        Self {
            progress_token,
            progress: progress.into(),
            total: None,
            message: None,
            meta: None,
        }
    }
}

setters!(ProgressNotificationParams {
    /// Says what there is to do.
    total: f64,
    /// Says what is going on.
    message: String,
    /// Attaches `_meta`.
    meta: Meta,
});
