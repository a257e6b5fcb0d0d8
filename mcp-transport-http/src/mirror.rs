//! Headers that repeat what the body says (SEP-2243): `Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`.
//!
//! What stands between client and server may act on the headers alone, so a request whose headers
//! say something else than its body is not served.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use axum::http::{HeaderMap, HeaderName};
use mcp_core::{
    jsonrpc::{ErrorCode, ErrorObject, Request},
    protocol::Method,
    router::MirroredHeader,
};
use serde_json::value::RawValue;

use crate::mirrored_value::{self, says};

pub(crate) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What of a value is shown in an error.
const SHOWN: usize = 128;

/// Compares the headers of a request with its body. `mirrored` says which arguments of a tool are
/// repeated.
///
/// # Errors
///
/// −32020, with the first header that differs, is missing, stands twice or cannot be read.
pub(crate) fn check(
    headers: &HeaderMap,
    request: &Request,
    mirrored: impl FnOnce(&str) -> Option<Arc<[MirroredHeader]>>,
) -> Result<(), ErrorObject> {
    let method = request.method.as_str();
    let found = required(headers, &METHOD, Some(method))?;
    if found != method {
        return Err(differs(&METHOD, found, method));
    }
    if !matches!(
        request.method,
        Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead
    ) {
        return Ok(());
    }
    let name = request.target();
    let found = decoded(&NAME, required(headers, &NAME, name)?)?;
    let Some(name) = name else {
        return Err(unexpected(&NAME, &found));
    };
    if found != name {
        return Err(differs(&NAME, &found, name));
    }
    if request.method == Method::ToolsCall {
        let Some(mirrored) = mirrored(name) else {
            return Ok(());
        };
        let arguments = request.arguments().map(|json| serde_json::from_slice(json));
        let arguments = arguments.transpose().unwrap_or_default();
        for header in mirrored.iter() {
            argument(headers, header, arguments)?;
        }
    }
    Ok(())
}

/// One argument of a tool and its header.
fn argument(
    headers: &HeaderMap,
    mirrored: &MirroredHeader,
    arguments: Option<&RawValue>,
) -> Result<(), ErrorObject> {
    let Ok(name) = HeaderName::from_bytes(mirrored.header.as_bytes()) else {
        return Err(ErrorObject::internal(
            "a tool asks for a header that HTTP cannot carry",
        ));
    };
    let found = one(headers, &name)?;
    let value = arguments.and_then(|arguments| at(arguments, &mirrored.path));
    match (found, value) {
        (None, None) => Ok(()),
        (None, Some(value)) => Err(missing(&name, Some(&plain(value.get())))),
        (Some(found), None) => Err(unexpected(&name, found)),
        (Some(found), Some(value)) => {
            let found = decoded(&name, found)?;
            if says(&found, value.get()) {
                Ok(())
            } else {
                Err(differs(&name, &found, &plain(value.get())))
            }
        }
    }
}

/// The value at a path of member names, unless it is `null`.
fn at<'a>(mut value: &'a RawValue, path: &[String]) -> Option<&'a RawValue> {
    for name in path {
        let members: HashMap<Cow<'a, str>, &'a RawValue> =
            serde_json::from_str(value.get()).ok()?;
        value = members.get(name.as_str())?;
    }
    (value.get() != "null").then_some(value)
}

/// The value of a header that may stand once, without the white space around it.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ErrorObject> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(mismatch(&format!("{} stands more than once", shown(name))));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(mismatch(&format!("{} has invalid characters", shown(name)))),
    }
}

/// The value of a header that must be there, with a value.
fn required<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    body: Option<&str>,
) -> Result<&'a str, ErrorObject> {
    let found = one(headers, name)?.filter(|found| !found.is_empty());
    found.ok_or_else(|| missing(name, body))
}

/// The value a header stands for.
fn decoded<'a>(name: &HeaderName, text: &'a str) -> Result<Cow<'a, str>, ErrorObject> {
    mirrored_value::decode(text).ok_or_else(|| {
        let (name, text) = (shown(name), cut(text));
        mismatch(&format!(
            "{name} header value '{text}' is not the base64 of a text"
        ))
    })
}

fn mismatch(text: &str) -> ErrorObject {
    ErrorObject::new(
        ErrorCode::HEADER_MISMATCH,
        format!("header mismatch: {text}"),
    )
}

pub(crate) fn differs(name: &HeaderName, found: &str, body: &str) -> ErrorObject {
    let (name, found, body) = (shown(name), cut(found), cut(body));
    mismatch(&format!(
        "{name} header value '{found}' does not match body value '{body}'"
    ))
}

