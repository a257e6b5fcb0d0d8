//! Putting a router together: [`McpRouter`].

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, OnceLock},
    task::{Context as Task, Poll},
};

use serde_json::{Map, Value};
use tower::{Layer, Service};

use super::{
    BuildError, CacheHint, Catalogue, List, McpRequest, McpResponse, McpService, RouterFuture,
    RouterLayer, draft::Draft,
};
use crate::{
    BoxError,
    handler::{Context, PromptRoute, ResourceRoute, ResourceTemplateRoute, ToolRoute, Visibility},
    jsonrpc::ErrorObject,
    protocol::{Icon, Prompt, Resource, ResourceTemplate, Tool},
};

/// Tools, resources and prompts, and what answers requests for them.
///
/// It is put together once and then immutable: a [`tower::Service`] from [`McpRequest`] to
/// [`McpResponse`] whose every failure is an answer. Clones are cheap and share everything; adding
/// to a clone makes a new router, which is how a catalogue changes at run time.
///
/// `S` is the state that its handlers take parts of, until [`McpRouter::with_state`] gives it.
///
/// # Examples
///
/// ```
/// use mcp_core::{
///     handler::{Args, Context, State, Tool, ToolError, ToolResult},
///     jsonrpc::RequestId,
///     protocol::{Method, Revision},
///     router::{McpRequest, McpRouter},
/// };
/// use tower::ServiceExt;
///
/// #[derive(Clone)]
/// struct Notes(std::sync::Arc<[&'static str]>);
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Query { text: String }
///
/// async fn search(
///     State(notes): State<Notes>,
///     Args(query): Args<Query>,
/// ) -> Result<ToolResult, ToolError> {
///     let found = notes.0.iter().find(|note| note.contains(&query.text));
///     let found = found.ok_or_else(|| ToolError::new("no note has this text"))?;
///     Ok(ToolResult::new().text(*found))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let router = McpRouter::new()
///     .server_info("notes", "1.0.0")
///     .tool(Tool::new("search").description("Find a note").handler(search))
///     .with_state(Notes(["buy milk", "call Ann"].into()));
///
/// let request = McpRequest::new(
///     Method::ToolsCall,
///     Some(&r#"{"name":"search","arguments":{"text":"milk"}}"#.into()),
///     Context::detached(RequestId::from(1), Revision::V2025_11_25),
/// ).map_err(|error| error.message)?;
/// let answer = router.oneshot(request).await?;
/// assert_eq!(
///     answer.into_message(),
///     r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"buy milk"}]}}"#,
/// );
/// # Ok::<(), mcp_core::BoxError>(())
/// # })?;
/// # Ok::<(), mcp_core::BoxError>(())
/// ```
#[must_use = "a router does nothing until a server has it"]
pub struct McpRouter<S = ()> {
    draft: Arc<Draft<S>>,
    frozen: Arc<OnceLock<Result<Arc<Catalogue>, BuildError>>>,
}

impl<S> McpRouter<S> {
    /// A router that answers only `ping` and empty lists.
    pub fn new() -> Self {
        Self::from_draft(Draft::default())
    }

    fn from_draft(draft: Draft<S>) -> Self {
        Self {
            draft: Arc::new(draft),
            frozen: Arc::default(),
        }
    }

    fn with(self, change: impl FnOnce(&mut Draft<S>)) -> Self {
        let mut draft = Arc::unwrap_or_clone(self.draft);
        change(&mut draft);
        Self::from_draft(draft)
    }

    /// Names the server and its version.
    pub fn server_info(self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.with(|draft| {
            draft.info.name = name.into();
            draft.info.version = version.into();
        })
    }

    /// Gives the server a name for people.
    pub fn title(self, title: impl Into<String>) -> Self {
        self.with(|draft| draft.info.title = Some(title.into()))
    }

    /// Says what the server does.
    pub fn description(self, description: impl Into<String>) -> Self {
        self.with(|draft| draft.info.description = Some(description.into()))
    }

    /// Says where to read about the server.
    pub fn website_url(self, url: impl Into<String>) -> Self {
        self.with(|draft| draft.info.website_url = Some(url.into()))
    }

