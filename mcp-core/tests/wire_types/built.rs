//! What a server builds is valid in every revision it is written for.
//!
//! Members that a revision's schema does not name are refused here, so each test says both that
//! what must be there is there and that nothing else is.

use mcp_core::{
    jsonrpc::{ErrorCode, ErrorObject, RequestId},
    protocol::{
        ClientCapability, ElicitationCompleteNotificationParams, EmptyResult, InputRequiredResult,
        MissingRequiredClientCapabilityData, Revision, SubscriptionsAcknowledgedNotificationParams,
        SubscriptionsListenResult, UnsupportedProtocolVersionData,
    },
};
use serde::Serialize;
use serde_json::to_value;

use crate::{
    official::{Official, UnknownMembers},
    samples,
};

/// Writes a value for each revision since `since` and checks it, where the schema is at hand.
fn is_valid<T: Serialize>(since: Revision, path: &str, build: impl Fn(Revision) -> T) {
    let revisions = Revision::ALL.into_iter().filter(|known| *known >= since);
    is_valid_in(revisions, path, build);
}

fn is_valid_in<T: Serialize>(
    revisions: impl IntoIterator<Item = Revision>,
    path: &str,
    build: impl Fn(Revision) -> T,
) {
    for revision in revisions {
        let value = to_value(build(revision)).expect("a built value is written");
        if let Some(official) = Official::load(revision) {
            official.check(path, &value, UnknownMembers::Refused);
        }
    }
}

const FIRST: Revision = Revision::V2024_11_05;

#[test]
fn an_initialize_result_is_valid_in_every_revision_with_sessions() {
    is_valid_in(Revision::LEGACY, "InitializeResult", |revision| {
        samples::initialize_result(revision).for_revision(revision)
    });
}

#[test]
fn tools_are_valid_in_every_revision() {
    is_valid(FIRST, "ListToolsResult", |revision| {
        samples::list_tools().for_revision(revision)
    });
}

#[test]
fn all_content_of_a_tool_is_valid_in_every_revision() {
    is_valid(FIRST, "CallToolResult", |revision| {
        samples::call_result().for_revision(revision)
    });
}

#[test]
fn resources_are_valid_in_every_revision() {
    is_valid(FIRST, "ListResourcesResult", |revision| {
        samples::list_resources().for_revision(revision)
    });
    is_valid(FIRST, "ListResourceTemplatesResult", |revision| {
        samples::list_templates().for_revision(revision)
    });
    is_valid(FIRST, "ReadResourceResult", |revision| {
        samples::read_result().for_revision(revision)
    });
}

#[test]
fn prompts_are_valid_in_every_revision() {
    is_valid(FIRST, "ListPromptsResult", |revision| {
        samples::list_prompts().for_revision(revision)
    });
    is_valid(FIRST, "GetPromptResult", |revision| {
        samples::prompt_result().for_revision(revision)
    });
}

#[test]
fn completions_are_valid_in_every_revision() {
    is_valid(FIRST, "CompleteResult", |revision| {
        samples::complete_result().for_revision(revision)
    });
}

#[test]
fn notifications_are_valid_in_every_revision() {
    is_valid(
        FIRST,
        "ProgressNotification/properties/params",
        |revision| samples::progress().for_revision(revision),
    );
    is_valid(
        FIRST,
        "LoggingMessageNotification/properties/params",
        |_| samples::log_message(),
    );
    is_valid(
        FIRST,
        "ResourceUpdatedNotification/properties/params",
        |_| samples::updated(),
    );
    is_valid(FIRST, "CancelledNotification/properties/params", |_| {
        samples::cancelled()
    });
}

#[test]
fn a_sampling_request_is_valid_in_every_revision() {
    is_valid(
        FIRST,
        "CreateMessageRequest/properties/params",
        |revision| samples::sampling().for_revision(revision),
    );
}

#[test]
fn a_form_is_valid_since_2025_06_18() {
    is_valid(
        Revision::V2025_06_18,
        "ElicitRequest/properties/params",
        |revision| samples::form().for_revision(revision),
    );
}

#[test]
fn a_visit_is_valid_since_2025_11_25() {
    is_valid(
        Revision::V2025_11_25,
        "ElicitRequest/properties/params",
        |revision| samples::visit().for_revision(revision),
    );
}

#[test]
fn the_end_of_a_visit_is_told_in_2025_11_25() {
    is_valid_in(
        [Revision::V2025_11_25],
        "ElicitationCompleteNotification/properties/params",
        |_| ElicitationCompleteNotificationParams::new("e-1"),
    );
}

#[test]
fn what_is_new_in_2026_07_28_is_valid() {
    let only = [Revision::V2026_07_28];
    is_valid_in(only, "DiscoverResult", |_| samples::discover_result());
    is_valid_in(only, "InputRequiredResult", |revision| {
        samples::input_required().for_revision(revision)
    });
    is_valid_in(only, "InputRequiredResult", |_| {
        InputRequiredResult::again("s")
    });
    is_valid_in(only, "InputResponses", |_| samples::input_responses());
    is_valid_in(only, "RequestMetaObject", |_| samples::request_meta());
    is_valid_in(only, "EmptyResult", |revision| {
        EmptyResult::default()
            .meta(samples::meta())
            .for_revision(revision)
    });
}

#[test]
fn a_subscription_is_valid_since_2026_07_28() {
    let since = Revision::V2026_07_28;
    let (id, filter) = (|| RequestId::from("listen-1"), samples::filter);
    is_valid(since, "SubscriptionFilter", |_| filter());
    is_valid(since, "SubscriptionsAcknowledgedNotificationParams", |_| {
        SubscriptionsAcknowledgedNotificationParams::new(id(), filter())
    });
    is_valid(since, "SubscriptionsListenResult", |_| {
        SubscriptionsListenResult::new(id())
    });
}

#[test]
fn the_errors_of_2026_07_28_are_valid() {
    let needed = [
        ClientCapability::ElicitationForm,
        ClientCapability::SamplingTools,
    ];
    let missing = MissingRequiredClientCapabilityData::new(needed);
    let unsupported = UnsupportedProtocolVersionData::new("1900-01-01", Revision::ALL);
    let mismatch = ErrorObject::new(
        ErrorCode::HEADER_MISMATCH,
        "`Mcp-Name` is not `params.name`",
    );
    for (path, error) in [
        ("MissingRequiredClientCapabilityError", missing.into()),
        ("UnsupportedProtocolVersionError", unsupported.into()),
        ("HeaderMismatchError", mismatch),
    ] {
        let path = format!("{path}/properties/error");
        let Some(official) = Official::load(Revision::V2026_07_28) else {
            return;
        };
        let value = to_value::<ErrorObject>(error).expect("an error is written");
        // The schema splits the members over two definitions, neither of which names all.
        official.check(&path, &value, UnknownMembers::Allowed);
    }
}
