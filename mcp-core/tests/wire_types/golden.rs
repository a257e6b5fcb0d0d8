//! Messages written by hand: each is read, written again unchanged, and is valid.

use std::{collections::BTreeSet, fs, path::PathBuf};

use mcp_core::protocol::{
    CallToolRequestParams, CallToolResult, CancelledNotificationParams, CompleteRequestParams,
    CompleteResult, CreateMessageRequestParams, CreateMessageResult, ElicitRequestFormParams,
    ElicitRequestParams, ElicitRequestURLParams, ElicitResult,
    ElicitationCompleteNotificationParams, EmptyResult, GetPromptRequestParams, GetPromptResult,
    InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListRootsResult, ListToolsResult, LoggingMessageNotificationParams,
    NotificationParams, PaginatedRequestParams, ProgressNotificationParams,
    ReadResourceRequestParams, ReadResourceResult, RequestParams,
    ResourceUpdatedNotificationParams, Revision, SetLevelRequestParams, SubscribeRequestParams,
    UnsubscribeRequestParams,
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
    ($($name:ident since $since:ident at $path:literal,)*) => {
        const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            since: Revision::$since,
            path: $path,
            round_trip: round_trip::<$name>,
        },)*];
    };
}

rows! {
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
    ROWS.iter()
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
    for (row, text) in messages(Revision::V2025_11_25) {
        let read = || serde_json::from_str(&text).expect("a golden message is read");
        match row.name {
            "ElicitRequestFormParams" => assert!(matches!(read(), ElicitRequestParams::Form(_))),
            "ElicitRequestURLParams" => assert!(matches!(read(), ElicitRequestParams::Url(_))),
            _ => {}
        }
    }
}
