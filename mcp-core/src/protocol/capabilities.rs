//! What client and server say they can do, at `initialize` or with every request.
//!
//! Members this crate does not know are kept in `other`, so that an extension's capability survives
//! being read and written again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::setters::setters;

/// What a client can do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientCapabilities {
    /// It answers `roots/list`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roots: Option<RootsCapability>,
    /// It answers `sampling/createMessage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<SamplingCapability>,
    /// It answers `elicitation/create`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation: Option<ElicitationCapability>,
    /// Capabilities outside the specification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experimental: Option<Map<String, Value>>,
    /// Extensions of the protocol by their ids, with their settings (2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
    /// Members this crate does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ClientCapabilities {
    /// Declares the extension with this id, and its settings.
    #[must_use]
    pub fn extension(mut self, id: impl Into<String>, settings: Map<String, Value>) -> Self {
        declare(&mut self.extensions, id.into(), settings);
        self
    }
}

setters!(ClientCapabilities {
    /// Answers `roots/list`.
    roots: RootsCapability,
    /// Answers `sampling/createMessage`.
    sampling: SamplingCapability,
    /// Answers `elicitation/create`.
    elicitation: ElicitationCapability,
    /// Declares capabilities outside the specification.
    experimental: Map<String, Value>,
    /// Declares extensions of the protocol.
    extensions: Map<String, Value>,
});

/// How a client serves roots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RootsCapability {
    /// It tells when the list changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_changed: Option<bool>,
}

impl RootsCapability {
    /// Tells when the list changes.
    #[must_use]
    pub const fn list_changed(mut self) -> Self {
        self.list_changed = Some(true);
        self
    }
}

/// How a client samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SamplingCapability {
    /// It can include the context of servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Map<String, Value>>,
    /// It lets the model use tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Map<String, Value>>,
    /// Members this crate does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl SamplingCapability {
    /// Can include the context of servers.
    #[must_use]
    pub fn context(mut self) -> Self {
        self.context = Some(Map::new());
        self
    }

    /// Lets the model use tools.
    #[must_use]
    pub fn tools(mut self) -> Self {
        self.tools = Some(Map::new());
        self
    }
}

/// How a client asks its user.
///
/// An object without members means that it shows forms: this is all 2025-06-18 knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ElicitationCapability {
    /// It shows forms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Map<String, Value>>,
    /// It opens URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Map<String, Value>>,
    /// Members this crate does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ElicitationCapability {
    /// Shows forms.
    #[must_use]
    pub fn form(mut self) -> Self {
        self.form = Some(Map::new());
        self
    }

    /// Opens URLs.
    #[must_use]
    pub fn url(mut self) -> Self {
        self.url = Some(Map::new());
        self
    }

    /// Whether the client shows forms.
    #[must_use]
    pub const fn has_form(&self) -> bool {
        self.form.is_some() || self.url.is_none()
    }

    /// Whether the client opens URLs.
    #[must_use]
    pub const fn has_url(&self) -> bool {
        self.url.is_some()
    }
}

/// What a server can do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServerCapabilities {
    /// It sends log messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<Map<String, Value>>,
    /// It completes arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completions: Option<Map<String, Value>>,
    /// It has prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<PromptsCapability>,
    /// It has resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourcesCapability>,
    /// It has tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<ToolsCapability>,
    /// Capabilities outside the specification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experimental: Option<Map<String, Value>>,
    /// Extensions of the protocol by their ids, with their settings (2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Map<String, Value>>,
    /// Members this crate does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ServerCapabilities {
    /// Declares the extension with this id, and its settings.
    #[must_use]
    pub fn extension(mut self, id: impl Into<String>, settings: Map<String, Value>) -> Self {
        declare(&mut self.extensions, id.into(), settings);
        self
    }

    /// Sends log messages.
    #[must_use]
    pub fn logging(mut self) -> Self {
        self.logging = Some(Map::new());
        self
    }

    /// Completes arguments.
    #[must_use]
    pub fn completions(mut self) -> Self {
        self.completions = Some(Map::new());
        self
    }
}

setters!(ServerCapabilities {
    /// Has prompts.
    prompts: PromptsCapability,
    /// Has resources.
    resources: ResourcesCapability,
    /// Has tools.
    tools: ToolsCapability,
    /// Declares capabilities outside the specification.
    experimental: Map<String, Value>,
    /// Declares extensions of the protocol.
    extensions: Map<String, Value>,
});

/// How a server serves prompts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PromptsCapability {
    /// It tells when the list changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_changed: Option<bool>,
}

impl PromptsCapability {
    /// Tells when the list changes.
    #[must_use]
    pub const fn list_changed(mut self) -> Self {
        self.list_changed = Some(true);
        self
    }
}

/// How a server serves resources.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourcesCapability {
    /// It tells subscribers when a resource changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<bool>,
    /// It tells when the list changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_changed: Option<bool>,
}

impl ResourcesCapability {
    /// Tells subscribers when a resource changes.
    #[must_use]
    pub const fn subscribe(mut self) -> Self {
        self.subscribe = Some(true);
        self
    }

    /// Tells when the list changes.
    #[must_use]
    pub const fn list_changed(mut self) -> Self {
        self.list_changed = Some(true);
        self
    }
}

/// How a server serves tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolsCapability {
    /// It tells when the list changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_changed: Option<bool>,
}

impl ToolsCapability {
    /// Tells when the list changes.
    #[must_use]
    pub const fn list_changed(mut self) -> Self {
        self.list_changed = Some(true);
        self
    }
}

/// Adds an extension to those declared.
fn declare(extensions: &mut Option<Map<String, Value>>, id: String, settings: Map<String, Value>) {
    extensions
        .get_or_insert_with(Map::new)
        .insert(id, Value::Object(settings));
}
