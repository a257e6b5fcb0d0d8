//! From bytes to messages: the envelope is read once, what it carries stays a slice of the body.

use std::{borrow::Cow, str};

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{
    Answer, ErrorCode, ErrorObject, Incoming, Message, Notification, Request, RequestId, Response,
};
use crate::protocol::Method;

/// Why a body holds no message.
#[derive(Debug, thiserror::Error)]
#[error("{}", .error.message)]
#[non_exhaustive]
pub struct ParseError {
    /// The answer to send.
    pub error: ErrorObject,
    /// The id of the request, when it could be read in spite of everything.
    pub id: Option<RequestId>,
}

impl ParseError {
    fn new(error: ErrorObject) -> Self {
        Self { error, id: None }
    }
}

/// The members of any message, borrowed from the body.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Tells `null` from an absent member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads one body.
///
/// # Errors
///
/// −32700 when it is not JSON, −32600 when the JSON is not a JSON-RPC 2.0 message.
pub fn parse(body: &Bytes) -> Result<Incoming, ParseError> {
    let text = str::from_utf8(body).map_err(|_| {
        ParseError::new(ErrorObject::new(
            ErrorCode::PARSE_ERROR,
            "the message is not UTF-8",
        ))
    })?;
    if text.trim_ascii_start().starts_with('[') {
        return parse_batch(body, text);
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| classify(&error))?;
    message(body, &envelope).map(Incoming::Single)
}

fn parse_batch(body: &Bytes, text: &str) -> Result<Incoming, ParseError> {
    let members: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| classify(&error))?;
    let members = members
        .into_iter()
        .map(|member| {
            let envelope = serde_json::from_str(member.get()).map_err(|error| classify(&error));
            envelope
                .and_then(|envelope: Envelope<'_>| message(body, &envelope))
                .map_err(|error| error.error)
        })
        .collect();
    Ok(Incoming::Batch(members))
}

fn classify(error: &serde_json::Error) -> ParseError {
    use serde_json::error::Category;
    ParseError::new(match error.classify() {
        Category::Data => {
            ErrorObject::invalid_request(format!("this is not a JSON-RPC message: {error}"))
        }
        Category::Syntax | Category::Eof | Category::Io => ErrorObject::new(
            ErrorCode::PARSE_ERROR,
            format!("the message is not JSON: {error}"),
        ),
    })
}

fn message(body: &Bytes, envelope: &Envelope<'_>) -> Result<Message, ParseError> {
    let id = envelope
        .id
        .map(|raw| RequestId::from_json(shared(body, raw.get())))
        .transpose();
    let fail = |text: &'static str| ParseError {
        error: ErrorObject::invalid_request(text),
        id: id.clone().ok().flatten(),
    };
    if envelope.jsonrpc.as_deref() != Some("2.0") {
        return Err(fail("`jsonrpc` must be \"2.0\""));
    }
    let params = envelope.params.map(RawValue::get);
    if params.is_some_and(|json| !json.starts_with('{')) {
        return Err(fail("`params` must be an object"));
    }
    let params = params.map(|json| body.slice_ref(json.as_bytes()));
    match (&envelope.method, envelope.result, envelope.error) {
        (Some(name), None, None) => {
            let method = method(body, name);
            match id {
                Ok(Some(id)) => Ok(Message::Request(Request::new(id, method, params))),
                Ok(None) => Ok(Message::Notification(Notification { method, params })),
                Err(_) => Err(fail("`id` must be a string or an integer")),
            }
        }
        (None, Some(result), None) => match id {
            Ok(Some(id)) => Ok(Message::Response(Response {
                id: Some(id),
                answer: Answer::Result(body.slice_ref(result.get().as_bytes())),
            })),
            _ => Err(fail("a result needs the `id` of its request")),
        },
        (None, None, Some(error)) => Ok(Message::Response(Response {
            id: id.unwrap_or_default(),
            answer: Answer::Error(body.slice_ref(error.get().as_bytes())),
        })),
        (None, None, None) => Err(fail("a message has a `method`, a `result` or an `error`")),
        _ => Err(fail(
            "a message has only one of `method`, `result` and `error`",
        )),
    }
}

/// `text` as a slice of the bytes it was read from; a copy when it had to be unescaped.
pub(crate) fn shared(bytes: &Bytes, text: &str) -> ByteString {
    if bytes.as_ptr_range().contains(&text.as_ptr()) {
        ByteString::try_from(bytes.slice_ref(text.as_bytes())).unwrap_or_default()
    } else {
        text.into()
    }
}

fn method(body: &Bytes, name: &str) -> Method {
    Method::known(name).unwrap_or_else(|| Method::Other(shared(body, name)))
}
