//! The messages' types, those of all revisions in one: one file per family of methods.
//!
//! Names are those of the specification's schema. What a revision does not know is left out when a
//! message is written for it, by each type's `for_revision`; [`Revision::rules`] is the one
//! table of these differences. Members this crate does not know never keep a message from being
//! read.

mod cancellation;
mod capabilities;
mod capability;
mod completion;
mod content;
mod discover;
mod downgrade;
mod downgrade_questions;
mod elicitation;
mod error_data;
mod icon;
mod initialize;
mod input;
mod list;
mod logging;
mod meta;
mod method;
mod number;
mod page;
mod progress;
mod prompt;
mod request_meta;
mod requested_schema;
mod resource;
mod resource_contents;
mod result;
mod revision;
mod roots;
mod sampling;
mod sampling_content;
mod setters;
mod subscriptions;
mod tool;

pub use self::{
    cancellation::CancelledNotificationParams,
    capabilities::{
        ClientCapabilities, ElicitationCapability, PromptsCapability, ResourcesCapability,
        RootsCapability, SamplingCapability, ServerCapabilities, ToolsCapability,
    },
    capability::ClientCapability,
    completion::{
        CompleteRequestParams, CompleteResult, Completion, CompletionArgument, CompletionContext,
        CompletionReference, PromptReference, ResourceTemplateReference,
    },
    content::{
        Annotations, AudioContent, ContentBlock, EmbeddedResource, ImageContent, Role, TextContent,
    },
    discover::DiscoverResult,
    elicitation::{
        ElicitAction, ElicitRequestFormParams, ElicitRequestParams, ElicitRequestURLParams,
        ElicitResult, ElicitationCompleteNotificationParams,
    },
    error_data::{MissingRequiredClientCapabilityData, UnsupportedProtocolVersionData},
    icon::{Icon, IconTheme},
    initialize::{Implementation, InitializeRequestParams, InitializeResult},
    input::{
        InputRequest, InputRequests, InputRequiredResult, InputResponseRequestParams,
        InputResponses,
    },
    list::{ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult},
    logging::{LoggingLevel, LoggingMessageNotificationParams, SetLevelRequestParams},
    meta::{EmptyResult, Meta, NotificationParams, RequestParams},
    method::Method,
    page::{Cursor, PaginatedRequestParams},
    progress::{ProgressNotificationParams, ProgressToken},
    prompt::{GetPromptRequestParams, GetPromptResult, Prompt, PromptArgument, PromptMessage},
    request_meta::RequestMeta,
    resource::{
        ReadResourceRequestParams, ReadResourceResult, Resource, ResourceTemplate,
        ResourceUpdatedNotificationParams, SubscribeRequestParams, UnsubscribeRequestParams,
    },
    resource_contents::{BlobResourceContents, ResourceContents, TextResourceContents},
    result::{CacheScope, ResultType},
    revision::{ArgumentErrors, Era, Revision, Rules},
    roots::{ListRootsResult, Root},
    sampling::{
        CreateMessageRequestParams, CreateMessageResult, IncludeContext, ModelHint,
        ModelPreferences, SamplingMessage,
    },
    sampling_content::{
        SamplingContent, SamplingMessageContentBlock, ToolResultContent, ToolUseContent,
    },
    subscriptions::{
        SubscriptionFilter, SubscriptionMeta, SubscriptionsAcknowledgedNotificationParams,
        SubscriptionsListenRequestParams, SubscriptionsListenResult,
    },
    tool::{
        CallToolRequestParams, CallToolResult, Tool, ToolAnnotations, ToolChoice, ToolChoiceMode,
    },
};
