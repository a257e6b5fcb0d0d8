//! A place of its own for each case: [`Namespace`].

use std::{
    fmt, process,
    sync::atomic::{AtomicU32, Ordering},
};

use mcp_core::clock::{Clock, SystemClock};

/// Longest name there is, so that it fits wherever a backend puts it.
const LONGEST: usize = 40;

/// The name of a place in a backend that nobody else uses: a key prefix, a schema, a directory.
///
/// At most 40 characters of `[a-z0-9_]`, the first of them a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace(String);

impl Namespace {
    /// A fresh one for the case `case`: no other, in this process or another, has its name.
    #[must_use]
    pub fn fresh(case: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let now = SystemClock::default().now().as_millis();
        let name = format!("t{now:x}_{:x}_{number:x}_{case}", process::id());
        // One place is left for the neighbour.
        Self(clean(&name, LONGEST - 1))
    }

    /// That of the case that started this process.
    pub(crate) fn given(name: &str) -> Self {
        Self(clean(name, LONGEST))
    }

    /// Another one, whose name begins with this one's.
    #[must_use]
    pub fn neighbour(&self) -> Self {
        Self(clean(&format!("{}x", self.0), LONGEST))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn clean(name: &str, longest: usize) -> String {
    let allowed = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9') => c,
        _ => '_',
    };
    name.chars().map(allowed).take(longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_plain_and_different() {
        let one = Namespace::fresh("Ünusual/name that is far too long for a schema of a database");
        let two = Namespace::fresh("x");
        assert_ne!(one, two);
        assert!(one.as_str().starts_with('t'));
        let neighbour = one.neighbour();
        assert_ne!(neighbour, one);
        assert!(neighbour.as_str().starts_with(one.as_str()));
        for name in [one.as_str(), two.as_str(), neighbour.as_str()] {
            assert!(name.len() <= LONGEST, "{name}");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(name.chars().all(plain), "{name}");
        }
    }
}
