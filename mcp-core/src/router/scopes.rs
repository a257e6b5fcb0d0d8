//! Which of a router's layers are around which of its routes.
//!
//! A layer is around what the router had when it was added. A merged router keeps its own layers
//! around its own routes, so the layers of a router form trees whose roots are the outermost ones;
//! a route names the innermost one around it. A layer's parent always has the greater number.

use std::sync::Arc;

use super::{McpRequest, McpResponse, McpService, RouterFuture, RouterLayer};
use crate::jsonrpc::ErrorObject;

/// The layers of a router that is being put together.
#[derive(Clone, Default)]
pub(super) struct Layers {
    nodes: Vec<Node>,
    /// The innermost layer around what is no route: lists, `ping`, unknown names.
    own: Option<usize>,
}

#[derive(Clone)]
struct Node {
    layer: RouterLayer,
    outer: Option<usize>,
}

impl Layers {
    /// Adds a layer around everything; returns its number, for the routes that have none yet.
    pub(super) fn add(&mut self, layer: RouterLayer) -> usize {
        let number = self.nodes.len();
        for node in &mut self.nodes {
            node.outer.get_or_insert(number);
        }
        self.own.get_or_insert(number);
        self.nodes.push(Node { layer, outer: None });
        number
    }

    /// Takes over the layers of a merged router; returns by how much their numbers grow.
    pub(super) fn merge(&mut self, other: &Self) -> usize {
        let by = self.nodes.len();
        self.nodes.extend(other.nodes.iter().map(|node| Node {
            layer: node.layer.clone(),
            outer: node.outer.map(|outer| outer + by),
        }));
        by
    }

    /// The innermost layer around what is no route.
    pub(super) fn own(&self) -> Option<usize> {
        self.own
    }

    /// Applies every layer once, around what `find` and `answer` do.
    pub(super) fn apply<F, A>(&self, find: F, answer: A) -> Scopes
    where
        F: Fn(&McpRequest) -> Option<usize> + Clone + Send + Sync + 'static,
        A: Fn(McpRequest) -> RouterFuture + Clone + Send + Sync + 'static,
    {
        let tree: Arc<[Option<usize>]> = self.nodes.iter().map(|node| node.outer).collect();
        let mut services: Vec<McpService> = Vec::with_capacity(self.nodes.len());
        for (number, node) in self.nodes.iter().enumerate() {
            let (find, answer, tree) = (find.clone(), answer.clone(), Arc::clone(&tree));
            let inside = services.clone();
            let inner = McpService::new(move |request| {
                let next = step(&tree, find(&request), Some(number));
                match next {
                    Step::Arrived => answer(request),
                    Step::Inwards(next) => match inside.get(next) {
                        Some(service) => service.answer(request),
                        None => astray(&request),
                    },
                    Step::Astray => astray(&request),
                }
            });
            services.push(node.layer.wrap(inner));
        }
        Scopes { tree, services }
    }
}

/// The layers of a router that is built.
pub(super) struct Scopes {
    tree: Arc<[Option<usize>]>,
    services: Vec<McpService>,
}

impl Scopes {
    /// Whether there are no layers at all.
    pub(super) fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// The outermost layer that a request with this scope has to pass; none for most.
    pub(super) fn outermost(&self, scope: Option<usize>) -> Option<&McpService> {
        match step(&self.tree, scope, None) {
            Step::Inwards(layer) => self.services.get(layer),
            Step::Arrived | Step::Astray => None,
        }
    }
}

/// Where a request goes on that has passed some layers.
enum Step {
    /// It has passed all layers around its route.
    Arrived,
    /// Through this layer.
    Inwards(usize),
    /// A layer has made another request of it, whose route has layers that were not passed.
    Astray,
}

/// The way from the layer `at` to the route in `scope`.
fn step(tree: &[Option<usize>], scope: Option<usize>, at: Option<usize>) -> Step {
    let outer = |layer: &usize| tree.get(*layer).copied().flatten();
    let chain = |from: Option<usize>| std::iter::successors(from, outer);
    if scope.is_none() || chain(at).any(|passed| Some(passed) == scope) {
        return Step::Arrived;
    }
    chain(scope)
        .find(|layer| outer(layer) == at)
        .map_or(Step::Astray, Step::Inwards)
}

/// The answer to a request that would get around the layers of its route.
fn astray(request: &McpRequest) -> RouterFuture {
    tracing::error!(
        id = %request.id(),
        method = %request.method(),
        name = request.name(),
        "a layer led a request to a route whose own layers it has not passed"
    );
    let error = ErrorObject::internal("the request could not be served").reason("layer");
    McpResponse::error(request.id(), error).into()
}
