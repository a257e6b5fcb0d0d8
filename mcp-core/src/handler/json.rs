//! [`Json`]: a typed value as the result of a handler.

/// A value that is sent as JSON.
///
/// From a tool it is `structuredContent`, and its JSON as text for clients that read only that; the
/// tool's output schema is that of `T`, which must be one of objects. From a resource it is the text,
/// with the media type `application/json` unless the resource names another.
///
/// # Examples
///
/// ```
/// use mcp_core::handler::{Args, Json};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Add { a: i64, b: i64 }
///
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Sum { sum: i64 }
///
/// async fn add(Args(Add { a, b }): Args<Add>) -> Json<Sum> {
///     Json(Sum { sum: a + b })
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "one value to take apart")]
pub struct Json<T>(pub T);
