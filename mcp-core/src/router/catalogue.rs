//! What a router offers, frozen: nothing in it is made anew for a request.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use super::{
    BuildError, CacheHint, Digest, List, McpRequest, MirroredHeader, RouterFuture, cache,
    dispatch::{Routes, matchers},
    draft::Draft,
    item::Item,
    listing::Listing,
    scopes::Scopes,
};
use crate::{
    handler::Route,
    protocol::{
        Implementation, Method, Prompt, PromptsCapability, Resource, ResourceTemplate,
        ResourcesCapability, Revision, ServerCapabilities, Tool, ToolsCapability,
    },
};

/// What a router offers, frozen.
pub struct Catalogue {
    routes: Arc<Routes>,
    scopes: Scopes,
    info: Implementation,
    /// The same as JSON, for the results of requests without a session.
    stamp: Box<RawValue>,
    instructions: Option<Arc<str>>,
    announces_changes: bool,
    cache: BTreeMap<List, CacheHint>,
    extensions: BTreeMap<String, Map<String, Value>>,
}

impl Catalogue {
    pub(super) fn build(draft: &Draft<()>) -> Result<Self, BuildError> {
        check(draft)?;
        cache::check(draft)?;
        let matchers = matchers(&draft.templates)?;
        for ((template, text), route) in matchers.iter().zip(&draft.templates) {
            check_completers(text, route, |argument| {
                template.names().any(|name| name == argument)
            })?;
        }
        let size = draft.page_size;
        let routes = Arc::new(Routes {
            tools: Listing::build(enforced(draft.tools.clone())?, size)?,
            resources: Listing::build(draft.resources.clone(), size)?,
            templates: Listing::build(draft.templates.clone(), size)?,
            prompts: Listing::build(draft.prompts.clone(), size)?,
            matchers,
            own_scope: draft.layers.own(),
        });
        let (finding, answering) = (Arc::clone(&routes), Arc::clone(&routes));
        Ok(Self {
            scopes: draft.layers.apply(
                move |request| finding.scope(request),
                move |request| answering.answer(request),
            ),
            routes,
            info: draft.info.clone(),
            stamp: stamp(&draft.info)?,
            instructions: draft.instructions.as_deref().map(Into::into),
            announces_changes: draft.announces_changes,
            cache: draft.cache.clone(),
            extensions: draft.extensions.clone(),
        })
    }

    /// Answers one request.
    pub fn call(&self, request: McpRequest) -> RouterFuture {
        if self.scopes.is_empty() {
            return self.routes.answer(request);
        }
        match self.scopes.outermost(self.routes.scope(&request)) {
            Some(layered) => layered.answer(request),
            None => self.routes.answer(request),
        }
    }

    /// The tools, by name, whoever may see them.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.routes.tools.items()
    }

    /// The resources, by URI, whoever may see them.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.routes.resources.items()
    }

    /// The resource templates, by their text, whoever may see them.
    pub fn resource_templates(&self) -> impl Iterator<Item = &ResourceTemplate> {
        self.routes.templates.items()
    }

    /// The prompts, by name, whoever may see them.
    pub fn prompts(&self) -> impl Iterator<Item = &Prompt> {
        self.routes.prompts.items()
    }

    /// What the server can do, as `initialize` says it.
    #[must_use]
    pub fn capabilities(&self, revision: Revision) -> ServerCapabilities {
        let routes = &*self.routes;
        let announces = self.announces_changes;
        let mut capabilities = ServerCapabilities::default().logging();
        if !routes.tools.is_empty() {
            let tools = ToolsCapability::default();
            capabilities =
                capabilities.tools(when(announces, tools, ToolsCapability::list_changed));
        }
        if self.has_resources() {
            let resources = ResourcesCapability::default().subscribe();
            let resources = when(announces, resources, ResourcesCapability::list_changed);
            capabilities = capabilities.resources(resources);
        }
        if !routes.prompts.is_empty() {
            let prompts = PromptsCapability::default();
            let prompts = when(announces, prompts, PromptsCapability::list_changed);
            capabilities = capabilities.prompts(prompts);
        }
        if routes.completes() {
            capabilities = capabilities.completions();
        }
        for (id, settings) in &self.extensions {
            capabilities = capabilities.extension(id.clone(), settings.clone());
        }
        capabilities.for_revision(revision)
    }

    /// What the server is, as `initialize` says it.
    #[must_use]
    pub fn server_info(&self, revision: Revision) -> Implementation {
        self.info.clone().for_revision(revision)
    }

    /// The JSON of what the server is, for the results of requests without a session.
    pub(crate) fn stamp(&self) -> &RawValue {
        &self.stamp
    }

    /// How to use the server, for the model.
    #[must_use]
    pub fn instructions(&self) -> Option<&str> {
        self.instructions.as_deref()
    }

    /// The arguments of a tool that clients repeat as HTTP headers, if it has any.
    #[must_use]
    pub fn mirrored_headers(&self, tool: &str) -> Option<Arc<[MirroredHeader]>> {
        self.routes.mirrored(tool)
    }

    /// How long the list that this method gives stays fresh.
    pub(crate) fn cache_hint(&self, method: &Method) -> CacheHint {
        let list = cache::list_of(method);
        let hint = list.and_then(|list| self.cache.get(&list));
        hint.copied().unwrap_or_default()
    }

    /// Whether a state of this tool's calls can be presented only once.
    pub(crate) fn is_single_use(&self, tool: &str) -> bool {
        self.routes.is_single_use(tool)
    }

    /// Whether there is a resource, or a template, for the URI in this request's parameters.
    #[must_use]
    pub fn reads(&self, request: &McpRequest) -> bool {
        self.routes.reads(request)
    }

    /// Whether there is anything to read.
    pub(crate) fn has_resources(&self) -> bool {
        !self.routes.resources.is_empty() || !self.routes.templates.is_empty()
    }

    /// Whether clients are told of changes of this list: there is one, and the router says so.
    pub(crate) fn announces(&self, list: List) -> bool {
        let listed = match list {
            List::Tools => !self.routes.tools.is_empty(),
            List::Prompts => !self.routes.prompts.is_empty(),
            List::Resources | List::ResourceTemplates => self.has_resources(),
        };
        self.announces_changes && listed
    }

    /// The digest of one list: equal in every process that offers the same.
    #[must_use]
    pub fn digest(&self, list: List) -> Digest {
        match list {
            List::Tools => self.routes.tools.digest(),
            List::Resources => self.routes.resources.digest(),
            List::ResourceTemplates => self.routes.templates.digest(),
            List::Prompts => self.routes.prompts.digest(),
        }
    }

    /// The digest of all lists together.
    #[must_use]
    pub fn digest_of_all(&self) -> Digest {
        let all = [
            List::Tools,
            List::Resources,
            List::ResourceTemplates,
            List::Prompts,
        ];
        Digest::of(all.map(|list| *self.digest(list).as_bytes()))
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue")
            .field("server", &self.info.name)
            .field("digest", &self.digest_of_all())
            .finish_non_exhaustive()
    }
}

