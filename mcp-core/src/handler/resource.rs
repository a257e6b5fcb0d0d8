//! Building resources: [`Resource`].

use super::{
    Handler, IntoResourceResult, ResourceRoute,
    described::{described, readable},
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

    /// Says how many bytes it has.
    pub fn size(mut self, bytes: u64) -> Self {
        self.item.size = Some(bytes);
        self
    }
}

described!(Resource);
readable!(Resource => ResourceRoute);
