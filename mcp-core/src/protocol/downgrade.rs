//! What a revision does not know is left out, and what it demands is there.
//!
//! [`Rules`](super::Rules) decides, and nothing else: there is no comparison of revisions in this
//! file.

use serde_json::Value;

use super::{
    Annotations, AudioContent, CacheScope, CallToolResult, CompleteResult, ContentBlock,
    EmbeddedResource, EmptyResult, GetPromptResult, Implementation, InitializeResult,
    ProgressNotificationParams, Prompt, PromptArgument, PromptMessage, ReadResourceResult,
    Resource, ResourceContents, ResourceTemplate, ResultType, Revision, ServerCapabilities, Tool,
};

/// The address of audio that had to become a resource.
const AUDIO_URI: &str = "audio://content";

/// Empties the members that the rule does not know.
macro_rules! only_if {
    ($known:expr => $($member:expr),+ $(,)?) => {
        if !$known {
            $($member = Default::default();)+
        }
    };
}

pub(super) use only_if;

/// The same for every item of a list.
pub(super) fn each<T>(items: Vec<T>, revision: Revision, one: fn(T, Revision) -> T) -> Vec<T> {
    items.into_iter().map(|item| one(item, revision)).collect()
}

impl Annotations {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        only_if!(revision.rules().last_modified => self.last_modified);
        self
    }
}

/// Does the same to the annotations and `_meta` that every content has.
pub(super) fn envelope(
    annotations: &mut Option<Annotations>,
    meta: &mut Option<super::Meta>,
    revision: Revision,
) {
    *annotations = annotations
        .take()
        .map(|annotations| annotations.for_revision(revision));
    only_if!(revision.rules().titles => *meta);
}

/// Every result says whether it is final, or none does.
pub(super) fn result_type(member: &mut Option<ResultType>, revision: Revision) {
    if revision.rules().result_type {
        member.get_or_insert_default();
    } else {
        *member = None;
    }
}

/// Everything that can be cached says for how long and by whom, or nothing does.
///
/// What the server did not say is the most careful answer: stale at once, and for this caller only.
pub(super) fn caching(
    ttl_ms: &mut Option<u64>,
    cache_scope: &mut Option<CacheScope>,
    revision: Revision,
) {
    if revision.rules().caching {
        ttl_ms.get_or_insert_default();
        cache_scope.get_or_insert_default();
    } else {
        *ttl_ms = None;
        *cache_scope = None;
    }
}

impl Implementation {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        only_if!(rules.titles => self.title);
        only_if!(rules.icons => self.description, self.website_url, self.icons);
        self
    }
}

impl ServerCapabilities {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        only_if!(rules.completions_capability => self.completions);
        only_if!(rules.extensions => self.extensions);
        self
    }
}

impl InitializeResult {
    /// Without what the revision does not know; `protocolVersion` stays as it is.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.capabilities = self.capabilities.for_revision(revision);
        self.server_info = self.server_info.for_revision(revision);
        self
    }
}

impl Tool {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        only_if!(rules.titles => self.title, self.meta);
        only_if!(rules.structured_content => self.output_schema);
        if !rules.structured_any {
            self.output_schema
                .take_if(|schema| schema.get("type").is_none_or(|kind| kind != "object"));
        }
        only_if!(rules.tool_annotations => self.annotations);
        only_if!(rules.icons => self.icons);
        self
    }
}

impl CallToolResult {
    /// Without what the revision does not know, and with what it demands.
    ///
    /// A result that has only `structuredContent` says it as text where that is unknown.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.content = each(self.content, revision, ContentBlock::for_revision);
        let lost = self
            .structured_content
            .take_if(|value| !is_known(value, revision));
        if let Some(value) = lost
            && self.content.is_empty()
        {
            self.content.push(ContentBlock::text(value.to_string()));
        }
        result_type(&mut self.result_type, revision);
        self
    }
}

