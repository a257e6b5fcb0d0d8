//! Building prompts: [`Prompt`].

use serde_json::Value;

use super::{
    Handler, InputSchema, IntoPromptResult, PromptRoute,
    described::described,
    endpoint::{PromptAnswer, endpoint},
    route::Route,
};
use crate::{
    protocol::{self, Icon, Meta, PromptArgument},
    router::BuildError,
};

/// A prompt, being described.
///
/// Its arguments are those of the handler's [`Args`](super::Args): each field is one, with the
/// field's documentation, required unless it is an `Option` or has a default. An argument given by
/// [`Prompt::argument`] is listed as given instead, before the others.
///
/// # Examples
///
/// ```
/// use mcp_core::{
///     handler::{Args, Prompt},
///     protocol::PromptArgument,
///     router::McpRouter,
/// };
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Review {
///     /// What is reviewed.
///     code: String,
///     language: Option<String>,
/// }
///
/// async fn review(Args(review): Args<Review>) -> String {
///     let language = review.language.as_deref().unwrap_or("unknown");
///     format!("Review this {language} code:\n{}", review.code)
/// }
///
/// async fn languages() -> Vec<&'static str> {
///     vec!["python", "rust"]
/// }
///
/// let router: McpRouter = McpRouter::new().prompt(
///     Prompt::new("review")
///         .description("Review a piece of code")
///         .argument(PromptArgument::new("language").description("Its language"))
///         .handler(review)
///         .complete("language", languages),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use = "a prompt does nothing without a handler"]
pub struct Prompt {
    item: protocol::Prompt,
}

impl Prompt {
    /// The prompt asked for by this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            item: protocol::Prompt::new(name),
        }
    }

    /// Adds something it can be given.
    pub fn argument(mut self, argument: PromptArgument) -> Self {
        self.item.arguments.push(argument);
        self
    }

    /// Says what fills it in.
    pub fn handler<S, A, H>(mut self, handler: H) -> PromptRoute<S>
    where
        A: 'static,
        S: 'static,
        H: Handler<A, S>,
        H::Output: IntoPromptResult,
    {
        let mut input = InputSchema::default();
        H::describe(&mut input);
        let problem = match input.finish() {
            Ok(described) => {
                list_arguments(&mut self.item.arguments, &described.schema);
                None
            }
            Err(why) => Some(BuildError::InvalidPrompt {
                prompt: self.item.name.clone(),
                why,
            }),
        };
        PromptRoute(Route::new(
            self.item,
            endpoint(handler, PromptAnswer),
            problem,
        ))
    }
}

described!(Prompt);

/// Adds the members of a schema that are not listed yet.
fn list_arguments(arguments: &mut Vec<PromptArgument>, schema: &Value) {
    let required = schema.get("required").and_then(Value::as_array);
    let members = schema.get("properties").and_then(Value::as_object);
    for (name, member) in members.into_iter().flatten() {
        if arguments.iter().any(|argument| argument.name == *name) {
            continue;
        }
        let mut argument = PromptArgument::new(name);
        if let Some(text) = member.get("description").and_then(Value::as_str) {
            argument = argument.description(text);
        }
        if required.is_some_and(|required| required.iter().any(|member| member == name)) {
            argument = argument.required();
        }
        arguments.push(argument);
    }
}
