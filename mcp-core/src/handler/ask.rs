//! Questions to the client from inside a handler: [`Ask`] and how it can end.

use std::{
    fmt,
    future::{self, Future},
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use bytes::Bytes;
use serde::Serialize;

use super::{Context, once::outside_of_steps};
use crate::protocol::{ClientCapability, Method};

/// A question to the client, written but not yet sent.
pub(crate) struct Question {
    pub(crate) method: Method,
    pub(crate) params: Bytes,
    pub(crate) needs: ClientCapability,
}

impl Question {
    pub(crate) fn new(
        method: Method,
        params: &impl Serialize,
        needs: ClientCapability,
    ) -> Result<Self, AskError> {
        let params = serde_json::to_vec(params)
            .map_err(|error| AskError::InvalidQuestion(error.to_string()))?;
        Ok(Self {
            method,
            params: params.into(),
            needs,
        })
    }

    /// Two questions with one digest are the same question.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.method.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(&self.params);
        *hasher.finalize().as_bytes()
    }
}

/// A question to the client that is on its way: `ctx.elicit(..)`, `ctx.sample(..)`, `ctx.roots(..)`.
///
/// Ready when the client has answered. A handler must be prepared never to be resumed behind it:
/// waiting here may end with the handler's future being dropped, exactly as when it is cancelled.
///
/// # Cancel safety
///
/// Dropping it takes the question back; an answer that comes later is ignored.
#[must_use = "a question is only asked when it is awaited"]
pub struct Ask<T> {
    state: State,
    decode: fn(&Bytes) -> Result<T, AskError>,
}

enum State {
    New {
        context: Context,
        key: String,
        question: Result<Question, AskError>,
        within: Option<Duration>,
    },
    Asked(Asked),
    /// Without a session: asked in the result of this round, so there is no answer in this run.
    InRounds(InRounds),
    Over,
}

impl<T> Ask<T> {
    pub(crate) fn new(
        context: &Context,
        key: &str,
        question: Result<Question, AskError>,
        decode: fn(&Bytes) -> Result<T, AskError>,
    ) -> Self {
        Self {
            state: State::New {
                context: context.clone(),
                key: key.to_owned(),
                question,
                within: None,
            },
            decode,
        }
    }

    /// Waits at most this long instead of the server's `ask_timeout`.
    pub fn within(mut self, limit: Duration) -> Self {
        if let State::New { within, .. } = &mut self.state {
            *within = Some(limit);
        }
        self
    }
}

impl<T> Future for Ask<T> {
    type Output = Result<T, AskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        if let State::New { .. } = self.state {
            outside_of_steps()?;
        }
        let mut asked = match std::mem::replace(&mut self.state, State::Over) {
            State::New {
                context,
                key,
                question,
                within: _,
            } if context.sessionless().is_some() => {
                return self.ask_in_rounds(context, key, question, cx);
            }
            State::InRounds(asked) => {
                let over = asked.is_over(cx);
                self.state = State::InRounds(asked);
                return if over {
                    Poll::Ready(Err(AskError::Closed))
                } else {
                    Poll::Pending
                };
            }
            State::New {
                context,
                key,
                question,
                within,
            } => match Asked::begin(context, key, question, within) {
                Ok(asked) => asked,
                Err(error) => return Poll::Ready(Err(error)),
            },
            State::Asked(asked) => asked,
            State::Over => return Poll::Ready(Err(AskError::Closed)),
        };
        match asked.answer.as_mut().poll(cx) {
            Poll::Ready(Ok(json)) => {
                let answer = (self.decode)(&json);
                if answer.is_ok() {
                    asked.remember(json);
                }
                Poll::Ready(answer)
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                self.state = State::Asked(asked);
                Poll::Pending
            }
        }
    }
}

impl<T> Ask<T> {
    /// Without a session a question has its answer already, or the handler never gets behind it.
    fn ask_in_rounds(
        &mut self,
        context: Context,
        key: String,
        question: Result<Question, AskError>,
        cx: &task::Context<'_>,
    ) -> Poll<Result<T, AskError>> {
        let question = question?;
        let digest = question.digest();
        let Some(client) = context.sessionless() else {
            return Poll::Ready(Err(AskError::Closed));
        };
        if context.is_finished() || client.is_suspended(cx.waker()) {
            return Poll::Ready(Err(AskError::Closed));
        }
        if !client.can_ask() || !context.can(question.needs) {
            return Poll::Ready(Err(AskError::NotSupported(question.needs)));
        }
        context.journal().ask(&key, digest)?;
        if let Some(json) = client.answer(&key, digest)
            && let Ok(answer) = (self.decode)(&json)
        {
            client.answered(&key, digest, &json);
            context.journal().answered(&key, json);
            return Poll::Ready(Ok(answer));
        }
        client.ask(&key, question);
        self.state = State::InRounds(InRounds { context, key });
        Poll::Pending
    }
}

/// A question in the result of this round; taken back when dropped before the round ends.
struct InRounds {
    context: Context,
    key: String,
}

impl InRounds {
    fn is_over(&self, cx: &task::Context<'_>) -> bool {
        let client = self.context.sessionless();
        client.is_none_or(|client| client.is_suspended(cx.waker())) || self.context.is_finished()
    }
}

impl Drop for InRounds {
    fn drop(&mut self) {
        if let Some(client) = self.context.sessionless() {
            client.forget(&self.key);
        }
        self.context.journal().forget(&self.key);
    }
}

/// A question on its way. One that ends without a usable answer may be asked again.
struct Asked {
    context: Context,
    key: String,
    answer: Pin<Box<dyn Future<Output = Result<Bytes, AskError>> + Send>>,
    answered: bool,
}

impl Asked {
    fn begin(
        context: Context,
        key: String,
        question: Result<Question, AskError>,
        within: Option<Duration>,
    ) -> Result<Self, AskError> {
        let question = question?;
        let known = context.journal().ask(&key, question.digest())?;
        let answered = known.is_some();
        let asking = context.clone();
        let answer: Pin<Box<dyn Future<Output = _> + Send>> = match known {
            Some(answer) => Box::pin(future::ready(Ok(answer))),
            None => Box::pin(async move { crate::server::ask(&asking, question, within).await }),
        };
        Ok(Self {
            context,
            key,
            answer,
            answered,
        })
    }

    fn remember(&mut self, answer: Bytes) {
        self.answered = true;
        self.context.journal().answered(&self.key, answer);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.answered {
            self.context.journal().forget(&self.key);
        }
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").finish_non_exhaustive()
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The client did not declare that it can answer, or this request's reply cannot carry questions.
    #[error("the client does not support {0}")]
    NotSupported(ClientCapability),
    /// A key names one question of a call, and this one names two.
    #[error("two questions of this call have one key")]
    DuplicateKey,
    /// The call, or the session, has ended.
    #[error("nobody can answer any longer")]
    Closed,
    /// The client did not answer in time.
    #[error("the client did not answer in time")]
    Timeout,
    /// Too many questions wait for this client already.
    #[error("too many questions wait for the client")]
    TooMany,
    /// The client answered with an error.
    #[error("the client refused: {message}")]
    Refused {
        /// The JSON-RPC code.
        code: i64,
        /// What the client says.
        message: String,
    },
    /// The answer is not what was asked for.
    #[error("the answer is not what was asked for: {0}")]
    InvalidAnswer(String),
    /// The question cannot be asked like this.
    #[error("the question cannot be asked: {0}")]
    InvalidQuestion(String),
}
