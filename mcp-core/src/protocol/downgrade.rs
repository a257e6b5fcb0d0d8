//! What an older revision does not know is left out.
//!
//! [`Rules`] decides, and nothing else: there is no comparison of revisions in this file.

use super::{
    Annotations, AudioContent, CallToolResult, CompleteResult, ContentBlock,
    CreateMessageRequestParams, ElicitRequestFormParams, EmbeddedResource, GetPromptResult,
    Implementation, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, ProgressNotificationParams, Prompt, PromptArgument,
    PromptMessage, ReadResourceResult, Resource, ResourceContents, ResourceTemplate, Revision,
    Rules, SamplingContent, SamplingMessage, SamplingMessageContentBlock, ServerCapabilities, Tool,
    requested_schema,
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

/// The same for every item of a list.
fn each<T>(items: Vec<T>, revision: Revision, one: fn(T, Revision) -> T) -> Vec<T> {
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
fn envelope(
    annotations: &mut Option<Annotations>,
    meta: &mut Option<super::Meta>,
    revision: Revision,
) {
    *annotations = annotations
        .take()
        .map(|annotations| annotations.for_revision(revision));
    only_if!(revision.rules().titles => *meta);
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
        only_if!(revision.rules().completions_capability => self.completions);
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
        only_if!(rules.tool_annotations => self.annotations);
        only_if!(rules.icons => self.icons);
        self
    }
}

impl ListToolsResult {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.tools = each(self.tools, revision, Tool::for_revision);
        self
    }
}

impl CallToolResult {
    /// Without what the revision does not know.
    ///
    /// A result that has only `structuredContent` says it as text where that is unknown.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.content = each(self.content, revision, ContentBlock::for_revision);
        if !revision.rules().structured_content
            && let Some(value) = self.structured_content.take()
            && self.content.is_empty()
        {
            self.content.push(ContentBlock::text(value.to_string()));
        }
        self
    }
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

impl ListResourcesResult {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.resources = each(self.resources, revision, Resource::for_revision);
        self
    }
}

impl ListResourceTemplatesResult {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.resource_templates = each(
            self.resource_templates,
            revision,
            ResourceTemplate::for_revision,
        );
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
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.contents = each(self.contents, revision, ResourceContents::for_revision);
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

impl ListPromptsResult {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.prompts = each(self.prompts, revision, Prompt::for_revision);
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
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.messages = each(self.messages, revision, PromptMessage::for_revision);
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
    /// The same: no revision differs here.
    #[must_use]
    pub fn for_revision(self, _: Revision) -> Self {
        self
    }
}

impl ElicitRequestFormParams {
    /// Without what the revision does not know.
    ///
    /// An enum with titles becomes `enum` and `enumNames`. A choice of several has no older shape
    /// and is left out of the form, also where it is required.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        if !revision.rules().elicitation_url {
            requested_schema::simplify(&mut self.requested_schema);
        }
        self
    }
}

impl CreateMessageRequestParams {
    /// Without what the revision does not know.
    ///
    /// A message of several pieces becomes several messages of one piece; pieces the revision does
    /// not know are left out.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        only_if!(rules.sampling_tools => self.tools, self.tool_choice);
        self.tools = self
            .tools
            .map(|tools| each(tools, revision, Tool::for_revision));
        self.messages = self
            .messages
            .into_iter()
            .flat_map(|message| sampling_messages(message, revision))
            .collect();
        self
    }
}

fn sampling_messages(message: SamplingMessage, revision: Revision) -> Vec<SamplingMessage> {
    let SamplingMessage {
        role,
        content,
        meta,
    } = message;
    let several = matches!(content, SamplingContent::Many(_));
    let known = content
        .into_blocks()
        .into_iter()
        .filter_map(|block| sampling_block(block, revision));
    if revision.rules().sampling_tools {
        let mut blocks: Vec<_> = known.collect();
        let content = match blocks.pop() {
            Some(block) if !several => SamplingContent::One(block),
            last => {
                blocks.extend(last);
                SamplingContent::Many(blocks)
            }
        };
        return vec![SamplingMessage {
            role,
            content,
            meta,
        }];
    }
    known
        .map(|block| SamplingMessage::new(role, block))
        .collect()
}

/// The piece without what the revision does not know, if it knows such pieces at all.
fn sampling_block(
    mut block: SamplingMessageContentBlock,
    revision: Revision,
) -> Option<SamplingMessageContentBlock> {
    let rules: &Rules = revision.rules();
    match &mut block {
        SamplingMessageContentBlock::Text(content) => {
            envelope(&mut content.annotations, &mut content.meta, revision);
        }
        SamplingMessageContentBlock::Image(content) => {
            envelope(&mut content.annotations, &mut content.meta, revision);
        }
        SamplingMessageContentBlock::Audio(content) => {
            envelope(&mut content.annotations, &mut content.meta, revision);
            if !rules.audio_content {
                return None;
            }
        }
        SamplingMessageContentBlock::ToolUse(_) | SamplingMessageContentBlock::ToolResult(_) => {
            if !rules.sampling_tools {
                return None;
            }
        }
    }
    Some(block)
}
