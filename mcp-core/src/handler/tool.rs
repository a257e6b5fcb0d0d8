//! Building tools: [`Tool`].

use serde_json::Value;

use super::{
    Handler, InputSchema, IntoToolResult, OutputSchema, ToolRoute,
    described::described,
    endpoint::{ToolAnswer, endpoint},
    route::{Route, SchemaOrigins},
    schema::{self, Described},
};
use crate::{
    protocol::{self, ClientCapability, Icon, Meta, ToolAnnotations},
    router::{BuildError, mirrored_headers},
};

/// A tool, being described.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use mcp_core::{
///     handler::{Args, Json, Tool},
///     router::McpRouter,
/// };
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Add { a: i64, b: i64 }
///
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Sum { sum: i64 }
///
/// async fn add(Args(Add { a, b }): Args<Add>) -> Json<Sum> {
///     Json(Sum { sum: a + b })
/// }
///
/// let router: McpRouter = McpRouter::new().tool(
///     Tool::new("add")
///         .title("Add")
///         .description("Add two numbers")
///         .read_only()
///         .handler(add)
///         .time_limit(Duration::from_secs(5)),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use = "a tool does nothing without a handler"]
pub struct Tool {
    item: protocol::Tool,
    input_schema: Option<Value>,
    requires: Vec<ClientCapability>,
    single_use: bool,
}

impl Tool {
    /// The tool called by this name: 1 to 128 characters of `A-Z a-z 0-9 _ - .`
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            item: protocol::Tool::new(name, Value::Null),
            input_schema: None,
            requires: Vec::new(),
            single_use: false,
        }
    }

    /// Says how it behaves, replacing what has been said.
    pub fn annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.item.annotations = Some(annotations);
        self
    }

    /// Says that it changes nothing.
    pub fn read_only(self) -> Self {
        self.annotate(ToolAnnotations::read_only)
    }

    /// Says that it may destroy.
    pub fn destructive(self) -> Self {
        self.annotate(ToolAnnotations::destructive)
    }

    /// Says that it only adds.
    pub fn additive(self) -> Self {
        self.annotate(ToolAnnotations::additive)
    }

    /// Says that a second call with the same arguments changes nothing more.
    pub fn idempotent(self) -> Self {
        self.annotate(ToolAnnotations::idempotent)
    }

    /// Says that it deals with the outside world.
    pub fn open_world(self) -> Self {
        self.annotate(ToolAnnotations::open_world)
    }

    /// Says that it deals with nothing outside the server.
    pub fn closed_world(self) -> Self {
        self.annotate(ToolAnnotations::closed_world)
    }

    fn annotate(mut self, hint: fn(ToolAnnotations) -> ToolAnnotations) -> Self {
        let annotations = self.item.annotations.take().unwrap_or_default();
        self.item.annotations = Some(hint(annotations));
        self
    }

    /// Gives the JSON Schema of the arguments, instead of the one that the handler's types have.
    ///
    /// It is listed as it stands. With the feature `validate` a call whose arguments break it does
    /// not reach the handler, and a schema that cannot be applied fails
    /// [`McpRouter::freeze`](crate::router::McpRouter::freeze). Without the feature it is not
    /// enforced: whatever the handler's types accept reaches the handler.
    pub fn input_schema(mut self, schema: impl Into<Value>) -> Self {
        self.input_schema = Some(schema.into());
        self
    }

    /// Gives the JSON Schema of `structuredContent`, instead of the one that the handler's types
    /// have.
    ///
    /// It is listed as it stands. With the feature `validate` a result that breaks it is a mistake
    /// of the server: it is logged and answered with −32603, and a schema that cannot be applied
    /// fails [`McpRouter::freeze`](crate::router::McpRouter::freeze). Without the feature it is
    /// not enforced.
    pub fn output_schema(mut self, schema: impl Into<Value>) -> Self {
        self.item.output_schema = Some(schema.into());
        self
    }

    /// Says what the client must be able to do; a call of one that cannot is refused before the handler
    /// runs: without a session by an error −32021, with one by a result that the model can read.
    pub fn requires(mut self, what: ClientCapability) -> Self {
        self.requires.push(what);
        self
    }

    /// Lets the state of a call that asked be presented only once (2026-07-28): a client that repeats a
    /// round is refused. For tools whose effect must not happen twice.
    pub fn single_use(mut self) -> Self {
        self.single_use = true;
        self
    }

    /// Says what answers its calls.
    pub fn handler<S, A, H>(mut self, handler: H) -> ToolRoute<S>
    where
        A: 'static,
        S: 'static,
        H: Handler<A, S>,
        H::Output: IntoToolResult,
    {
        let mut problem = None;
        let mut note = |why| {
            problem.get_or_insert(BuildError::InvalidSchema {
                tool: self.item.name.clone(),
                why,
            });
        };
        let mut origins = SchemaOrigins::default();
        match self
            .input_schema
            .map_or_else(input_of::<S, A, H>, schema::authored)
        {
            Ok(described) => {
                self.item.input_schema = described.schema;
                origins.input = described.origin;
            }
            Err(why) => note(format!("input: {why}")),
        }
        let output = match self.item.output_schema.take() {
            Some(schema) => schema::authored(schema).map(Some),
            None => output_of::<H::Output>(),
        };
        match output {
            Ok(None) => {}
            Ok(Some(described)) => {
                self.item.output_schema = Some(described.schema);
                origins.output = described.origin;
            }
            Err(why) => note(format!("output: {why}")),
        }
        let mirrored = mirrored_headers(&self.item.input_schema);
        let mirrored = mirrored.unwrap_or_else(|why| {
            problem.get_or_insert(BuildError::InvalidSchema {
                tool: self.item.name.clone(),
                why,
            });
            Vec::new()
        });
        let mut route = Route::new(self.item, endpoint(handler, ToolAnswer), problem);
        route.requires = self.requires;
        route.single_use = self.single_use;
        route.mirrored = mirrored.into();
        route.origins = origins;
        ToolRoute(route)
    }
}

described!(Tool);

fn input_of<S, A, H: Handler<A, S>>() -> Result<Described, String> {
    let mut input = InputSchema::default();
    H::describe(&mut input);
    input.finish()
}

fn output_of<O: IntoToolResult>() -> Result<Option<Described>, String> {
    let mut output = OutputSchema::default();
    O::describe(&mut output);
    output.finish()
}
