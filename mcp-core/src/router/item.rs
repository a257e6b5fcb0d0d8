//! What the four lists of a catalogue have in common.

use std::fmt;

use serde::Serialize;

use super::BuildError;
use crate::{
    handler::Route,
    protocol::{Prompt, Resource, ResourceTemplate, Revision, Tool},
};

/// One of the lists of a catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum List {
    /// `tools/list`
    Tools,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
    /// `prompts/list`
    Prompts,
}

/// What is listed.
pub(crate) trait Item: Clone + fmt::Debug + Serialize + Send + Sync + 'static {
    /// The member of the result that has the items.
    const MEMBER: &'static str;

    /// What it is called by and sorted by.
    fn key(&self) -> &str;

    /// Without what the revision does not know.
    fn for_revision(self, revision: Revision) -> Self;

    /// Two have this key.
    fn duplicate(key: String) -> BuildError;
}

macro_rules! items {
    ($($item:ident.$key:ident: $member:literal, $duplicate:ident;)*) => { $(
        impl Item for $item {
            const MEMBER: &'static str = $member;

            fn key(&self) -> &str {
                &self.$key
            }

            fn for_revision(self, revision: Revision) -> Self {
                Self::for_revision(self, revision)
            }

            fn duplicate(key: String) -> BuildError {
                BuildError::$duplicate(key)
            }
        }
    )* };
}

items! {
    Tool.name: "tools", DuplicateTool;
    Resource.uri: "resources", DuplicateResource;
    ResourceTemplate.uri_template: "resourceTemplates", DuplicateTemplate;
    Prompt.name: "prompts", DuplicatePrompt;
}

impl<I: Item, S> Route<I, S> {
    /// Whether this is what the item is called by.
    pub(super) fn is(&self, key: &str) -> bool {
        self.item.key() == key
    }
}
