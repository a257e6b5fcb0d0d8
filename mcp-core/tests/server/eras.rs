//! One handler in both eras: with a session, and without.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::StreamExt;
use mcp_core::{
    Context, ElicitForm, McpRouter, Prompt, Tool, ToolError,
    handler::Sampling,
    jsonrpc::{Request, RequestId},
    protocol::{ClientCapability, Method, Revision},
    router::{BuildError, CacheHint, List},
    server::{Caller, KeyRing, Server, ServerBuilder},
    store::Principal,
    testing::{ClientError, Difference, TestClient, TestClientBuilder, assert_same_in_both_eras},
};
use serde_json::{Value, json};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

fn form(message: &str) -> ElicitForm<Name> {
    ElicitForm::of(message)
}

/// Two rounds, two joined questions, and a step with an effect.
fn router(effects: &Arc<AtomicUsize>) -> McpRouter {
    let effects = Arc::clone(effects);
    let ask = Tool::new("ask").handler(move |ctx: Context| {
        let effects = Arc::clone(&effects);
        async move {
            let step = || async { Ok::<_, ToolError>(effects.fetch_add(1, Ordering::SeqCst)) };
            ctx.once("effect", step).await?;
            let who = ctx.elicit("who", form("Who?"));
            let poem = ctx.sample("poem", Sampling::new(10).user("a poem"));
            let (who, poem) = tokio::try_join!(who, poem)?;
            let who = who.accepted()?.name;
            let whom = ctx.elicit("whom", form(&format!("Whom, {who}?"))).await?;
            Ok::<_, ToolError>(format!("{who} {} {}", poem.text(), whom.accepted()?.name))
        }
    });
    let prompt = Prompt::new("greet").handler(|ctx: Context| async move {
        let who = ctx.elicit("who", form("Who?")).await?.accepted()?;
        Ok::<_, mcp_core::handler::RequestError>(format!("Greet {}", who.name))
    });
    let samples = Tool::new("samples")
        .requires(ClientCapability::Sampling)
        .handler(|| async { "never" });
    McpRouter::new()
        .server_info("eras", "1.0.0")
        .tool(ask)
        .tool(samples)
        .prompt(prompt)
}

fn answering(client: TestClientBuilder) -> TestClientBuilder {
    client
        .on_elicit(|params| {
            let name = params["message"].as_str().unwrap().replace('?', "!");
            Ok(json!({ "action": "accept", "content": { "name": name } }))
        })
        .on_sample(|_| {
            let content = json!({ "type": "text", "text": "roses" });
            Ok(json!({ "role": "assistant", "model": "m", "content": content }))
        })
}

fn server(effects: &Arc<AtomicUsize>) -> Server {
    ServerBuilder::from(router(effects)).build().unwrap()
}

async fn client(server: &Server, revision: Revision) -> TestClient {
    let client = TestClient::serving(server.clone()).revision(revision);
    answering(client).connect().await.unwrap()
}

fn call() -> Value {
    json!({ "name": "ask", "arguments": {} })
}

fn code(result: Result<Value, ClientError>) -> Option<i64> {
    result.unwrap_err().code()
}

#[tokio::test]
async fn questions_answers_and_result_are_the_same_in_both_eras() {
    let effects = Arc::default();
    let server = server(&effects);
    for revision in [Revision::V2025_11_25, Revision::V2026_07_28] {
        let client = client(&server, revision).await;
        let result = client.call_tool("ask", json!({})).await.unwrap();
        let text = result.content[0].as_text().unwrap();
        assert_eq!(text, "Who! roses Whom, Who!!", "{revision}");
    }
    assert_eq!(
        effects.load(Ordering::SeqCst),
        2,
        "once per chain of rounds"
    );
}

