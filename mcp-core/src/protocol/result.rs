//! What every result says of itself since 2026-07-28.

use std::{borrow::Cow, fmt};

use bytestring::ByteString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether a result is final.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResultType {
    /// It is; this is also what absence means.
    #[default]
    Complete,
    /// It is an [`InputRequiredResult`](super::InputRequiredResult).
    InputRequired,
    /// It is what an extension defines.
    Other(ByteString),
}

impl ResultType {
    /// The type as it is written on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Complete => "complete",
            Self::InputRequired => "input_required",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for ResultType {
    fn from(name: &str) -> Self {
        match name {
            "complete" => Self::Complete,
            "input_required" => Self::InputRequired,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for ResultType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ResultType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ResultType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from(name.as_ref()))
    }
}

/// Who may keep a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "the two scopes HTTP knows")]
pub enum CacheScope {
    /// Anyone, also a proxy between others: it holds nothing of the caller's own.
    Public,
    /// The caller's own cache, for the same authorization.
    #[default]
    Private,
}
