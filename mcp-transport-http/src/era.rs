//! Which era a request belongs to, by its header `MCP-Protocol-Version` and its `_meta`.
//!
//! | header | body | served as |
//! |---|---|---|
//! | sessionless | anything | sessionless, if header and `_meta` agree, `_meta` is whole and the revision is served |
//! | absent or session-oriented | `initialize` | the beginning of a session |
//! | absent or session-oriented | `_meta` names another kind of revision | −32020 |
//! | absent or session-oriented | anything else | part of a session |
//! | unknown or not served | anything but `initialize` | −32020 when `_meta` differs, else −32022 |
//!
//! A server without a sessionless revision says −32600 in place of both codes: clients take them as
//! the sign of a server that has one.

use std::borrow::Cow;

use mcp_core::{
    jsonrpc::{ErrorObject, Request},
    protocol::{
        InitializeRequestParams, Method, RequestMeta, Revision, UnsupportedProtocolVersionData,
    },
};

use crate::{headers::PROTOCOL_VERSION, mirror};

/// How a request is served.
#[derive(Debug, PartialEq)]
pub(crate) enum Era {
    /// By itself.
    Sessionless(Box<RequestMeta>),
    /// In a session, or to begin one; with the revision the header named, if it is served.
    Sessions(Option<Revision>),
}

/// The era of what carries no `_meta` of its own: notifications, batches, GET and DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stated {
    /// The header names a sessionless revision that is served.
    Sessionless,
    /// The header names a session-oriented revision that is served, or is absent.
    Sessions(Option<Revision>),
}

/// Finds the era of a request, where `header` is the text of `MCP-Protocol-Version`.
///
/// # Errors
///
/// What to answer; the HTTP status is always 400.
pub(crate) fn of(
    header: Option<&str>,
    request: &Request,
    served: &[Revision],
) -> Result<Era, ErrorObject> {
    let meta = request.meta().map(AsRef::as_ref);
    if served.iter().all(|revision| revision.is_session_oriented()) {
        return sessions_only(header, request, served);
    }
    let named = header.and_then(Revision::parse);
    if named.is_some_and(|revision| !revision.is_session_oriented()) {
        return sessionless(header.unwrap_or_default(), meta, served);
    }
    if request.method == Method::Initialize {
        let sessions = served.iter().any(|revision| revision.is_session_oriented());
        let requested = || {
            InitializeRequestParams::version_in(request.params().map(AsRef::as_ref))
                .or(header.map(str::to_owned))
        };
        return if sessions {
            Ok(Era::Sessions(is_served(named, served)))
        } else {
            Err(UnsupportedProtocolVersionData::error(
                &requested().unwrap_or_default(),
                served,
            ))
        };
    }
    let meta = RequestMeta::version_in(meta);
    match (header, meta.as_deref()) {
        (Some(header), _) if is_served(named, served).is_none() => match meta {
            Some(meta) if meta != header => Err(differs(header, &meta)),
            _ => Err(UnsupportedProtocolVersionData::error(header, served)),
        },
        (header, Some(meta)) if RequestMeta::is_sessionless(meta) => Err(match header {
            Some(header) => differs(header, meta),
            None => mirror::missing(&PROTOCOL_VERSION, Some(meta)),
        }),
        _ => stated(header, served).map(|stated| match stated {
            Stated::Sessions(revision) => Era::Sessions(revision),
            Stated::Sessionless => Era::Sessions(None),
        }),
    }
}

/// The era that the header alone says.
///
/// # Errors
///
/// As [`of`].
pub(crate) fn stated(header: Option<&str>, served: &[Revision]) -> Result<Stated, ErrorObject> {
    let Some(text) = header else {
        return if served.iter().any(|revision| revision.is_session_oriented()) {
            Ok(Stated::Sessions(None))
        } else {
            Err(mirror::missing(&PROTOCOL_VERSION, None))
        };
    };
    match is_served(Revision::parse(text), served) {
        Some(revision) if revision.is_session_oriented() => Ok(Stated::Sessions(Some(revision))),
        Some(_) => Ok(Stated::Sessionless),
        None => Err(UnsupportedProtocolVersionData::error(text, served)),
    }
}

fn sessionless(header: &str, meta: Option<&[u8]>, served: &[Revision]) -> Result<Era, ErrorObject> {
    let read = RequestMeta::required(meta, served);
    let unread = || RequestMeta::version_in(meta).map(Cow::Owned);
    let named = match &read {
        Ok(read) => read.protocol_version.as_deref().map(Cow::Borrowed),
        Err(_) => unread(),
    };
    // That the versions differ is said before anything else that is wrong.
    match named.filter(|version| version != header) {
        Some(version) => Err(differs(header, &version)),
        None => read.map(|read| Era::Sessionless(Box::new(read))),
    }
}

