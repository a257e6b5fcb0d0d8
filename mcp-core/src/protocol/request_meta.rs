//! `_meta` of a request since 2026-07-28: what `initialize` used to say once.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use super::{
    ClientCapabilities, Implementation, LoggingLevel, ProgressToken, Revision,
    UnsupportedProtocolVersionData, setters::setters,
};
use crate::jsonrpc::ErrorObject;

/// Who asks, in which revision, and what it can do.
///
/// Members this type does not name are passed over. Those a client must send are optional here, so
/// that the server can say [which one is missing](Self::missing).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestMeta {
    /// The revision of the request, which this crate may not know; it is required.
    #[serde(
        rename = "io.modelcontextprotocol/protocolVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub protocol_version: Option<String>,
    /// What the client is, by its own account.
    #[serde(
        rename = "io.modelcontextprotocol/clientInfo",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub client_info: Option<Implementation>,
    /// What the client can do for this request; it is required.
    #[serde(
        rename = "io.modelcontextprotocol/clientCapabilities",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub client_capabilities: Option<ClientCapabilities>,
    /// The level from which the client wants log messages; absent for none at all.
    #[serde(
        rename = "io.modelcontextprotocol/logLevel",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub log_level: Option<LoggingLevel>,
    /// The token under which the client wants to hear of progress.
    #[serde(
        rename = "progressToken",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub progress_token: Option<ProgressToken>,
    /// The W3C trace context; what is not a string counts as absent.
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub traceparent: Option<String>,
    /// What tracing systems add to `traceparent`; what is not a string counts as absent.
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub tracestate: Option<String>,
    /// The W3C baggage; what is not a string counts as absent.
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub baggage: Option<String>,
}

impl RequestMeta {
    /// The key of `protocol_version`.
    pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    /// The key of `client_info`.
    pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
    /// The key of `client_capabilities`.
    pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
    /// The key of `log_level`.
    pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

    /// Reads the JSON of a `_meta`.
    ///
    /// # Errors
    ///
    /// When it is not JSON, or not an object, or a member is not of its type.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        // A derived type would also take an array, member by member.
        if json.trim_ascii_start().first() != Some(&b'{') {
            return Err(de::Error::custom("expected an object"));
        }
        serde_json::from_slice(json)
    }

    /// Reads `_meta` out of the JSON of a request's `params`; without one, every member is absent.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn from_params(params: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(borrow, rename = "_meta", default)]
            meta: Option<&'a RawValue>,
        }
        let params: Params<'_> = serde_json::from_slice(params)?;
        match params.meta {
            Some(meta) => Self::from_json(meta.get().as_bytes()),
            None => Ok(Self::default()),
        }
    }

    /// The revision that the JSON of a `_meta` names; what is not a string is left to those who read
    /// all of it.
    #[must_use]
    pub fn version_in(meta: Option<&[u8]>) -> Option<String> {
        #[derive(Deserialize)]
        struct Meta {
            #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
            version: String,
        }
        let meta: Meta = serde_json::from_slice(meta?).ok()?;
        Some(meta.version)
    }

    /// Whether `version` is of a request without a session. No session-oriented revision has the
    /// member, so whatever is not one of them is newer.
    #[must_use]
    pub fn is_sessionless(version: &str) -> bool {
        Revision::parse(version).is_none_or(|revision| !revision.is_session_oriented())
    }

    /// The `_meta` of a request without a session, out of its JSON: whole, and of a revision that is
    /// served.
    ///
    /// # Errors
    ///
    /// −32602 when it cannot be read or lacks a member, −32022 when its revision is not served.
    pub fn required(meta: Option<&[u8]>, served: &[Revision]) -> Result<Self, ErrorObject> {
        let meta = meta.map_or_else(|| Ok(Self::default()), Self::from_json);
        let meta = meta.map_err(|error| {
            ErrorObject::invalid_params(format!("`_meta` cannot be read: {error}"))
        })?;
        if let Some(missing) = meta.missing() {
            let text = format!("`_meta` must have the member `{missing}`");
            return Err(ErrorObject::invalid_params(text));
        }
        let version = meta.protocol_version.as_deref().unwrap_or_default();
        let sessionless = Revision::parse(version).filter(|it| !it.is_session_oriented());
        if sessionless.is_none_or(|revision| !served.contains(&revision)) {
            return Err(UnsupportedProtocolVersionData::error(version, served));
        }
        Ok(meta)
    }

    /// The key of the first required member that is absent.
    #[must_use]
    pub const fn missing(&self) -> Option<&'static str> {
        if self.protocol_version.is_none() {
            Some(Self::PROTOCOL_VERSION)
        } else if self.client_capabilities.is_none() {
            Some(Self::CLIENT_CAPABILITIES)
        } else {
            None
        }
    }
}

setters!(RequestMeta {
    /// Names the revision.
    protocol_version: String,
    /// Names the client.
    client_info: Implementation,
    /// Says what the client can do.
    client_capabilities: ClientCapabilities,
    /// Asks for log messages from this level.
    log_level: LoggingLevel,
    /// Asks for progress.
    progress_token: ProgressToken,
    /// Gives the W3C trace context.
    traceparent: String,
    /// Gives what tracing systems add to it.
    tracestate: String,
    /// Gives the W3C baggage.
    baggage: String,
});

/// A string; anything else is passed over, as the schema gives these members no type.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}
