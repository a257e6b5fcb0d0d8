//! What a server's author writes: async functions, and what they answer to.
//!
//! A handler is an `async fn` over extractors ([`FromCall`]); [`Tool`], [`Resource`],
//! [`ResourceTemplate`] and [`Prompt`] say what it answers to. Input schemas come from
//! [`Args<T>`](Args), output schemas from [`Json<T>`](Json). [`Context`] is the way to the client.

mod args;
mod ask;
mod call_id;
mod completion;
mod context;
mod described;
mod elicit;
mod endpoint;
mod error;
mod from_call;
mod from_fn;
mod input_required;
mod journal;
mod json;
mod notify;
mod once;
mod prompt;
mod prompt_result;
mod resource;
mod resource_result;
mod rounds;
mod route;
mod running;
mod sample;
mod schema;
mod session_data;
mod state;
mod strings;
#[cfg(feature = "validate")]
mod survey;
mod template;
mod time_limit;
mod tool;
mod tool_result;
mod trace;
mod uri_template;

pub use self::{
    args::{Args, RawArgs},
    ask::{Ask, AskError},
    call_id::CallId,
    completion::{CompletionRequest, IntoCompletion},
    context::Context,
    elicit::{ElicitForm, Elicited, Form, NotAccepted},
    error::{RequestError, ToolError},
    from_call::{FromCall, Rejection, ResourceUri},
    from_fn::Handler,
    input_required::{Answers, InRounds, InputRequired, Round, in_rounds},
    json::Json,
    prompt::Prompt,
    prompt_result::IntoPromptResult,
    resource::Resource,
    resource_result::IntoResourceResult,
    route::{PromptRoute, ResourceRoute, ResourceTemplateRoute, ToolRoute},
    sample::{Sampled, Sampling},
    schema::{InputSchema, OutputSchema},
    session_data::SessionData,
    state::{Extension, FromRef, State},
    template::ResourceTemplate,
    tool::Tool,
    tool_result::{IntoToolResult, ToolResult},
    trace::TraceContext,
};
#[cfg(feature = "validate")]
pub(crate) use self::{
    args::{NO_ARGUMENTS, without_position},
    schema::SchemaOrigin,
    survey::{says_more_than_object, survey},
    tool_result::unfit,
};
pub(crate) use self::{
    ask::Question,
    completion::params as completion_params,
    context::{Origin, Peer, notification},
    endpoint::{Endpoint, panicked},
    error::missing_capability,
    from_call::resource_not_found,
    rounds::{Sessionless, Suspended, binding},
    route::{Route, Visibility},
    strings::texts,
    uri_template::UriTemplate,
};
