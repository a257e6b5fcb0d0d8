//! How handlers fail: [`ToolError`] and [`RequestError`].

use std::{any::Any, error::Error, fmt};

use super::{AskError, NotAccepted, ToolResult, from_call::resource_not_found};
use crate::{
    auth::InsufficientScope,
    jsonrpc::ErrorObject,
    protocol::{ClientCapability, Era, MissingRequiredClientCapabilityData},
    router::{McpRequest, McpResponse},
    store::StoreError,
};

/// How a tool fails.
///
/// There are two ways out. [`ToolError::new`] is a *result* with `isError: true`: the model reads
/// its text and can do better. [`ToolError::protocol`] is a JSON-RPC error: the client reads it,
/// the model usually does not.
///
/// Any [`std::error::Error`] becomes one by `?`. Its text may hold what is not meant for a caller,
/// so the model reads only that the tool failed, and the text goes to the log. To show it, say so:
/// `.map_err(|error| ToolError::new(error.to_string()))`.
pub struct ToolError(Box<Failure>);

enum Failure {
    Result(ToolResult),
    Protocol(ErrorObject),
    Unable(ClientCapability),
}

impl ToolError {
    /// A failure that the model reads and can correct.
    pub fn new(text: impl Into<String>) -> Self {
        ToolResult::error(text).into()
    }

    /// A JSON-RPC error.
    #[must_use]
    pub fn protocol(error: ErrorObject) -> Self {
        Self(Box::new(Failure::Protocol(error)))
    }

    /// What an error of any other kind becomes. Kinds that callers may see are told apart here.
    fn from_error<E: Error + Send + Sync + 'static>(error: &E) -> Self {
        if let Some(what) = unable(error) {
            return Self(Box::new(Failure::Unable(what)));
        }
        if let Some(text) = unanswered(error) {
            return Self::new(text);
        }
        if let Some(known) = known(error) {
            return Self::protocol(known);
        }
        tracing::error!(error = error as &dyn Error, "a tool failed");
        Self::new("the tool failed")
    }

    pub(crate) fn write(self, request: &McpRequest) -> McpResponse {
        match *self.0 {
            Failure::Result(result) => result.write(request),
            Failure::Protocol(error) => McpResponse::error(request.id(), error),
            Failure::Unable(what) => missing_capability(request, what),
        }
    }
}

/// The answer to a call that needs what its client cannot do.
pub(crate) fn missing_capability(request: &McpRequest, what: ClientCapability) -> McpResponse {
    match request.revision().era() {
        Era::Sessions => ToolResult::error(AskError::NotSupported(what).to_string()).write(request),
        Era::Sessionless => McpResponse::error(request.id(), lacking(what)),
    }
}

/// −32021
fn lacking(what: ClientCapability) -> ErrorObject {
    MissingRequiredClientCapabilityData::new([what]).into()
}

impl<E: Error + Send + Sync + 'static> From<E> for ToolError {
    fn from(error: E) -> Self {
        Self::from_error(&error)
    }
}

/// A failure with more than a text.
impl From<ToolResult> for ToolError {
    fn from(result: ToolResult) -> Self {
        Self(Box::new(Failure::Result(result.failed())))
    }
}

impl From<ErrorObject> for ToolError {
    fn from(error: ErrorObject) -> Self {
        Self::protocol(error)
    }
}

impl fmt::Debug for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Failure::Result(result) => f.debug_tuple("ToolError").field(result).finish(),
            Failure::Protocol(error) => f.debug_tuple("ToolError").field(error).finish(),
            Failure::Unable(what) => f.debug_tuple("ToolError").field(what).finish(),
        }
    }
}

/// How reading a resource, filling in a prompt or completing an argument fails: always with a
/// JSON-RPC error.
///
/// Any [`std::error::Error`] becomes one by `?`. Its text may hold what is not meant for a caller,
/// so the caller reads only that the request failed, and the text goes to the log.
pub struct RequestError(Box<Refusal>);

#[derive(Debug)]
enum Refusal {
    NotFound,
    Protocol(ErrorObject),
    Unable(ClientCapability),
}

impl RequestError {
    /// −32603 with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self::protocol(ErrorObject::internal(text.into()))
    }

    /// There is no such resource.
    #[must_use]
    pub fn not_found() -> Self {
        Self(Box::new(Refusal::NotFound))
    }

    /// −32602: the arguments are at fault, and the text says why.
    pub fn invalid_arguments(text: impl Into<String>) -> Self {
        Self::protocol(ErrorObject::invalid_params(text.into()))
    }

    /// This JSON-RPC error.
    #[must_use]
    pub fn protocol(error: ErrorObject) -> Self {
        Self(Box::new(Refusal::Protocol(error)))
    }

    /// What an error of any other kind becomes. Kinds that callers may see are told apart here.
    fn from_error<E: Error + Send + Sync + 'static>(error: &E) -> Self {
        if let Some(what) = unable(error) {
            return Self(Box::new(Refusal::Unable(what)));
        }
        if let Some(text) = unanswered(error) {
            return Self::protocol(ErrorObject::internal(text).reason("unanswered"));
        }
        if let Some(known) = known(error) {
            return Self::protocol(known);
        }
        tracing::error!(error = error as &dyn Error, "a request failed");
        Self::new("the request failed")
    }

    pub(crate) fn write(self, request: &McpRequest) -> McpResponse {
        let error = match *self.0 {
            Refusal::NotFound => resource_not_found(request, None),
            Refusal::Protocol(error) => error,
            Refusal::Unable(what) => match request.revision().era() {
                Era::Sessionless => lacking(what),
                Era::Sessions => {
                    let error = ErrorObject::internal(AskError::NotSupported(what).to_string());
                    error.reason("missing_capability")
                }
            },
        };
        McpResponse::error(request.id(), error)
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for RequestError {
    fn from(error: E) -> Self {
        Self::from_error(&error)
    }
}

impl From<ErrorObject> for RequestError {
    fn from(error: ErrorObject) -> Self {
        Self::protocol(error)
    }
}

impl fmt::Debug for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestError").field(&self.0).finish()
    }
}

/// What the client cannot do, if that is why a question has no answer.
fn unable(error: &dyn Any) -> Option<ClientCapability> {
    match error.downcast_ref()? {
        AskError::NotSupported(what) => Some(*what),
        _ => None,
    }
}

/// Why a question to the client has no answer. The texts are ours, so the caller may read them.
fn unanswered(error: &dyn Any) -> Option<String> {
    let asked = error.downcast_ref::<AskError>().map(ToString::to_string);
    asked.or_else(|| {
        let refused = error.downcast_ref::<NotAccepted>();
        refused.map(ToString::to_string)
    })
}

/// What a caller may read of an error of ours.
fn known(error: &dyn Any) -> Option<ErrorObject> {
    if let Some(insufficient) = error.downcast_ref::<InsufficientScope>() {
        return Some(insufficient.clone().into());
    }
    let error = error.downcast_ref::<StoreError>()?;
    tracing::error!(
        error = error as &dyn Error,
        "a handler was let down by a store"
    );
    Some(ErrorObject::internal("the store is unavailable").reason("store_unavailable"))
}
