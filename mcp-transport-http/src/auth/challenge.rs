//! Refusals: a status, `WWW-Authenticate`, and a JSON-RPC error as body.
//!
//! RFC 6750, section 3, and RFC 9728, section 5.1.

use std::fmt::Write;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use mcp_core::{
    auth::{InsufficientScope, Scopes},
    jsonrpc::ErrorObject,
    router::McpResponse,
};
use metrics::counter;

use super::{AuthError, AuthErrorKind, ProtectedResource};
use crate::answer;

/// A request whose credentials do not do.
pub(crate) fn refused(resource: Option<&ProtectedResource>, error: &AuthError) -> Response {
    let kind = error.kind();
    counter!("mcp.auth.refused", "reason" => kind.as_str()).increment(1);
    tracing::debug!(reason = kind.as_str(), "a request is not authorised");
    let text = error.to_string();
    let (status, code) = match kind {
        AuthErrorKind::Missing => (StatusCode::UNAUTHORIZED, None),
        AuthErrorKind::InvalidToken => (StatusCode::UNAUTHORIZED, Some("invalid_token")),
        AuthErrorKind::Malformed => (StatusCode::BAD_REQUEST, Some("invalid_request")),
        AuthErrorKind::InsufficientScope => (StatusCode::FORBIDDEN, Some("insufficient_scope")),
        AuthErrorKind::Unavailable => {
            let body = ErrorObject::internal(text).reason(kind.as_str());
            let response = answer::error(StatusCode::SERVICE_UNAVAILABLE, &body);
            return match error.retry_after() {
                Some(after) => answer::retry_after(response, after),
                None => response,
            };
        }
    };
    let asked = match kind {
        AuthErrorKind::InsufficientScope => Some(error.scopes()),
        _ => resource.map(ProtectedResource::scopes_required),
    };
    let challenge = challenge(resource, code, asked, &text);
    let body = ErrorObject::invalid_request(text).reason(kind.as_str());
    with_challenge(answer::error(status, &body), challenge)
}

/// The answer of a call that its caller may not make; `None` for every other answer.
pub(crate) fn forbidden(
    resource: Option<&ProtectedResource>,
    answer: &McpResponse,
) -> Option<Response> {
    let error = answer.as_error()?;
    let insufficient = InsufficientScope::of(error)?;
    let challenge = challenge(
        resource,
        Some("insufficient_scope"),
        Some(insufficient.scopes()),
        &error.message,
    );
    let body = answer::error_for(StatusCode::FORBIDDEN, Some(answer.id()), error);
    Some(with_challenge(body, challenge))
}

fn with_challenge(mut response: Response, challenge: String) -> Response {
    match HeaderValue::try_from(challenge) {
        Ok(challenge) => {
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Err(error) => tracing::error!(%error, "a challenge cannot be a header"),
    }
    response
}

fn challenge(
    resource: Option<&ProtectedResource>,
    error: Option<&str>,
    scopes: Option<&Scopes>,
    description: &str,
) -> String {
    let scopes = scopes.filter(|scopes| !scopes.is_empty());
    let described = error.map(|_| quotable(description));
    let parameters = [
        ("error", error.map(str::to_owned)),
        ("error_description", described),
        ("scope", scopes.map(ToString::to_string)),
        (
            "resource_metadata",
            resource.map(|resource| resource.metadata_url().to_owned()),
        ),
    ];
    let mut text = "Bearer".to_owned();
    let mut separator = " ";
    for (name, value) in parameters {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            write!(text, "{separator}{name}=\"{value}\"").ok();
            separator = ", ";
        }
    }
    text
}

/// RFC 6750 allows printable ASCII without quotation mark and backslash.
fn quotable(text: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    text.chars()
        .map(|c| if allowed(c) { c } else { '\'' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(resource: Option<&ProtectedResource>, error: &AuthError) -> (u16, String) {
        let response = refused(resource, error);
        let value = &response.headers()[header::WWW_AUTHENTICATE];
        (
            response.status().as_u16(),
            value.to_str().unwrap().to_owned(),
        )
    }

    #[test]
    fn a_challenge_says_what_is_missing_and_where_to_get_it() {
        let resource = ProtectedResource::new("https://a.example/mcp").unwrap();
        let resource = resource.challenge_scopes(Scopes::parse("a b").unwrap());
        let metadata =
            r#"resource_metadata="https://a.example/.well-known/oauth-protected-resource/mcp""#;
        assert_eq!(
            header(Some(&resource), &AuthError::missing()),
            (401, format!(r#"Bearer scope="a b", {metadata}"#))
        );
        let more = Scopes::parse("c").unwrap();
        let (status, value) = header(Some(&resource), &AuthError::insufficient_scope(more));
        assert_eq!(status, 403);
        assert!(
            value.starts_with(r#"Bearer error="insufficient_scope", "#),
            "{value}"
        );
        assert!(
            value.ends_with(&format!(r#"scope="c", {metadata}"#)),
            "{value}"
        );
    }

    #[test]
    fn a_text_cannot_break_out_of_its_quotes() {
        let (status, value) = header(None, &AuthError::invalid_token("a\"b\\c\nü"));
        assert_eq!(status, 401);
        assert_eq!(
            value,
            r#"Bearer error="invalid_token", error_description="a'b'c''""#
        );
    }
}
