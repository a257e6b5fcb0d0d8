//! What is read although it is not written so, and what is refused.

use mcp_core::protocol::{
    CallToolRequestParams, ClientCapabilities, Completion, ContentBlock, ElicitRequestParams,
    ElicitationCapability, GetPromptRequestParams, Meta, ProgressNotificationParams, ProgressToken,
    ResourceContents, SamplingContent, SamplingMessageContentBlock, Tool,
};
use serde_json::{Value, from_value, json, to_string, to_value};

#[test]
fn unknown_members_do_not_keep_a_message_from_being_read() {
    let params: CallToolRequestParams =
        from_value(json!({ "name": "stop", "task": { "ttl": 60000 }, "new": [1] }))
            .expect("the call is read");
    assert_eq!(params, CallToolRequestParams::new("stop"));

    let tool: Tool = from_value(json!({
        "name": "stop",
        "inputSchema": { "type": "object" },
        "execution": { "taskSupport": "optional" },
    }))
    .expect("the tool is read");
    assert_eq!(tool, Tool::new("stop", json!({ "type": "object" })));
}

#[test]
fn unknown_capabilities_are_kept() {
    let capabilities = json!({
        "sampling": { "images": {} },
        "elicitation": { "voice": { "languages": ["en"] } },
        "tasks": { "list": {} },
    });
    let read: ClientCapabilities = from_value(capabilities.clone()).expect("they are read");
    assert!(read.other.contains_key("tasks"));
    assert_eq!(to_value(read).expect("they are written"), capabilities);
}

#[test]
fn null_arguments_are_absent_ones() {
    let call: CallToolRequestParams =
        from_value(json!({ "name": "stop", "arguments": null })).expect("the call is read");
    assert_eq!(call.arguments, None);
    let get: GetPromptRequestParams =
        from_value(json!({ "name": "handover", "arguments": null })).expect("the request is read");
    assert_eq!(get.arguments, None);
}

#[test]
fn an_empty_elicitation_capability_means_forms() {
    let empty = ElicitationCapability::default();
    assert!(empty.has_form() && !empty.has_url());
    let url = ElicitationCapability::default().url();
    assert!(!url.has_form() && url.has_url());
    let both = ElicitationCapability::default().form().url();
    assert!(both.has_form() && both.has_url());
}

#[test]
fn an_elicitation_without_a_mode_is_a_form() {
    let schema = json!({ "type": "object", "properties": {} });
    for mode in [None, Some("form")] {
        let mut params = json!({ "message": "Which?", "requestedSchema": schema });
        if let Some(mode) = mode {
            params["mode"] = mode.into();
        }
        let read = from_value(params).expect("a form is read");
        assert!(matches!(read, ElicitRequestParams::Form(_)));
    }
    let unknown = json!({ "message": "Which?", "mode": "voice" });
    assert!(from_value::<ElicitRequestParams>(unknown).is_err());
}

#[test]
fn progress_tokens_are_written_as_they_were_read() {
    for token in ["\"a\\u0062\"", "-7", "18446744073709551616123"] {
        let json = format!(r#"{{"progressToken":{token},"progress":1}}"#);
        let params: ProgressNotificationParams =
            serde_json::from_str(&json).expect("the notification is read");
        assert_eq!(params.progress_token.as_json(), token);
        assert_eq!(to_string(&params).expect("it is written"), json);
    }
}

#[test]
fn a_progress_token_is_a_string_or_an_integer() {
    for json in ["1.5", "1e3", "null", "true", "[1]", "{}"] {
        assert!(
            serde_json::from_str::<ProgressToken>(json).is_err(),
            "{json}"
        );
    }
    let token = |value: Value| Meta::new().with("progressToken", value).progress_token();
    assert_eq!(token(json!("a")), Some(ProgressToken::from("a")));
    assert_eq!(token(json!(7)), Some(ProgressToken::from(7)));
    assert_eq!(token(json!(1.5)), None);
    assert_eq!(token(json!(null)), None);
    assert_eq!(Meta::new().progress_token(), None);
}

#[test]
fn whole_progress_is_written_without_a_fraction() {
    let params = ProgressNotificationParams::new(ProgressToken::from(1), 3).total(4.5);
    assert_eq!(
        to_string(&params).expect("it is written"),
        r#"{"progressToken":1,"progress":3,"total":4.5}"#
    );
}

#[test]
fn progress_that_is_no_number_is_not_written() {
    let params = ProgressNotificationParams::new(ProgressToken::from(1), f64::NAN);
    assert!(to_string(&params).is_err());
}

#[test]
fn content_of_an_unknown_type_is_refused() {
    assert!(from_value::<ContentBlock>(json!({ "type": "video", "data": "" })).is_err());
    assert!(from_value::<ContentBlock>(json!({ "text": "no type" })).is_err());
}

#[test]
fn contents_have_a_text_or_a_blob() {
    assert!(from_value::<ResourceContents>(json!({ "uri": "works://map" })).is_err());
    let text = from_value(json!({ "uri": "works://map", "text": "" })).expect("text is read");
    assert!(matches!(text, ResourceContents::Text(_)));
    let blob = from_value(json!({ "uri": "works://map", "blob": "" })).expect("a blob is read");
    assert!(matches!(blob, ResourceContents::Blob(_)));
}

#[test]
fn sampled_content_is_one_piece_or_several() {
    let text = json!({ "type": "text", "text": "2.5 bar" });
    let one: SamplingContent = from_value(text.clone()).expect("one piece is read");
    assert_eq!(one, SamplingContent::from("2.5 bar"));
    let many: SamplingContent = from_value(json!([text, text])).expect("two pieces are read");
    assert_eq!(many.blocks().len(), 2);
    assert_eq!(many.text(), Some("2.5 bar"));
    let none: SamplingContent = from_value(json!([])).expect("no pieces are read");
    assert_eq!(none.text(), None);
    assert!(from_value::<SamplingContent>(json!("2.5 bar")).is_err());
    assert_eq!(
        one.into_blocks(),
        [SamplingMessageContentBlock::text("2.5 bar")]
    );
}

#[test]
fn bytes_are_written_as_padded_standard_base64() {
    let image = to_value(ContentBlock::image([0xfb, 0xff], "image/png")).expect("it is written");
    assert_eq!(image["data"], "+/8=");
    let blob =
        to_value(ResourceContents::blob("works://map", [0xfb, 0xff])).expect("it is written");
    assert_eq!(blob["blob"], "+/8=");
}

#[test]
fn completions_beyond_a_hundred_are_counted_but_not_sent() {
    let few = Completion::new(["a"; Completion::MAX]);
    assert_eq!(
        (few.values.len(), few.total, few.has_more),
        (100, None, None)
    );
    let many = Completion::new(["a"; Completion::MAX + 1]);
    assert_eq!(
        (many.values.len(), many.total, many.has_more),
        (100, Some(101), Some(true))
    );
}
