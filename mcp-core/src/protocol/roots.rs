//! `roots/list`.

use serde::{Deserialize, Serialize};

use super::{Meta, setters::setters};

/// A directory or file of the client that the server may work on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Root {
    /// Where it is; today always a `file:` URI.
    pub uri: String,
    /// Its name, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl Root {
    /// The root at this URI.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            name: None,
            meta: None,
        }
    }
}

setters!(Root {
    /// Gives it a name for a person.
    name: String,
    /// Attaches `_meta`.
    meta: Meta,
});

/// The client's roots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ListRootsResult {
    /// All of them: this list has no pages.
    pub roots: Vec<Root>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ListRootsResult {
    /// These roots.
    #[must_use]
    pub const fn new(roots: Vec<Root>) -> Self {
        Self { roots, meta: None }
    }
}

setters!(ListRootsResult {
    /// Attaches `_meta`.
    meta: Meta,
});
