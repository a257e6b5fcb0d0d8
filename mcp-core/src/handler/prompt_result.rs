//! What handlers of prompts return.

use super::RequestError;
use crate::protocol::{ContentBlock, GetPromptResult, PromptMessage};

/// What a prompt's handler can yield.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a prompt can return",
    label = "not a prompt's result",
    note = "a prompt returns `GetPromptResult`, `Vec<PromptMessage>`, `PromptMessage`, a `String`, \
            `&'static str` or `ContentBlock` that the user says, or a `Result` of one of these whose \
            error is `RequestError` or becomes one"
)]
pub trait IntoPromptResult {
    /// Makes the result.
    ///
    /// # Errors
    ///
    /// A [`RequestError`], which becomes the answer.
    fn into_prompt_result(self) -> Result<GetPromptResult, RequestError>;
}

impl<T: IntoPromptResult, E: Into<RequestError>> IntoPromptResult for Result<T, E> {
    fn into_prompt_result(self) -> Result<GetPromptResult, RequestError> {
        match self {
            Ok(value) => value.into_prompt_result(),
            Err(error) => Err(error.into()),
        }
    }
}

macro_rules! into_prompt_result {
    ($($from:ty: $value:ident => $result:expr;)*) => { $(
        impl IntoPromptResult for $from {
            fn into_prompt_result(self) -> Result<GetPromptResult, RequestError> {
                let $value = self;
                Ok($result)
            }
        }
    )* };
}

into_prompt_result! {
    GetPromptResult: result => result;
    Vec<PromptMessage>: messages => GetPromptResult::new(messages);
    PromptMessage: message => GetPromptResult::new(vec![message]);
    ContentBlock: said => GetPromptResult::new(vec![PromptMessage::user(said)]);
    String: said => GetPromptResult::new(vec![PromptMessage::user(said)]);
    &'static str: said => GetPromptResult::new(vec![PromptMessage::user(said)]);
}
