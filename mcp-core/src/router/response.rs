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
        message: Bytes,
        result: Range<usize>,
        kind: ResultKind,
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
                message: buffer.into(),
                result: start..end,
                kind,
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
            Body::Result { message, .. } => message,
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
