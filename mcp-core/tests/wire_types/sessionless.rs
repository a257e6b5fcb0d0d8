//! What differs in the revision without sessions.

use std::collections::BTreeSet;

use mcp_core::{
    jsonrpc::{ErrorCode, ErrorObject, RequestId},
    protocol::{
        CacheScope, CallToolResult, ClientCapabilities, ClientCapability, CompleteResult,
        Completion, DiscoverResult, ElicitAction, ElicitResult, Era, InputRequest, InputRequests,
        InputRequiredResult, InputResponses, ListToolsResult, Method,
        MissingRequiredClientCapabilityData, ReadResourceResult, RequestMeta, ResultType, Revision,
        ServerCapabilities, SubscriptionMeta, Tool, UnsupportedProtocolVersionData,
    },
};
use serde_json::{Map, Value, from_value, json, to_string, to_value};

use crate::samples;

const OLD: Revision = Revision::LATEST_LEGACY;
const NEW: Revision = Revision::LATEST;

fn written(value: impl serde::Serialize) -> Value {
    to_value(value).expect("a built value is written")
}

#[test]
fn only_the_newest_revision_is_without_sessions() {
    let sessions: Vec<_> = Revision::ALL
        .into_iter()
        .filter(|revision| revision.is_session_oriented())
        .collect();
    assert_eq!(sessions, Revision::LEGACY);
    assert_eq!(Revision::LEGACY.last(), Some(&Revision::LATEST_LEGACY));
    assert_eq!(Revision::ALL.last(), Some(&Revision::LATEST));
    assert_eq!(Revision::parse("2026-07-28"), Some(NEW));
    assert_eq!(NEW.era(), Era::Sessionless);
}

#[test]
fn revisions_are_ordered_by_age() {
    assert!(Revision::ALL.is_sorted());
    let texts = Revision::ALL.map(Revision::as_str);
    assert!(texts.is_sorted());
}

#[test]
fn the_sessionless_revision_has_neither_batches_nor_priming_events() {
    let rules = NEW.rules();
    assert!(!rules.batches && !rules.priming_event);
    assert_eq!(rules.resource_not_found, ErrorCode::INVALID_PARAMS.0);
}

/// The requests of a client in an era.
fn served(era: Era) -> BTreeSet<&'static str> {
    let names = [
        "completion/complete",
        "initialize",
        "logging/setLevel",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/subscribe",
        "resources/templates/list",
        "resources/unsubscribe",
        "server/discover",
        "subscriptions/listen",
        "tools/call",
        "tools/list",
    ];
    let is_served = |name: &&str| Method::from(*name).is_served_in(era);
    names.into_iter().filter(is_served).collect()
}

#[test]
fn each_era_has_its_own_requests() {
    let (old, new) = (served(Era::Sessions), served(Era::Sessionless));
    let only =
        |these: &BTreeSet<_>, those| -> Vec<&str> { these.difference(those).copied().collect() };
    assert_eq!(
        only(&old, &new),
        [
            "initialize",
            "logging/setLevel",
            "ping",
            "resources/subscribe",
            "resources/unsubscribe"
        ]
    );
    assert_eq!(
        only(&new, &old),
        ["server/discover", "subscriptions/listen"]
    );
    assert_eq!(old.len() + 2, 15);
}

#[test]
fn notifications_and_questions_are_no_requests_of_a_client() {
    for name in [
        "notifications/cancelled",
        "notifications/subscriptions/acknowledged",
        "elicitation/create",
        "sampling/createMessage",
        "roots/list",
        "tasks/get",
    ] {
        for era in [Era::Sessions, Era::Sessionless] {
            assert!(!Method::from(name).is_served_in(era), "{name}");
        }
    }
}

