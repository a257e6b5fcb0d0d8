//! Prompts: their arguments, their messages, their completions.

use mcp_core::{
    handler::{Args, Prompt, RawArgs, RequestError},
    protocol::{Completion, GetPromptResult, PromptArgument, PromptMessage, Revision},
    router::{BuildError, McpRouter},
};
use serde_json::{Value, json};

use crate::calls::{answer, ask, names, read, request_in};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Review {
    /// What is reviewed.
    code: String,
    depth: Option<u8>,
    #[serde(default)]
    language: Language,
}

#[derive(Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Language {
    #[default]
    Rust,
    Python,
}

async fn review(Args(review): Args<Review>) -> String {
    format!("{} {:?} {:?}", review.code, review.depth, review.language)
}

async fn languages() -> Vec<&'static str> {
    vec!["python", "rust"]
}

fn reviewing() -> McpRouter {
    McpRouter::new().prompt(
        Prompt::new("review")
            .argument(PromptArgument::new("language").description("Its language"))
            .handler(review)
            .complete("language", languages),
    )
}

async fn get(router: &McpRouter, name: &str, arguments: Value) -> Value {
    let params = json!({"name": name, "arguments": arguments});
    answer(router, "prompts/get", params).await
}

#[tokio::test]
async fn arguments_are_listed_as_given_and_then_from_the_type() {
    let page = answer(&reviewing(), "prompts/list", Value::Null).await;
    assert_eq!(
        page["prompts"][0]["arguments"],
        json!([
            {"name": "language", "description": "Its language"},
            {"name": "code", "description": "What is reviewed.", "required": true},
            {"name": "depth"},
        ])
    );
}

#[tokio::test]
async fn arguments_are_read_from_their_texts() {
    for (arguments, text) in [
        (
            json!({"code": "x", "depth": "3", "language": "python"}),
            "x Some(3) Python",
        ),
        (json!({"code": "x"}), "x None Rust"),
    ] {
        let result = get(&reviewing(), "review", arguments).await;
        let said = json!([{"role": "user", "content": {"type": "text", "text": text}}]);
        assert_eq!(result["messages"], said);
    }
}

#[tokio::test]
async fn wrong_arguments_are_32602_in_every_revision() {
    for (arguments, part) in [
        (json!({}), "`code`"),
        (json!({"code": "x", "depth": "300"}), "`depth`"),
        (json!({"code": "x", "language": "c"}), "`language`"),
        (json!({"code": 7}), "`code`"),
    ] {
        for revision in Revision::ALL {
            let params = json!({"name": "review", "arguments": arguments});
            let error = read(ask(&reviewing(), request_in(revision, "prompts/get", params)).await);
            assert_eq!(error["error"]["code"], -32602, "{arguments}");
            let text = error["error"]["message"].as_str().unwrap();
            assert!(text.contains(part), "{text}");
        }
    }
}

#[tokio::test]
async fn a_declared_argument_is_demanded_whatever_the_handler_reads() {
    let prompt = Prompt::new("raw")
        .argument(PromptArgument::new("x").required())
        .handler(async |RawArgs(json): RawArgs| String::from_utf8_lossy(&json).into_owned());
    let router = McpRouter::new().prompt(prompt);
    assert_eq!(
        get(&router, "raw", json!({})).await["error"]["code"],
        -32602
    );
    let result = get(&router, "raw", json!({"x": "1"})).await;
    assert_eq!(result["messages"][0]["content"]["text"], r#"{"x":"1"}"#);
}

#[tokio::test]
async fn an_unknown_prompt_is_32602() {
    let error = get(&reviewing(), "preview", json!({})).await;
    let expected = json!({"code": -32602, "message": "unknown prompt: preview"});
    assert_eq!(error["error"], expected);
    let error = answer(&reviewing(), "prompts/get", json!({})).await;
    assert_eq!(error["error"]["code"], -32602);
}

#[tokio::test]
async fn everything_a_prompt_can_return_becomes_messages() {
    async fn talk() -> Vec<PromptMessage> {
        vec![PromptMessage::user("a"), PromptMessage::assistant("b")]
    }
    let router = McpRouter::new()
        .prompt(Prompt::new("str").handler(async || "a"))
        .prompt(Prompt::new("one").handler(async || PromptMessage::assistant("a")))
        .prompt(Prompt::new("talk").handler(talk))
        .prompt(Prompt::new("full").handler(async || {
            Ok::<_, RequestError>(GetPromptResult::new(vec![]).description("d"))
        }));
    for (name, roles) in [
        ("str", vec!["user"]),
        ("one", vec!["assistant"]),
        ("talk", vec!["user", "assistant"]),
        ("full", vec![]),
    ] {
        let result = get(&router, name, json!({})).await;
        assert_eq!(names(&result, "messages", "role"), roles, "{name}");
    }
    assert_eq!(get(&router, "full", json!({})).await["description"], "d");
}

fn completing(argument: &str) -> Value {
    json!({
        "ref": {"type": "ref/prompt", "name": "review"},
        "argument": {"name": argument, "value": ""},
    })
}

#[tokio::test]
async fn an_argument_is_completed_or_has_no_values() {
    let result = answer(&reviewing(), "completion/complete", completing("language")).await;
    assert_eq!(
        result,
        json!({"completion": {"values": ["python", "rust"]}})
    );
    let result = answer(&reviewing(), "completion/complete", completing("code")).await;
    assert_eq!(result, json!({"completion": {"values": []}}));
}

#[tokio::test]
async fn wrong_completions_are_32602() {
    for params in [
        json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}}),
        json!({"ref": {"type": "ref/resource", "uri": "a:b"}, "argument": {"name": "a", "value": ""}}),
        json!({"ref": {"type": "ref/other"}, "argument": {"name": "a", "value": ""}}),
        json!({"ref": {"type": "ref/prompt", "name": "review"}}),
        Value::Null,
    ] {
        let error = answer(&reviewing(), "completion/complete", params.clone()).await;
        assert_eq!(error["error"]["code"], -32602, "{params}");
    }
}

#[tokio::test]
async fn a_client_gets_a_hundred_values_and_hears_of_more() {
    async fn many() -> Completion {
        Completion::new((0..250).map(|n| n.to_string()))
    }
    let prompt = Prompt::new("review").handler(review).complete("code", many);
    let router = McpRouter::new().prompt(prompt);
    let result = answer(&router, "completion/complete", completing("code")).await;
    let completion = &result["completion"];
    assert_eq!(completion["values"].as_array().unwrap().len(), 100);
    assert_eq!(completion["total"], 250);
    assert_eq!(completion["hasMore"], true);
}

#[test]
fn what_cannot_be_offered_is_a_build_error() {
    let hello = |name: &str| Prompt::new(name).handler(async || "hi");
    let twice = McpRouter::new().prompt(hello("a")).prompt(hello("a"));
    assert_eq!(
        twice.freeze().unwrap_err(),
        BuildError::DuplicatePrompt("a".into())
    );
    let error = McpRouter::new().prompt(hello("")).freeze().unwrap_err();
    assert!(matches!(error, BuildError::InvalidPrompt { .. }));
    let lost = hello("a").complete("c", async || vec!["c"]);
    let error = McpRouter::new().prompt(lost).freeze().unwrap_err();
    assert!(matches!(error, BuildError::UnknownArgument { .. }));
}
