//! What a resource holds: text or bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{Meta, setters::setters};

/// What a resource holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Members")]
#[expect(clippy::exhaustive_enums, reason = "text or not text")]
pub enum ResourceContents {
    /// Text.
    Text(TextResourceContents),
    /// Bytes.
    Blob(BlobResourceContents),
}

impl ResourceContents {
    /// Text.
    pub fn text(uri: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Text(TextResourceContents {
            uri: uri.into(),
            mime_type: None,
            text: text.into(),
            meta: None,
        })
    }

    /// Bytes.
    pub fn blob(uri: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self::encoded(uri, STANDARD.encode(bytes))
    }

    /// Bytes that are base64 already.
    pub(super) fn encoded(uri: impl Into<String>, blob: String) -> Self {
        Self::Blob(BlobResourceContents {
            uri: uri.into(),
            mime_type: None,
            blob,
            meta: None,
        })
    }

    /// The address they were read from.
    #[must_use]
    pub fn uri(&self) -> &str {
        match self {
            Self::Text(contents) => &contents.uri,
            Self::Blob(contents) => &contents.uri,
        }
    }

    /// Names the media type.
    #[must_use]
    pub fn mime_type(self, mime_type: impl Into<String>) -> Self {
        match self {
            Self::Text(contents) => Self::Text(contents.mime_type(mime_type)),
            Self::Blob(contents) => Self::Blob(contents.mime_type(mime_type)),
        }
    }

    /// Attaches `_meta`.
    #[must_use]
    pub fn meta(self, meta: impl Into<Meta>) -> Self {
        match self {
            Self::Text(contents) => Self::Text(contents.meta(meta)),
            Self::Blob(contents) => Self::Blob(contents.meta(meta)),
        }
    }
}

/// Text of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TextResourceContents {
    /// The address it was read from.
    pub uri: String,
    /// Its media type, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The text.
    pub text: String,
    /// What the sender attached (2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

setters!(TextResourceContents {
    /// Names the media type.
    mime_type: String,
    /// Attaches `_meta`.
    meta: Meta,
});

/// Bytes of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BlobResourceContents {
    /// The address they were read from.
    pub uri: String,
    /// Their media type, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The bytes, as base64.
    pub blob: String,
    /// What the sender attached (2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

setters!(BlobResourceContents {
    /// Names the media type.
    mime_type: String,
    /// Attaches `_meta`.
    meta: Meta,
});

/// The members of both, read in one go: the wire has no tag to tell them apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    uri: String,
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    blob: Option<String>,
    #[serde(rename = "_meta", default)]
    meta: Option<Meta>,
}

impl TryFrom<Members> for ResourceContents {
    type Error = &'static str;

    fn try_from(members: Members) -> Result<Self, Self::Error> {
        let Members {
            uri,
            mime_type,
            text,
            blob,
            meta,
        } = members;
        match (text, blob) {
            (Some(text), _) => Ok(Self::Text(TextResourceContents {
                uri,
                mime_type,
                text,
                meta,
            })),
            (None, Some(blob)) => Ok(Self::Blob(BlobResourceContents {
                uri,
                mime_type,
                blob,
                meta,
            })),
            (None, None) => Err("contents have a `text` or a `blob`"),
        }
    }
}
