//! What not every backend can do: [`Capability`] and [`Claims`].

use std::fmt;

/// A section of a suite that a backend may disclaim, with a reason. There are few on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// The backend can be taken away and given back: it is not part of the process.
    Outage,
    /// What is stored can be overwritten behind the store's back: it is bytes somewhere.
    Damage,
    /// Another process reaches what is stored: it is not the memory of one.
    Processes,
    /// How much the backend holds can be counted behind the store's back.
    Scan,
}

impl Capability {
    /// The word that the macros take.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Damage => "damage",
            Self::Processes => "processes",
            Self::Scan => "scan",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a backend says about every capability of a suite.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    with: Vec<Capability>,
    without: Vec<(Capability, &'static str)>,
}

impl Claims {
    /// Says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The backend can do this: its cases run.
    #[must_use]
    pub fn with(mut self, capability: Capability) -> Self {
        self.with.push(capability);
        self
    }

    /// The backend cannot do this, and why: its cases are listed and do not run.
    #[must_use]
    pub fn without(mut self, capability: Capability, why: &'static str) -> Self {
        self.without.push((capability, why));
        self
    }

    /// Why `capability` is disclaimed, if it is.
    #[must_use]
    pub fn reason(&self, capability: Capability) -> Option<&'static str> {
        let mut disclaimed = self.without.iter();
        disclaimed
            .find(|(named, _)| *named == capability)
            .map(|(_, why)| *why)
    }

    /// Every capability in `known` stands in exactly one of the lists, and no other does.
    pub(crate) fn check_complete(&self, known: &[Capability]) -> Result<(), String> {
        let named = || {
            let disclaimed = self.without.iter().map(|(capability, _)| *capability);
            self.with.iter().copied().chain(disclaimed)
        };
        for capability in known {
            match named().filter(|named| named == capability).count() {
                1 => {}
                0 => return Err(format!("nothing is said about `{capability}`")),
                _ => return Err(format!("`{capability}` is named more than once")),
            }
        }
        if let Some(foreign) = named().find(|named| !known.contains(named)) {
            return Err(format!("this suite has no cases for `{foreign}`"));
        }
        match self.without.iter().find(|(_, why)| why.trim().is_empty()) {
            Some((capability, _)) => Err(format!("no reason is given against `{capability}`")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Capability::*, *};

    #[test]
    fn every_capability_is_named_once() {
        let both = Claims::new().with(Outage).without(Damage, "why");
        assert_eq!(both.check_complete(&[Outage, Damage]), Ok(()));
        assert!(both.check_complete(&[Outage]).is_err());
        let one = Claims::new().with(Outage);
        assert!(one.check_complete(&[Outage, Damage]).is_err());
        assert!(one.with(Outage).check_complete(&[Outage]).is_err());
        let silent = Claims::new().without(Outage, " ");
        assert!(silent.check_complete(&[Outage]).is_err());
    }
}
