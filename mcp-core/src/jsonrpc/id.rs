//! The id that ties a response to its request.

use std::{fmt, str};

use bytestring::ByteString;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self},
};
use serde_json::value::RawValue;

/// A request's id: a string or an integer, kept as the bytes it came in.
///
/// Two ids are equal when their bytes are. It is written back as it was read, so a client that
/// counts beyond 2⁵³ finds its own number again.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(ByteString);

/// Why something is not a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request id is a string or an integer")]
#[non_exhaustive]
pub struct InvalidId;

impl RequestId {
    /// Takes JSON text that has already been read as one JSON value.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the value is neither a string nor an integer.
    pub(crate) fn from_json(json: ByteString) -> Result<Self, InvalidId> {
        let bytes = json.as_bytes();
        let valid = match bytes.first() {
            Some(b'"') => true,
            Some(b'-' | b'0'..=b'9') => bytes[1..].iter().all(u8::is_ascii_digit),
            _ => false,
        };
        valid.then_some(Self(json)).ok_or(InvalidId)
    }

    /// The id as JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl From<i64> for RequestId {
    fn from(id: i64) -> Self {
        Self(id.to_string().into())
    }
}

impl From<&str> for RequestId {
    fn from(id: &str) -> Self {
        Self(serde_json::Value::from(id).to_string().into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({})", self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(raw.get().into()).map_err(de::Error::custom)
    }
}
