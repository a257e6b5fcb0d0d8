//! The token in `Authorization`.

use axum::http::{HeaderMap, header};

use super::AuthError;

/// The token of `Authorization: Bearer …` ([RFC 6750, section 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
/// Tokens in the URI or the body are not looked for: the specification forbids them.
///
/// # Errors
///
/// [`AuthError::missing`] without the header or with another scheme; `AuthError::malformed` when it stands
/// twice or is no token.
pub fn bearer_token(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or_else(AuthError::missing)?;
    if values.next().is_some() {
        return Err(AuthError::malformed("`Authorization` stands twice"));
    }
    let not_a_token = || AuthError::malformed("`Authorization` holds no token");
    let text = value.to_str().map_err(|_| not_a_token())?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::missing());
    }
    let token = token.trim_start_matches(' ');
    let unpadded = token.trim_end_matches('=');
    let allowed = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
    };
    if unpadded.is_empty() || !unpadded.bytes().all(allowed) {
        return Err(not_a_token());
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::AuthErrorKind;

    fn read(values: &[&'static str]) -> Result<String, AuthErrorKind> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        let token = bearer_token(&headers);
        token.map(str::to_owned).map_err(|error| error.kind())
    }

    #[test]
    fn the_scheme_is_a_word_in_any_case() {
        assert_eq!(
            read(&["Bearer a.b-c_d~e+f/g=="]).unwrap(),
            "a.b-c_d~e+f/g=="
        );
        assert_eq!(read(&["bEARER  x"]).unwrap(), "x");
    }

    #[test]
    fn what_is_no_bearer_token_is_missing_or_malformed() {
        use AuthErrorKind::{Malformed, Missing};
        for (values, kind) in [
            (&[][..], Missing),
            (&["Basic YTpi"], Missing),
            (&[""], Missing),
            (&["Bearer"], Malformed),
            (&["Bearer "], Malformed),
            (&["Bearer a b"], Malformed),
            (&["Bearer a,b"], Malformed),
            (&["Bearer =="], Malformed),
            (&["Bearer a", "Bearer a"], Malformed),
        ] {
            assert_eq!(read(values), Err(kind), "{values:?}");
        }
    }
}
