//! What a server asks by its result, and how the client answers by asking again (SEP-2322).

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned, ser::SerializeStruct};
use serde_json::value::RawValue;

use super::{
    CreateMessageRequestParams, ElicitRequestFormParams, ElicitRequestParams,
    ElicitRequestURLParams, Meta, Method, RequestParams, ResultType, setters::setters,
};

/// One question to the client.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "method", content = "params")]
#[non_exhaustive]
pub enum InputRequest {
    /// `elicitation/create`: ask the user.
    #[serde(rename = "elicitation/create")]
    Elicit(ElicitRequestParams),
    /// `sampling/createMessage`: ask a model.
    #[serde(rename = "sampling/createMessage")]
    CreateMessage(CreateMessageRequestParams),
    /// `roots/list`: name the roots.
    #[serde(rename = "roots/list")]
    ListRoots(Option<RequestParams>),
}

impl InputRequest {
    /// Asks for the client's roots.
    #[must_use]
    pub const fn list_roots() -> Self {
        Self::ListRoots(None)
    }

    /// What is asked for.
    #[must_use]
    pub const fn method(&self) -> Method {
        match self {
            Self::Elicit(_) => Method::ElicitationCreate,
            Self::CreateMessage(_) => Method::CreateMessage,
            Self::ListRoots(_) => Method::RootsList,
        }
    }
}

impl Serialize for InputRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Absent parameters are not `null` ones, which serde's tags would write.
        let mut request = serializer.serialize_struct("InputRequest", 2)?;
        request.serialize_field("method", self.method().as_str())?;
        match self {
            Self::Elicit(params) => request.serialize_field("params", params)?,
            Self::CreateMessage(params) => request.serialize_field("params", params)?,
            Self::ListRoots(Some(params)) => request.serialize_field("params", params)?,
            Self::ListRoots(None) => request.skip_field("params")?,
        }
        request.end()
    }
}

impl From<ElicitRequestParams> for InputRequest {
    fn from(params: ElicitRequestParams) -> Self {
        Self::Elicit(params)
    }
}

impl From<ElicitRequestFormParams> for InputRequest {
    fn from(params: ElicitRequestFormParams) -> Self {
        Self::Elicit(params.into())
    }
}

impl From<ElicitRequestURLParams> for InputRequest {
    fn from(params: ElicitRequestURLParams) -> Self {
        Self::Elicit(params.into())
    }
}

impl From<CreateMessageRequestParams> for InputRequest {
    fn from(params: CreateMessageRequestParams) -> Self {
        Self::CreateMessage(params)
    }
}

/// Questions to the client, each under a key that its answer will have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct InputRequests(pub BTreeMap<String, InputRequest>);

impl InputRequests {
    /// No questions yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a question.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, request: impl Into<InputRequest>) -> Self {
        self.0.insert(key.into(), request.into());
        self
    }

    /// The question under this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&InputRequest> {
        self.0.get(key)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The result that asks the client for more (2026-07-28).
///
/// The client asks again, with its answers and with `requestState`. It must have at least one of
/// the two members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputRequiredResult {
    /// That it is not final.
    #[serde(default = "input_required")]
    pub result_type: ResultType,
    /// The questions.
    #[serde(default, skip_serializing_if = "InputRequests::is_empty")]
    pub input_requests: InputRequests,
    /// What the client gives back unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl InputRequiredResult {
    /// Asks these questions.
    #[must_use]
    pub const fn new(input_requests: InputRequests) -> Self {
        Self {
            result_type: ResultType::InputRequired,
            input_requests,
            request_state: None,
            meta: None,
        }
    }

    /// Asks nothing but to be called again with this state.
    pub fn again(request_state: impl Into<String>) -> Self {
        Self::new(InputRequests::new()).request_state(request_state)
    }
}

setters!(InputRequiredResult {
    /// Says what the client is to give back.
    request_state: String,
    /// Attaches `_meta`.
    meta: Meta,
});

const fn input_required() -> ResultType {
    ResultType::InputRequired
}

/// The client's answers, each under the key of its question, as the JSON they came in.
///
/// Only the question says what type an answer has.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct InputResponses(pub BTreeMap<String, Box<RawValue>>);

impl InputResponses {
    /// No answers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer.
    ///
    /// # Errors
    ///
    /// When the answer cannot be written as JSON.
    pub fn with(
        mut self,
        key: impl Into<String>,
        answer: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        let answer = serde_json::value::to_raw_value(answer)?;
        self.0.insert(key.into(), answer);
        Ok(self)
    }

    /// The JSON of the answer under this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.get(key).map(AsRef::as_ref)
    }

    /// The answer under this key, if there is one.
    ///
    /// # Errors
    ///
    /// When the answer is not of this type.
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, serde_json::Error> {
        self.get(key)
            .map(|answer| serde_json::from_str(answer.get()))
            .transpose()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        let answers = self.0.iter();
        answers.map(|(key, answer)| (key.as_str(), answer.get()))
    }
}

impl PartialEq for InputResponses {
    /// Two are equal when their bytes are.
    fn eq(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }
}

impl Eq for InputResponses {}

impl fmt::Debug for InputResponses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.texts()).finish()
    }
}

/// What the parameters of any request have that may be answered by an [`InputRequiredResult`]:
/// `tools/call`, `resources/read` and `prompts/get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InputResponseRequestParams {
    /// The answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_responses: Option<InputResponses>,
    /// What the server gave the client, which may have changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
    /// What the sender attached.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

setters!(InputResponseRequestParams {
    /// Gives the answers.
    input_responses: InputResponses,
    /// Gives back the state.
    request_state: String,
    /// Attaches `_meta`.
    meta: Meta,
});
