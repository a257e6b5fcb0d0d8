//! Arguments of handlers: [`FromCall`], and why a handler is not called: [`Rejection`].

use super::{Context, InputSchema};
use crate::{
    jsonrpc::{ErrorCode, ErrorObject, shortened},
    protocol::{ArgumentErrors, Method},
    router::{McpRequest, McpResponse},
    store::Principal,
};

/// Something a handler can have as an argument.
///
/// Making one is cheap and synchronous: a request's parameters are shared slices of the body, so
/// no extractor consumes them and any number may stand in any order.
///
/// # Examples
///
/// ```
/// use mcp_core::{
///     handler::{FromCall, Rejection},
///     router::McpRequest,
/// };
///
/// /// The JSON text of the id of the request.
/// struct CallId(String);
///
/// impl<S> FromCall<S> for CallId {
///     fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
///         Ok(Self(request.id().as_json().to_owned()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler whose router has the state `{S}`",
    label = "not an extractor",
    note = "extractors are `Args<T>` (`T: DeserializeOwned + JsonSchema`), `RawArgs`, `Context`, \
            `State<T>` (`T: FromRef<{S}>`), `Extension<T>` (`T: Clone + Send + Sync + 'static`), \
            `Principal`, `ResourceUri`, `CompletionRequest`, and what implements `FromCall` itself"
)]
pub trait FromCall<S>: Sized {
    /// Takes it from the request or the router's state.
    ///
    /// # Errors
    ///
    /// A [`Rejection`]: the handler is not called, and it becomes the answer.
    fn from_call(request: &McpRequest, state: &S) -> Result<Self, Rejection>;

    /// Says what it expects in the `arguments` of a call; nothing, if not implemented.
    fn describe(input: &mut InputSchema) {
        let _ = input;
    }
}

/// Why a handler was not called.
#[derive(Clone, Debug)]
pub struct Rejection(Reason);

#[derive(Clone, Debug)]
enum Reason {
    Arguments(String),
    Protocol(Box<ErrorObject>),
}

impl Rejection {
    /// The arguments do not fit; `text` says which, and why.
    ///
    /// A tool's caller is told as its revision wants it: by a result that the model can read and
    /// correct, or by −32602. A prompt's caller is told by −32602. A template's variables that do
    /// not fit mean that there is no such resource.
    pub fn arguments(text: impl Into<String>) -> Self {
        Self(Reason::Arguments(text.into()))
    }

    /// The call is answered with this JSON-RPC error.
    #[must_use]
    pub fn protocol(error: ErrorObject) -> Self {
        Self(Reason::Protocol(Box::new(error)))
    }

    /// The answer to the call.
    pub(crate) fn into_response(self, request: &McpRequest) -> McpResponse {
        let text = match self.0 {
            Reason::Protocol(error) => return McpResponse::error(request.id(), *error),
            Reason::Arguments(text) => text,
        };
        let rules = request.revision().rules();
        match request.method() {
            Method::ToolsCall if rules.argument_errors == ArgumentErrors::Result => {
                super::ToolResult::error(invalid(&text)).write(request)
            }
            Method::ResourcesRead => {
                McpResponse::error(request.id(), resource_not_found(request, Some(&text)))
            }
            _ => McpResponse::error(request.id(), ErrorObject::invalid_params(invalid(&text))),
        }
    }
}

/// There is no such resource, as the revision of the call says it.
pub(crate) fn resource_not_found(request: &McpRequest, why: Option<&str>) -> ErrorObject {
    let code = ErrorCode(request.revision().rules().resource_not_found);
    let error = match why {
        Some(why) => ErrorObject::new(code, format!("resource not found: {why}")),
        None => ErrorObject::new(code, "resource not found"),
    };
    error.with("uri", request.name().unwrap_or_default())
}

impl<S> FromCall<S> for Context {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        Ok(request.context().clone())
    }
}

/// Rejects calls of nobody in particular; `Option<Principal>` lets them pass.
impl<S> FromCall<S> for Principal {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        request.context().principal().cloned().ok_or_else(|| {
            Rejection::protocol(
                ErrorObject::invalid_request("this needs an authenticated caller")
                    .reason("unauthenticated"),
            )
        })
    }
}

impl<S> FromCall<S> for Option<Principal> {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        Ok(request.context().principal().cloned())
    }
}

/// The URI that is being read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "one value to take apart")]
pub struct ResourceUri(pub String);

impl<S> FromCall<S> for ResourceUri {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        match request.method() {
            Method::ResourcesRead => Ok(Self(request.name().unwrap_or_default().to_owned())),
            _ => Err(Rejection::protocol(
                ErrorObject::internal("only a resource's handler can have its URI")
                    .reason("handler"),
            )),
        }
    }
}

fn invalid(text: &str) -> String {
    shortened(format!("invalid arguments: {text}").into()).into_owned()
}