    /// Adds a picture of the server.
    pub fn icon(self, icon: Icon) -> Self {
        self.with(|draft| draft.info.icons.push(icon))
    }

    /// Tells the model how to use the server.
    pub fn instructions(self, instructions: impl Into<String>) -> Self {
        self.with(|draft| draft.instructions = Some(instructions.into()))
    }

    /// Adds a tool.
    pub fn tool(self, tool: ToolRoute<S>) -> Self {
        self.with(|draft| draft.tools.push(tool.0))
    }

    /// Adds a resource.
    pub fn resource(self, resource: ResourceRoute<S>) -> Self {
        self.with(|draft| draft.resources.push(resource.0))
    }

    /// Adds a resource template.
    pub fn resource_template(self, template: ResourceTemplateRoute<S>) -> Self {
        self.with(|draft| draft.templates.push(template.0))
    }

    /// Adds a prompt.
    pub fn prompt(self, prompt: PromptRoute<S>) -> Self {
        self.with(|draft| draft.prompts.push(prompt.0))
    }

    /// Takes a tool away, if there is one with this name.
    pub fn without_tool(self, name: &str) -> Self {
        self.with(|draft| draft.tools.retain(|route| !route.is(name)))
    }

    /// Takes a resource away, if there is one with this URI.
    pub fn without_resource(self, uri: &str) -> Self {
        self.with(|draft| draft.resources.retain(|route| !route.is(uri)))
    }

    /// Takes a resource template away, if there is one written like this.
    pub fn without_resource_template(self, uri_template: &str) -> Self {
        self.with(|draft| draft.templates.retain(|route| !route.is(uri_template)))
    }

    /// Takes a prompt away, if there is one with this name.
    pub fn without_prompt(self, name: &str) -> Self {
        self.with(|draft| draft.prompts.retain(|route| !route.is(name)))
    }

    /// Lists at most this many items on one page; 0, the default, lists all on one.
    pub fn page_size(self, items: usize) -> Self {
        self.with(|draft| draft.page_size = items)
    }

    /// Says how long a list stays fresh, and for whom (2026-07-28). A list that is filtered by caller
    /// cannot be public.
    pub fn cache(self, list: List, hint: CacheHint) -> Self {
        self.with(|draft| {
            draft.cache.insert(list, hint);
        })
    }

    /// Declares an extension of the protocol, by its identifier, with its settings (2026-07-28).
    pub fn extension(self, id: impl Into<String>, settings: Map<String, Value>) -> Self {
        self.with(|draft| {
            draft.extensions.insert(id.into(), settings);
        })
    }

    /// Says that the catalogue never changes while the server runs, so that clients need not
    /// listen for it.
    pub fn unchanging(self) -> Self {
        self.with(|draft| draft.announces_changes = false)
    }

    /// Adds the items of another router; what that one says about the server itself is not taken
    /// over.
    ///
    /// The other router's layers and filters stay around its own items, and only around these.
    pub fn merge(self, other: Self) -> Self {
        self.with(|draft| draft.merge(Arc::unwrap_or_clone(other.draft)))
    }

    /// [Merges](McpRouter::merge) another router, with `prefix.` before the names of its tools and
    /// prompts. Resources keep their URIs.
    pub fn nest(self, prefix: impl AsRef<str>, other: Self) -> Self {
        let mut other = Arc::unwrap_or_clone(other.draft);
        other.prefix(prefix.as_ref());
        self.with(|draft| draft.merge(other))
    }

    /// Shows tools only to callers for whom this says so; to all others they do not exist.
    ///
    /// This holds for all tools of this router, whenever they are added. It is asked for every
    /// tool of every list and for every call, with the tool as it is listed, so it should be
    /// quick. Of several filters all must agree.
    pub fn visible_tools(
        self,
        visible: impl Fn(&Context, &Tool) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with(|draft| draft.filters.tools.push(Visibility::new(visible)))
    }

    /// The same as [`McpRouter::visible_tools`], for resources.
    pub fn visible_resources(
        self,
        visible: impl Fn(&Context, &Resource) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with(|draft| draft.filters.resources.push(Visibility::new(visible)))
    }

