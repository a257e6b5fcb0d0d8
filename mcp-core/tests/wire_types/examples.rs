//! The official examples: each is read and written again unchanged, when they are at hand.

use std::{fs, path::Path};

use mcp_core::{
    jsonrpc::{ErrorObject, RequestId},
    protocol::{
        AudioContent, BlobResourceContents, CallToolRequestParams, CallToolResult,
        CancelledNotificationParams, ClientCapabilities, CompleteRequestParams, CompleteResult,
        ContentBlock, CreateMessageRequestParams, CreateMessageResult, DiscoverResult,
        ElicitRequestFormParams, ElicitRequestParams, ElicitRequestURLParams, ElicitResult,
        EmbeddedResource, GetPromptRequestParams, GetPromptResult, ImageContent, InputRequest,
        InputRequests, InputRequiredResult, InputResponses, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListRootsResult, ListToolsResult,
        LoggingMessageNotificationParams, Method, MissingRequiredClientCapabilityData,
        ModelPreferences, NotificationParams, PaginatedRequestParams, ProgressNotificationParams,
        ReadResourceRequestParams, ReadResourceResult, RequestMeta, RequestParams, Resource,
        ResourceUpdatedNotificationParams, Revision, Root, SamplingMessage,
        SamplingMessageContentBlock, ServerCapabilities,
        SubscriptionsAcknowledgedNotificationParams, SubscriptionsListenRequestParams,
        SubscriptionsListenResult, TextContent, TextResourceContents, Tool, ToolResultContent,
        ToolUseContent, UnsupportedProtocolVersionData,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::official::directory;

fn read<T: DeserializeOwned>(value: &Value) -> T {
    let read = serde_json::from_str(&value.to_string());
    read.unwrap_or_else(|error| panic!("{error}: {value:#}"))
}

/// Reads and writes by way of text, as a message is.
fn again<T: Serialize + DeserializeOwned>(value: &Value) -> Value {
    let text = serde_json::to_string(&read::<T>(value)).expect("what was read is written");
    serde_json::from_str(&text).expect("what was written is JSON")
}

/// A form says `mode` or does not, which means the same; we do not.
fn without_form_modes(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.contains_key("requestedSchema") {
                members.retain(|name, member| name != "mode" || member != "form");
            }
            members.values_mut().for_each(without_form_modes);
        }
        Value::Array(items) => items.iter_mut().for_each(without_form_modes),
        _ => {}
    }
}

/// Replaces a member by what our type makes of it.
fn replace(message: &mut Value, member: &str, by: impl Fn(&Value) -> Value) {
    if let Some(value) = message.get_mut(member) {
        *value = by(value);
    }
}

/// The envelope is not a type of ours, but what is in it is.
fn message(example: &Value, params: fn(&Value) -> Value, result: fn(&Value) -> Value) -> Value {
    assert_eq!(example["jsonrpc"], "2.0");
    let mut message = example.clone();
    replace(&mut message, "id", again::<RequestId>);
    replace(&mut message, "method", |method| {
        let name = method.as_str().expect("a method has a name");
        let method = Method::known(name).unwrap_or_else(|| panic!("{name} is unknown"));
        method.as_str().into()
    });
    replace(&mut message, "params", params);
    replace(&mut message, "result", result);
    message
}

fn request<T: Serialize + DeserializeOwned>(example: &Value) -> Value {
    let method = Method::from(example["method"].as_str().expect("a method has a name"));
    assert!(method.is_served_in(Revision::LATEST.era()), "{method}");
    let params = example["params"].to_string();
    let meta = RequestMeta::from_params(params.as_bytes()).expect("`_meta` is read");
    assert_eq!(meta.missing(), None, "{params}");
    assert_eq!(meta.protocol_version.as_deref(), Some("2026-07-28"));
    message(example, again::<T>, Value::clone)
}

fn notification<T: Serialize + DeserializeOwned>(example: &Value) -> Value {
    message(example, again::<T>, Value::clone)
}

fn response<T: Serialize + DeserializeOwned>(example: &Value) -> Value {
    message(example, Value::clone, again::<T>)
}

/// An error response, whose `data` is of this type.
fn error<T: Serialize + DeserializeOwned>(example: &Value) -> Value {
    let mut message = message(example, Value::clone, Value::clone);
    replace(&mut message["error"], "data", again::<T>);
    replace(&mut message, "error", again::<ErrorObject>);
    message
}

