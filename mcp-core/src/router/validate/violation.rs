//! What a violation of a schema is called in an answer or a log.

use std::fmt::{self, Write};

use jsonschema::{
    ValidationError,
    error::ValidationErrorKind,
    paths::{Location, LocationSegment},
};
use serde_json::Value;

/// How many characters of a value, or of the way to it, are repeated.
const MAX_SHOWN: usize = 128;

/// How many characters one violation has at most.
const MAX_TEXT: usize = 256;

/// How many violations are named.
const MAX_NAMED: usize = 3;

/// The first of these violations, and how many more there are.
pub(super) fn list<'i>(mut violations: impl Iterator<Item = ValidationError<'i>>) -> String {
    let first = violations.by_ref().take(MAX_NAMED);
    let mut parts: Vec<String> = first.map(|violation| located(&violation)).collect();
    let further = violations.count();
    if further > 0 {
        parts.push(format!("and {further} more"));
    }
    parts.join("; ")
}

/// One violation, behind the name of the place it is about.
pub(super) fn located(violation: &ValidationError<'_>) -> String {
    let what = what(violation);
    let place = shortened(&Place(violation.instance_path()), MAX_SHOWN);
    if place.is_empty() {
        what
    } else {
        format!("`{place}`: {what}")
    }
}

fn what(violation: &ValidationError<'_>) -> String {
    match violation.kind() {
        // As deserialising calls the same mistake.
        ValidationErrorKind::Required {
            property: Value::String(name),
        } => format!("missing field `{}`", shortened(name, MAX_SHOWN)),
        ValidationErrorKind::PropertyNames { error } => what(error),
        _ => {
            let value = shortened(&violation.instance(), MAX_SHOWN);
            let mut text = shortened(&violation.masked_with(value), MAX_TEXT);
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            text
        }
    }
}

/// As many characters of a text as may be shown; no more than these are written.
fn shortened(text: &(impl fmt::Display + ?Sized), most: usize) -> String {
    let mut shown = Shown {
        text: String::new(),
        left: most,
    };
    if write!(shown, "{text}").is_err() {
        shown.text.push('…');
    }
    shown.text
}

/// A text that takes so many characters and then refuses.
struct Shown {
    text: String,
    left: usize,
}

impl Write for Shown {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        for character in more.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(character);
        }
        Ok(())
    }
}

/// The way to a value, as deserialising writes it: `a.b[0]`.
struct Place<'l>(&'l Location);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                LocationSegment::Index(index) => write!(f, "[{index}]")?,
                LocationSegment::Property(name) if depth == 0 => f.write_str(&name)?,
                LocationSegment::Property(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}
