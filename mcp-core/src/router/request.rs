//! One request on its way to a handler.

use bytes::Bytes;
use bytestring::ByteString;

use crate::{
    handler::Context,
    jsonrpc::{ErrorObject, Params, Request, RequestId},
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
        let params = Params::read(&method, params.cloned());
        Self::with_params(method, params, context).map_err(|error| *error)
    }

    /// A request whose parameters have been read already.
    pub(crate) fn with_params(
        method: Method,
        params: Params,
        context: Context,
    ) -> Result<Self, Box<ErrorObject>> {
        let members = params.members?;
        Ok(Self {
            name: params.target,
            cursor: members.cursor,
            arguments: members.arguments,
            method,
            params: params.json,
            context,
        })
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
        Self::with_params(request.method, request.params, context).map_err(|error| *error)
    }
}