/// A question; the example of `roots/list` has an `id`, which belongs to no question.
fn question(example: &Value) -> Value {
    let mut written = again::<InputRequest>(example);
    if let Some(id) = example.get("id") {
        written["id"] = id.clone();
    }
    written
}

/// One field of a form, which our types keep as the schema it is.
fn field(example: &Value) -> Value {
    let schema = json!({ "type": "object", "properties": { "field": example } });
    let form = ElicitRequestFormParams::new("?", schema).for_revision(Revision::LATEST);
    let written = again::<ElicitRequestFormParams>(&json!(form));
    written["requestedSchema"]["properties"]["field"].clone()
}

/// A round trip through one of our types.
type RoundTrip = fn(&Value) -> Value;

/// The kinds of examples, each with what it is to us.
const KINDS: &[(&str, RoundTrip)] = &[
    ("AudioContent", content::<AudioContent>),
    ("BlobResourceContents", again::<BlobResourceContents>),
    ("BooleanSchema", field),
    ("NumberSchema", field),
    ("StringSchema", field),
    ("TitledMultiSelectEnumSchema", field),
    ("TitledSingleSelectEnumSchema", field),
    ("UntitledMultiSelectEnumSchema", field),
    ("UntitledSingleSelectEnumSchema", field),
    ("CallToolRequest", request::<CallToolRequestParams>),
    ("CallToolRequestParams", again::<CallToolRequestParams>),
    ("CallToolResult", again::<CallToolResult>),
    ("CallToolResultResponse", response::<CallToolResult>),
    (
        "CancelledNotification",
        notification::<CancelledNotificationParams>,
    ),
    (
        "CancelledNotificationParams",
        again::<CancelledNotificationParams>,
    ),
    ("ClientCapabilities", again::<ClientCapabilities>),
    ("CompleteRequest", request::<CompleteRequestParams>),
    ("CompleteRequestParams", again::<CompleteRequestParams>),
    ("CompleteResult", again::<CompleteResult>),
    ("CompleteResultResponse", response::<CompleteResult>),
    ("CreateMessageRequest", question),
    ("ElicitRequest", question),
    ("ListRootsRequest", question),
    (
        "CreateMessageRequestParams",
        again::<CreateMessageRequestParams>,
    ),
    ("CreateMessageResult", again::<CreateMessageResult>),
    ("DiscoverRequest", request::<RequestParams>),
    ("DiscoverResult", again::<DiscoverResult>),
    ("DiscoverResultResponse", response::<DiscoverResult>),
    ("ElicitRequestFormParams", form),
    ("ElicitRequestURLParams", visit),
    ("ElicitResult", again::<ElicitResult>),
    ("EmbeddedResource", content::<EmbeddedResource>),
    ("GetPromptRequest", request::<GetPromptRequestParams>),
    ("GetPromptRequestParams", again::<GetPromptRequestParams>),
    ("GetPromptResult", again::<GetPromptResult>),
    ("GetPromptResultResponse", response::<GetPromptResult>),
    ("HeaderMismatchError", error::<Value>),
    ("ImageContent", content::<ImageContent>),
    ("InputRequests", again::<InputRequests>),
    ("InputRequiredResult", again::<InputRequiredResult>),
    ("InputResponses", again::<InputResponses>),
    ("InternalError", again::<ErrorObject>),
    ("InvalidParamsError", again::<ErrorObject>),
    ("MethodNotFoundError", again::<ErrorObject>),
    ("ParseError", again::<ErrorObject>),
    ("ListPromptsRequest", request::<PaginatedRequestParams>),
    (
        "ListResourceTemplatesRequest",
        request::<PaginatedRequestParams>,
    ),
    ("ListResourcesRequest", request::<PaginatedRequestParams>),
    ("ListToolsRequest", request::<PaginatedRequestParams>),
    ("ListPromptsResult", again::<ListPromptsResult>),
    ("ListPromptsResultResponse", response::<ListPromptsResult>),
    (
        "ListResourceTemplatesResult",
        again::<ListResourceTemplatesResult>,
    ),
    (
        "ListResourceTemplatesResultResponse",
        response::<ListResourceTemplatesResult>,
    ),
    ("ListResourcesResult", again::<ListResourcesResult>),
    (
        "ListResourcesResultResponse",
        response::<ListResourcesResult>,
    ),
    ("ListRootsResult", again::<ListRootsResult>),
    ("ListToolsResult", again::<ListToolsResult>),
    ("ListToolsResultResponse", response::<ListToolsResult>),
    (
        "LoggingMessageNotification",
        notification::<LoggingMessageNotificationParams>,
    ),
    (
        "LoggingMessageNotificationParams",
        again::<LoggingMessageNotificationParams>,
    ),
    (
        "MissingRequiredClientCapabilityError",
        error::<MissingRequiredClientCapabilityData>,
    ),
    ("ModelPreferences", again::<ModelPreferences>),
    ("PaginatedRequestParams", again::<PaginatedRequestParams>),
    (
        "ProgressNotification",
        notification::<ProgressNotificationParams>,
    ),
    (
        "ProgressNotificationParams",
        again::<ProgressNotificationParams>,
    ),
    (
        "PromptListChangedNotification",
        notification::<NotificationParams>,
    ),
    (
        "ResourceListChangedNotification",
        notification::<NotificationParams>,
    ),
    (
        "ToolListChangedNotification",
        notification::<NotificationParams>,
    ),
    ("ReadResourceRequest", request::<ReadResourceRequestParams>),
    ("ReadResourceResult", again::<ReadResourceResult>),
    ("ReadResourceResultResponse", response::<ReadResourceResult>),
    ("Resource", again::<Resource>),
    ("ResourceLink", content::<Resource>),
    (
        "ResourceUpdatedNotification",
        notification::<ResourceUpdatedNotificationParams>,
    ),
    (
        "ResourceUpdatedNotificationParams",
        again::<ResourceUpdatedNotificationParams>,
    ),
    ("Root", again::<Root>),
    ("SamplingMessage", again::<SamplingMessage>),
    ("ServerCapabilities", again::<ServerCapabilities>),
    (
        "SubscriptionsAcknowledgedNotification",
        notification::<SubscriptionsAcknowledgedNotificationParams>,
    ),
    (
        "SubscriptionsListenRequest",
        request::<SubscriptionsListenRequestParams>,
    ),
    (
        "SubscriptionsListenResult",
        again::<SubscriptionsListenResult>,
    ),
    (
        "SubscriptionsListenResultResponse",
        response::<SubscriptionsListenResult>,
    ),
    ("TextContent", content::<TextContent>),
    ("TextResourceContents", again::<TextResourceContents>),
    ("Tool", again::<Tool>),
    ("ToolResultContent", sampled::<ToolResultContent>),
    ("ToolUseContent", sampled::<ToolUseContent>),
    (
        "UnsupportedProtocolVersionError",
        error::<UnsupportedProtocolVersionData>,
    ),
];

