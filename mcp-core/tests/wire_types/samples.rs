//! Values with everything set, built as a server author builds them.

use std::iter;

use mcp_core::{
    jsonrpc::RequestId,
    protocol::{
        Annotations, CacheScope, CallToolResult, CancelledNotificationParams, ClientCapabilities,
        CompleteResult, Completion, ContentBlock, CreateMessageRequestParams, DiscoverResult,
        ElicitAction, ElicitRequestFormParams, ElicitRequestURLParams, ElicitResult,
        GetPromptResult, Icon, IconTheme, Implementation, IncludeContext, InitializeResult,
        InputRequest, InputRequests, InputRequiredResult, InputResponses, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListRootsResult, ListToolsResult,
        LoggingLevel, LoggingMessageNotificationParams, Meta, ModelPreferences,
        ProgressNotificationParams, ProgressToken, Prompt, PromptArgument, PromptMessage,
        PromptsCapability, ReadResourceResult, RequestMeta, Resource, ResourceContents,
        ResourceTemplate, ResourceUpdatedNotificationParams, ResourcesCapability, Revision, Role,
        SamplingMessage, SamplingMessageContentBlock, ServerCapabilities, SubscriptionFilter, Tool,
        ToolAnnotations, ToolChoice, ToolChoiceMode, ToolResultContent, ToolUseContent,
        ToolsCapability,
    },
};
use serde_json::{Map, json};

pub(crate) fn meta() -> Meta {
    Meta::new().with("example.com/origin", "unit 7")
}

pub(crate) fn icon() -> Icon {
    Icon::new("https://example.com/pump.svg")
        .mime_type("image/svg+xml")
        .size("any")
        .theme(IconTheme::Light)
}

pub(crate) fn annotations() -> Annotations {
    Annotations::new()
        .audience(Role::User)
        .priority(1)
        .last_modified("2025-01-12T15:00:58Z")
}

pub(crate) fn tool() -> Tool {
    let schema = |member: &str| {
        json!({
            "type": "object",
            "properties": { member: { "type": "number" } },
            "required": [member],
        })
    };
    Tool::new("read_gauge", schema("pump"))
        .title("Read a gauge")
        .description("Reads the pressure of a pump")
        .output_schema(schema("bar"))
        .annotations(
            ToolAnnotations::new()
                .title("Read a gauge")
                .read_only()
                .additive()
                .idempotent()
                .closed_world(),
        )
        .icon(icon())
        .meta(meta())
}

pub(crate) fn resource() -> Resource {
    Resource::new("file:///logs/pump-7.log", "pump-7.log")
        .title("Log of pump 7")
        .description("What it did today")
        .mime_type("text/plain")
        .size(2048_u64)
        .annotations(annotations())
        .icon(icon())
        .meta(meta())
}

pub(crate) fn template() -> ResourceTemplate {
    ResourceTemplate::new("file:///logs/{pump}.log", "log")
        .title("Log of a pump")
        .description("What a pump did today")
        .mime_type("text/plain")
        .annotations(annotations())
        .icon(icon())
        .meta(meta())
}

pub(crate) fn contents() -> Vec<ResourceContents> {
    vec![
        ResourceContents::text("file:///logs/pump-7.log", "09:00 on")
            .mime_type("text/plain")
            .meta(meta()),
        ResourceContents::blob("file:///plans/pump-7.bin", [0, 1, 2])
            .mime_type("application/octet-stream")
            .meta(meta()),
    ]
}

pub(crate) fn prompt() -> Prompt {
    Prompt::new("handover")
        .title("Hand over a shift")
        .description("Sums up a shift")
        .argument(
            PromptArgument::new("shift")
                .title("Shift")
                .description("Which one")
                .required(),
        )
        .icon(icon())
        .meta(meta())
}

/// One of each kind, in the order of the variants.
pub(crate) fn blocks() -> Vec<ContentBlock> {
    let blocks = [
        ContentBlock::text("Pump 7 runs."),
        ContentBlock::image([1, 2, 3], "image/png"),
        ContentBlock::audio([4, 5, 6], "audio/wav"),
        ContentBlock::resource_link(resource()),
    ];
    blocks
        .into_iter()
        .chain(contents().into_iter().map(ContentBlock::embedded))
        .map(|block| block.annotations(annotations()).meta(meta()))
        .collect()
}

pub(crate) fn call_result() -> CallToolResult {
    blocks().into_iter().fold(
        CallToolResult::structured(json!({ "bar": 2.5 })).meta(meta()),
        CallToolResult::content,
    )
}

pub(crate) fn prompt_result() -> GetPromptResult {
    let messages = blocks().into_iter().map(PromptMessage::user);
    let last = PromptMessage::assistant("Noted.");
    GetPromptResult::new(messages.chain(iter::once(last)).collect())
        .description("Sums up a shift")
        .meta(meta())
}

pub(crate) fn initialize_result(revision: Revision) -> InitializeResult {
    let mut experimental = Map::new();
    experimental.insert("example.com/traces".to_owned(), json!({}));
    let capabilities = ServerCapabilities::default()
        .logging()
        .completions()
        .prompts(PromptsCapability::default().list_changed())
        .resources(ResourcesCapability::default().subscribe().list_changed())
        .tools(ToolsCapability::default().list_changed())
        .experimental(experimental);
    let server = Implementation::new("waterworks", "1.0.0")
        .title("Waterworks")
        .description("Pumps and valves")
        .website_url("https://example.com/waterworks")
        .icon(icon());
    InitializeResult::new(revision, capabilities, server)
        .instructions("Ask for a pump by its number.")
        .meta(meta())
}

