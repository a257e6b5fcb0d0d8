//! Messages written by hand: each is read, written again unchanged, and is valid.

use std::{collections::BTreeSet, fs, path::PathBuf};

use mcp_core::protocol::{
    CallToolRequestParams, CallToolResult, CancelledNotificationParams, ClientCapabilities,
    CompleteRequestParams, CompleteResult, CreateMessageRequestParams, CreateMessageResult,
    DiscoverResult, ElicitRequestFormParams, ElicitRequestParams, ElicitRequestURLParams,
    ElicitResult, ElicitationCompleteNotificationParams, EmptyResult, Era, GetPromptRequestParams,
    GetPromptResult, InitializeRequestParams, InitializeResult, InputRequests, InputRequiredResult,
    InputResponseRequestParams, InputResponses, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListRootsResult, ListToolsResult, LoggingMessageNotificationParams,
    MissingRequiredClientCapabilityData, NotificationParams, PaginatedRequestParams,
    ProgressNotificationParams, ReadResourceRequestParams, ReadResourceResult, RequestMeta,
    RequestParams, ResourceUpdatedNotificationParams, Revision, ServerCapabilities,
    SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter,
    SubscriptionsAcknowledgedNotificationParams, SubscriptionsListenRequestParams,
    SubscriptionsListenResult, UnsubscribeRequestParams, UnsupportedProtocolVersionData,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::official::{Official, UnknownMembers};

/// One type: its name, since when it exists, where the schemas describe it, and its round trip.
struct Row {
    name: &'static str,
    since: Revision,
    path: &'static str,
    round_trip: fn(&str) -> Result<Value, serde_json::Error>,
}

macro_rules! rows {
    ($table:ident: $($name:ident since $since:ident at $path:literal,)*) => {
        const $table: &[Row] = &[$(Row {
            name: stringify!($name),
            since: Revision::$since,
            path: $path,
            round_trip: round_trip::<$name>,
        },)*];
    };
}

rows! {
    SESSIONS:
    CallToolRequestParams since V2024_11_05 at "CallToolRequest/properties/params",
    CallToolResult since V2024_11_05 at "CallToolResult",
    CancelledNotificationParams since V2024_11_05 at "CancelledNotification/properties/params",
    CompleteRequestParams since V2024_11_05 at "CompleteRequest/properties/params",
    CompleteResult since V2024_11_05 at "CompleteResult",
    CreateMessageRequestParams since V2024_11_05 at "CreateMessageRequest/properties/params",
    CreateMessageResult since V2024_11_05 at "CreateMessageResult",
    ElicitRequestFormParams since V2025_06_18 at "ElicitRequest/properties/params",
    ElicitRequestURLParams since V2025_11_25 at "ElicitRequest/properties/params",
    ElicitResult since V2025_06_18 at "ElicitResult",
    ElicitationCompleteNotificationParams since V2025_11_25
        at "ElicitationCompleteNotification/properties/params",
    EmptyResult since V2024_11_05 at "EmptyResult",
    GetPromptRequestParams since V2024_11_05 at "GetPromptRequest/properties/params",
    GetPromptResult since V2024_11_05 at "GetPromptResult",
    InitializeRequestParams since V2024_11_05 at "InitializeRequest/properties/params",
    InitializeResult since V2024_11_05 at "InitializeResult",
    ListPromptsResult since V2024_11_05 at "ListPromptsResult",
    ListResourceTemplatesResult since V2024_11_05 at "ListResourceTemplatesResult",
    ListResourcesResult since V2024_11_05 at "ListResourcesResult",
    ListRootsResult since V2024_11_05 at "ListRootsResult",
    ListToolsResult since V2024_11_05 at "ListToolsResult",
    LoggingMessageNotificationParams since V2024_11_05
        at "LoggingMessageNotification/properties/params",
    NotificationParams since V2024_11_05 at "ToolListChangedNotification/properties/params",
    PaginatedRequestParams since V2024_11_05 at "ListToolsRequest/properties/params",
    ProgressNotificationParams since V2024_11_05 at "ProgressNotification/properties/params",
    ReadResourceRequestParams since V2024_11_05 at "ReadResourceRequest/properties/params",
    ReadResourceResult since V2024_11_05 at "ReadResourceResult",
    RequestParams since V2024_11_05 at "PingRequest/properties/params",
    ResourceUpdatedNotificationParams since V2024_11_05
        at "ResourceUpdatedNotification/properties/params",
    SetLevelRequestParams since V2024_11_05 at "SetLevelRequest/properties/params",
    SubscribeRequestParams since V2024_11_05 at "SubscribeRequest/properties/params",
    UnsubscribeRequestParams since V2024_11_05 at "UnsubscribeRequest/properties/params",
}

rows! {
    SESSIONLESS:
    CallToolRequestParams since V2026_07_28 at "CallToolRequestParams",
    CallToolResult since V2026_07_28 at "CallToolResult",
    CancelledNotificationParams since V2026_07_28 at "CancelledNotificationParams",
    ClientCapabilities since V2026_07_28 at "ClientCapabilities",
    CompleteRequestParams since V2026_07_28 at "CompleteRequestParams",
    CompleteResult since V2026_07_28 at "CompleteResult",
    CreateMessageRequestParams since V2026_07_28 at "CreateMessageRequestParams",
    CreateMessageResult since V2026_07_28 at "CreateMessageResult",
    DiscoverResult since V2026_07_28 at "DiscoverResult",
    ElicitRequestFormParams since V2026_07_28 at "ElicitRequestFormParams",
    ElicitRequestURLParams since V2026_07_28 at "ElicitRequestURLParams",
    ElicitResult since V2026_07_28 at "ElicitResult",
    EmptyResult since V2026_07_28 at "EmptyResult",
    GetPromptRequestParams since V2026_07_28 at "GetPromptRequestParams",
    GetPromptResult since V2026_07_28 at "GetPromptResult",
    InputRequests since V2026_07_28 at "InputRequests",
    InputRequiredResult since V2026_07_28 at "InputRequiredResult",
    InputResponseRequestParams since V2026_07_28 at "InputResponseRequestParams",
    InputResponses since V2026_07_28 at "InputResponses",
    ListPromptsResult since V2026_07_28 at "ListPromptsResult",
    ListResourceTemplatesResult since V2026_07_28 at "ListResourceTemplatesResult",
    ListResourcesResult since V2026_07_28 at "ListResourcesResult",
    ListRootsResult since V2026_07_28 at "ListRootsResult",
    ListToolsResult since V2026_07_28 at "ListToolsResult",
    LoggingMessageNotificationParams since V2026_07_28 at "LoggingMessageNotificationParams",
    MissingRequiredClientCapabilityData since V2026_07_28
        at "MissingRequiredClientCapabilityError/properties/error/allOf/1/properties/data",
    NotificationParams since V2026_07_28 at "NotificationParams",
    PaginatedRequestParams since V2026_07_28 at "PaginatedRequestParams",
    ProgressNotificationParams since V2026_07_28 at "ProgressNotificationParams",
    ReadResourceRequestParams since V2026_07_28 at "ReadResourceRequestParams",
    ReadResourceResult since V2026_07_28 at "ReadResourceResult",
    RequestMeta since V2026_07_28 at "RequestMetaObject",
    RequestParams since V2026_07_28 at "RequestParams",
    ResourceUpdatedNotificationParams since V2026_07_28 at "ResourceUpdatedNotificationParams",
    ServerCapabilities since V2026_07_28 at "ServerCapabilities",
    SubscriptionFilter since V2026_07_28 at "SubscriptionFilter",
    SubscriptionsAcknowledgedNotificationParams since V2026_07_28
        at "SubscriptionsAcknowledgedNotificationParams",
    SubscriptionsListenRequestParams since V2026_07_28 at "SubscriptionsListenRequestParams",
    SubscriptionsListenResult since V2026_07_28 at "SubscriptionsListenResult",
    UnsupportedProtocolVersionData since V2026_07_28
        at "UnsupportedProtocolVersionError/properties/error/allOf/1/properties/data",
}

fn round_trip<T: Serialize + DeserializeOwned>(text: &str) -> Result<Value, serde_json::Error> {
    let message: T = serde_json::from_str(text)?;
    // By way of text: what is compared is what would be sent.
    serde_json::from_str(&serde_json::to_string(&message)?)
}

fn directory(revision: Revision) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wire")
        .join(revision.as_str())
}

