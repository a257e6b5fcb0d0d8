//! Building resources: [`Resource`].

use super::{
    Handler, IntoResourceResult, ResourceRoute,
    endpoint::{ResourceAnswer, endpoint},
    route::Route,
};
use crate::{
    protocol::{self, Annotations, Icon, Meta},
    router::CacheHint,
};

/// A resource, being described.
///
/// # Examples
///
/// ```
/// use mcp_core::{
///     handler::{Json, Resource},
///     router::McpRouter,
/// };
///
/// async fn all_notes() -> Json<Vec<&'static str>> {
///     Json(vec!["milk", "eggs"])
/// }
///
/// let router: McpRouter = McpRouter::new().resource(
///     Resource::new("notes://all", "all")
///         .mime_type("application/json")
///         .handler(all_notes),
/// );
/// ```
#[derive(Clone, Debug)]
#[must_use = "a resource does nothing without a handler"]
pub struct Resource {
    item: protocol::Resource,
    cache: Option<CacheHint>,
}

impl Resource {
    /// The resource at this URI, with a name for programs.
    pub fn new(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            item: protocol::Resource::new(uri, name),
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

    /// Says how many bytes it has.
    pub fn size(mut self, bytes: u64) -> Self {
        self.item.size = Some(bytes);
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
    pub fn handler<S, A, H>(self, handler: H) -> ResourceRoute<S>
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
        ResourceRoute(route)
    }
}
