//! What a server builds is valid in every revision it is written for.
//!
//! Members that a revision's schema does not name are refused here, so each test says both that
//! what must be there is there and that nothing else is.

use mcp_core::protocol::{ElicitRequestURLParams, ElicitationCompleteNotificationParams, Revision};
use serde::Serialize;
use serde_json::to_value;

use crate::{
    official::{Official, UnknownMembers},
    samples,
};

/// Writes a value for each revision since `since` and checks it, where the schema is at hand.
fn is_valid<T: Serialize>(since: Revision, path: &str, build: impl Fn(Revision) -> T) {
    for revision in Revision::ALL.into_iter().filter(|known| *known >= since) {
        let value = to_value(build(revision)).expect("a built value is written");
        if let Some(official) = Official::load(revision) {
            official.check(path, &value, UnknownMembers::Refused);
        }
    }
}

const FIRST: Revision = Revision::V2024_11_05;

#[test]
fn an_initialize_result_is_valid_in_every_revision() {
    is_valid(FIRST, "InitializeResult", |revision| {
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
    let since = Revision::V2025_11_25;
    is_valid(since, "ElicitRequest/properties/params", |_| {
        ElicitRequestURLParams::new("Sign in.", "e-1", "https://example.com/sign-in")
    });
    is_valid(
        since,
        "ElicitationCompleteNotification/properties/params",
        |_| ElicitationCompleteNotificationParams::new("e-1"),
    );
}
