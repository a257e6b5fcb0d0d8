//! Each member is sent where it is known and absent where it is not.

use mcp_core::protocol::{CallToolResult, ContentBlock, Revision, SamplingContent};
use serde::Serialize;
use serde_json::{Value, json, to_value};

use crate::samples;

/// Checks for every revision that the members are there exactly if it is `since` or later.
fn sent_since<T: Serialize>(since: Revision, members: &[&str], build: impl Fn(Revision) -> T) {
    for revision in Revision::ALL {
        let value = written(build(revision));
        for member in members {
            let sent = value.pointer(member).is_some();
            assert_eq!(sent, revision >= since, "{member} in {revision}: {value:#}");
        }
    }
}

fn written(value: impl Serialize) -> Value {
    to_value(value).expect("a built value is written")
}

fn tool(revision: Revision) -> impl Serialize {
    samples::tool().for_revision(revision)
}

fn resource(revision: Revision) -> impl Serialize {
    samples::resource().for_revision(revision)
}

fn template(revision: Revision) -> impl Serialize {
    samples::template().for_revision(revision)
}

fn prompt(revision: Revision) -> impl Serialize {
    samples::prompt().for_revision(revision)
}

fn call_result(revision: Revision) -> impl Serialize {
    samples::call_result().for_revision(revision)
}

fn initialize_result(revision: Revision) -> impl Serialize {
    samples::initialize_result(revision).for_revision(revision)
}

#[test]
fn tool_annotations_are_left_out_before_2025_03_26() {
    sent_since(Revision::V2025_03_26, &["/annotations"], tool);
}

#[test]
fn the_completions_capability_is_left_out_before_2025_03_26() {
    let members = ["/capabilities/completions"];
    sent_since(Revision::V2025_03_26, &members, initialize_result);
    sent_since(
        Revision::V2024_11_05,
        &["/capabilities/logging"],
        initialize_result,
    );
}

#[test]
fn the_progress_message_is_left_out_before_2025_03_26() {
    let progress = |revision| samples::progress().for_revision(revision);
    sent_since(Revision::V2025_03_26, &["/message"], progress);
    sent_since(Revision::V2024_11_05, &["/progress", "/total"], progress);
}

#[test]
fn audio_is_a_blob_before_2025_03_26() {
    for revision in Revision::ALL {
        let block = ContentBlock::audio([4, 5, 6], "audio/wav").for_revision(revision);
        let expected = if revision >= Revision::V2025_03_26 {
            json!({ "type": "audio", "data": "BAUG", "mimeType": "audio/wav" })
        } else {
            let uri = "audio://content";
            json!({
                "type": "resource",
                "resource": { "uri": uri, "mimeType": "audio/wav", "blob": "BAUG" },
            })
        };
        assert_eq!(written(block), expected, "{revision}");
    }
}

#[test]
fn titles_are_left_out_before_2025_06_18() {
    let since = Revision::V2025_06_18;
    sent_since(since, &["/title"], tool);
    sent_since(since, &["/title"], resource);
    sent_since(since, &["/title"], template);
    sent_since(since, &["/title", "/arguments/0/title"], prompt);
    sent_since(since, &["/serverInfo/title"], initialize_result);
}

#[test]
fn meta_of_items_is_left_out_before_2025_06_18() {
    let since = Revision::V2025_06_18;
    sent_since(since, &["/_meta"], tool);
    sent_since(since, &["/_meta"], resource);
    sent_since(since, &["/_meta"], template);
    sent_since(since, &["/_meta"], prompt);
    sent_since(
        since,
        &["/contents/0/_meta", "/contents/1/_meta"],
        |revision| samples::read_result().for_revision(revision),
    );
    for index in 0..samples::blocks().len() {
        sent_since(since, &["/_meta"], |revision| {
            samples::blocks().swap_remove(index).for_revision(revision)
        });
    }
}

#[test]
fn meta_of_results_is_sent_in_every_revision() {
    let first = Revision::V2024_11_05;
    sent_since(first, &["/_meta"], call_result);
    sent_since(first, &["/_meta"], initialize_result);
    sent_since(first, &["/_meta"], |revision| {
        samples::complete_result().for_revision(revision)
    });
}

#[test]
fn structured_content_is_left_out_before_2025_06_18() {
    sent_since(Revision::V2025_06_18, &["/structuredContent"], call_result);
    sent_since(Revision::V2025_06_18, &["/outputSchema"], tool);
}