pub(crate) fn progress() -> ProgressNotificationParams {
    ProgressNotificationParams::new(ProgressToken::from("read-1"), 0.5)
        .total(2)
        .message("Reading the log")
}

pub(crate) fn form() -> ElicitRequestFormParams {
    ElicitRequestFormParams::new(
        "Which pump?",
        json!({
            "type": "object",
            "properties": {
                "pump": { "type": "integer", "minimum": 1, "default": 7 },
                "note": { "type": "string", "maxLength": 80, "default": "-" },
                "sure": { "type": "boolean", "default": false },
                "unit": { "type": "string", "enum": ["bar", "psi"], "default": "bar" },
                "shift": {
                    "type": "string",
                    "oneOf": [
                        { "const": "n", "title": "Night" },
                        { "const": "d", "title": "Day" },
                    ],
                    "default": "n",
                },
                "valves": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] } },
            },
            "required": ["pump", "valves"],
        }),
    )
}

pub(crate) fn visit() -> ElicitRequestURLParams {
    ElicitRequestURLParams::new("Sign in.", "e-1", "https://example.com/sign-in").meta(meta())
}

pub(crate) fn sampling() -> CreateMessageRequestParams {
    type Block = SamplingMessageContentBlock;
    let call = ToolUseContent::new("call-1", "read_gauge", Map::new()).meta(meta());
    let answer = ToolResultContent::new("call-1", blocks())
        .structured_content(json!({ "bar": 2.5 }))
        .failed()
        .meta(meta());
    let messages = vec![
        SamplingMessage::user("What does this gauge say?").meta(meta()),
        SamplingMessage::user(vec![
            Block::image([1, 2, 3], "image/png"),
            Block::audio([4, 5, 6], "audio/wav"),
        ]),
        SamplingMessage::assistant(vec![Block::text("Let me look."), Block::from(call)]),
        SamplingMessage::user(Block::from(answer)),
    ];
    CreateMessageRequestParams::new(messages, 200)
        .model_preferences(
            ModelPreferences::new()
                .hint("sonnet")
                .cost_priority(0.25)
                .speed_priority(0)
                .intelligence_priority(1),
        )
        .system_prompt("Be short.")
        .include_context(IncludeContext::ThisServer)
        .temperature(0.5)
        .stop_sequence("END")
        .metadata(Map::new())
        .tools(vec![tool()])
        .tool_choice(ToolChoice::new(ToolChoiceMode::Auto))
}

pub(crate) fn list_tools() -> ListToolsResult {
    ListToolsResult::new(vec![tool()])
        .next_cursor("cGFnZTI=")
        .meta(meta())
}

pub(crate) fn list_resources() -> ListResourcesResult {
    ListResourcesResult::new(vec![resource()])
        .next_cursor("cGFnZTI=")
        .meta(meta())
}

pub(crate) fn list_templates() -> ListResourceTemplatesResult {
    ListResourceTemplatesResult::new(vec![template()])
        .next_cursor("cGFnZTI=")
        .meta(meta())
}

pub(crate) fn list_prompts() -> ListPromptsResult {
    ListPromptsResult::new(vec![prompt()])
        .next_cursor("cGFnZTI=")
        .meta(meta())
}

pub(crate) fn read_result() -> ReadResourceResult {
    ReadResourceResult::new(contents()).meta(meta())
}

pub(crate) fn complete_result() -> CompleteResult {
    CompleteResult::new(
        Completion::new(["night", "nine to five"])
            .total(12_u64)
            .has_more(),
    )
    .meta(meta())
}

pub(crate) fn log_message() -> LoggingMessageNotificationParams {
    LoggingMessageNotificationParams::new(LoggingLevel::Notice, json!({ "valve": 3 }))
        .logger("valves")
}

pub(crate) fn updated() -> ResourceUpdatedNotificationParams {
    ResourceUpdatedNotificationParams::new("file:///logs/pump-7.log")
}

pub(crate) fn cancelled() -> CancelledNotificationParams {
    CancelledNotificationParams::new(RequestId::from("call-7")).reason("the server stops")
}

pub(crate) fn discover_result() -> DiscoverResult {
    let capabilities = ServerCapabilities::default()
        .tools(ToolsCapability::default())
        .extension("com.example/tasks", Map::new());
    DiscoverResult::new([Revision::V2026_07_28], capabilities)
        .instructions("Ask for a pump by its number.")
        .ttl_ms(60_000)
        .cache_scope(CacheScope::Public)
        .meta(meta())
}

pub(crate) fn input_required() -> InputRequiredResult {
    let requests = InputRequests::new()
        .with("form", form().meta(meta()))
        .with("visit", visit())
        .with("advice", sampling().meta(meta()))
        .with("roots", InputRequest::list_roots());
    InputRequiredResult::new(requests)
        .request_state("cHVtcD03")
        .meta(meta())
}

pub(crate) fn input_responses() -> InputResponses {
    InputResponses::new()
        .with("form", &ElicitResult::new(ElicitAction::Decline))
        .and_then(|answers| answers.with("roots", &ListRootsResult::default()))
        .expect("answers are written")
}

pub(crate) fn request_meta() -> RequestMeta {
    RequestMeta::default()
        .protocol_version(Revision::LATEST.as_str())
        .client_info(Implementation::new("desk", "4.2.0"))
        .client_capabilities(ClientCapabilities::default())
        .log_level(LoggingLevel::Notice)
        .progress_token("call-7")
}

pub(crate) fn filter() -> SubscriptionFilter {
    SubscriptionFilter::new()
        .tools()
        .prompts()
        .resources()
        .resource("file:///logs/pump-7.log")
}
