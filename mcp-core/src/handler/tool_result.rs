//! What tools return: [`ToolResult`], and everything that becomes one.

use std::{borrow::Cow, fmt};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Json, OutputSchema, ToolError};
use crate::{
    jsonrpc::{ErrorObject, write_text},
    protocol::{CallToolResult, ContentBlock, Meta, Resource, ResourceContents},
    router::{McpRequest, McpResponse},
};

/// What a tool answers.
///
/// # Examples
///
/// ```
/// use mcp_core::handler::ToolResult;
///
/// # let png = [0u8; 4];
/// let result = ToolResult::new()
///     .text("The chart of this week:")
///     .image(png, "image/png");
/// let failure = ToolResult::error("`week` must not be in the future");
/// ```
#[derive(Debug, Default)]
pub struct ToolResult {
    text: Option<Cow<'static, str>>,
    blocks: Vec<ContentBlock>,
    structured: Option<Structured>,
    is_error: bool,
    meta: Option<Meta>,
}

#[derive(Debug)]
enum Structured {
    Json(Box<RawValue>),
    Broken(serde_json::Error),
}

impl ToolResult {
    /// A result that says nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A failure that the model reads and can correct.
    pub fn error(text: impl Into<String>) -> Self {
        Self::new().text(text.into()).failed()
    }

    /// Adds text.
    #[must_use]
    pub fn text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        if self.text.is_none() && self.blocks.is_empty() {
            self.text = Some(text.into());
        } else {
            self.blocks.push(ContentBlock::text(text.into()));
        }
        self
    }

    /// Adds content of any kind.
    #[must_use]
    pub fn content(mut self, content: impl Into<ContentBlock>) -> Self {
        self.blocks.push(content.into());
        self
    }

    /// Adds a picture, from its bytes.
    #[must_use]
    pub fn image(self, bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Self {
        self.content(ContentBlock::image(bytes, mime_type))
    }

    /// Adds a recording, from its bytes.
    #[must_use]
    pub fn audio(self, bytes: impl AsRef<[u8]>, mime_type: impl Into<String>) -> Self {
        self.content(ContentBlock::audio(bytes, mime_type))
    }

    /// Adds the address of a resource.
    #[must_use]
    pub fn resource_link(self, resource: Resource) -> Self {
        self.content(ContentBlock::resource_link(resource))
    }

    /// Adds a resource itself.
    #[must_use]
    pub fn embedded(self, contents: ResourceContents) -> Self {
        self.content(ContentBlock::embedded(contents))
    }

    /// Gives the object that fits the tool's output schema.
    ///
    /// A result without other content says it as text too, for clients that read only that. A
    /// value that is not an object is a mistake of the server and answered with −32603.
    #[must_use]
    pub fn structured(mut self, value: impl Serialize) -> Self {
        self.structured = Some(structured(value));
        self
    }

    /// Marks the result as a failure.
    #[must_use]
    pub fn failed(mut self) -> Self {
        self.is_error = true;
        self
    }

    /// Attaches `_meta`.
    #[must_use]
    pub fn meta(mut self, meta: impl Into<Meta>) -> Self {
        self.meta = Some(meta.into());
        self
    }

    /// Writes the answer, without what the caller's revision does not know.
    pub(crate) fn write(self, request: &McpRequest) -> McpResponse {
        let revision = request.revision();
        let structured = match self.structured {
            None => None,
            Some(Structured::Json(json))
                if json.get().starts_with('{') || revision.rules().structured_any =>
            {
                Some(json)
            }
            Some(Structured::Json(_)) => {
                return unfit(request, NOT_AN_OBJECT, &"it is not an object");
            }
            Some(Structured::Broken(error)) => return unfit(request, NOT_AN_OBJECT, &error),
        };
        let mut text = self.text.as_deref();
        if text.is_none() && self.blocks.is_empty() {
            text = structured.as_deref().map(RawValue::get);
        }
        let blocks = self.blocks.into_iter();
        let message = Message {
            text,
            blocks: blocks.map(|block| block.for_revision(revision)).collect(),
            structured: structured
                .as_deref()
                .filter(|_| revision.rules().structured_content),
            is_error: self.is_error,
            meta: self.meta.as_ref(),
        };
        McpResponse::tool(
            request.id(),
            self.is_error,
            message.meta.is_none(),
            |buffer| message.write(buffer),
        )
    }
}