pub(crate) fn missing(name: &HeaderName, body: Option<&str>) -> ErrorObject {
    let name = shown(name);
    mismatch(&match body {
        Some(body) => format!("{name} is missing, the body value is '{}'", cut(body)),
        None => format!("{name} is missing"),
    })
}

fn unexpected(name: &HeaderName, found: &str) -> ErrorObject {
    let (name, found) = (shown(name), cut(found));
    mismatch(&format!(
        "{name} header value '{found}' has no value in the body"
    ))
}

/// JSON as a header would have it: the text of a string, and all else as it is.
fn plain(json: &str) -> Cow<'_, str> {
    serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned)
}

fn cut(value: &str) -> String {
    value.chars().take(SHOWN).collect()
}

/// A header's name as the specification writes it: `Mcp-Name`, `MCP-Protocol-Version`.
fn shown(name: &HeaderName) -> String {
    if *name == crate::headers::PROTOCOL_VERSION {
        return "MCP-Protocol-Version".to_owned();
    }
    let words = name.as_str().split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(name, value);
        }
        headers
    }

    fn request(method: &str, params: &str) -> Request {
        let params = (!params.is_empty()).then(|| params.to_owned().into());
        Request::new(1.into(), method.into(), params)
    }

    fn compare(method: &str, params: &str, pairs: &[(&str, &str)]) -> Result<(), String> {
        let checked = check(&headers(pairs), &request(method, params), |_| None);
        checked.map_err(|error| {
            assert_eq!(error.code, ErrorCode::HEADER_MISMATCH);
            error.message.into_owned()
        })
    }

    /// A call of a tool whose argument `a.b` is repeated as `Mcp-Param-Value`.
    fn call(arguments: &str, values: &[&str]) -> Result<(), String> {
        let mut pairs = vec![("mcp-method", "tools/call"), ("mcp-name", "t")];
        pairs.extend(values.iter().map(|value| ("mcp-param-value", *value)));
        let mirrored: Arc<[MirroredHeader]> = [MirroredHeader::new("Value", ["a", "b"])].into();
        let params = format!(r#"{{"name":"t","arguments":{arguments}}}"#);
        let checked = check(&headers(&pairs), &request("tools/call", &params), |tool| {
            (tool == "t").then_some(mirrored)
        });
        checked.map_err(|error| {
            assert_eq!(error.code, ErrorCode::HEADER_MISMATCH);
            error.message.into_owned()
        })
    }

    fn argument(json: &str, header: &str) -> bool {
        call(&format!(r#"{{"a":{{"b":{json}}}}}"#), &[header]).is_ok()
    }

    #[test]
    fn the_method_is_compared_in_its_own_case() {
        assert_eq!(
            compare("tools/list", "", &[("mcp-method", "tools/list")]),
            Ok(())
        );
        assert_eq!(
            compare("tools/list", "", &[("MCP-METHOD", " tools/list\t")]),
            Ok(())
        );
        for wrong in [
            "prompts/list",
            "TOOLS/LIST",
            "",
            "=?base64?dG9vbHMvbGlzdA==?=",
        ] {
            assert!(
                compare("tools/list", "", &[("mcp-method", wrong)]).is_err(),
                "{wrong}"
            );
        }
        assert_eq!(
            compare("tools/list", "", &[]).unwrap_err(),
            "header mismatch: Mcp-Method is missing, the body value is 'tools/list'"
        );
    }

    #[test]
    fn the_name_is_compared_where_there_is_one() {
        let named = [
            ("tools/call", r#"{"name":"bar","uri":"x"}"#),
            ("prompts/get", r#"{"uri":"x","name":"bar"}"#),
            ("resources/read", r#"{"name":"x","uri":"bar"}"#),
        ];
        for (method, params) in named {
            let by = |name| {
                compare(
                    method,
                    params,
                    &[("mcp-method", method), ("mcp-name", name)],
                )
            };
            assert_eq!(by("bar"), Ok(()));
            assert_eq!(by("  bar  "), Ok(()));
            assert_eq!(by("=?base64?YmFy?="), Ok(()));
            assert_eq!(
                by("foo").unwrap_err(),
                "header mismatch: Mcp-Name header value 'foo' does not match body value 'bar'"
            );
            assert!(by("BAR").is_err());
            assert!(by("").is_err());
            let missing = compare(method, params, &[("mcp-method", method)]).unwrap_err();
            assert_eq!(
                missing,
                "header mismatch: Mcp-Name is missing, the body value is 'bar'"
            );
        }
        let other = [("mcp-method", "tools/list"), ("mcp-name", "anything")];
        assert_eq!(compare("tools/list", "{}", &other), Ok(()));
    }

    #[test]
    fn a_name_without_a_counterpart_in_the_body_is_refused() {
        let pairs = [("mcp-method", "tools/call"), ("mcp-name", "t")];
        for params in [
            "",
            "{}",
            r#"{"name":7}"#,
            r#"{"name":null}"#,
            r#"{"name":"t","name":"t"}"#,
        ] {
            assert!(compare("tools/call", params, &pairs).is_err(), "{params}");
        }
    }

    #[test]
    fn headers_that_stand_twice_are_refused() {
        let twice = [("mcp-method", "tools/list"), ("Mcp-Method", "tools/list")];
        let error = compare("tools/list", "", &twice).unwrap_err();
        assert_eq!(error, "header mismatch: Mcp-Method stands more than once");
        let twice = [
            ("mcp-method", "tools/call"),
            ("mcp-name", "t"),
            ("mcp-name", "t"),
        ];
        assert!(compare("tools/call", r#"{"name":"t"}"#, &twice).is_err());
        assert!(call(r#"{"a":{"b":"x"}}"#, &["x", "x"]).is_err());
    }

    #[test]
    fn characters_outside_ascii_are_refused() {
        assert!(!argument(r#""größe""#, "größe"));
        assert!(compare("tools/list", "", &[("mcp-method", "tools/list\u{e9}")]).is_err());
    }

    #[test]
    fn the_encoding_examples_of_the_specification_match() {
        let examples = [
            (r#""us-west1""#, "us-west1"),
            (r#""Hello, 世界""#, "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (r#"" padded ""#, "=?base64?IHBhZGRlZCA=?="),
            (r#""line1\nline2""#, "=?base64?bGluZTEKbGluZTI=?="),
            (
                r#""=?base64?literal?=""#,
                "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=",
            ),
            (r#""""#, ""),
            (r#""""#, "=?base64??="),
        ];
        for (json, header) in examples {
            assert!(argument(json, header), "{json} {header}");
        }
    }

    #[test]
    fn only_the_exact_marks_are_an_encoding() {
        let accepted = [
            ("Hello", "=?base64?SGVsbG8=?="),
            ("SGVsbG8=", "SGVsbG8="),
            ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
            ("SGVsbG8=?=", "SGVsbG8=?="),
            ("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="),
            ("=?base64?=", "=?base64?="),
        ];
        for (value, header) in accepted {
            assert!(
                argument(&format!("\"{value}\""), header),
                "{value} {header}"
            );
        }
        let refused = [
            ("Hello", "=?base64?SGVsbG8?="),
            ("Hello", "=?base64?SGVs!!!bG8=?="),
            ("Hello", "=?BASE64?SGVsbG8=?="),
            ("Hello", "=?base64?SGVsbG8="),
            ("=?base64?SGVsbG8=?=", "=?base64?SGVsbG8=?="),
            ("=?base64?/w==?=", "=?base64?/w==?="),
        ];
        for (value, header) in refused {
            assert!(
                !argument(&format!("\"{value}\""), header),
                "{value} {header}"
            );
        }
    }

    #[test]
    fn a_value_in_the_body_needs_its_header() {
        let error = call(r#"{"a":{"b":"test-value"}}"#, &[]).unwrap_err();
        assert_eq!(
            error,
            "header mismatch: Mcp-Param-Value is missing, the body value is 'test-value'"
        );
        assert!(call(r#"{"a":{"b":false}}"#, &[]).is_err());
    }

    #[test]
    fn without_a_value_no_header_is_expected() {
        let without = [
            "null",
            "{}",
            r#"{"a":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":{"b":null}}"#,
            r#"{"a":7}"#,
            r#"{"b":"elsewhere"}"#,
            r#"{"a":[{"b":"x"}]}"#,
        ];
        for arguments in without {
            assert_eq!(call(arguments, &[]), Ok(()), "{arguments}");
            let error = call(arguments, &["x"]).unwrap_err();
            assert_eq!(
                error,
                "header mismatch: Mcp-Param-Value header value 'x' has no value in the body"
            );
        }
    }

    #[test]
    fn headers_nobody_asked_for_are_passed_over() {
        let pairs = [
            ("mcp-method", "tools/call"),
            ("mcp-name", "t"),
            ("mcp-param-other", "x"),
        ];
        assert_eq!(
            compare("tools/call", r#"{"name":"t","arguments":{}}"#, &pairs),
            Ok(())
        );
    }

    #[test]
    fn long_values_are_cut() {
        let long = "x".repeat(1000);
        let error = compare("tools/list", "", &[("mcp-method", &long)]).unwrap_err();
        assert!(error.contains(&"x".repeat(128)) && !error.contains(&"x".repeat(129)));
    }
}
