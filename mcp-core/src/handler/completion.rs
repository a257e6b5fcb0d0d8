//! Completing arguments of prompts and variables of templates.

use std::collections::BTreeMap;

use super::{FromCall, Rejection, RequestError};
use crate::{
    jsonrpc::ErrorObject,
    protocol::{CompleteRequestParams, Completion},
    router::McpRequest,
};

/// What is to be completed: an extractor for completers.
///
/// # Examples
///
/// ```
/// use mcp_core::handler::CompletionRequest;
///
/// async fn complete_language(wanted: CompletionRequest) -> Vec<&'static str> {
///     ["python", "rust", "ruby"]
///         .into_iter()
///         .filter(|name| name.starts_with(&wanted.value))
///         .collect()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompletionRequest {
    /// The name of the argument or variable.
    pub argument: String,
    /// What has been typed so far.
    pub value: String,
    /// The other arguments that already have a value.
    pub arguments: BTreeMap<String, String>,
}

impl<S> FromCall<S> for CompletionRequest {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        let params = params(request).map_err(Rejection::protocol)?;
        Ok(Self {
            argument: params.argument.name,
            value: params.argument.value,
            arguments: params
                .context
                .and_then(|context| context.arguments)
                .unwrap_or_default(),
        })
    }
}

/// The parameters of `completion/complete`.
pub(crate) fn params(request: &McpRequest) -> Result<CompleteRequestParams, ErrorObject> {
    let json = request.params().map_or(b"{}".as_slice(), AsRef::as_ref);
    serde_json::from_slice(json)
        .map_err(|error| ErrorObject::invalid_params(format!("invalid params: {error}")))
}

/// What a completer can yield.
///
/// A client gets at most [`Completion::MAX`] values, and is told when there are more.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a completer can return",
    label = "not a list of values",
    note = "a completer returns `Completion`, `Vec<String>`, `Vec<&'static str>`, or a `Result` of \
            one of these whose error is `RequestError` or becomes one"
)]
pub trait IntoCompletion {
    /// Makes the result.
    ///
    /// # Errors
    ///
    /// A [`RequestError`], which becomes the answer.
    fn into_completion(self) -> Result<Completion, RequestError>;
}

/// Cut to what one result may have.
impl IntoCompletion for Completion {
    fn into_completion(self) -> Result<Completion, RequestError> {
        if self.values.len() <= Self::MAX {
            return Ok(self);
        }
        let total = self.total;
        let cut = Self::new(self.values);
        Ok(match total {
            Some(total) => cut.total(total),
            None => cut,
        })
    }
}

impl<T: Into<String>> IntoCompletion for Vec<T> {
    fn into_completion(self) -> Result<Completion, RequestError> {
        Ok(Completion::new(self))
    }
}

impl<T: IntoCompletion, E: Into<RequestError>> IntoCompletion for Result<T, E> {
    fn into_completion(self) -> Result<Completion, RequestError> {
        match self {
            Ok(value) => value.into_completion(),
            Err(error) => Err(error.into()),
        }
    }
}