#[test]
fn every_result_says_that_it_is_complete_since_2026_07_28() {
    for revision in Revision::ALL {
        let results = [
            written(CallToolResult::text("2.5 bar").for_revision(revision)),
            written(CompleteResult::new(Completion::new(["a"])).for_revision(revision)),
            written(samples::prompt_result().for_revision(revision)),
            written(samples::read_result().for_revision(revision)),
            written(samples::list_tools().for_revision(revision)),
            written(samples::list_prompts().for_revision(revision)),
            written(samples::list_resources().for_revision(revision)),
            written(samples::list_templates().for_revision(revision)),
        ];
        for result in results {
            let expected = (revision >= NEW).then(|| json!("complete"));
            assert_eq!(result.get("resultType"), expected.as_ref(), "{revision}");
        }
    }
}

#[test]
fn a_result_is_stale_and_private_unless_the_server_says_more() {
    let quiet = written(ReadResourceResult::default().for_revision(NEW));
    assert_eq!(quiet["ttlMs"], 0);
    assert_eq!(quiet["cacheScope"], "private");

    let said = ListToolsResult::default()
        .ttl_ms(60_000_u64)
        .cache_scope(CacheScope::Public);
    let new = written(said.clone().for_revision(NEW));
    assert_eq!(
        (&new["ttlMs"], &new["cacheScope"]),
        (&json!(60_000), &json!("public"))
    );
    assert_eq!(said.for_revision(OLD), ListToolsResult::default());
}

#[test]
fn a_call_is_never_cached() {
    let result = written(samples::call_result().for_revision(NEW));
    assert_eq!(result.get("ttlMs"), None);
    assert_eq!(result.get("cacheScope"), None);
}

#[test]
fn structured_content_that_is_no_object_is_text_before_2026_07_28() {
    for value in [json!([1, 2]), json!("dry"), json!(2.5), json!(false)] {
        let result = CallToolResult::new(Vec::new()).structured_content(value.clone());
        let new = result.clone().for_revision(NEW);
        assert_eq!(new.structured_content, Some(value.clone()));
        assert!(new.content.is_empty());
        let old = result.for_revision(OLD);
        assert_eq!(old, CallToolResult::text(value.to_string()));
    }
}

#[test]
fn an_output_schema_of_no_object_is_left_out_before_2026_07_28() {
    let tool = |schema: Value| Tool::new("read", json!({"type": "object"})).output_schema(schema);
    for schema in [
        json!({"type": "array"}),
        json!({"type": ["object", "null"]}),
        json!({}),
    ] {
        let tool = tool(schema);
        assert_eq!(tool.clone().for_revision(NEW), tool);
        assert_eq!(tool.for_revision(OLD).output_schema, None);
    }
    let tool = tool(json!({"type": "object"}));
    assert_eq!(tool.clone().for_revision(OLD), tool);
}

#[test]
fn extensions_are_declared_since_2026_07_28() {
    let declared = ServerCapabilities::default().extension("com.example/tasks", Map::new());
    let new = written(declared.clone().for_revision(NEW));
    assert_eq!(new, json!({ "extensions": { "com.example/tasks": {} } }));
    assert_eq!(written(declared.for_revision(OLD)), json!({}));
}

#[test]
fn a_visit_has_an_id_in_2025_11_25_only() {
    let old = written(samples::visit().for_revision(OLD));
    assert_eq!(old["elicitationId"], "e-1");
    assert!(old.get("_meta").is_some());
    let new = written(samples::visit().for_revision(NEW));
    let expected = json!({
        "mode": "url",
        "message": "Sign in.",
        "url": "https://example.com/sign-in",
    });
    assert_eq!(new, expected);
}

#[test]
fn questions_carry_no_meta_since_2026_07_28() {
    let result = written(samples::input_required().for_revision(NEW));
    for key in ["form", "visit", "advice"] {
        let params = &result["inputRequests"][key]["params"];
        assert!(params.is_object() && params.get("_meta").is_none(), "{key}");
    }
    assert!(result.get("_meta").is_some());
}

#[test]
fn roots_are_asked_for_without_params() {
    let request = InputRequest::list_roots();
    assert_eq!(
        to_string(&request).expect("it is written"),
        r#"{"method":"roots/list"}"#
    );
    for text in [
        r#"{"method":"roots/list"}"#,
        r#"{"params":null,"method":"roots/list"}"#,
    ] {
        let read: InputRequest = serde_json::from_str(text).expect("it is read");
        assert_eq!(read, request);
    }
}

