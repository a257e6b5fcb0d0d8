//! The answer to one request.

use std::{fmt, ops::Range};

use bytes::Bytes;
use serde::Serialize;

use crate::jsonrpc::{ErrorObject, RequestId};

/// The answer to one request: a result, already written as a JSON-RPC message, or an error.
#[derive(Clone)]
pub struct McpResponse {
    id: RequestId,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Result {
        message: Vec<u8>,
        result: Range<usize>,
        kind: ResultKind,
        /// It has neither `resultType` nor `_meta` nor anything about caches.
        plain: bool,
    },
    Error(Box<ErrorObject>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResultKind {
    Ok,
    ToolError,
    InputRequired,
}

impl McpResponse {
    /// A successful answer. The result is written once, straight into the message.
    #[must_use]
    pub fn result<T: Serialize + ?Sized>(id: &RequestId, result: &T) -> Self {
        Self::write(id, ResultKind::Ok, |buffer| {
            serde_json::to_writer(buffer, result)
        })
    }

    /// The result of a tool that failed in a way the model should read (`isError: true`).
    #[must_use]
    pub fn tool_error<T: Serialize + ?Sized>(id: &RequestId, result: &T) -> Self {
        Self::write(id, ResultKind::ToolError, |buffer| {
            serde_json::to_writer(buffer, result)
        })
    }

    /// The result of a tool, written by hand; `plain` when it says nothing of itself.
    pub(crate) fn tool(
        id: &RequestId,
        is_error: bool,
        plain: bool,
        result: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> Self {
        let kind = if is_error {
            ResultKind::ToolError
        } else {
            ResultKind::Ok
        };
        Self::write(id, kind, result).with_plain(plain)
    }

    /// A page of a list, whose JSON stands already and says nothing of itself.
    pub(crate) fn page(id: &RequestId, json: &[u8]) -> Self {
        Self::result_json(id, json).with_plain(true)
    }

    fn with_plain(mut self, says_nothing: bool) -> Self {
        if let Body::Result { plain, .. } = &mut self.body {
            *plain = says_nothing;
        }
        self
    }

    /// Lets `write` add members, each behind a comma, to a result that has none of them yet; `false`
    /// when it may have some.
    pub(crate) fn add_members(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let Body::Result {
            message,
            result,
            plain: true,
            ..
        } = &mut self.body
        else {
            return false;
        };
        if result.len() <= 2 {
            return false;
        }
        message.truncate(result.end - 1);
        write(message);
        message.push(b'}');
        result.end = message.len();
        message.push(b'}');
        true
    }

    /// A result that asks the client for more (`resultType: "input_required"`).
    pub(crate) fn input_required<T: Serialize + ?Sized>(id: &RequestId, result: &T) -> Self {
        Self::write(id, ResultKind::InputRequired, |buffer| {
            serde_json::to_writer(buffer, result)
        })
    }

    /// The same answer with another result.
    pub(crate) fn with_result<T: Serialize + ?Sized>(&self, result: &T) -> Self {
        let kind = match self.body {
            Body::Result { kind, .. } => kind,
            Body::Error(_) => ResultKind::Ok,
        };
        Self::write(&self.id, kind, |buffer| {
            serde_json::to_writer(buffer, result)
        })
    }

    /// A successful answer whose JSON stands already.
    #[must_use]
    pub fn result_json(id: &RequestId, json: &[u8]) -> Self {
        Self::write(id, ResultKind::Ok, |buffer| {
            buffer.reserve(json.len() + 1);
            buffer.extend_from_slice(json);
            Ok(())
        })
    }

    /// A failure.
    #[must_use]
    pub fn error(id: &RequestId, error: ErrorObject) -> Self {
        Self {
            id: id.clone(),
            body: Body::Error(Box::new(error)),
        }
    }

    fn write(
        id: &RequestId,
        kind: ResultKind,
        result: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> Self {
        let mut buffer = Vec::with_capacity(256);
        buffer.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        buffer.extend_from_slice(id.as_json().as_bytes());
        buffer.extend_from_slice(br#","result":"#);
        let start = buffer.len();
        if let Err(error) = result(&mut buffer) {
            tracing::error!(%error, "a result could not be written as JSON");
            return Self::error(
                id,
                ErrorObject::internal("the result could not be written as JSON"),
            );
        }
        let end = buffer.len();
        buffer.push(b'}');
        Self {
            id: id.clone(),
            body: Body::Result {
                message: buffer,
                result: start..end,
                kind,
                plain: false,
            },
        }
    }

    /// The id of the request this answers.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.id
    }

    /// The error, if it is one.
    #[must_use]
    pub fn as_error(&self) -> Option<&ErrorObject> {
        match &self.body {
            Body::Result { .. } => None,
            Body::Error(error) => Some(error),
        }
    }

    /// The JSON of the result, if it is one.
    #[must_use]
    pub fn as_result(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Result {
                message, result, ..
            } => message.get(result.clone()),
            Body::Error(_) => None,
        }
    }

    /// Whether the result is a tool's `isError: true`.
    #[must_use]
    pub fn is_tool_error(&self) -> bool {
        matches!(
            self.body,
            Body::Result {
                kind: ResultKind::ToolError,
                ..
            }
        )
    }

    /// Whether the result asks the client for more.
    #[must_use]
    pub fn is_input_required(&self) -> bool {
        matches!(
            self.body,
            Body::Result {
                kind: ResultKind::InputRequired,
                ..
            }
        )
    }

    /// The whole JSON-RPC message.
    #[must_use]
    pub fn into_message(self) -> Bytes {
        match self.body {
            Body::Result { message, .. } => message.into(),
            Body::Error(error) => error_message(Some(&self.id), &error),
        }
    }
}

/// An error response as JSON; without an id it says `null`, as JSON-RPC 2.0 section 5 wants.
#[must_use]
pub fn error_message(id: Option<&RequestId>, error: &ErrorObject) -> Bytes {
    let mut buffer = Vec::with_capacity(192);
    buffer.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    buffer.extend_from_slice(id.map_or("null", RequestId::as_json).as_bytes());
    buffer.extend_from_slice(br#","error":"#);
    if serde_json::to_writer(&mut buffer, error).is_err() {
        buffer.extend_from_slice(br#"{"code":-32603,"message":"internal error"}"#);
    }
    buffer.push(b'}');
    buffer.into()
}

impl fmt::Debug for McpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("McpResponse");
        shown.field("id", &self.id);
        match &self.body {
            Body::Result { result, kind, .. } => shown
                .field("kind", kind)
                .field("bytes", &result.len())
                .finish(),
            Body::Error(error) => shown.field("error", error).finish(),
        }
    }
}
