//! What a client can be asked for.

use std::fmt;

use super::{ClientCapabilities, ElicitationCapability, Revision};

/// Something a client declares that it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientCapability {
    /// Show a form to the user.
    ElicitationForm,
    /// Send the user to a URL.
    ElicitationUrl,
    /// Ask a model.
    Sampling,
    /// Ask a model that may call tools.
    SamplingTools,
    /// Name its roots.
    Roots,
}

impl ClientCapability {
    /// Whether `declared` has it.
    #[must_use]
    pub fn is_in(self, declared: &ClientCapabilities) -> bool {
        let elicitation = declared.elicitation.as_ref();
        let sampling = declared.sampling.as_ref();
        match self {
            Self::ElicitationForm => elicitation.is_some_and(ElicitationCapability::has_form),
            Self::ElicitationUrl => elicitation.is_some_and(ElicitationCapability::has_url),
            Self::Sampling => sampling.is_some(),
            Self::SamplingTools => sampling.is_some_and(|with| with.tools.is_some()),
            Self::Roots => declared.roots.is_some(),
        }
    }

    /// Whether `revision` knows it at all. A session of an older one must not be asked for it,
    /// whatever its client declared.
    #[must_use]
    pub const fn exists_in(self, revision: Revision) -> bool {
        let rules = revision.rules();
        match self {
            Self::ElicitationForm => rules.elicitation,
            Self::ElicitationUrl => rules.elicitation_url,
            Self::SamplingTools => rules.sampling_tools,
            Self::Sampling | Self::Roots => true,
        }
    }

    /// The capabilities of a client that has this one and no other.
    #[must_use]
    pub fn as_required(self) -> ClientCapabilities {
        ClientCapabilities::default().require(self)
    }
}

impl ClientCapabilities {
    /// Adds what is needed, as in `requiredCapabilities` of an error −32021.
    #[must_use]
    pub fn require(mut self, needed: ClientCapability) -> Self {
        let elicitation = |declared: Option<ElicitationCapability>| declared.unwrap_or_default();
        match needed {
            ClientCapability::ElicitationForm => {
                self.elicitation = Some(elicitation(self.elicitation).form());
            }
            ClientCapability::ElicitationUrl => {
                self.elicitation = Some(elicitation(self.elicitation).url());
            }
            ClientCapability::Sampling => {
                self.sampling.get_or_insert_default();
            }
            ClientCapability::SamplingTools => {
                self.sampling = Some(self.sampling.unwrap_or_default().tools());
            }
            ClientCapability::Roots => {
                self.roots.get_or_insert_default();
            }
        }
        self
    }
}

impl fmt::Display for ClientCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ElicitationForm => "elicitation",
            Self::ElicitationUrl => "elicitation by URL",
            Self::Sampling => "sampling",
            Self::SamplingTools => "sampling with tools",
            Self::Roots => "roots",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ClientCapability; 5] = [
        ClientCapability::ElicitationForm,
        ClientCapability::ElicitationUrl,
        ClientCapability::Sampling,
        ClientCapability::SamplingTools,
        ClientCapability::Roots,
    ];

    #[test]
    fn a_revision_has_only_what_its_specification_defines() {
        for (revision, known) in [
            (Revision::V2024_11_05, [false, false, true, false, true]),
            (Revision::V2025_03_26, [false, false, true, false, true]),
            (Revision::V2025_06_18, [true, false, true, false, true]),
            (Revision::V2025_11_25, [true, true, true, true, true]),
        ] {
            let exist = ALL.map(|capability| capability.exists_in(revision));
            assert_eq!(exist, known, "{revision}");
        }
    }
}
