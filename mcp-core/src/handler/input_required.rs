//! The explicit style of asking: a handler ends with questions and begins again with their answers.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>

use std::{fmt, future::Future, pin::Pin};

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    Ask, AskError, Context, ElicitForm, Elicited, Form, Handler, InputSchema, Rejection, Sampled,
    Sampling,
    ask::Question,
    elicit,
    rounds::{MAX_ROUNDS, Sessionless},
    sample,
};
use crate::{protocol::Root, router::McpRequest};

/// How a handler of [`in_rounds`] ends.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a round ends or it asks")]
pub enum Round<T> {
    /// With its result.
    Done(T),
    /// With questions; it runs again when they are answered.
    Ask(InputRequired),
}

impl<T> From<InputRequired> for Round<T> {
    fn from(asked: InputRequired) -> Self {
        Self::Ask(asked)
    }
}

type Write = Box<dyn FnOnce(&Context) -> Result<Question, AskError> + Send>;

/// Questions, and what the handler must know when it runs again with their answers.
#[must_use = "questions are asked when the handler returns them"]
pub struct InputRequired {
    state: Result<Box<RawValue>, AskError>,
    questions: Vec<(String, Write)>,
}

impl InputRequired {
    /// Remembers `state` for the next round; add at least one question.
    pub fn new(state: &impl Serialize) -> Self {
        Self {
            state: serde_json::value::to_raw_value(state)
                .map_err(|error| AskError::InvalidQuestion(error.to_string())),
            questions: Vec::new(),
        }
    }

    /// Asks the user to fill in a form; see [`Context::elicit`].
    pub fn elicit<T: Form>(self, key: &str, form: ElicitForm<T>) -> Self {
        self.ask(key, move |context| form.question(context.revision()))
    }

    /// Asks the user to visit a URL; see [`Context::elicit_url`].
    pub fn elicit_url(self, key: &str, url: &str, message: &str) -> Self {
        let (name, url, message) = (key.to_owned(), url.to_owned(), message.to_owned());
        self.ask(key, move |context| {
            elicit::url_question(context, &name, &url, &message)
        })
    }

    /// Asks the client's model; see [`Context::sample`].
    pub fn sample(self, key: &str, request: Sampling) -> Self {
        self.ask(key, move |context| request.question(context.revision()))
    }

    /// Asks for the client's roots; see [`Context::roots`].
    pub fn roots(self, key: &str) -> Self {
        self.ask(key, |_| sample::roots_question())
    }

    fn ask(
        mut self,
        key: &str,
        write: impl FnOnce(&Context) -> Result<Question, AskError> + Send + 'static,
    ) -> Self {
        self.questions.push((key.to_owned(), Box::new(write)));
        self
    }

    /// Asks everything at once. Without a session the call ends here, in the result that asks.
    async fn answered(self, context: &Context) -> Result<(), AskError> {
        if self.questions.is_empty() {
            let none = "a round without a question does not end".to_owned();
            return Err(AskError::InvalidQuestion(none));
        }
        context.set_own_state(self.state?);
        let asks = self.questions.into_iter().map(|(key, write)| {
            context.forget_answer(&key);
            Ask::new(context, &key, write(context), |json: &Bytes| {
                Ok(json.clone())
            })
        });
        try_join_all(asks).await.map(drop)
    }
}

impl fmt::Debug for InputRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.questions.iter().map(|(key, _)| key);
        f.debug_list().entries(keys).finish()
    }
}

/// What the rounds before this one left: the handler's own state, and the answers.
///
/// An answer that is missing, or is not what was asked for, is `None`: ask again.
#[derive(Debug)]
pub struct Answers<'a>(&'a Context);

impl Answers<'_> {
    /// What the handler gave to [`InputRequired::new`]; `None` in the first round.
    ///
    /// # Errors
    ///
    /// [`AskError::InvalidAnswer`] when it is of another type.
    pub fn state<T: DeserializeOwned>(&self) -> Result<Option<T>, AskError> {
        let Some(json) = self.0.own_state() else {
            return Ok(None);
        };
        serde_json::from_str(json.get())
            .map(Some)
            .map_err(|error| AskError::InvalidAnswer(error.to_string()))
    }

    /// What the user did with the form asked under `key`.
    #[must_use]
    pub fn elicited<T: Form>(&self, key: &str) -> Option<Elicited<T>> {
        elicit::answered(&self.0.answer(key)?).ok()
    }

    /// What the user did with the link asked under `key`.
    #[must_use]
    pub fn visited(&self, key: &str) -> Option<Elicited<()>> {
        elicit::visited(&self.0.answer(key)?).ok()
    }

    /// What the client's model said to the request asked under `key`.
    #[must_use]
    pub fn sampled(&self, key: &str) -> Option<Sampled> {
        sample::sampled(&self.0.answer(key)?).ok()
    }

    /// The client's roots asked for under `key`.
    #[must_use]
    pub fn roots(&self, key: &str) -> Option<Vec<Root>> {
        sample::listed(&self.0.answer(key)?).ok()
    }
}

