//! How a header writes a value of the body.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::value::RawValue;

/// The largest integer that every client can write, 2⁵³ − 1.
const MAX_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The value a header stands for: what is marked as Base64 is decoded, all else is as it is.
/// `None` when the marks are there and no text is between them.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    let encoded = text.strip_prefix("=?base64?");
    let Some(encoded) = encoded.and_then(|text| text.strip_suffix("?=")) else {
        return Some(Cow::Borrowed(text));
    };
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    Some(Cow::Owned(decoded))
}

/// Whether the text of a header says what this JSON says.
pub(crate) fn says(text: &str, json: &str) -> bool {
    match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(json).is_ok_and(|value| value == text),
        Some(b't' | b'f') => text == json,
        Some(b'-' | b'0'..=b'9') => match (integer(text), integer(json)) {
            (Some(text), Some(json)) => text.total_cmp(&json).is_eq(),
            _ => false,
        },
        _ => false,
    }
}

/// An integer in the range that the specification allows, in any way JSON can write it.
fn integer(text: &str) -> Option<f64> {
    let only = |byte: u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(only) || serde_json::from_str::<&RawValue>(text).is_err() {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    // Up to here every integer has a double of its own. The sum turns −0 into 0.
    (number.fract() == 0.0 && number.abs() <= MAX_INTEGER).then_some(number + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says_so(json: &str, header: &str) -> bool {
        decode(header).is_some_and(|text| says(&text, json))
    }

    #[test]
    fn strings_are_compared_as_they_are() {
        assert!(says_so(r#""a\u0062""#, "ab"));
        assert!(says_so(r#""42""#, "42"));
        assert!(!says_so(r#""42""#, "42.0"));
        assert!(!says_so(r#""a""#, "A"));
        assert!(!says_so(r#""a""#, "\"a\""));
    }

    #[test]
    fn integers_are_compared_as_numbers() {
        for (json, header) in [
            ("42", "42"),
            ("42", "42.0"),
            ("42.0", "42"),
            ("4.2e1", "42"),
            ("-7", "-7"),
            ("0", "-0"),
            ("42", "=?base64?NDI=?="),
            ("9007199254740991", "9007199254740991"),
        ] {
            assert!(says_so(json, header), "{json} {header}");
        }
        for (json, header) in [
            ("42", "43"),
            ("42", "+42"),
            ("42", "042"),
            ("42", "0x2a"),
            ("42", "42 0"),
            ("42", ""),
            ("42", "true"),
            ("42.5", "42.5"),
            ("42", "=?base64?IDQyIA==?="),
            ("1", "NaN"),
            ("9007199254740992", "9007199254740992"),
            ("9007199254740993", "9007199254740992"),
        ] {
            assert!(!says_so(json, header), "{json} {header}");
        }
    }

    #[test]
    fn booleans_are_lower_case_words() {
        assert!(says_so("true", "true") && says_so("false", "false"));
        for header in ["false", "True", "1", ""] {
            assert!(!says_so("true", header), "{header}");
        }
    }
}
