//! Building resource templates: [`ResourceTemplate`].

use super::{
    Handler, IntoResourceResult, ResourceTemplateRoute,
    described::{described, readable},
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
}

described!(ResourceTemplate);
readable!(ResourceTemplate => ResourceTemplateRoute);