const NOT_AN_OBJECT: &str = "is not an object";

/// The answer when structured content may not be sent: what it is or does wrong, and for the log
/// why.
pub(crate) fn unfit(request: &McpRequest, fault: &str, why: &dyn fmt::Display) -> McpResponse {
    tracing::error!(tool = request.name(), error = %why, "structured content cannot be sent");
    let text = format!("the structured content of the result {fault}");
    let error = ErrorObject::internal(text);
    McpResponse::error(request.id(), error.reason("structured_content"))
}

/// The result as it is written: text first, which most results have alone, then the rest.
struct Message<'a> {
    text: Option<&'a str>,
    blocks: Vec<ContentBlock>,
    structured: Option<&'a RawValue>,
    is_error: bool,
    meta: Option<&'a Meta>,
}

impl Message<'_> {
    fn write(&self, buffer: &mut Vec<u8>) -> serde_json::Result<()> {
        buffer.extend_from_slice(br#"{"content":["#);
        if let Some(text) = self.text {
            buffer.extend_from_slice(br#"{"type":"text","text":"#);
            write_text(buffer, text);
            buffer.push(b'}');
        }
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 || self.text.is_some() {
                buffer.push(b',');
            }
            serde_json::to_writer(&mut *buffer, block)?;
        }
        buffer.push(b']');
        if let Some(structured) = self.structured {
            buffer.extend_from_slice(br#","structuredContent":"#);
            buffer.extend_from_slice(structured.get().as_bytes());
        }
        if self.is_error {
            buffer.extend_from_slice(br#","isError":true"#);
        }
        if let Some(meta) = self.meta {
            buffer.extend_from_slice(br#","_meta":"#);
            serde_json::to_writer(&mut *buffer, meta)?;
        }
        buffer.push(b'}');
        Ok(())
    }
}

/// What a tool's handler can yield.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a tool can return",
    label = "not a tool's result",
    note = "a tool returns `ToolResult`, `Json<T>` (`T: Serialize + JsonSchema`), `String`, \
            `&'static str`, `ContentBlock`, `Vec<ContentBlock>`, `()`, or a `Result` of one of \
            these whose error is `ToolError` or becomes one"
)]
pub trait IntoToolResult {
    /// Makes the result.
    ///
    /// # Errors
    ///
    /// A [`ToolError`], which becomes the answer.
    fn into_tool_result(self) -> Result<ToolResult, ToolError>;

    /// Says what `structuredContent` will be; nothing, if not implemented.
    fn describe(output: &mut OutputSchema) {
        let _ = output;
    }
}

impl IntoToolResult for ToolResult {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(self)
    }
}

impl<T: IntoToolResult, E: Into<ToolError>> IntoToolResult for Result<T, E> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        match self {
            Ok(value) => value.into_tool_result(),
            Err(error) => Err(error.into()),
        }
    }

    fn describe(output: &mut OutputSchema) {
        T::describe(output);
    }
}

impl<T: Serialize + JsonSchema> IntoToolResult for Json<T> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::new().structured(self.0))
    }

    fn describe(output: &mut OutputSchema) {
        output.structured::<T>();
    }
}

macro_rules! into_tool_result {
    ($($from:ty: $value:ident => $result:expr;)*) => { $(
        impl From<$from> for ToolResult {
            fn from($value: $from) -> Self {
                $result
            }
        }

        impl IntoToolResult for $from {
            fn into_tool_result(self) -> Result<ToolResult, ToolError> {
                Ok(self.into())
            }
        }
    )* };
}

into_tool_result! {
    String: text => Self::new().text(text);
    &'static str: text => Self::new().text(text);
    Cow<'static, str>: text => Self::new().text(text);
    ContentBlock: block => Self::new().content(block);
    Vec<ContentBlock>: blocks => Self { blocks, ..Self::new() };
    (): _nothing => Self::new();
    CallToolResult: result => Self {
        text: None,
        blocks: result.content,
        structured: result.structured_content.map(structured),
        is_error: result.is_error == Some(true),
        meta: result.meta,
    };
}

fn structured(value: impl Serialize) -> Structured {
    match to_raw_value(&value) {
        Ok(json) => Structured::Json(json),
        Err(error) => Structured::Broken(error),
    }
}