/// Where every revision has sessions.
fn sessions_only(
    header: Option<&str>,
    request: &Request,
    served: &[Revision],
) -> Result<Era, ErrorObject> {
    let named = is_served(header.and_then(Revision::parse), served);
    if request.method == Method::Initialize {
        return Ok(Era::Sessions(named));
    }
    if let (Some(header), None) = (header, named) {
        return Err(UnsupportedProtocolVersionData::error(header, served));
    }
    match RequestMeta::version_in(request.meta().map(AsRef::as_ref)) {
        Some(meta) if RequestMeta::is_sessionless(&meta) => {
            Err(UnsupportedProtocolVersionData::error(&meta, served))
        }
        _ => Ok(Era::Sessions(named)),
    }
}

fn is_served(revision: Option<Revision>, served: &[Revision]) -> Option<Revision> {
    revision.filter(|revision| served.contains(revision))
}

fn differs(header: &str, meta: &str) -> ErrorObject {
    mirror::differs(&PROTOCOL_VERSION, header, meta)
}

#[cfg(test)]
mod tests {
    use mcp_core::jsonrpc::ErrorCode;
    use serde_json::{Value, json};

    use super::*;

    const MODERN: &str = "2026-07-28";
    const NEW: &[Revision] = &[Revision::V2026_07_28];
    const OLD: &[Revision] = &Revision::LEGACY;
    const BOTH: &[Revision] = &Revision::ALL;
    /// Both eras, without the oldest revisions.
    const SOME: &[Revision] = &[Revision::V2025_11_25, Revision::V2026_07_28];

    fn request(method: &str, meta: Option<&str>) -> Request {
        let mut params = json!({"protocolVersion": "2025-11-25"});
        if let Some(version) = meta {
            params["_meta"] = json!({
                RequestMeta::PROTOCOL_VERSION: version,
                RequestMeta::CLIENT_CAPABILITIES: {},
            });
        }
        Request::new(1.into(), method.into(), Some(params.to_string().into()))
    }

    /// What comes out, in short: the code of an error, or what is served.
    fn short(era: Result<Era, ErrorObject>) -> String {
        match era {
            Ok(Era::Sessionless(meta)) => meta.protocol_version.unwrap_or_default(),
            Ok(Era::Sessions(Some(revision))) => format!("session {revision}"),
            Ok(Era::Sessions(None)) => "session".to_owned(),
            Err(error) => error.code.0.to_string(),
        }
    }

