//! An item of the catalogue together with its handler.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use tower::{Layer, Service};

use super::{
    Context, Handler, IntoCompletion,
    endpoint::{self, CompletionAnswer, Endpoint},
    schema::SchemaOrigin,
};
use crate::{
    BoxError,
    auth::Scopes,
    protocol::{ClientCapability, Prompt, Resource, ResourceTemplate, Tool},
    router::{
        BuildError, CacheHint, McpRequest, McpResponse, McpService, MirroredHeader, RouterLayer,
    },
};

/// What the router keeps of every kind of item.
pub(crate) struct Route<I, S> {
    /// What is listed.
    pub(crate) item: I,
    pub(crate) endpoint: Arc<dyn Endpoint<S>>,
    /// Around this handler only, innermost first.
    pub(crate) layers: Vec<RouterLayer>,
    pub(crate) limit: Option<Duration>,
    /// A state of its calls can be presented once.
    pub(crate) single_use: bool,
    /// How long what it gives may be kept.
    pub(crate) cache: Option<CacheHint>,
    /// What the client must be able to do.
    pub(crate) requires: Vec<ClientCapability>,
    /// What the caller must be allowed.
    pub(crate) scopes: Scopes,
    /// Arguments that a client repeats as HTTP headers.
    pub(crate) mirrored: Arc<[MirroredHeader]>,
    pub(crate) completers: Vec<Completer<S>>,
    /// All of them must agree that a caller may see it.
    pub(crate) visible: Vec<Visibility<I>>,
    /// The innermost of the router's layers around it.
    pub(crate) scope: Option<usize>,
    /// Who wrote the schemas of a tool.
    pub(crate) origins: SchemaOrigins,
    /// Why no router can have it.
    pub(crate) problem: Option<BuildError>,
}

/// Who wrote the schemas of a tool.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SchemaOrigins {
    pub(crate) input: SchemaOrigin,
    pub(crate) output: SchemaOrigin,
}

impl<I, S> Route<I, S> {
    pub(super) fn new(
        item: I,
        endpoint: Arc<dyn Endpoint<S>>,
        problem: Option<BuildError>,
    ) -> Self {
        Self {
            item,
            endpoint,
            layers: Vec::new(),
            limit: None,
            single_use: false,
            cache: None,
            requires: Vec::new(),
            scopes: Scopes::none(),
            mirrored: Arc::default(),
            completers: Vec::new(),
            visible: Vec::new(),
            scope: None,
            origins: SchemaOrigins::default(),
            problem,
        }
    }

    /// Whether the caller may see it.
    pub(crate) fn is_visible(&self, context: &Context) -> bool {
        self.visible
            .iter()
            .all(|filter| filter.allows(context, &self.item))
    }

    fn complete<A, C>(&mut self, argument: String, completer: C)
    where
        A: 'static,
        C: Handler<A, S>,
        C::Output: IntoCompletion,
        S: 'static,
    {
        self.completers.push(Completer {
            argument,
            endpoint: endpoint::endpoint(completer, CompletionAnswer),
        });
    }
}

impl<I, S: Send + Sync + 'static> Route<I, S> {
    pub(crate) fn with_state(self, state: &Arc<S>) -> Route<I, ()> {
        let bind = |endpoint| endpoint::with_state(endpoint, Arc::clone(state));
        Route {
            endpoint: bind(self.endpoint),
            completers: self
                .completers
                .into_iter()
                .map(|completer| Completer {
                    argument: completer.argument,
                    endpoint: bind(completer.endpoint),
                })
                .collect(),
            item: self.item,
            layers: self.layers,
            limit: self.limit,
            single_use: self.single_use,
            cache: self.cache,
            requires: self.requires,
            scopes: self.scopes,
            mirrored: self.mirrored,
            visible: self.visible,
            scope: self.scope,
            origins: self.origins,
            problem: self.problem,
        }
    }
}

impl<I: Clone, S> Clone for Route<I, S> {
    fn clone(&self) -> Self {
        Self {
            item: self.item.clone(),
            endpoint: Arc::clone(&self.endpoint),
            layers: self.layers.clone(),
            limit: self.limit,
            single_use: self.single_use,
            cache: self.cache,
            requires: self.requires.clone(),
            scopes: self.scopes.clone(),
            mirrored: Arc::clone(&self.mirrored),
            completers: self.completers.clone(),
            visible: self.visible.clone(),
            scope: self.scope,
            origins: self.origins,
            problem: self.problem.clone(),
        }
    }
}