/// The types of a revision, each with the text of its golden message.
fn messages(revision: Revision) -> impl Iterator<Item = (&'static Row, String)> {
    let rows = match revision.era() {
        Era::Sessions => SESSIONS,
        Era::Sessionless => SESSIONLESS,
    };
    rows.iter()
        .filter(move |row| row.since <= revision)
        .map(move |row| {
            let path = directory(revision).join(format!("{}.json", row.name));
            let text = fs::read_to_string(&path);
            let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (row, text)
        })
}

#[test]
fn every_golden_message_is_written_as_it_was_read() {
    for revision in Revision::ALL {
        for (row, text) in messages(revision) {
            let golden: Value = serde_json::from_str(&text).expect("a golden message is JSON");
            let written = (row.round_trip)(&text);
            let written =
                written.unwrap_or_else(|error| panic!("{revision} {}: {error}", row.name));
            assert_eq!(written, golden, "{revision} {}", row.name);
        }
    }
}

#[test]
fn every_golden_message_is_valid_in_its_revision() {
    for revision in Revision::ALL {
        let official = Official::load(revision);
        for (row, text) in messages(revision) {
            let golden = serde_json::from_str(&text).expect("a golden message is JSON");
            if let Some(official) = &official {
                official.check(row.path, &golden, UnknownMembers::Allowed);
            }
        }
    }
}

#[test]
fn every_golden_file_is_read() {
    for revision in Revision::ALL {
        let known: BTreeSet<String> = messages(revision)
            .map(|(row, _)| format!("{}.json", row.name))
            .collect();
        let found: BTreeSet<String> = fs::read_dir(directory(revision))
            .expect("the golden files are there")
            .map(|entry| entry.expect("a directory entry can be read"))
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(found, known, "{revision}");
    }
}

#[test]
fn either_kind_of_elicitation_is_read_by_its_mode() {
    let revisions = [Revision::V2025_11_25, Revision::V2026_07_28];
    for (row, text) in revisions.into_iter().flat_map(messages) {
        let read = || serde_json::from_str(&text).expect("a golden message is read");
        match row.name {
            "ElicitRequestFormParams" => assert!(matches!(read(), ElicitRequestParams::Form(_))),
            "ElicitRequestURLParams" => assert!(matches!(read(), ElicitRequestParams::Url(_))),
            _ => {}
        }
    }
}
