//! Sets of scopes: [`Scopes`].

use std::{collections::BTreeSet, fmt, sync::Arc};

/// A set of OAuth scopes ([RFC 6749, section 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)).
/// Cheap to clone.
///
/// Scopes are compared byte for byte. Where a broad scope implies narrower ones, whoever reads the
/// credentials adds those that it implies.
///
/// ```
/// use mcp_core::auth::Scopes;
///
/// let granted = Scopes::parse("notes:read notes:write")?;
/// assert!(granted.contains_all(&Scopes::parse("notes:read")?));
/// assert_eq!(granted.to_string(), "notes:read notes:write");
/// # Ok::<(), mcp_core::auth::InvalidScope>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Set);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Set {
    #[default]
    None,
    /// At least one.
    Some(Arc<BTreeSet<String>>),
    All,
}

/// What cannot be a scope: it is empty, or has characters other than printable ASCII without space,
/// quotation mark and backslash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be a scope")]
pub struct InvalidScope(String);

impl Scopes {
    /// No scope at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Every scope there is: for callers that need no permission, such as the process that started
    /// this one.
    #[must_use]
    pub fn all() -> Self {
        Self(Set::All)
    }

    /// These scopes.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] for the first that is none.
    pub fn of<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Result<Self, InvalidScope> {
        let mut set = BTreeSet::new();
        for scope in scopes {
            let scope = scope.into();
            if !is_scope(&scope) {
                return Err(InvalidScope(scope.chars().take(64).collect()));
            }
            set.insert(scope);
        }
        if set.is_empty() {
            return Ok(Self::none());
        }
        Ok(Self(Set::Some(Arc::new(set))))
    }

    /// The scopes in the `scope` member of a token: words between spaces.
    ///
    /// # Errors
    ///
    /// [`InvalidScope`] for the first word that is none.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        Self::of(text.split(' ').filter(|word| !word.is_empty()))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Set::None)
    }

    /// Whether all of `others` are in this set.
    #[must_use]
    pub fn contains_all(&self, others: &Self) -> bool {
        match (&self.0, &others.0) {
            (Set::All, _) | (_, Set::None) => true,
            (Set::None, _) | (Set::Some(_), Set::All) => false,
            (Set::Some(these), Set::Some(others)) => others.is_subset(these),
        }
    }

    /// The scopes in their order; none for [`all`](Self::all), which has no names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let set = match &self.0 {
            Set::Some(set) => Some(set.iter()),
            Set::None | Set::All => None,
        };
        set.into_iter().flatten().map(String::as_str)
    }
}

/// The names with spaces between them, as tokens and challenges have them.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

fn is_scope(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_it_was_given_and_no_more() {
        let granted = Scopes::parse(" b  a b ").unwrap();
        assert_eq!(granted.to_string(), "a b");
        for (wanted, held) in [("", true), ("a", true), ("a b", true), ("a c", false)] {
            let wanted = Scopes::parse(wanted).unwrap();
            assert_eq!(granted.contains_all(&wanted), held, "{wanted}");
        }
        assert!(!granted.contains_all(&Scopes::parse("A").unwrap()));
    }

    #[test]
    fn all_scopes_hold_every_set_and_none_holds_them() {
        let some = Scopes::parse("a").unwrap();
        assert!(Scopes::all().contains_all(&some));
        assert!(Scopes::all().contains_all(&Scopes::all()));
        assert!(!some.contains_all(&Scopes::all()));
        assert!(!Scopes::all().is_empty() && Scopes::none().is_empty());
    }

    #[test]
    fn what_would_break_a_header_is_no_scope() {
        for text in ["", "a b", "a\"b", "a\\b", "a\nb", "ä"] {
            assert!(Scopes::of([text]).is_err(), "{text:?}");
        }
    }
}