#[tokio::test]
async fn every_round_asks_all_that_the_handler_waits_for() {
    let effects = Arc::default();
    let client = client(&server(&effects), Revision::V2026_07_28).await;
    let mut params = call();
    let first = client.round("tools/call", &mut params).await.unwrap();
    let asked: Vec<_> = first["inputRequests"].as_object().unwrap().keys().collect();
    assert_eq!(asked, ["poem", "who"]);
    assert_eq!(first["resultType"], "input_required");
    assert_eq!(first.get("ttlMs"), None);
    client.answer_round(&first, &mut params).unwrap();
    let second = client.round("tools/call", &mut params).await.unwrap();
    let asked: Vec<_> = second["inputRequests"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(asked, ["whom"]);
    assert_ne!(first["requestState"], second["requestState"]);
    client.answer_round(&second, &mut params).unwrap();
    let last = client.round("tools/call", &mut params).await.unwrap();
    assert_eq!(last["resultType"], "complete");
    assert_eq!(effects.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_client_that_repeats_the_first_round_repeats_the_effect() {
    let effects = Arc::default();
    let client = client(&server(&effects), Revision::V2026_07_28).await;
    for _ in 0..2 {
        client.round("tools/call", &mut call()).await.unwrap();
    }
    assert_eq!(effects.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_missing_or_ill_typed_answer_is_asked_again() {
    let effects = Arc::default();
    let client = client(&server(&effects), Revision::V2026_07_28).await;
    for responses in [
        json!({ "unknown": {} }),
        json!({ "who": 12345 }),
        json!({ "who": { "action": "accept", "content": { "name": 1 } } }),
        Value::Null,
    ] {
        let mut params = call();
        params["inputResponses"] = responses;
        let result = client.round("tools/call", &mut params).await.unwrap();
        assert!(result["inputRequests"]["who"].is_object(), "{result}");
    }
}

/// SH-05
#[tokio::test]
async fn a_state_that_is_not_for_this_request_is_one_and_the_same_error() {
    let effects = Arc::default();
    let server = server(&effects);
    let client = client(&server, Revision::V2026_07_28).await;
    let mut params = call();
    let first = client.round("tools/call", &mut params).await.unwrap();
    client.answer_round(&first, &mut params).unwrap();
    let state = first["requestState"].as_str().unwrap().to_owned();
    let mut refusals = Vec::new();
    for wrong in [format!("{state}x"), state[..40].to_owned(), String::new()] {
        let mut params = params.clone();
        params["requestState"] = wrong.into();
        refusals.push(client.round("tools/call", &mut params).await);
    }
    let mut other = params.clone();
    other["arguments"] = json!({ "x": 1 });
    refusals.push(client.round("tools/call", &mut other).await);
    let foreign = TestClient::serving(server.clone())
        .revision(Revision::V2026_07_28)
        .principal(Principal::new("issuer", "subject"));
    let foreign = answering(foreign).connect().await.unwrap();
    refusals.push(foreign.round("tools/call", &mut params.clone()).await);
    let texts: Vec<_> = refusals
        .into_iter()
        .map(|refusal| refusal.unwrap_err().to_string())
        .collect();
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    assert!(texts[0].contains("-32602"), "{texts:?}");
}

#[tokio::test]
async fn two_instances_with_one_ring_finish_each_others_rounds() {
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let ring = KeyRing::parse(&format!("a:{secret}")).unwrap();
    let effects = Arc::default();
    let instance = || {
        let builder = ServerBuilder::from(router(&effects)).state_keys(ring.clone());
        builder.build().unwrap()
    };
    let one = client(&instance(), Revision::V2026_07_28).await;
    let two = client(&instance(), Revision::V2026_07_28).await;
    let mut params = call();
    let first = one.round("tools/call", &mut params).await.unwrap();
    one.answer_round(&first, &mut params).unwrap();
    let second = two.round("tools/call", &mut params).await.unwrap();
    two.answer_round(&second, &mut params).unwrap();
    let last = one.round("tools/call", &mut params).await.unwrap();
    assert_eq!(last["resultType"], "complete");
    assert_eq!(effects.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn prompts_ask_as_well() {
    let effects = Arc::default();
    let client = client(&server(&effects), Revision::V2026_07_28).await;
    let params = json!({ "name": "greet" });
    let result: Value = client.request("prompts/get", params).await.unwrap();
    assert_eq!(result["messages"][0]["content"]["text"], "Greet Who!");
}

#[tokio::test]
async fn what_the_client_cannot_do_is_an_error_that_names_it() {
    let effects = Arc::default();
    let client = TestClient::serving(server(&effects)).revision(Revision::V2026_07_28);
    let client = client.connect().await.unwrap();
    for tool in ["samples", "ask"] {
        let mut params = json!({ "name": tool, "arguments": {} });
        let error = client.round("tools/call", &mut params).await.unwrap_err();
        assert_eq!(error.code(), Some(-32021), "{tool}");
    }
}

#[tokio::test]
async fn every_result_says_what_it_is_and_whose() {
    let effects = Arc::default();
    let client = client(&server(&effects), Revision::V2026_07_28).await;
    for (method, cached) in [
        ("server/discover", true),
        ("tools/list", true),
        ("prompts/list", true),
        ("resources/list", true),
        ("resources/templates/list", true),
    ] {
        let result = client.round(method, &mut json!({})).await.unwrap();
        assert_eq!(result["resultType"], "complete", "{method}");
        assert_eq!(result["ttlMs"] == 0, cached, "{method}");
        assert_eq!(result["cacheScope"] == "private", cached, "{method}");
        let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert_eq!(info["name"], "eras", "{method}");
    }
    let discovered = client
        .round("server/discover", &mut json!({}))
        .await
        .unwrap();
    assert_eq!(discovered["supportedVersions"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn what_needs_a_session_is_gone() {
    let effects = Arc::default();
    let client = client(&server(&effects), Revision::V2026_07_28).await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
    ] {
        let result = client.round(method, &mut json!({ "level": "info" })).await;
        assert_eq!(code(result), Some(-32601), "{method}");
    }
}

#[tokio::test]
async fn a_listener_is_acknowledged_and_hears_only_what_it_asked_for() {
    let grow = |present: &McpRouter, _: &serde_json::value::RawValue| {
        Ok(present
            .clone()
            .tool(Tool::new("new").handler(|| async { "new" })))
    };
    let builder = ServerBuilder::from(router(&Arc::default())).on_catalogue(grow);
    let server = builder.build().unwrap();
    let listen = |id: i64, filter: Value| {
        let params = json!({ "notifications": filter }).to_string();
        Request::new(
            RequestId::from(id),
            Method::SubscriptionsListen,
            Some(params.into()),
        )
    };
    let tools = listen(7, json!({ "toolsListChanged": true }));
    let prompts = listen(8, json!({ "promptsListChanged": true }));
    let mut tools = server
        .listen_sessionless(tools, Caller::default())
        .await
        .unwrap();
    let mut prompts = server
        .listen_sessionless(prompts, Caller::default())
        .await
        .unwrap();
    let mut methods = Vec::new();
    for events in [&mut tools, &mut prompts] {
        let event = events.next().await.unwrap();
        assert_eq!(event.id, None);
        methods.push(serde_json::from_slice::<Value>(&event.data).unwrap());
    }
    server.change_catalogue(&"grow").await.unwrap();
    let event = tools.next().await.unwrap();
    methods.push(serde_json::from_slice(&event.data).unwrap());
    let names: Vec<_> = methods.iter().map(|message| &message["method"]).collect();
    let acknowledged = "notifications/subscriptions/acknowledged";
    let changed = "notifications/tools/list_changed";
    assert_eq!(names, [acknowledged, acknowledged, changed]);
    let id = &methods[2]["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
    assert_eq!(*id, 7);
    // The other one hears nothing but the graceful end.
    server.close_listeners();
    let last = prompts.next().await.unwrap();
    let last: Value = serde_json::from_slice(&last.data).unwrap();
    assert_eq!(
        (&last["id"], &last["result"]["resultType"]),
        (&json!(8), &json!("complete"))
    );
    assert!(prompts.next().await.is_none());
}

#[tokio::test]
async fn lists_and_reads_say_how_long_they_stay_fresh() {
    let minute = std::time::Duration::from_mins(1);
    let content = mcp_core::Resource::new("test://a", "a")
        .cache(CacheHint::private(minute))
        .handler(|| async { "text" });
    let router = router(&Arc::default())
        .resource(content)
        .cache(List::Tools, CacheHint::public(minute))
        .extension(
            "com.example/x",
            json!({ "y": 1 }).as_object().unwrap().clone(),
        );
    let builder = TestClient::builder(router).revision(Revision::V2026_07_28);
    let client = builder.connect().await.unwrap();
    let tools = client.round("tools/list", &mut json!({})).await.unwrap();
    assert_eq!(
        (&tools["ttlMs"], &tools["cacheScope"]),
        (&json!(60_000), &json!("public"))
    );
    let mut params = json!({ "uri": "test://a" });
    let read = client.round("resources/read", &mut params).await.unwrap();
    assert_eq!(
        (&read["ttlMs"], &read["cacheScope"]),
        (&json!(60_000), &json!("private"))
    );
    let discovered = client
        .round("server/discover", &mut json!({}))
        .await
        .unwrap();
    assert_eq!(
        discovered["capabilities"]["extensions"]["com.example/x"]["y"],
        1
    );
}

#[test]
fn what_is_filtered_by_caller_cannot_be_public() {
    let minute = std::time::Duration::from_mins(1);
    let router = router(&Arc::default())
        .visible_tools(|_, _| true)
        .cache(List::Tools, CacheHint::public(minute));
    assert!(matches!(
        router.freeze(),
        Err(BuildError::PublicButFiltered(_))
    ));
}

#[tokio::test]
async fn a_handler_that_differs_between_the_eras_is_found() {
    let same = router(&Arc::default());
    assert_same_in_both_eras(same, answering, "tools/call", call())
        .await
        .unwrap();
    let different = McpRouter::new().tool(Tool::new("ask").handler(|ctx: Context| async move {
        let session = ctx.session().is_some();
        let who = ctx.elicit("who", form(&format!("{session}?"))).await?;
        Ok::<_, ToolError>(who.accepted()?.name)
    }));
    let found = assert_same_in_both_eras(different, answering, "tools/call", call()).await;
    assert!(matches!(found, Err(Difference::Questions { .. })));
}

#[tokio::test]
async fn a_state_for_single_use_is_refused_the_second_time() {
    let once = Tool::new("ask")
        .single_use()
        .handler(|ctx: Context| async move {
            let who = ctx.elicit("who", form("Who?")).await?;
            Ok::<_, ToolError>(who.accepted()?.name)
        });
    let builder = TestClient::builder(McpRouter::new().tool(once));
    let builder = builder.revision(Revision::V2026_07_28);
    let client = answering(builder).connect().await.unwrap();
    let mut params = call();
    let first = client.round("tools/call", &mut params).await.unwrap();
    client.answer_round(&first, &mut params).unwrap();
    let done = client
        .round("tools/call", &mut params.clone())
        .await
        .unwrap();
    assert_eq!(done["resultType"], "complete");
    assert_eq!(
        code(client.round("tools/call", &mut params).await),
        Some(-32602)
    );
}
