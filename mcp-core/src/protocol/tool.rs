//! `tools/…`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ContentBlock, Icon, InputResponses, Meta, ResultType, setters::setters};

/// Something the model can call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tool {
    /// Its name, by which it is called.
    pub name: String,
    /// Its name, for people (2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema of its arguments, which are an object.
    pub input_schema: Value,
    /// The JSON Schema of `structuredContent`, which is an object until 2025-11-25 (2025-06-18).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// How it behaves (2025-03-26).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<ToolAnnotations>,
    /// Pictures of it (2025-11-25).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// What the sender attached (2025-06-18).
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl Tool {
    /// The tool with this name, whose arguments fit this JSON Schema.
    ///
    /// The schema must have `"type": "object"`.
    pub fn new(name: impl Into<String>, input_schema: impl Into<Value>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            input_schema: input_schema.into(),
            output_schema: None,
            annotations: None,
            icons: Vec::new(),
            meta: None,
        }
    }

    /// Adds a picture.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }
}

setters!(Tool {
    /// Gives it a name for people.
    title: String,
    /// Says what it does.
    description: String,
    /// Gives the JSON Schema of `structuredContent`.
    ///
    /// Revisions until 2025-11-25 see it only if it has `"type": "object"`.
    output_schema: Value,
    /// Says how it behaves.
    annotations: ToolAnnotations,
    /// Attaches `_meta`.
    meta: Meta,
});

/// How a tool behaves: hints, which a client need not believe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolAnnotations {
    /// Its name, for people; 2025-06-18 and later have one beside the tool's `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// It changes nothing; absent means it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// It may destroy; absent means it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// A second call with the same arguments changes nothing more; absent means it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// It deals with the outside world; absent means it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

impl ToolAnnotations {
    /// Annotations that say nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It changes nothing.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.read_only_hint = Some(true);
        self
    }

    /// It may destroy.
    #[must_use]
    pub const fn destructive(mut self) -> Self {
        self.destructive_hint = Some(true);
        self
    }

    /// It only adds.
    #[must_use]
    pub const fn additive(mut self) -> Self {
        self.destructive_hint = Some(false);
        self
    }

    /// A second call with the same arguments changes nothing more.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.idempotent_hint = Some(true);
        self
    }

    /// It deals with the outside world.
    #[must_use]
    pub const fn open_world(mut self) -> Self {
        self.open_world_hint = Some(true);
        self
    }

    /// It deals with nothing outside the server.
    #[must_use]
    pub const fn closed_world(mut self) -> Self {
        self.open_world_hint = Some(false);
        self
    }
}

setters!(ToolAnnotations {
    /// Gives the tool a name for people.
    title: String,
});

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallToolRequestParams {
    /// The tool's name.
    pub name: String,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Map<String, Value>>,
    /// What the client answers to an [`InputRequiredResult`](super::InputRequiredResult)
    /// (2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_responses: Option<InputResponses>,
    /// The `requestState` of that result (2026-07-28).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl CallToolRequestParams {
    /// Calls the tool with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            arguments: None,
            input_responses: None,
            request_state: None,
            meta: None,
        }
    }
}

setters!(CallToolRequestParams {
    /// Gives the arguments.
    arguments: Map<String, Value>,
    /// Answers an [`InputRequiredResult`](super::InputRequiredResult).
    input_responses: InputResponses,
    /// Gives back the `requestState` of that result.
    request_state: String,
    /// Attaches `_meta`.
    meta: Meta,
});

/// What a tool answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallToolResult {
    /// What it says, for the model.
    #[serde(default)]
    pub content: Vec<ContentBlock>,
    /// The same as a value that fits the tool's `outputSchema` (2025-06-18).
    ///
    /// It is an object until 2025-11-25, and any JSON since 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// The call failed, and `content` says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// Whether it is final; every result says so since 2026-07-28.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_type: Option<ResultType>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl CallToolResult {
    /// A result with this content.
    #[must_use]
    pub const fn new(content: Vec<ContentBlock>) -> Self {
        Self {
            content,
            structured_content: None,
            is_error: None,
            result_type: None,
            meta: None,
        }
    }

    /// A result that says this.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(vec![ContentBlock::text(text)])
    }

    /// A result with this value, and its JSON as text for clients that read only `content`.
    pub fn structured(value: impl Into<Value>) -> Self {
        let value = value.into();
        Self {
            structured_content: Some(value.clone()),
            ..Self::text(value.to_string())
        }
    }

    /// A failure, said so that the model can do better.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            is_error: Some(true),
            ..Self::text(text)
        }
    }

    /// Adds content.
    #[must_use]
    pub fn content(mut self, content: impl Into<ContentBlock>) -> Self {
        self.content.push(content.into());
        self
    }

    /// Whether the call failed.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.is_error == Some(true)
    }
}

setters!(CallToolResult {
    /// Gives the value that fits the tool's `outputSchema`.
    structured_content: Value,
    /// Says whether it is final.
    result_type: ResultType,
    /// Attaches `_meta`.
    meta: Meta,
});

/// Whether a sampling model may or must use tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolChoice {
    /// The choice; absent means `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ToolChoiceMode>,
}

impl ToolChoice {
    /// This choice.
    #[must_use]
    pub const fn new(mode: ToolChoiceMode) -> Self {
        Self { mode: Some(mode) }
    }
}

/// The choices of [`ToolChoice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ToolChoiceMode {
    /// The model decides.
    Auto,
    /// It must use a tool.
    Required,
    /// It must not use any.
    None,
}
