//! What handlers of resources and templates return.

use bytes::Bytes;
use serde::Serialize;

use super::{Json, RequestError};
use crate::protocol::{ReadResourceResult, ResourceContents};

/// What a resource's or a template's handler can yield.
///
/// A media type that the contents do not name is that of the resource.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a resource can return",
    label = "not a resource's contents",
    note = "a resource returns `String`, `&'static str`, `Vec<u8>`, `Bytes`, `Json<T>` \
            (`T: Serialize`), `ResourceContents`, `Vec<ResourceContents>`, `ReadResourceResult`, an \
            `Option` of one of these (`None`: no such resource), or a `Result` whose error is \
            `RequestError` or becomes one"
)]
pub trait IntoResourceResult {
    /// Makes the result of reading `uri`.
    ///
    /// # Errors
    ///
    /// A [`RequestError`], which becomes the answer.
    fn into_resource_result(self, uri: &str) -> Result<ReadResourceResult, RequestError>;
}

impl IntoResourceResult for ReadResourceResult {
    fn into_resource_result(self, _: &str) -> Result<ReadResourceResult, RequestError> {
        Ok(self)
    }
}

impl<T: IntoResourceResult, E: Into<RequestError>> IntoResourceResult for Result<T, E> {
    fn into_resource_result(self, uri: &str) -> Result<ReadResourceResult, RequestError> {
        match self {
            Ok(value) => value.into_resource_result(uri),
            Err(error) => Err(error.into()),
        }
    }
}

/// `None` means that there is no such resource.
impl<T: IntoResourceResult> IntoResourceResult for Option<T> {
    fn into_resource_result(self, uri: &str) -> Result<ReadResourceResult, RequestError> {
        match self {
            Some(value) => value.into_resource_result(uri),
            None => Err(RequestError::not_found()),
        }
    }
}

impl<T: Serialize> IntoResourceResult for Json<T> {
    fn into_resource_result(self, uri: &str) -> Result<ReadResourceResult, RequestError> {
        let contents = ResourceContents::text(uri, serde_json::to_string(&self.0)?);
        Ok(contents.mime_type("application/json").into())
    }
}

macro_rules! into_resource_result {
    ($($from:ty: $value:ident, $uri:ident => $result:expr;)*) => { $(
        impl IntoResourceResult for $from {
            fn into_resource_result(self, $uri: &str) -> Result<ReadResourceResult, RequestError> {
                let $value = self;
                Ok($result)
            }
        }
    )* };
}

into_resource_result! {
    String: text, uri => ResourceContents::text(uri, text).into();
    &'static str: text, uri => ResourceContents::text(uri, text).into();
    Vec<u8>: bytes, uri => ResourceContents::blob(uri, bytes).into();
    Bytes: bytes, uri => ResourceContents::blob(uri, bytes).into();
    ResourceContents: contents, _uri => contents.into();
    Vec<ResourceContents>: contents, _uri => ReadResourceResult::new(contents);
}

/// Names the media type of contents that do not name one.
pub(super) fn with_mime_type(
    mut result: ReadResourceResult,
    mime_type: Option<&str>,
) -> ReadResourceResult {
    for contents in &mut result.contents {
        let named = match contents {
            ResourceContents::Text(text) => &mut text.mime_type,
            ResourceContents::Blob(blob) => &mut blob.mime_type,
        };
        if named.is_none() {
            *named = mime_type.map(str::to_owned);
        }
    }
    result
}