#[test]
fn a_question_is_read_whichever_member_comes_first() {
    let text = r#"{"params":{"message":"?","requestedSchema":{}},"method":"elicitation/create"}"#;
    let read: InputRequest = serde_json::from_str(text).expect("it is read");
    assert_eq!(read.method(), Method::ElicitationCreate);
    assert!(serde_json::from_str::<InputRequest>(r#"{"method":"tools/list"}"#).is_err());
}

#[test]
fn a_result_that_asks_has_questions_or_a_state() {
    let again = written(InputRequiredResult::again("s"));
    assert_eq!(
        again,
        json!({ "resultType": "input_required", "requestState": "s" })
    );
    let requests = InputRequests::new().with("roots", InputRequest::list_roots());
    let asks = written(InputRequiredResult::new(requests));
    assert_eq!(asks["inputRequests"]["roots"]["method"], "roots/list");
    assert_eq!(asks.get("requestState"), None);
}

#[test]
fn answers_are_kept_as_the_bytes_they_came_in() {
    let text = r#"{"a":{"action": "decline"},"b":[18446744073709551616123]}"#;
    let answers: InputResponses = serde_json::from_str(text).expect("the answers are read");
    assert_eq!(to_string(&answers).expect("they are written"), text);
    let read = answers.read::<ElicitResult>("a").expect("the answer fits");
    assert_eq!(read, Some(ElicitResult::new(ElicitAction::Decline)));
    assert!(answers.read::<ElicitResult>("b").is_err());
    assert_eq!(answers.read::<ElicitResult>("c").ok(), Some(None));
}

#[test]
fn an_unknown_result_type_survives() {
    for name in ["complete", "input_required", "task"] {
        let read: ResultType = from_value(json!(name)).expect("it is read");
        assert_eq!(read.as_str(), name);
        assert_eq!(written(read), name);
    }
    let old: DiscoverResult = from_value(json!({
        "supportedVersions": ["2099-01-01"],
        "capabilities": {},
        "ttlMs": 0,
        "cacheScope": "private",
    }))
    .expect("a result without a type is read");
    assert_eq!(old.result_type, ResultType::Complete);
}

#[test]
fn a_request_says_what_it_lacks() {
    let read = |text: &str| RequestMeta::from_params(text.as_bytes()).expect("it is read");
    for params in ["{}", r#"{"_meta":null}"#, r#"{"_meta":{}}"#] {
        let meta = read(params);
        assert_eq!(
            meta.missing(),
            Some(RequestMeta::PROTOCOL_VERSION),
            "{params}"
        );
    }
    let version = format!(r#"{{"{}":"2026-07-28"}}"#, RequestMeta::PROTOCOL_VERSION);
    let meta = RequestMeta::from_json(version.as_bytes()).expect("it is read");
    assert_eq!(meta.missing(), Some(RequestMeta::CLIENT_CAPABILITIES));
    let whole = meta.client_capabilities(ClientCapabilities::default());
    assert_eq!(whole.missing(), None);
}

#[test]
fn the_keys_of_a_requests_meta_are_those_of_its_constants() {
    let value = written(samples::request_meta());
    for key in [
        RequestMeta::PROTOCOL_VERSION,
        RequestMeta::CLIENT_INFO,
        RequestMeta::CLIENT_CAPABILITIES,
        RequestMeta::LOG_LEVEL,
        "progressToken",
    ] {
        assert!(value.get(key).is_some(), "{key}");
    }
    let back: RequestMeta = from_value(value).expect("it is read");
    assert_eq!(back, samples::request_meta());
}

#[test]
fn a_request_is_traced_only_by_strings() {
    let meta =
        RequestMeta::from_json(br#"{"traceparent":"00-a","tracestate":7,"baggage":{"a":1}}"#)
            .expect("it is read");
    assert_eq!(meta.traceparent.as_deref(), Some("00-a"));
    assert_eq!((meta.tracestate, meta.baggage), (None, None));
}

#[test]
fn a_request_with_members_of_the_wrong_type_is_refused() {
    for (key, value) in [
        (RequestMeta::PROTOCOL_VERSION, json!(20_260_728)),
        (RequestMeta::CLIENT_CAPABILITIES, json!([])),
        (RequestMeta::CLIENT_INFO, json!("desk")),
        (RequestMeta::LOG_LEVEL, json!("loud")),
        ("progressToken", json!(1.5)),
    ] {
        let meta = json!({ key: value }).to_string();
        assert!(RequestMeta::from_json(meta.as_bytes()).is_err(), "{meta}");
        let params = format!(r#"{{"_meta":{meta}}}"#);
        assert!(
            RequestMeta::from_params(params.as_bytes()).is_err(),
            "{meta}"
        );
    }
    for meta in ["[]", " [\"2026-07-28\",null,{}]", "7", ""] {
        assert!(RequestMeta::from_json(meta.as_bytes()).is_err(), "{meta}");
        let params = format!(r#"{{"_meta":{meta}}}"#);
        assert!(
            RequestMeta::from_params(params.as_bytes()).is_err(),
            "{meta}"
        );
    }
}

#[test]
fn a_required_capability_is_one_the_client_would_declare() {
    for (needed, expected) in [
        (
            ClientCapability::ElicitationForm,
            json!({"elicitation": {"form": {}}}),
        ),
        (
            ClientCapability::ElicitationUrl,
            json!({"elicitation": {"url": {}}}),
        ),
        (ClientCapability::Sampling, json!({"sampling": {}})),
        (
            ClientCapability::SamplingTools,
            json!({"sampling": {"tools": {}}}),
        ),
        (ClientCapability::Roots, json!({"roots": {}})),
    ] {
        let required = needed.as_required();
        assert!(needed.is_in(&required), "{needed}");
        assert_eq!(written(required), expected);
    }
}

#[test]
fn required_capabilities_add_up() {
    let data = MissingRequiredClientCapabilityData::new([
        ClientCapability::ElicitationUrl,
        ClientCapability::ElicitationForm,
        ClientCapability::SamplingTools,
        ClientCapability::Sampling,
    ]);
    let error = ErrorObject::from(data.clone());
    assert_eq!(error.code, ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY);
    let expected = json!({
        "requiredCapabilities": {
            "elicitation": { "form": {}, "url": {} },
            "sampling": { "tools": {} },
        },
    });
    assert_eq!(error.data, Some(expected));
    assert_eq!(error.data, Some(written(data)));
}

#[test]
fn an_unsupported_revision_is_answered_with_those_there_are() {
    let data = UnsupportedProtocolVersionData::new("1900-01-01", [NEW, OLD]);
    let error = ErrorObject::from(data.clone());
    assert_eq!(error.code, ErrorCode::UNSUPPORTED_PROTOCOL_VERSION);
    let expected = json!({ "supported": ["2026-07-28", "2025-11-25"], "requested": "1900-01-01" });
    assert_eq!(error.data, Some(expected));
    assert_eq!(error.data, Some(written(data)));
}

#[test]
fn a_subscription_has_the_id_of_its_request_byte_for_byte() {
    for id in ["\"a\\u0062\"", "-7", "18446744073709551616123"] {
        let json = format!(r#"{{"io.modelcontextprotocol/subscriptionId":{id}}}"#);
        let meta: SubscriptionMeta = serde_json::from_str(&json).expect("it is read");
        assert_eq!(
            meta.subscription_id.as_ref().map(RequestId::as_json),
            Some(id)
        );
        assert_eq!(to_string(&meta).expect("it is written"), json);
    }
}

#[test]
fn a_filter_without_members_wants_nothing() {
    let none = mcp_core::protocol::SubscriptionFilter::new();
    assert!(!none.wants_tools() && !none.wants_prompts() && !none.wants_resources());
    assert!(none.uris().is_empty());
    let all = samples::filter();
    assert!(all.wants_tools() && all.wants_prompts() && all.wants_resources());
    assert_eq!(all.uris(), ["file:///logs/pump-7.log"]);
}