#[test]
fn structured_content_alone_is_said_as_text_where_it_is_unknown() {
    let result = CallToolResult::new(Vec::new()).structured_content(json!({ "bar": 2.5 }));
    let old = result.clone().for_revision(Revision::V2025_03_26);
    assert_eq!(old, CallToolResult::text(r#"{"bar":2.5}"#));
    let new = result.clone().for_revision(Revision::V2025_06_18);
    assert_eq!(new, result);
}

#[test]
fn resource_links_are_text_before_2025_06_18() {
    for revision in Revision::ALL {
        let block = ContentBlock::resource_link(samples::resource()).for_revision(revision);
        let value = written(block);
        if revision >= Revision::V2025_06_18 {
            assert_eq!(value["type"], "resource_link", "{revision}");
            assert_eq!(value["name"], "pump-7.log", "{revision}");
        } else {
            assert_eq!(value["type"], "text", "{revision}");
            assert_eq!(value["text"], "file:///logs/pump-7.log", "{revision}");
            assert_eq!(value["annotations"]["priority"], 1, "{revision}");
        }
    }
}

#[test]
fn last_modified_is_left_out_before_2025_06_18() {
    let since = Revision::V2025_06_18;
    let members = ["/annotations/lastModified"];
    sent_since(since, &members, resource);
    sent_since(since, &members, template);
    for index in 0..samples::blocks().len() {
        let block = |revision| samples::blocks().swap_remove(index).for_revision(revision);
        sent_since(since, &members, block);
        let others = ["/annotations/audience", "/annotations/priority"];
        sent_since(Revision::V2024_11_05, &others, block);
    }
}

#[test]
fn icons_are_left_out_before_2025_11_25() {
    let since = Revision::V2025_11_25;
    sent_since(since, &["/icons"], tool);
    sent_since(since, &["/icons"], resource);
    sent_since(since, &["/icons"], template);
    sent_since(since, &["/icons"], prompt);
    sent_since(since, &["/serverInfo/icons"], initialize_result);
    // A link is a resource only since 2025-06-18; before, there is nothing to have icons.
    sent_since(since, &["/icons"], |revision| {
        ContentBlock::resource_link(samples::resource()).for_revision(revision)
    });
}

#[test]
fn the_servers_description_is_left_out_before_2025_11_25() {
    let members = ["/serverInfo/description", "/serverInfo/websiteUrl"];
    sent_since(Revision::V2025_11_25, &members, initialize_result);
}

#[test]
fn prompt_messages_are_downgraded_like_other_content() {
    for revision in Revision::ALL {
        let expected = samples::blocks()
            .into_iter()
            .map(|block| block.for_revision(revision));
        let messages = samples::prompt_result().for_revision(revision).messages;
        let found: Vec<_> = messages
            .into_iter()
            .map(|message| message.content)
            .collect();
        assert!(
            expected.eq(found[..found.len() - 1].iter().cloned()),
            "{revision}"
        );
    }
}

#[test]
fn sampling_tools_are_left_out_before_2025_11_25() {
    let members = ["/tools", "/toolChoice"];
    sent_since(Revision::V2025_11_25, &members, |revision| {
        samples::sampling().for_revision(revision)
    });
}

#[test]
fn a_sampling_message_has_one_piece_before_2025_11_25() {
    let count = |revision| {
        let messages = samples::sampling().for_revision(revision).messages;
        let single = messages
            .iter()
            .all(|message| matches!(message.content, SamplingContent::One(_)));
        (messages.len(), single)
    };
    assert_eq!(count(Revision::V2025_11_25), (4, false));
    // The tool's call and answer are left out, the other pieces have a message each.
    assert_eq!(count(Revision::V2025_06_18), (4, true));
    assert_eq!(count(Revision::V2025_03_26), (4, true));
    // Nor is there audio.
    assert_eq!(count(Revision::V2024_11_05), (3, true));
}

#[test]
fn a_sampling_request_is_unchanged_in_2025_11_25() {
    let request = samples::sampling();
    assert_eq!(request.clone().for_revision(Revision::V2025_11_25), request);
}

#[test]
fn a_form_has_only_plain_fields_before_2025_11_25() {
    let form = samples::form();
    let new = form.clone().for_revision(Revision::V2025_11_25);
    assert_eq!(new, form);

    let old = form.for_revision(Revision::V2025_06_18).requested_schema;
    assert_eq!(
        old,
        json!({
            "type": "object",
            "properties": {
                "pump": { "type": "integer", "minimum": 1 },
                "note": { "type": "string", "maxLength": 80 },
                "sure": { "type": "boolean", "default": false },
                "unit": { "type": "string", "enum": ["bar", "psi"] },
                "shift": { "type": "string", "enum": ["n", "d"], "enumNames": ["Night", "Day"] },
            },
            "required": ["pump"],
        })
    );
}

#[test]
fn everything_is_kept_in_the_latest_revision_with_sessions() {
    let latest = Revision::LATEST_LEGACY;
    assert_eq!(samples::tool().for_revision(latest), samples::tool());
    assert_eq!(
        samples::resource().for_revision(latest),
        samples::resource()
    );
    assert_eq!(
        samples::template().for_revision(latest),
        samples::template()
    );
    assert_eq!(samples::prompt().for_revision(latest), samples::prompt());
    assert_eq!(
        samples::call_result().for_revision(latest),
        samples::call_result()
    );
    assert_eq!(
        samples::prompt_result().for_revision(latest),
        samples::prompt_result()
    );
    assert_eq!(
        samples::initialize_result(latest).for_revision(latest),
        samples::initialize_result(latest)
    );
    assert_eq!(
        samples::progress().for_revision(latest),
        samples::progress()
    );
    assert_eq!(
        samples::read_result().for_revision(latest),
        samples::read_result()
    );
}
