//! What a revision does not know is left out of what the client is asked.
//!
//! [`Rules`] decides, and nothing else: there is no comparison of revisions in this file.

use super::{
    CreateMessageRequestParams, ElicitRequestFormParams, ElicitRequestParams,
    ElicitRequestURLParams, InputRequest, InputRequests, InputRequiredResult, Revision, Rules,
    SamplingContent, SamplingMessage, SamplingMessageContentBlock, Tool,
    downgrade::{each, envelope, is_known, only_if},
    requested_schema,
};

impl ElicitRequestFormParams {
    /// Without what the revision does not know.
    ///
    /// An enum with titles becomes `enum` and `enumNames`. A choice of several has no older shape
    /// and is left out of the form, also where it is required.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        if !rules.elicitation_url {
            requested_schema::simplify(&mut self.requested_schema);
        }
        only_if!(rules.question_meta => self.meta);
        self
    }
}

impl ElicitRequestURLParams {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        let rules = revision.rules();
        only_if!(rules.elicitation_id => self.elicitation_id);
        only_if!(rules.question_meta => self.meta);
        self
    }
}

impl ElicitRequestParams {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(self, revision: Revision) -> Self {
        match self {
            Self::Form(params) => Self::Form(params.for_revision(revision)),
            Self::Url(params) => Self::Url(params.for_revision(revision)),
        }
    }
}

impl InputRequest {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(self, revision: Revision) -> Self {
        match self {
            Self::Elicit(params) => Self::Elicit(params.for_revision(revision)),
            Self::CreateMessage(params) => Self::CreateMessage(params.for_revision(revision)),
            Self::ListRoots(params) => Self::ListRoots(params),
        }
    }
}

impl InputRequests {
    /// Without what the revision does not know.
    #[must_use]
    pub fn for_revision(self, revision: Revision) -> Self {
        let requests = self.0.into_iter();
        Self(
            requests
                .map(|(key, request)| (key, request.for_revision(revision)))
                .collect(),
        )
    }
}

impl InputRequiredResult {
    /// Without what the revision does not know; only sessionless ones know such a result at all.
    #[must_use]
    pub fn for_revision(mut self, revision: Revision) -> Self {
        self.input_requests = self.input_requests.for_revision(revision);
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
        only_if!(rules.question_meta => self.meta);
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
        SamplingMessageContentBlock::ToolUse(_) => {
            if !rules.sampling_tools {
                return None;
            }
        }
        SamplingMessageContentBlock::ToolResult(content) => {
            if !rules.sampling_tools {
                return None;
            }
            content
                .structured_content
                .take_if(|value| !is_known(value, revision));
        }
    }
    Some(block)
}
