//! A router that is being put together.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::{CacheHint, List, scopes::Layers};
use crate::{
    handler::{Route, Visibility},
    protocol::{Implementation, Prompt, Resource, ResourceTemplate, Tool},
};

/// Everything a router has been told.
pub(super) struct Draft<S> {
    pub(super) info: Implementation,
    pub(super) instructions: Option<String>,
    /// 0: everything on one page.
    pub(super) page_size: usize,
    pub(super) announces_changes: bool,
    pub(super) cache: BTreeMap<List, CacheHint>,
    pub(super) extensions: BTreeMap<String, Map<String, Value>>,
    pub(super) tools: Vec<Route<Tool, S>>,
    pub(super) resources: Vec<Route<Resource, S>>,
    pub(super) templates: Vec<Route<ResourceTemplate, S>>,
    pub(super) prompts: Vec<Route<Prompt, S>>,
    pub(super) layers: Layers,
    pub(super) filters: Filters,
}

/// Who sees which items of this router, whether added before or after.
#[derive(Clone, Default)]
pub(super) struct Filters {
    pub(super) tools: Vec<Visibility<Tool>>,
    pub(super) resources: Vec<Visibility<Resource>>,
    pub(super) templates: Vec<Visibility<ResourceTemplate>>,
    pub(super) prompts: Vec<Visibility<Prompt>>,
}

/// Does the same to the routes of all kinds.
macro_rules! every_route {
    ($draft:expr, $route:ident => $body:expr) => {{
        $draft.tools.iter_mut().for_each(|$route| $body);
        $draft.resources.iter_mut().for_each(|$route| $body);
        $draft.templates.iter_mut().for_each(|$route| $body);
        $draft.prompts.iter_mut().for_each(|$route| $body);
    }};
}

impl<S> Draft<S> {
    /// Gives a scope to all routes that have none.
    pub(super) fn enclose(&mut self, scope: usize) {
        every_route!(self, route => {
            route.scope.get_or_insert(scope);
        });
    }

    /// Moves the router's filters to the items themselves.
    pub(super) fn apply_filters(&mut self) {
        fn apply<I, S>(routes: &mut [Route<I, S>], filters: &[Visibility<I>]) {
            for route in routes {
                route.visible.extend(filters.iter().cloned());
            }
        }
        let filters = std::mem::take(&mut self.filters);
        apply(&mut self.tools, &filters.tools);
        apply(&mut self.resources, &filters.resources);
        apply(&mut self.templates, &filters.templates);
        apply(&mut self.prompts, &filters.prompts);
    }

    /// Puts a prefix before the names of tools and prompts.
    pub(super) fn prefix(&mut self, prefix: &str) {
        for tool in &mut self.tools {
            tool.item.name = format!("{prefix}.{}", tool.item.name);
        }
        for prompt in &mut self.prompts {
            prompt.item.name = format!("{prefix}.{}", prompt.item.name);
        }
    }

    /// Takes over the items of another router, with its layers and filters around them.
    pub(super) fn merge(&mut self, mut other: Self) {
        let by = self.layers.merge(&other.layers);
        every_route!(other, route => {
            route.scope = route.scope.map(|scope| scope + by);
        });
        other.apply_filters();
        self.tools.append(&mut other.tools);
        self.resources.append(&mut other.resources);
        self.templates.append(&mut other.templates);
        self.prompts.append(&mut other.prompts);
    }
}

impl<S: Send + Sync + 'static> Draft<S> {
    pub(super) fn with_state(self, state: S) -> Draft<()> {
        fn bind<I, S: Send + Sync + 'static>(
            routes: Vec<Route<I, S>>,
            state: &Arc<S>,
        ) -> Vec<Route<I, ()>> {
            routes
                .into_iter()
                .map(|route| route.with_state(state))
                .collect()
        }
        let state = Arc::new(state);
        Draft {
            tools: bind(self.tools, &state),
            resources: bind(self.resources, &state),
            templates: bind(self.templates, &state),
            prompts: bind(self.prompts, &state),
            info: self.info,
            instructions: self.instructions,
            page_size: self.page_size,
            announces_changes: self.announces_changes,
            cache: self.cache,
            extensions: self.extensions,
            layers: self.layers,
            filters: self.filters,
        }
    }
}

impl<S> Default for Draft<S> {
    fn default() -> Self {
        Self {
            info: Implementation::new("mcp-server", "0.0.0"),
            instructions: None,
            page_size: 0,
            announces_changes: true,
            cache: BTreeMap::new(),
            extensions: BTreeMap::new(),
            tools: Vec::new(),
            resources: Vec::new(),
            templates: Vec::new(),
            prompts: Vec::new(),
            layers: Layers::default(),
            filters: Filters::default(),
        }
    }
}

impl<S> Clone for Draft<S> {
    fn clone(&self) -> Self {
        Self {
            info: self.info.clone(),
            instructions: self.instructions.clone(),
            page_size: self.page_size,
            announces_changes: self.announces_changes,
            cache: self.cache.clone(),
            extensions: self.extensions.clone(),
            tools: self.tools.clone(),
            resources: self.resources.clone(),
            templates: self.templates.clone(),
            prompts: self.prompts.clone(),
            layers: self.layers.clone(),
            filters: self.filters.clone(),
        }
    }
}