    /// The same as [`McpRouter::visible_tools`], for resource templates.
    pub fn visible_resource_templates(
        self,
        visible: impl Fn(&Context, &ResourceTemplate) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with(|draft| draft.filters.templates.push(Visibility::new(visible)))
    }

    /// The same as [`McpRouter::visible_tools`], for prompts.
    pub fn visible_prompts(
        self,
        visible: impl Fn(&Context, &Prompt) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with(|draft| draft.filters.prompts.push(Visibility::new(visible)))
    }

    /// Puts a layer around everything added so far; the last one added is the outermost.
    ///
    /// Items added later stay outside of it. What is no item (`ping`, lists, unknown names) passes
    /// all layers of the router, but none of a merged one.
    ///
    /// A layer is applied once, when the router is built, and every call goes through a clone of
    /// the one service, so limits hold across calls. State that a layer makes when it is applied
    /// begins anew with a changed catalogue; where that matters, put it into the layer, as tower's
    /// `GlobalConcurrencyLimitLayer` does. A call waits for readiness inside of its own future, so
    /// load shedding has to be in one layer with the limit that it watches.
    ///
    /// What a layer fails with becomes −32603, with `data.reason` `timeout` or `overloaded` for
    /// tower's own and `layer` for all others. Layers for HTTP itself belong around the transport.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use mcp_core::router::McpRouter;
    /// use tower::timeout::TimeoutLayer;
    ///
    /// let router: McpRouter = McpRouter::new().layer(TimeoutLayer::new(Duration::from_secs(30)));
    /// ```
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<McpService> + Send + Sync + 'static,
        L::Service: Service<McpRequest, Response = McpResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<McpRequest>>::Error: Into<BoxError>,
        <L::Service as Service<McpRequest>>::Future: Send,
    {
        self.with(|draft| {
            let scope = draft.layers.add(RouterLayer::new(layer));
            draft.enclose(scope);
        })
    }
}

impl<S: Send + Sync + 'static> McpRouter<S> {
    /// Gives the handlers their state.
    pub fn with_state(self, state: S) -> McpRouter {
        let draft = Arc::unwrap_or_clone(self.draft);
        McpRouter::from_draft(draft.with_state(state))
    }
}

impl McpRouter {
    /// Checks the router and freezes it. Done once; further calls, and clones, share the outcome.
    ///
    /// # Errors
    ///
    /// The first item that cannot be offered.
    pub fn freeze(&self) -> Result<Arc<Catalogue>, BuildError> {
        self.frozen().clone()
    }

    fn frozen(&self) -> &Result<Arc<Catalogue>, BuildError> {
        self.frozen.get_or_init(|| {
            let mut draft = Draft::clone(&self.draft);
            draft.apply_filters();
            let built = Catalogue::build(&draft);
            if let Err(error) = &built {
                tracing::error!(%error, "the router cannot be built");
            }
            built.map(Arc::new)
        })
    }
}

/// A router that cannot be built answers everything with −32603; ask [`McpRouter::freeze`] first.
impl Service<McpRequest> for McpRouter {
    type Response = McpResponse;
    type Error = Infallible;
    type Future = RouterFuture;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: McpRequest) -> RouterFuture {
        if let Ok(catalogue) = self.frozen() {
            return catalogue.call(request);
        }
        let error = ErrorObject::internal("the server is not set up").reason("router");
        McpResponse::error(request.id(), error).into()
    }
}

impl<S> Clone for McpRouter<S> {
    fn clone(&self) -> Self {
        Self {
            draft: Arc::clone(&self.draft),
            frozen: Arc::clone(&self.frozen),
        }
    }
}

impl<S> Default for McpRouter<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for McpRouter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpRouter")
            .field("server", &self.draft.info.name)
            .field("tools", &self.draft.tools.len())
            .field("resources", &self.draft.resources.len())
            .field("resource_templates", &self.draft.templates.len())
            .field("prompts", &self.draft.prompts.len())
            .finish_non_exhaustive()
    }
}
