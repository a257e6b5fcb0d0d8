//! Asking the client's model, and for the client's roots.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/sampling>

use bytes::Bytes;

use super::{Ask, AskError, Context, ask::Question};
use crate::protocol::{
    ClientCapability, CreateMessageRequestParams, CreateMessageResult, ListRootsResult, Method,
    Revision, Root, SamplingMessage, SamplingMessageContentBlock, Tool, ToolChoice,
};

/// A request to the client's model.
#[derive(Clone, Debug)]
pub struct Sampling(CreateMessageRequestParams);

impl Sampling {
    /// Asks for at most `max_tokens` tokens; add messages.
    #[must_use]
    pub fn new(max_tokens: u64) -> Self {
        Self(CreateMessageRequestParams::new(Vec::new(), max_tokens))
    }

    /// Adds a message of the user.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.message(SamplingMessage::user(SamplingMessageContentBlock::text(
            text,
        )))
    }

    /// Adds a message of the assistant.
    #[must_use]
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.message(SamplingMessage::assistant(
            SamplingMessageContentBlock::text(text),
        ))
    }

    /// Adds a message.
    #[must_use]
    pub fn message(mut self, message: SamplingMessage) -> Self {
        self.0.messages.push(message);
        self
    }

    /// Sets the system prompt that the client may use.
    #[must_use]
    pub fn system(mut self, prompt: impl Into<String>) -> Self {
        self.0.system_prompt = Some(prompt.into());
        self
    }

    /// Lets the model call a tool; needs a client with `sampling.tools`.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.0.tools.get_or_insert_default().push(tool);
        self
    }

    /// How the model chooses among the tools.
    #[must_use]
    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.0.tool_choice = Some(choice);
        self
    }

    /// Everything the protocol lets one say.
    pub fn params_mut(&mut self) -> &mut CreateMessageRequestParams {
        &mut self.0
    }

    pub(super) fn question(self, revision: Revision) -> Result<Question, AskError> {
        let needs = if self.0.tools.is_some() {
            ClientCapability::SamplingTools
        } else {
            ClientCapability::Sampling
        };
        Question::new(Method::CreateMessage, &self.0.for_revision(revision), needs)
    }
}

/// What the client's model said.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sampled {
    /// The whole answer.
    pub result: CreateMessageResult,
}

impl Sampled {
    /// The text of the answer; empty when the model said something else.
    #[must_use]
    pub fn text(&self) -> String {
        self.result.content.text().unwrap_or_default().to_owned()
    }
}

impl Context {
    /// Asks the client's model. `key` names the question within this call.
    pub fn sample(&self, key: &str, request: Sampling) -> Ask<Sampled> {
        Ask::new(self, key, request.question(self.revision()), sampled)
    }

    /// Asks for the client's roots. `key` names the question within this call.
    pub fn roots(&self, key: &str) -> Ask<Vec<Root>> {
        Ask::new(self, key, roots_question(), listed)
    }
}

pub(super) fn roots_question() -> Result<Question, AskError> {
    let params = serde_json::json!({});
    Question::new(Method::RootsList, &params, ClientCapability::Roots)
}

pub(super) fn sampled(json: &Bytes) -> Result<Sampled, AskError> {
    let result = decode(json)?;
    Ok(Sampled { result })
}

pub(super) fn listed(json: &Bytes) -> Result<Vec<Root>, AskError> {
    decode(json).map(|result: ListRootsResult| result.roots)
}

fn decode<T: serde::de::DeserializeOwned>(json: &Bytes) -> Result<T, AskError> {
    serde_json::from_slice(json).map_err(|error| AskError::InvalidAnswer(error.to_string()))
}
