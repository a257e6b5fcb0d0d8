//! From the method to the handler.

use std::sync::Arc;

use super::{
    BuildError, McpRequest, McpResponse, MirroredHeader, RouterFuture,
    listing::{Listing, Mounted},
};
use crate::{
    auth::Scopes,
    handler::{
        Endpoint, Route, UriTemplate, completion_params, missing_capability, resource_not_found,
        texts,
    },
    jsonrpc::ErrorObject,
    protocol::{
        CompleteResult, Completion, CompletionReference, EmptyResult, Method, Prompt, Resource,
        ResourceTemplate, Tool,
    },
    server::change_session,
};

/// Everything a router can call, ready to be found.
pub(super) struct Routes {
    pub(super) tools: Listing<Tool>,
    pub(super) resources: Listing<Resource>,
    pub(super) templates: Listing<ResourceTemplate>,
    pub(super) prompts: Listing<Prompt>,
    /// The templates in the order in which they are tried.
    pub(super) matchers: Vec<(UriTemplate, String)>,
    /// The scope of what is no route.
    pub(super) own_scope: Option<usize>,
}

/// What reads a URI: a resource, or a template and the JSON object of its variables.
enum Reader<'r> {
    Resource(&'r Mounted<Resource>),
    Template(&'r Mounted<ResourceTemplate>, Vec<u8>),
}

/// What completes an argument, and the layers around it.
struct Found<'r> {
    completer: Option<&'r Arc<dyn Endpoint<()>>>,
    /// What the caller must be allowed.
    needs: &'r Scopes,
    scope: Option<usize>,
}

impl Routes {
    /// The innermost of the router's layers around what answers this request.
    pub(super) fn scope(&self, request: &McpRequest) -> Option<usize> {
        let scope = match request.method() {
            Method::ToolsCall => self.tool(request).map(|tool| tool.route.scope),
            Method::PromptsGet => self.prompt(request).map(|prompt| prompt.route.scope),
            Method::ResourcesRead => self.reader(request).map(|reader| match reader {
                Reader::Resource(resource) => resource.route.scope,
                Reader::Template(template, _) => template.route.scope,
            }),
            Method::Complete => self.completer(request).map(|found| found.scope),
            _ => Ok(self.own_scope),
        };
        scope.unwrap_or(self.own_scope)
    }

    /// Answers a request that has passed every layer.
    pub(super) fn answer(&self, request: McpRequest) -> RouterFuture {
        let answer = match request.method() {
            Method::Ping => {
                return McpResponse::result(request.id(), &EmptyResult::default()).into();
            }
            Method::ToolsList => self.tools.page(&request),
            Method::ResourcesList => self.resources.page(&request),
            Method::ResourceTemplatesList => self.templates.page(&request),
            Method::PromptsList => self.prompts.page(&request),
            Method::ToolsCall => return self.call_tool(request),
            Method::ResourcesRead => return self.read_resource(request),
            Method::PromptsGet => return self.get_prompt(request),
            Method::Complete => return self.complete(request),
            Method::SetLevel | Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => {
                return RouterFuture::boxed(change_session(request));
            }
            other => Err(ErrorObject::method_not_found(other.as_str())),
        };
        match answer {
            Ok(page) => McpResponse::page(request.id(), &page).into(),
            Err(error) => refuse(&request, error),
        }
    }

    fn call_tool(&self, request: McpRequest) -> RouterFuture {
        match self.tool(&request) {
            Ok(tool) => {
                let mut needs = tool.route.requires.iter();
                match needs.find(|what| !request.context().can(**what)) {
                    Some(missing) => missing_capability(&request, *missing).into(),
                    None => tool.call(request),
                }
            }
            Err(error) => refuse(&request, error),
        }
    }

    /// The arguments of a tool that clients repeat as headers; nothing for an unknown tool.
    pub(super) fn mirrored(&self, tool: &str) -> Option<Arc<[MirroredHeader]>> {
        let tool = self.tools.find(tool)?;
        (!tool.route.mirrored.is_empty()).then(|| Arc::clone(&tool.route.mirrored))
    }

    /// Whether a state of this tool's calls can be presented only once.
    pub(super) fn is_single_use(&self, tool: &str) -> bool {
        self.tools
            .find(tool)
            .is_some_and(|tool| tool.route.single_use)
    }

    fn tool(&self, request: &McpRequest) -> Result<&Mounted<Tool>, ErrorObject> {
        let name = name(request, "name")?;
        let tool = self.tools.get(name, request.context());
        tool.ok_or_else(|| unknown("tool", name))
    }

    fn read_resource(&self, mut request: McpRequest) -> RouterFuture {
        match self.reader(&request) {
            Ok(Reader::Resource(resource)) => resource.call(request),
            Ok(Reader::Template(template, variables)) => {
                request.set_arguments(Some(variables.into()));
                template.call(request)
            }
            Err(error) => refuse(&request, error),
        }
    }

    /// Whether something reads the URI in the parameters.
    pub(super) fn reads(&self, request: &McpRequest) -> bool {
        self.reader(request).is_ok()
    }