impl Context {
    /// What the rounds before this one left, for handlers of [`in_rounds`].
    #[must_use]
    pub fn answers(&self) -> Answers<'_> {
        Answers(self)
    }

    fn own_state(&self) -> Option<Box<RawValue>> {
        match self.sessionless() {
            Some(client) => client.own_state(),
            None => self.journal().own.clone(),
        }
    }

    fn set_own_state(&self, state: Box<RawValue>) {
        match self.sessionless() {
            Some(client) => client.set_own_state(state),
            None => self.journal().own = Some(state),
        }
    }

    /// The answer to a question of an earlier round.
    fn answer(&self, key: &str) -> Option<Bytes> {
        let known = self.journal().answer(key);
        known.or_else(|| self.sessionless()?.earlier_answer(key))
    }

    /// What is asked under this key is a new question, whatever was asked before.
    fn forget_answer(&self, key: &str) {
        self.journal().forget(key);
        if let Some(client) = self.sessionless() {
            client.forget_answer(key);
        }
    }
}

/// A handler that says itself what it must know when its questions are answered, and begins again
/// with that, instead of waiting in the middle.
///
/// It returns `Result<Round<T>, E>`: the result, or [`InputRequired`]. When the answers are there it
/// runs again, and finds them and its state in [`Context::answers`]. The same in both eras; without a
/// session the state travels sealed with the client. At most eight rounds.
///
/// ```
/// use mcp_core::{
///     Context, McpRouter, Tool, ToolError,
///     handler::{ElicitForm, InputRequired, Round, in_rounds},
/// };
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Name {
///     name: String,
/// }
///
/// async fn greet(ctx: Context) -> Result<Round<String>, ToolError> {
///     match ctx.answers().elicited::<Name>("who") {
///         Some(answer) => Ok(Round::Done(format!("Hello, {}", answer.accepted()?.name))),
///         None => {
///             let form = ElicitForm::<Name>::of("Who is there?");
///             Ok(InputRequired::new(&()).elicit("who", form).into())
///         }
///     }
/// }
///
/// let router = McpRouter::new().tool(Tool::new("greet").handler(in_rounds(greet)));
/// # let _: McpRouter = router;
/// ```
pub fn in_rounds<H: Clone>(handler: H) -> InRounds<H> {
    InRounds(handler)
}

/// See [`in_rounds`].
#[derive(Clone, Debug)]
pub struct InRounds<H>(H);

impl<A, S, H, T, E> Handler<A, S> for InRounds<H>
where
    H: Handler<A, S, Output = Result<Round<T>, E>> + Clone,
    S: Clone + Send + Sync + 'static,
    T: Send + 'static,
    E: From<AskError> + Send + 'static,
{
    type Output = Result<T, E>;
    type Future = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

    fn call(&self, request: &McpRequest, state: &S) -> Result<Self::Future, Rejection> {
        let first = self.0.call(request, state)?;
        let (handler, request, state) = (self.0.clone(), request.clone(), state.clone());
        Ok(Box::pin(async move {
            let mut round = first;
            for _ in 0..MAX_ROUNDS {
                match round.await? {
                    Round::Done(result) => return Ok(result),
                    Round::Ask(asked) => asked.answered(request.context()).await?,
                }
                // What could be taken from this request once can be taken again.
                let again = handler.call(&request, &state);
                round = again.map_err(|_| AskError::Closed)?;
            }
            Err(AskError::TooMany.into())
        }))
    }

    fn describe(input: &mut InputSchema) {
        H::describe(input);
    }
}

impl Sessionless {
    fn own_state(&self) -> Option<Box<RawValue>> {
        self.rounds().earlier.own.clone()
    }

    fn set_own_state(&self, state: Box<RawValue>) {
        self.rounds().earlier.own = Some(state);
    }

    /// The answer to a question that an earlier round asked.
    fn earlier_answer(&self, key: &str) -> Option<Bytes> {
        let rounds = self.rounds();
        let asked = rounds.earlier.questions.contains_key(key);
        let taken = rounds.earlier.answers.get(key);
        let answer = taken.or_else(|| rounds.responses.get(key).filter(|_| asked))?;
        Some(Bytes::copy_from_slice(answer.get().as_bytes()))
    }

    fn forget_answer(&self, key: &str) {
        let mut rounds = self.rounds();
        rounds.earlier.answers.remove(key);
        rounds.responses.remove(key);
    }
}