/// Completes one argument.
pub(crate) struct Completer<S> {
    pub(crate) argument: String,
    pub(crate) endpoint: Arc<dyn Endpoint<S>>,
}

impl<S> Clone for Completer<S> {
    fn clone(&self) -> Self {
        Self {
            argument: self.argument.clone(),
            endpoint: Arc::clone(&self.endpoint),
        }
    }
}

/// Says whether a caller may see an item.
pub(crate) struct Visibility<I>(Arc<Filter<I>>);

type Filter<I> = dyn Fn(&Context, &I) -> bool + Send + Sync;

impl<I> Visibility<I> {
    pub(crate) fn new(visible: impl Fn(&Context, &I) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(visible))
    }

    /// What the filter says; one that panics hides the item.
    fn allows(&self, context: &Context, item: &I) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.0(context, item))).unwrap_or_else(|_| {
            tracing::error!(id = %context.request_id(), "a visibility filter panicked");
            false
        })
    }
}

impl<I> Clone for Visibility<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

macro_rules! route {
    ($($(#[$doc:meta])* $name:ident = $item:ty;)*) => { $(
        $(#[$doc])*
        #[must_use = "a route does nothing until a router has it"]
        pub struct $name<S>(pub(crate) Route<$item, S>);

        impl<S> $name<S> {
            /// Puts a layer around this handler only; the last one added is the outermost.
            ///
            /// The layer is applied once, when the router is built, so a limit counts all calls.
            /// What it fails with becomes −32603, with `data.reason` `timeout` or `overloaded` for
            /// tower's own and `layer` for all others.
            pub fn layer<L>(mut self, layer: L) -> Self
            where
                L: Layer<McpService> + Send + Sync + 'static,
                L::Service: Service<McpRequest, Response = McpResponse>
                    + Clone + Send + Sync + 'static,
                <L::Service as Service<McpRequest>>::Error: Into<BoxError>,
                <L::Service as Service<McpRequest>>::Future: Send,
            {
                self.0.layers.push(RouterLayer::new(layer));
                self
            }

            /// Drops the handler's future after this time and answers −32603, with
            /// `data.reason` `timeout`.
            ///
            /// Only the handler's own time counts: neither what it waits for its client, nor what
            /// a layer makes a call wait.
            pub fn time_limit(mut self, limit: Duration) -> Self {
                self.0.limit = Some(limit);
                self
            }

            /// Refuses callers whose credentials do not allow all of these scopes: with
            /// [`InsufficientScope`](crate::auth::InsufficientScope), which is the status 403 over HTTP.
            /// It stays listed, so that clients can ask their user for more; to hide it, filter.
            pub fn requires_scopes(mut self, scopes: Scopes) -> Self {
                self.0.scopes = scopes;
                self
            }
        }

        impl<S> Clone for $name<S> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<S> fmt::Debug for $name<S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0.item).finish()
            }
        }
    )* };
}

route! {
    /// A tool and its handler, for [`McpRouter::tool`](crate::router::McpRouter::tool).
    ToolRoute = Tool;
    /// A resource and its handler, for
    /// [`McpRouter::resource`](crate::router::McpRouter::resource).
    ResourceRoute = Resource;
    /// A resource template and its handler, for
    /// [`McpRouter::resource_template`](crate::router::McpRouter::resource_template).
    ResourceTemplateRoute = ResourceTemplate;
    /// A prompt and its handler, for [`McpRouter::prompt`](crate::router::McpRouter::prompt).
    PromptRoute = Prompt;
}

macro_rules! completes {
    ($($name:ident: $what:literal;)*) => { $(
        impl<S: 'static> $name<S> {
            #[doc = concat!("Completes a ", $what, ".")]
            ///
            /// The completer is a handler like any other; what it completes is its
            /// [`CompletionRequest`](super::CompletionRequest).
            pub fn complete<A, C>(mut self, name: impl Into<String>, completer: C) -> Self
            where
                A: 'static,
                C: Handler<A, S>,
                C::Output: IntoCompletion,
            {
                self.0.complete(name.into(), completer);
                self
            }
        }
    )* };
}

completes! {
    ResourceTemplateRoute: "variable of the template";
    PromptRoute: "argument of the prompt";
}
