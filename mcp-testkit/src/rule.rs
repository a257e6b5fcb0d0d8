//! One rule of a suite: [`Rule`].

use crate::Capability;

/// One sentence that a store must keep, and the case that checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The suite it belongs to, named after its macro.
    pub suite: &'static str,
    /// The capability it needs; `None` when every backend must keep it.
    pub needs: Option<Capability>,
    /// The name of the case, and of its test.
    pub name: &'static str,
    /// The ids of the promises it checks, with commas between them.
    pub promises: &'static str,
    /// The sentence.
    pub text: &'static str,
}

impl Rule {
    /// A rule of a backend's own, for [`run_case`](crate::run_case).
    #[must_use]
    pub const fn new(
        suite: &'static str,
        name: &'static str,
        promises: &'static str,
        text: &'static str,
    ) -> Self {
        Self {
            suite,
            needs: None,
            name,
            promises,
            text,
        }
    }

    /// The same rule, for backends with this capability only.
    #[must_use]
    pub const fn needs(mut self, capability: Option<Capability>) -> Self {
        self.needs = capability;
        self
    }

    /// The ids of the promises it checks.
    pub fn promises(&self) -> impl Iterator<Item = &'static str> {
        self.promises.split(',').map(str::trim)
    }
}