    type Row = (Option<&'static str>, Option<&'static str>, &'static str);

    fn check(method: &str, served: &[Revision], rows: &[Row]) {
        for (header, meta, expected) in rows {
            let found = short(of(*header, &request(method, *meta), served));
            assert_eq!(
                found, *expected,
                "{method}, header {header:?}, `_meta` {meta:?}"
            );
        }
    }

    #[test]
    fn both_eras_are_told_apart() {
        let rows: &[Row] = &[
            (Some(MODERN), Some(MODERN), "2026-07-28"),
            (Some(MODERN), Some("2025-11-25"), "-32020"),
            (Some(MODERN), Some("v999.0.0"), "-32020"),
            (Some(MODERN), None, "-32602"),
            (None, Some(MODERN), "-32020"),
            (None, Some("v999.0.0"), "-32020"),
            (None, Some("2025-11-25"), "session"),
            (None, None, "session"),
            (Some("2025-11-25"), Some(MODERN), "-32020"),
            (Some("2025-11-25"), Some("v999.0.0"), "-32020"),
            (Some("2025-11-25"), Some("2025-11-25"), "session 2025-11-25"),
            (Some("2025-11-25"), Some("2025-06-18"), "session 2025-11-25"),
            (Some("2025-11-25"), None, "session 2025-11-25"),
            (Some("v999.0.0"), Some("v999.0.0"), "-32022"),
            (Some("v999.0.0"), Some(MODERN), "-32020"),
            (Some("v999.0.0"), None, "-32022"),
        ];
        check("tools/list", BOTH, rows);
        check("server/discover", BOTH, rows);
        check("unknown/method", BOTH, rows);
    }

    #[test]
    fn a_known_revision_that_is_not_served_is_unsupported() {
        let rows: &[Row] = &[
            (Some("2025-03-26"), None, "-32022"),
            (Some("2025-03-26"), Some("2025-03-26"), "-32022"),
            (Some("2025-03-26"), Some(MODERN), "-32020"),
            (Some("2025-11-25"), None, "session 2025-11-25"),
        ];
        check("tools/list", SOME, rows);
    }

    #[test]
    fn initialize_begins_a_session_unless_the_header_is_sessionless() {
        let rows: &[Row] = &[
            (None, None, "session"),
            (None, Some(MODERN), "session"),
            (Some("2025-11-25"), None, "session 2025-11-25"),
            (Some("2025-11-25"), Some(MODERN), "session 2025-11-25"),
            (Some("2099-01-01"), None, "session"),
            (Some(MODERN), Some(MODERN), "2026-07-28"),
            (Some(MODERN), None, "-32602"),
        ];
        check("initialize", BOTH, rows);
    }

    #[test]
    fn without_sessions_everything_else_is_refused() {
        let rows: &[Row] = &[
            (Some(MODERN), Some(MODERN), "2026-07-28"),
            (Some(MODERN), None, "-32602"),
            (Some(MODERN), Some("v999.0.0"), "-32020"),
            (None, None, "-32020"),
            (None, Some(MODERN), "-32020"),
            (Some("2025-11-25"), None, "-32022"),
            (Some("2025-11-25"), Some("2025-11-25"), "-32022"),
            (Some("2025-11-25"), Some(MODERN), "-32020"),
            (Some("v999.0.0"), Some("v999.0.0"), "-32022"),
        ];
        check("tools/list", NEW, rows);
        for header in [None, Some("2025-11-25"), Some("2099-01-01")] {
            let error = of(header, &request("initialize", None), NEW).unwrap_err();
            assert_eq!(error.code, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
            let data = error.data.unwrap();
            assert_eq!(data["supported"], json!([MODERN]));
            assert_eq!(data["requested"], "2025-11-25");
        }
    }

    #[test]
    fn a_server_of_sessions_never_looks_sessionless() {
        let rows: &[Row] = &[
            (None, None, "session"),
            (None, Some("2025-11-25"), "session"),
            (Some("2025-11-25"), None, "session 2025-11-25"),
            (Some(MODERN), Some(MODERN), "-32600"),
            (Some(MODERN), Some("v999.0.0"), "-32600"),
            (Some(MODERN), None, "-32600"),
            (None, Some(MODERN), "-32600"),
            (Some("2025-11-25"), Some(MODERN), "-32600"),
            (Some("2099-01-01"), None, "-32600"),
            (Some("2099-01-01"), Some(MODERN), "-32600"),
        ];
        check("tools/list", OLD, rows);
        let rows: &[Row] = &[
            (None, None, "session"),
            (Some("2099-01-01"), None, "session"),
            (Some(MODERN), Some(MODERN), "session"),
        ];
        check("initialize", OLD, rows);
        let error = of(Some(MODERN), &request("tools/list", None), OLD).unwrap_err();
        let data = error.data.unwrap();
        assert_eq!(data["reason"], "unsupported_version");
        assert_eq!(data["requested"], MODERN);
        assert_eq!(data["supported"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn an_unsupported_version_is_answered_with_those_that_are_served() {
        let error = of(
            Some("v999.0.0"),
            &request("tools/list", Some("v999.0.0")),
            SOME,
        );
        let data = error.unwrap_err().data.unwrap();
        assert_eq!(data["requested"], "v999.0.0");
        assert_eq!(data["supported"], json!(["2025-11-25", MODERN]));
    }

    #[test]
    fn what_is_missing_in_meta_is_named() {
        let missing = [
            (json!({}), RequestMeta::PROTOCOL_VERSION),
            (json!({"_meta": {}}), RequestMeta::PROTOCOL_VERSION),
            (
                json!({"_meta": {RequestMeta::CLIENT_CAPABILITIES: {}}}),
                RequestMeta::PROTOCOL_VERSION,
            ),
            (
                json!({"_meta": {RequestMeta::PROTOCOL_VERSION: MODERN}}),
                RequestMeta::CLIENT_CAPABILITIES,
            ),
        ];
        for (params, member) in missing {
            let error = modern(&params).unwrap_err();
            assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
            assert!(error.message.contains(member), "{}", error.message);
        }
        let request = Request::new(1.into(), "server/discover".into(), None);
        let error = of(Some(MODERN), &request, BOTH).unwrap_err();
        assert!(error.message.contains(RequestMeta::PROTOCOL_VERSION));
    }

    #[test]
    fn meta_that_cannot_be_read_is_invalid() {
        for meta in [
            json!(7),
            json!([]),
            json!({RequestMeta::PROTOCOL_VERSION: 7}),
        ] {
            let error = modern(&json!({"_meta": meta})).unwrap_err();
            assert_eq!(error.code, ErrorCode::INVALID_PARAMS, "{meta}");
        }
    }

    fn modern(params: &Value) -> Result<Era, ErrorObject> {
        let params = params.to_string().into();
        let request = Request::new(1.into(), "server/discover".into(), Some(params));
        of(Some(MODERN), &request, BOTH)
    }

    #[test]
    fn the_header_alone_decides_where_there_is_no_meta() {
        let code = |stated: Result<Stated, ErrorObject>| stated.map_err(|error| error.code.0);
        assert_eq!(code(stated(None, BOTH)), Ok(Stated::Sessions(None)));
        assert_eq!(code(stated(Some(MODERN), BOTH)), Ok(Stated::Sessionless));
        let legacy = Revision::V2025_11_25;
        assert_eq!(
            code(stated(Some("2025-11-25"), BOTH)),
            Ok(Stated::Sessions(Some(legacy)))
        );
        assert_eq!(code(stated(Some("2099-01-01"), BOTH)), Err(-32022));
        assert_eq!(code(stated(Some(MODERN), OLD)), Err(-32600));
        assert_eq!(code(stated(None, NEW)), Err(-32020));
        assert_eq!(code(stated(Some("2025-11-25"), NEW)), Err(-32022));
    }
}