/// Whether the revision has such `structuredContent`.
pub(super) fn is_known(structured: &Value, revision: Revision) -> bool {
    let rules = revision.rules();
    rules.structured_any || (rules.structured_content && structured.is_object())
}

impl Resource {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        envelope(&mut self.annotations, &mut self.meta, revision);
        only_if!(rules.titles => self.title);
        only_if!(rules.icons => self.icons);
        self
    }
}

impl ResourceTemplate {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        envelope(&mut self.annotations, &mut self.meta, revision);
        only_if!(rules.titles => self.title);
        only_if!(rules.icons => self.icons);
        self
    }
}

impl ResourceContents {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let meta = match &mut self {
            Self::Text(contents) => &mut contents.meta,
            Self::Blob(contents) => &mut contents.meta,
        };
        only_if!(revision.rules().titles => *meta);
        self
    }
}

impl ReadResourceResult {
    /// Without what the revision does not know, and with what it demands.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.contents = each(self.contents, revision, ResourceContents::for_revision);
        result_type(&mut self.result_type, revision);
        caching(&mut self.ttl_ms, &mut self.cache_scope, revision);
        self
    }
}

impl Prompt {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        self.arguments = each(self.arguments, revision, PromptArgument::for_revision);
        only_if!(rules.titles => self.title, self.meta);
        only_if!(rules.icons => self.icons);
        self
    }
}

impl PromptArgument {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        only_if!(revision.rules().titles => self.title);
        self
    }
}

impl PromptMessage {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.content = self.content.for_revision(revision);
        self
    }
}

impl GetPromptResult {
    /// Without what the revision does not know, and with what it demands.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.messages = each(self.messages, revision, PromptMessage::for_revision);
        result_type(&mut self.result_type, revision);
        self
    }
}

impl ContentBlock {
    /// Without what the revision does not know.
    ///
    /// Audio becomes a binary resource, and a link to a resource a text with its URI, where they
    /// are unknown: a result must not lose what the model was to read.
    #[must_use]
    pub fn for_revision(self, revision: Revision) -> Self {
        let rules = revision.rules();
        let mut block = match self {
            Self::Audio(content) if !rules.audio_content => audio_as_resource(content),
            Self::ResourceLink(link) if !rules.resource_links => link_as_text(link),
            block => block,
        };
        match &mut block {
            Self::Text(content) => {
                envelope(&mut content.annotations, &mut content.meta, revision);
            }
            Self::Image(content) => {
                envelope(&mut content.annotations, &mut content.meta, revision);
            }
            Self::Audio(content) => {
                envelope(&mut content.annotations, &mut content.meta, revision);
            }
            Self::Resource(content) => {
                envelope(&mut content.annotations, &mut content.meta, revision);
            }
            Self::ResourceLink(_) => {}
        }
        match block {
            Self::Resource(mut content) => {
                content.resource = content.resource.for_revision(revision);
                Self::Resource(content)
            }
            Self::ResourceLink(link) => Self::ResourceLink(link.for_revision(revision)),
            block => block,
        }
    }
}

fn audio_as_resource(audio: AudioContent) -> ContentBlock {
    let AudioContent {
        data,
        mime_type,
        annotations,
        meta,
    } = audio;
    let contents = ResourceContents::encoded(AUDIO_URI, data).mime_type(mime_type);
    ContentBlock::Resource(EmbeddedResource {
        annotations,
        meta,
        ..EmbeddedResource::new(contents)
    })
}

fn link_as_text(link: Resource) -> ContentBlock {
    let block = ContentBlock::text(link.uri);
    match link.annotations {
        Some(annotations) => block.annotations(annotations),
        None => block,
    }
}

impl ProgressNotificationParams {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        only_if!(revision.rules().progress_message => self.message);
        self
    }
}

impl CompleteResult {
    /// Without what the revision does not know, and with what it demands.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        result_type(&mut self.result_type, revision);
        self
    }
}

impl EmptyResult {
    /// Without what the revision does not know, and with what it demands.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        result_type(&mut self.result_type, revision);
        self
    }
}
