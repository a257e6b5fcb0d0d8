//! The `data` of the errors 2026-07-28 defines.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ClientCapabilities, ClientCapability, Revision};
use crate::jsonrpc::{ErrorCode, ErrorObject};

/// What the client did not declare although the request needs it: the `data` of −32021.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MissingRequiredClientCapabilityData {
    /// What it must declare, and nothing else.
    pub required_capabilities: ClientCapabilities,
}

impl MissingRequiredClientCapabilityData {
    /// These are needed.
    pub fn new(needed: impl IntoIterator<Item = ClientCapability>) -> Self {
        Self {
            required_capabilities: needed
                .into_iter()
                .fold(ClientCapabilities::default(), ClientCapabilities::require),
        }
    }
}

impl From<MissingRequiredClientCapabilityData> for ErrorObject {
    fn from(data: MissingRequiredClientCapabilityData) -> Self {
        let required = serde_json::to_value(&data.required_capabilities);
        Self::new(
            ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY,
            "the request needs a capability that the client did not declare",
        )
        .with("requiredCapabilities", required.unwrap_or_default())
    }
}

/// Which revision the client asked for, and which there are: the `data` of −32022.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnsupportedProtocolVersionData {
    /// What the client may choose from.
    pub supported: Vec<String>,
    /// What it asked for.
    pub requested: String,
}

/// What of an unknown version is repeated.
const SHOWN: usize = 64;

impl UnsupportedProtocolVersionData {
    /// The error for a client that asked for `requested`: −32022, which clients take as the word of a
    /// server that has a sessionless revision; one that has none says −32600.
    #[must_use]
    pub fn error(requested: &str, served: &[Revision]) -> ErrorObject {
        let requested: String = requested.chars().take(SHOWN).collect();
        let mut error = ErrorObject::from(Self::new(requested, served.iter().copied()));
        if served
            .iter()
            .any(|revision| !revision.is_session_oriented())
        {
            return error;
        }
        error.code = ErrorCode::INVALID_REQUEST;
        error.message = "this protocol version is not served".into();
        error.reason("unsupported_version")
    }

    /// The client asked for `requested`, where only `supported` is served.
    pub fn new(
        requested: impl Into<String>,
        supported: impl IntoIterator<Item = Revision>,
    ) -> Self {
        Self {
            supported: supported
                .into_iter()
                .map(|revision| revision.as_str().to_owned())
                .collect(),
            requested: requested.into(),
        }
    }
}

impl From<UnsupportedProtocolVersionData> for ErrorObject {
    fn from(data: UnsupportedProtocolVersionData) -> Self {
        Self::new(
            ErrorCode::UNSUPPORTED_PROTOCOL_VERSION,
            "unsupported protocol version",
        )
        .with("supported", data.supported)
        .with("requested", Value::String(data.requested))
    }
}
