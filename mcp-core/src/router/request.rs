//! One request on its way to a handler.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{
    handler::Context,
    jsonrpc::{ErrorObject, Request, RequestId, shared},
    protocol::{Method, Revision},
};

/// One request with everything its handler may ask for. Owned, cheap to clone, free to move.
#[derive(Clone, Debug)]
pub struct McpRequest {
    method: Method,
    params: Option<Bytes>,
    name: Option<ByteString>,
    arguments: Option<Bytes>,
    cursor: Option<ByteString>,
    context: Context,
}

/// The members of `params` that more than one method has, borrowed from the body.
#[derive(Default, Deserialize)]
pub(crate) struct Params<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    cursor: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "object")]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "object", rename = "_meta")]
    meta: Option<&'a RawValue>,
}

/// A JSON object; `null` counts as absent.
fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    match raw.get().as_bytes().first() {
        Some(b'{') => Ok(Some(raw)),
        Some(b'n') => Ok(None),
        _ => Err(serde::de::Error::custom("expected an object")),
    }
}

impl<'a> Params<'a> {
    /// Reads the common members of a request's parameters.
    ///
    /// # Errors
    ///
    /// −32602 when one of them has the wrong type.
    pub(crate) fn of(params: Option<&'a Bytes>) -> Result<Self, ErrorObject> {
        let Some(json) = params else {
            return Ok(Self::default());
        };
        serde_json::from_slice(json)
            .map_err(|error| ErrorObject::invalid_params(format!("invalid params: {error}")))
    }

    /// The JSON of `_meta`, as a slice of `params`.
    pub(crate) fn meta(&self, params: Option<&Bytes>) -> Option<Bytes> {
        self.meta.and_then(|raw| slice(params, raw.get()))
    }
}

fn slice(of: Option<&Bytes>, text: &str) -> Option<Bytes> {
    of.map(|bytes| bytes.slice_ref(text.as_bytes()))
}

impl McpRequest {
    /// A request of `context`'s caller.
    ///
    /// # Errors
    ///
    /// −32602 when `params` do not have the types the specification gives them.
    pub fn new(
        method: Method,
        params: Option<&Bytes>,
        context: Context,
    ) -> Result<Self, ErrorObject> {
        let common = Params::of(params)?;
        Ok(Self::with_params(method, &common, params, context))
    }

    /// A request whose parameters have been read already.
    pub(crate) fn with_params(
        method: Method,
        common: &Params<'_>,
        params: Option<&Bytes>,
        context: Context,
    ) -> Self {
        let named = match method {
            Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                common.uri.as_deref()
            }
            _ => common.name.as_deref(),
        };
        let own = |text| params.map(|json| shared(json, text));
        Self {
            name: named.and_then(own),
            cursor: common.cursor.as_deref().and_then(own),
            arguments: common.arguments.and_then(|raw| slice(params, raw.get())),
            method,
            params: params.cloned(),
            context,
        }
    }

    /// What is asked for.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The name of the tool or prompt, or the URI of the resource.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The JSON object of `arguments`.
    #[must_use]
    pub fn arguments(&self) -> Option<&Bytes> {
        self.arguments.as_ref()
    }

    /// Replaces the JSON object of `arguments`, for layers that rewrite calls.
    pub fn set_arguments(&mut self, arguments: Option<Bytes>) {
        self.arguments = arguments;
    }

    /// Where a list goes on.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The JSON object of `params`.
    #[must_use]
    pub fn params(&self) -> Option<&Bytes> {
        self.params.as_ref()
    }

    /// The call this request begins.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What the answer will carry.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        self.context.request_id()
    }

    /// The revision whose rules the answer follows.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.context.revision()
    }
}

impl TryFrom<(Request, Context)> for McpRequest {
    type Error = ErrorObject;

    fn try_from((request, context): (Request, Context)) -> Result<Self, ErrorObject> {
        Self::new(request.method, request.params.as_ref(), context)
    }
}