fn stamp(info: &Implementation) -> Result<Box<RawValue>, BuildError> {
    let info = info.clone().for_revision(Revision::V2026_07_28);
    to_raw_value(&info).map_err(|error| BuildError::Unwritable {
        item: info.name,
        why: error.to_string(),
    })
}

fn when<T>(condition: bool, value: T, change: impl FnOnce(T) -> T) -> T {
    if condition { change(value) } else { value }
}

/// The tools with what their schemas say enforced, where their types do not.
#[cfg(feature = "validate")]
fn enforced(tools: Vec<Route<Tool, ()>>) -> Result<Vec<Route<Tool, ()>>, BuildError> {
    super::validate::enforce(tools)
}

/// The tools as they are: their types are all that is enforced.
#[cfg(not(feature = "validate"))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "enforcing, which can fail, is a feature"
)]
fn enforced(tools: Vec<Route<Tool, ()>>) -> Result<Vec<Route<Tool, ()>>, BuildError> {
    Ok(tools)
}

/// Reports the first item that no router can have.
fn check(draft: &Draft<()>) -> Result<(), BuildError> {
    for tool in &draft.tools {
        usable(tool)?;
        check_tool_name(&tool.item)?;
    }
    for resource in &draft.resources {
        usable(resource)?;
        check_uri(&resource.item)?;
    }
    for template in &draft.templates {
        usable(template)?;
    }
    for prompt in &draft.prompts {
        usable(prompt)?;
        check_prompt_name(&prompt.item)?;
        let arguments = &prompt.item.arguments;
        check_completers(&prompt.item.name, prompt, |argument| {
            arguments.iter().any(|known| known.name == argument)
        })?;
    }
    Ok(())
}

fn usable<I: Item>(route: &Route<I, ()>) -> Result<(), BuildError> {
    route.problem.clone().map_or(Ok(()), Err)
}

fn check_tool_name(tool: &Tool) -> Result<(), BuildError> {
    let name = &tool.name;
    let mut bytes = name.bytes();
    let legal = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if legal && (1..=128).contains(&name.len()) {
        Ok(())
    } else {
        Err(BuildError::InvalidName(name.clone()))
    }
}

fn check_prompt_name(prompt: &Prompt) -> Result<(), BuildError> {
    if prompt.name.is_empty() {
        return Err(BuildError::InvalidPrompt {
            prompt: String::new(),
            why: "it has no name".to_owned(),
        });
    }
    Ok(())
}

fn check_uri(resource: &Resource) -> Result<(), BuildError> {
    match resource.uri.split_once(':') {
        Some((scheme, _)) if !scheme.is_empty() => Ok(()),
        _ => Err(BuildError::InvalidUri(resource.uri.clone())),
    }
}

fn check_completers<I>(
    item: &str,
    route: &Route<I, ()>,
    knows: impl Fn(&str) -> bool,
) -> Result<(), BuildError> {
    match route
        .completers
        .iter()
        .find(|completer| !knows(&completer.argument))
    {
        None => Ok(()),
        Some(completer) => Err(BuildError::UnknownArgument {
            item: item.to_owned(),
            argument: completer.argument.clone(),
        }),
    }
}
