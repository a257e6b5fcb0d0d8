//! The headers of the protocol: which may stand once, and what they may say.

use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use mcp_core::{
    jsonrpc::{ErrorObject, RequestId},
    server::{Reply, Server},
};

use crate::{
    answer::{self, Refused},
    era::{self, Stated},
};

/// `Mcp-Session-Id`
pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// `MCP-Protocol-Version`
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// `Last-Event-ID`
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The value of a header that may stand once.
pub(crate) fn one<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Refused> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(text) if values.next().is_none() && !text.is_empty() => Ok(Some(text)),
        _ => {
            let text = format!("`{name}` must stand once, with a value");
            let error = ErrorObject::invalid_request(text).reason("invalid_header");
            Err(answer::error(StatusCode::BAD_REQUEST, &error).into())
        }
    }
}

/// What `MCP-Protocol-Version` says, where no request says more.
pub(crate) fn version(headers: &HeaderMap, server: &Server) -> Result<Stated, Refused> {
    let text = one(headers, &PROTOCOL_VERSION)?;
    era::stated(text, server.revisions())
        .map_err(|error| answer::error(StatusCode::BAD_REQUEST, &error).into())
}

/// The session a message names.
pub(crate) fn session_id<'a>(
    headers: &'a HeaderMap,
    id: Option<&RequestId>,
) -> Result<&'a str, Refused> {
    one(headers, &SESSION_ID)?.ok_or_else(|| {
        let error = ErrorObject::invalid_request("`Mcp-Session-Id` is missing");
        let error = error.reason("session_required");
        answer::error_for(StatusCode::BAD_REQUEST, id, &error).into()
    })
}

/// What a client says it can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepts {
    pub(crate) json: bool,
    pub(crate) sse: bool,
}

impl Accepts {
    /// Reads `Accept`. Without the header everything is accepted (RFC 9110, section 12.5.1).
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        const BOTH: Accepts = Accepts {
            json: true,
            sse: true,
        };
        let mut accepts = Self {
            json: false,
            sse: false,
        };
        let mut any = false;
        for value in headers.get_all(header::ACCEPT) {
            // What the specification tells clients to send.
            if value == "application/json, text/event-stream" {
                return BOTH;
            }
            any = true;
            for range in value.to_str().unwrap_or_default().split(',') {
                accepts.add(range);
            }
        }
        if any { accepts } else { BOTH }
    }

    /// What the reply to a request may be.
    pub(crate) fn reply(self) -> Reply {
        if self.sse {
            Reply::Stream
        } else {
            Reply::Single
        }
    }

    fn add(&mut self, range: &str) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse() == Ok(0.0))
        });
        if refused {
            return;
        }
        let is = |name: &str| media.eq_ignore_ascii_case(name);
        let all = is("*/*");
        self.json |= all || is("application/json") || is("application/*");
        self.sse |= all || is("text/event-stream") || is("text/*");
    }
}

/// Whether the body says that it is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    if value == "application/json" {
        return true;
    }
    let media = value.to_str().ok().and_then(|text| text.split(';').next());
    media.is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: &'static str) -> (bool, bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, value.parse().unwrap());
        let accepts = Accepts::of(&headers);
        (accepts.json, accepts.sse)
    }

    #[test]
    fn wildcards_and_absence_accept_everything() {
        assert_eq!(accepts("*/*"), (true, true));
        assert_eq!(
            Accepts::of(&HeaderMap::new()),
            Accepts {
                json: true,
                sse: true
            }
        );
    }

    #[test]
    fn media_ranges_are_read_as_http_says() {
        assert_eq!(accepts("application/json, text/event-stream"), (true, true));
        assert_eq!(accepts("Application/JSON;q=0.9"), (true, false));
        assert_eq!(accepts("text/*, application/json;q=0"), (false, true));
        assert_eq!(accepts("text/html"), (false, false));
    }
}
