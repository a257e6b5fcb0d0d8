//! A message, owned: slices of the body it came in.

use bytes::Bytes;

use super::{ErrorObject, RequestId};
use crate::protocol::Method;

/// What one body held.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "JSON-RPC knows no third")]
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
    /// The JSON of `params`.
    pub params: Option<Bytes>,
}

impl Request {
    /// A request.
    #[must_use]
    pub fn new(id: RequestId, method: Method, params: Option<Bytes>) -> Self {
        Self { id, method, params }
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
