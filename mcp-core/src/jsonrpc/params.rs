//! The parameters of a request: what more than one method has is read once, the rest stays JSON.

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{ErrorObject, shared};
use crate::protocol::Method;

/// The parameters of one request.
#[derive(Clone, Debug)]
pub(crate) struct Params {
    pub(crate) json: Option<Bytes>,
    /// The JSON of `_meta`, also where something else cannot be read.
    pub(crate) meta: Option<Bytes>,
    /// The name of the tool or prompt, or the URI of the resource, likewise.
    pub(crate) target: Option<ByteString>,
    /// −32602 when a member has the wrong type.
    pub(crate) members: Result<Members, Box<ErrorObject>>,
}

/// The members that more than one method has, as slices of the body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    pub(crate) cursor: Option<ByteString>,
    /// The JSON object of `arguments`.
    pub(crate) arguments: Option<Bytes>,
    /// What comes only with a request that is made again.
    pub(crate) again: Option<Box<Again>>,
}

/// What a client sends again with a request whose result asked.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    pub(crate) state: Option<ByteString>,
    pub(crate) responses: BTreeMap<String, Box<RawValue>>,
}

/// The same members, borrowed.
#[derive(Deserialize)]
struct Borrowed<'a> {
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
    #[serde(borrow, default, rename = "requestState")]
    request_state: Option<Cow<'a, str>>,
    #[serde(default, rename = "inputResponses")]
    input_responses: Option<BTreeMap<String, Box<RawValue>>>,
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

impl Params {
    /// Reads the parameters of a request of this method.
    pub(crate) fn read(method: &Method, json: Option<Bytes>) -> Self {
        let Some(json) = json else {
            return Self {
                json: None,
                meta: None,
                target: None,
                members: Ok(Members::default()),
            };
        };
        match serde_json::from_slice::<Borrowed<'_>>(&json) {
            Ok(members) => members.owned(method, json.clone()),
            Err(error) => {
                let error = ErrorObject::invalid_params(format!("invalid params: {error}"));
                Self {
                    members: Err(Box::new(error)),
                    ..readable(method, json)
                }
            }
        }
    }
}

impl Borrowed<'_> {
    fn owned(self, method: &Method, json: Bytes) -> Params {
        let own = |text: Cow<'_, str>| shared(&json, &text);
        let slice = |raw: &RawValue| json.slice_ref(raw.get().as_bytes());
        let target = if is_about_uri(method) {
            self.uri
        } else {
            self.name
        };
        let again = self.request_state.is_some() || self.input_responses.is_some();
        let members = Members {
            cursor: self.cursor.map(own),
            arguments: self.arguments.map(slice),
            again: again.then(|| {
                Box::new(Again {
                    state: self.request_state.map(own),
                    responses: self.input_responses.unwrap_or_default(),
                })
            }),
        };
        Params {
            meta: self.meta.map(slice),
            target: target.map(own),
            members: Ok(members),
            json: Some(json),
        }
    }
}

fn is_about_uri(method: &Method) -> bool {
    matches!(
        method,
        Method::ResourcesRead | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe
    )
}

/// What can be read of parameters that are wrong somewhere.
fn readable(method: &Method, json: Bytes) -> Params {
    #[derive(Default, Deserialize)]
    struct Unread<'a> {
        #[serde(borrow, default)]
        name: Option<&'a RawValue>,
        #[serde(borrow, default)]
        uri: Option<&'a RawValue>,
        #[serde(borrow, default, rename = "_meta")]
        meta: Option<&'a RawValue>,
    }
    let unread: Unread<'_> = serde_json::from_slice(&json).unwrap_or_default();
    let target = if is_about_uri(method) {
        unread.uri
    } else {
        unread.name
    };
    let target = target.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    Params {
        meta: unread.meta.map(|raw| json.slice_ref(raw.get().as_bytes())),
        target: target.map(Into::into),
        members: Ok(Members::default()),
        json: Some(json),
    }
}
