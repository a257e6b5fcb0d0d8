//! The `arguments` of a call: [`Args`] and [`RawArgs`].

use std::ops::Deref;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{FromCall, InputSchema, Rejection, strings};
use crate::{protocol::Method, router::McpRequest};

/// What a call without `arguments` has.
pub(crate) const NO_ARGUMENTS: &[u8] = b"{}";

/// The `arguments` of a call, as `T`.
///
/// A tool reads them as JSON. A prompt and a resource template have only texts; there a number or
/// a boolean is read from its text, and an absent one is `None` for an `Option`.
///
/// `T` is also what the client is told: a tool's input schema, a prompt's arguments. What
/// attributes like `#[schemars(range(min = 1))]` say of a tool's arguments beyond their types is
/// enforced with the feature `validate`, and only listed without it.
///
/// # Examples
///
/// ```
/// use mcp_core::handler::Args;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Greet {
///     /// Whom to greet.
///     name: String,
/// }
///
/// async fn greet(Args(Greet { name }): Args<Greet>) -> String {
///     format!("Hello, {name}!")
/// }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "one value to take apart")]
pub struct Args<T>(pub T);

impl<S, T: DeserializeOwned + JsonSchema> FromCall<S> for Args<T> {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        let json = request.arguments().map_or(NO_ARGUMENTS, Bytes::as_ref);
        let read = match request.method() {
            Method::ToolsCall => from_json(json),
            _ => strings::from_json(json),
        };
        read.map(Self).map_err(Rejection::arguments)
    }

    fn describe(input: &mut InputSchema) {
        input.arguments::<T>();
    }
}

impl<T> Deref for Args<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Reads a value; only when that fails it is read again to learn where.
fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|first| {
        let mut json = serde_json::Deserializer::from_slice(json);
        match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Ok(_) => without_position(&first),
            Err(error) => located(error.path(), &without_position(error.inner())),
        }
    })
}

/// The message, behind the name of the member it is about.
pub(super) fn located(path: &serde_path_to_error::Path, message: &str) -> String {
    if path.iter().next().is_none() {
        message.to_owned()
    } else {
        format!("`{path}`: {message}")
    }
}

/// The message without line and column, which say nothing about one member of a larger body.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.rfind(" at line ") {
        text.truncate(end);
    }
    text
}

/// The JSON object of `arguments`, unread; `{}` when the call has none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "one value to take apart")]
pub struct RawArgs(pub Bytes);

impl<S> FromCall<S> for RawArgs {
    fn from_call(request: &McpRequest, _: &S) -> Result<Self, Rejection> {
        let json = request.arguments().cloned();
        Ok(Self(
            json.unwrap_or_else(|| Bytes::from_static(NO_ARGUMENTS)),
        ))
    }

    fn describe(input: &mut InputSchema) {
        input.any_arguments();
    }
}
