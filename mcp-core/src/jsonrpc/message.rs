//! A message, owned: slices of the body it came in.

use bytes::Bytes;

use super::{ErrorObject, Params, RequestId};
use crate::protocol::Method;

/// What one body held.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC knows no third")]
#[expect(clippy::large_enum_variant, reason = "nearly all are one message")]
pub enum Incoming {
    /// One message.
    Single(Message),
    /// An array; each member is a message or why it is none.
    Batch(Vec<Result<Message, ErrorObject>>),
}

/// A JSON-RPC message.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC knows no fourth")]
pub enum Message {
    /// Wants an answer.
    Request(Request),
    /// Wants none.
    Notification(Notification),
    /// Is one.
    Response(Response),
}

/// A message with a method and an id.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// What the answer will carry.
    pub id: RequestId,
    /// What is asked for.
    pub method: Method,
    pub(crate) params: Params,
}

impl Request {
    /// A request. What its method shares with others is read out of `params` here, once.
    #[must_use]
    pub fn new(id: RequestId, method: Method, params: Option<Bytes>) -> Self {
        let params = Params::read(&method, params);
        Self { id, method, params }
    }

    /// The JSON of `params`.
    #[must_use]
    pub fn params(&self) -> Option<&Bytes> {
        self.params.json.as_ref()
    }

    /// The JSON of `_meta` in `params`.
    #[must_use]
    pub fn meta(&self) -> Option<&Bytes> {
        self.params.meta.as_ref()
    }

    /// The name of the tool or prompt in `params`, or the URI of the resource, as the method has it.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.params.target.as_deref()
    }

    /// Whether `params` have what a result gave to be sent again.
    pub(crate) fn presents_state(&self) -> bool {
        let members = self.params.members.as_ref().ok();
        let again = members.and_then(|members| members.again.as_ref());
        again.is_some_and(|again| again.state.is_some())
    }

    /// The JSON object of `arguments` in `params`.
    #[must_use]
    pub fn arguments(&self) -> Option<&Bytes> {
        self.params.members.as_ref().ok()?.arguments.as_ref()
    }
}

/// A message with a method and no id.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notification {
    /// What is told.
    pub method: Method,
    /// The JSON of `params`.
    pub params: Option<Bytes>,
}

impl Notification {
    /// A notification.
    #[must_use]
    pub fn new(method: Method, params: Option<Bytes>) -> Self {
        Self { method, params }
    }
}

/// A client's answer to a request of the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    /// The request's id; a client that could not read it leaves it out.
    pub id: Option<RequestId>,
    /// What the client says.
    pub answer: Answer,
}

/// Result or error.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC knows no third")]
pub enum Answer {
    /// The JSON of `result`.
    Result(Bytes),
    /// The JSON of `error`.
    Error(Bytes),
}
