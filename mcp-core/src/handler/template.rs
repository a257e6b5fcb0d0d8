//! Building resource templates: [`ResourceTemplate`].

use super::{
    Handler, IntoResourceResult, ResourceTemplateRoute,
    endpoint::{ResourceAnswer, endpoint},
    route::Route,
};
use crate::{
    protocol::{self, Annotations, Icon, Meta},
    router::CacheHint,
};

/// Resources whose URIs have one shape, being described.
///
/// The first template that fits a URI answers, in the order in which the router got them; an exact
/// resource wins over all of them. The variables are the handler's [`Args`](super::Args), decoded
/// and otherwise as the client wrote them: check them before they become a path or a query.
///
/// # Examples
///
/// ```
/// use mcp_core::{
///     handler::{Args, ResourceTemplate},
///     router::McpRouter,
/// };
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Note { id: u64 }
///
/// /// `None` means that there is no such note.
/// async fn read_note(Args(note): Args<Note>) -> Option<String> {
///     (note.id == 7).then(|| "milk".to_owned())
/// }
///
/// async fn ids() -> Vec<&'static str> {
///     vec!["7"]
/// }
///
/// let router: McpRouter = McpRouter::new().resource_template(
///     ResourceTemplate::new("notes://{id}", "note")
///         .handler(read_note)
///         .complete("id", ids),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use = "a template does nothing without a handler"]
pub struct ResourceTemplate {
    item: protocol::ResourceTemplate,
    cache: Option<CacheHint>,
}

impl ResourceTemplate {
    /// The resources whose URIs fit this RFC 6570 template, with a name for programs.
    ///
    /// Understood are `{x}`, `{x,y}`, `{+x}`, `{#x}`, `{.x}`, `{/x}`, `{?x,y}` and `{&x}`.
    pub fn new(uri_template: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            item: protocol::ResourceTemplate::new(uri_template, name),
            cache: None,
        }
    }

    /// Gives it a name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.item.title = Some(title.into());
        self
    }

    /// Tells the model what it is.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.item.description = Some(description.into());
        self
    }

    /// Names the media type; contents that name another keep theirs.
    pub fn mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.item.mime_type = Some(mime_type.into());
        self
    }

    /// Says what a client may make of it.
    pub fn annotations(mut self, annotations: Annotations) -> Self {
        self.item.annotations = Some(annotations);
        self
    }

    /// Adds a picture.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.item.icons.push(icon);
        self
    }

    /// Attaches `_meta`.
    pub fn meta(mut self, meta: impl Into<Meta>) -> Self {
        self.item.meta = Some(meta.into());
        self
    }

    /// Says how long its content stays fresh, and for whom (2026-07-28).
    pub fn cache(mut self, hint: CacheHint) -> Self {
        self.cache = Some(hint);
        self
    }

    /// Says what reads it.
    pub fn handler<S, A, H>(self, handler: H) -> ResourceTemplateRoute<S>
    where
        A: 'static,
        S: 'static,
        H: Handler<A, S>,
        H::Output: IntoResourceResult,
    {
        let answer = ResourceAnswer {
            mime_type: self.item.mime_type.as_deref().map(Into::into),
            cache: self.cache,
        };
        let mut route = Route::new(self.item, endpoint(handler, answer), None);
        route.cache = self.cache;
        ResourceTemplateRoute(route)
    }
}