    fn reader(&self, request: &McpRequest) -> Result<Reader<'_>, ErrorObject> {
        let uri = name(request, "uri")?;
        if let Some(resource) = self.resources.get(uri, request.context()) {
            return Ok(Reader::Resource(resource));
        }
        for (matcher, key) in &self.matchers {
            let Some(variables) = matcher.matches(uri) else {
                continue;
            };
            if let Some(template) = self.templates.get(key, request.context()) {
                let variables: serde_json::Map<_, _> = variables
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect();
                let json = serde_json::Value::from(variables).to_string();
                return Ok(Reader::Template(template, json.into_bytes()));
            }
        }
        Err(resource_not_found(request, None))
    }

    fn get_prompt(&self, request: McpRequest) -> RouterFuture {
        let prompt = match self.prompt(&request) {
            Ok(prompt) => prompt,
            Err(error) => return refuse(&request, error),
        };
        match check_arguments(&prompt.route.item, &request) {
            Ok(()) => prompt.call(request),
            Err(error) => refuse(&request, error),
        }
    }

    fn prompt(&self, request: &McpRequest) -> Result<&Mounted<Prompt>, ErrorObject> {
        let name = name(request, "name")?;
        let prompt = self.prompts.get(name, request.context());
        prompt.ok_or_else(|| unknown("prompt", name))
    }

    fn complete(&self, request: McpRequest) -> RouterFuture {
        let completer = self.completer(&request).and_then(|found| {
            request.context().require_scopes(found.needs)?;
            Ok(found.completer)
        });
        match completer {
            Ok(Some(completer)) => completer.call(request, &(), None),
            Ok(None) => {
                let nothing = CompleteResult::new(Completion::default());
                McpResponse::result(request.id(), &nothing).into()
            }
            Err(error) => refuse(&request, error),
        }
    }

    /// What completes the argument; nothing, when what has the argument has no completer for it.
    fn completer(&self, request: &McpRequest) -> Result<Found<'_>, ErrorObject> {
        let params = completion_params(request)?;
        let (context, argument) = (request.context(), &*params.argument.name);
        match &params.reference {
            CompletionReference::Prompt(reference) => {
                let prompt = self.prompts.get(&reference.name, context);
                let prompt = prompt.ok_or_else(|| unknown("prompt", &reference.name))?;
                Ok(found(&prompt.route, argument))
            }
            CompletionReference::Resource(reference) => {
                if let Some(template) = self.templates.get(&reference.uri, context) {
                    return Ok(found(&template.route, argument));
                }
                let resource = self.resources.get(&reference.uri, context);
                let resource = resource.ok_or_else(|| unknown("resource", &reference.uri))?;
                Ok(found(&resource.route, argument))
            }
        }
    }

    /// Whether anything can be completed.
    pub(super) fn completes(&self) -> bool {
        self.templates.completes() || self.prompts.completes()
    }
}

fn found<'r, I>(route: &'r Route<I, ()>, argument: &str) -> Found<'r> {
    let mut completers = route.completers.iter();
    Found {
        completer: completers
            .find(|completer| completer.argument == argument)
            .map(|completer| &completer.endpoint),
        needs: &route.scopes,
        scope: route.scope,
    }
}

fn refuse(request: &McpRequest, error: ErrorObject) -> RouterFuture {
    McpResponse::error(request.id(), error).into()
}

/// The name or URI in the parameters.
fn name<'r>(request: &'r McpRequest, member: &str) -> Result<&'r str, ErrorObject> {
    let missing = || ErrorObject::invalid_params(format!("invalid params: missing `{member}`"));
    request.name().ok_or_else(missing)
}

fn unknown(what: &str, name: &str) -> ErrorObject {
    let shown: String = name.chars().take(128).collect();
    ErrorObject::invalid_params(format!("unknown {what}: {shown}"))
}

/// What the specification demands of a prompt's arguments, whatever its handler reads of them.
fn check_arguments(prompt: &Prompt, request: &McpRequest) -> Result<(), ErrorObject> {
    let json = request.arguments().map_or(b"{}".as_slice(), AsRef::as_ref);
    let invalid = |why| ErrorObject::invalid_params(format!("invalid arguments: {why}"));
    let given = texts(json).map_err(invalid)?;
    let mut arguments = prompt.arguments.iter();
    let missing = arguments.find(|argument| {
        argument.required == Some(true) && !given.contains_key(argument.name.as_str())
    });
    match missing {
        Some(argument) => Err(invalid(format!("missing `{}`", argument.name))),
        None => Ok(()),
    }
}

/// The templates, parsed, in the order in which they are tried.
pub(super) fn matchers(
    templates: &[Route<ResourceTemplate, ()>],
) -> Result<Vec<(UriTemplate, String)>, BuildError> {
    let matchers = templates.iter().map(|route| {
        let text = &route.item.uri_template;
        let template = UriTemplate::parse(text).map_err(|why| BuildError::InvalidTemplate {
            template: text.clone(),
            why,
        })?;
        Ok((template, text.clone()))
    });
    matchers.collect()
}
