//! What a server's author writes: async functions, and what they answer to.
//!
//! A handler is an `async fn` over extractors ([`FromCall`]); [`Tool`], [`Resource`],
//! [`ResourceTemplate`] and [`Prompt`] say what it answers to. Input schemas come from
//! [`Args<T>`](Args), output schemas from [`Json<T>`](Json).

mod args;
mod completion;
mod context;
mod endpoint;
mod error;
mod from_call;
mod from_fn;
mod json;
mod prompt;
mod prompt_result;
mod resource;
mod resource_result;
mod route;
mod running;
mod schema;
mod state;
mod strings;
mod template;
mod time_limit;
mod tool;
mod tool_result;
mod uri_template;

pub use self::{
    args::{Args, RawArgs},
    completion::{CompletionRequest, IntoCompletion},
    context::Context,
    error::{RequestError, ToolError},
    from_call::{FromCall, Rejection, ResourceUri},
    from_fn::Handler,
    json::Json,
    prompt::Prompt,
    prompt_result::IntoPromptResult,
    resource::Resource,
    resource_result::IntoResourceResult,
    route::{PromptRoute, ResourceRoute, ResourceTemplateRoute, ToolRoute},
    schema::{InputSchema, OutputSchema},
    state::{Extension, FromRef, State},
    template::ResourceTemplate,
    tool::Tool,
    tool_result::{IntoToolResult, ToolResult},
};
pub(crate) use self::{
    completion::params as completion_params,
    endpoint::{Endpoint, panicked},
    from_call::resource_not_found,
    route::{Route, Visibility},
    strings::texts,
    uri_template::UriTemplate,
};
