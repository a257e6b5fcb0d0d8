//! Which of a router's layers are around which of its routes.
//!
//! A layer is around what the router had when it was added. A merged router keeps its own layers
//! around its own routes, so the layers of a router form trees whose roots are the outermost ones;
//! a route names the innermost one around it. A layer's parent always has the greater number.

use std::sync::Arc;

use super::{McpRequest, McpService, RouterFuture, RouterLayer};

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
                match next.and_then(|next| inside.get(next)) {
                    Some(service) => service.answer(request),
                    None => answer(request),
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
        self.services.get(step(&self.tree, scope, None)?)
    }
}

/// The next layer on the way from `at` inwards to `scope`; none when nothing is left in between.
fn step(tree: &[Option<usize>], scope: Option<usize>, at: Option<usize>) -> Option<usize> {
    let mut layer = scope?;
    if Some(layer) == at {
        return None;
    }
    loop {
        let outer = tree.get(layer).copied().flatten();
        if outer == at {
            return Some(layer);
        }
        layer = outer?;
    }
}