/// Content by itself, whose tag its enum writes.
fn content<T: Serialize + DeserializeOwned>(example: &Value) -> Value {
    tagged::<T, ContentBlock>(example)
}

fn sampled<T: Serialize + DeserializeOwned>(example: &Value) -> Value {
    tagged::<T, SamplingMessageContentBlock>(example)
}

fn tagged<One, Any>(example: &Value) -> Value
where
    One: Serialize + DeserializeOwned,
    Any: Serialize + DeserializeOwned,
{
    let mut one = again::<One>(example);
    one["type"] = example["type"].clone();
    let any = again::<Any>(example);
    assert_eq!(one, any);
    any
}

fn form(example: &Value) -> Value {
    let params: ElicitRequestParams = read(example);
    assert!(matches!(params, ElicitRequestParams::Form(_)));
    again::<ElicitRequestFormParams>(example)
}

fn visit(example: &Value) -> Value {
    let params: ElicitRequestParams = read(example);
    assert!(matches!(params, ElicitRequestParams::Url(_)));
    again::<ElicitRequestURLParams>(example)
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the directory can be read");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a directory entry can be read"))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_official_example_is_written_as_it_was_read() {
    let examples = directory(Revision::V2026_07_28).join("examples");
    if !examples.is_dir() {
        // A checkout by itself has none; the golden messages always are there.
        return;
    }
    let mut count = 0;
    for kind in names(&examples) {
        let known = KINDS.iter().find(|(name, _)| *name == kind);
        let (_, round_trip) = known.unwrap_or_else(|| panic!("no type of ours is a {kind}"));
        for name in names(&examples.join(&kind)) {
            let text = fs::read_to_string(examples.join(&kind).join(&name));
            let mut example: Value = serde_json::from_str(&text.expect("an example is read"))
                .expect("an example is JSON");
            let mut written = round_trip(&example);
            without_form_modes(&mut example);
            without_form_modes(&mut written);
            assert_eq!(written, example, "{kind}/{name}");
            count += 1;
        }
    }
    assert!(count > 0, "there are no examples in {}", examples.display());
}
