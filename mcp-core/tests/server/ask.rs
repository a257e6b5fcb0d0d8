//! Questions to the client from inside a handler.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use mcp_core::{
    AskError, Context, ElicitForm, McpRouter, Tool, ToolError,
    handler::{Elicited, Sampling},
    jsonrpc::{ErrorCode, ErrorObject},
    protocol::{ClientCapability, Revision},
    server::ServerBuilder,
    testing::{TestClient, TestClientBuilder},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize, JsonSchema)]
struct Name {
    name: String,
}

fn form() -> ElicitForm<Name> {
    ElicitForm::of("Who?")
}

fn tool<F, Fut>(handler: F) -> TestClientBuilder
where
    F: Fn(Context) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<String, ToolError>> + Send + 'static,
{
    TestClient::builder(McpRouter::new().tool(Tool::new("ask").handler(handler)))
}

fn accept(name: &str) -> Result<Value, ErrorObject> {
    Ok(json!({ "action": "accept", "content": { "name": name } }))
}

async fn answer(client: &TestClient) -> String {
    let result = client.call_tool("ask", json!({})).await.unwrap();
    result.content[0].as_text().unwrap().to_owned()
}

fn shown<T: std::fmt::Debug>(result: T) -> Result<String, ToolError> {
    Ok(format!("{result:?}"))
}

#[tokio::test]
async fn the_answer_continues_the_handler() {
    let client = tool(|ctx| async move {
        let who = ctx.elicit("who", form()).await?.accepted()?;
        Ok(format!("hello {}", who.name))
    });
    let client = client.on_elicit(|_| accept("Ada")).connect().await.unwrap();
    assert_eq!(answer(&client).await, "hello Ada");
}

#[tokio::test]
async fn two_questions_can_wait_at_once() {
    let client = tool(|ctx| async move {
        let who = ctx.elicit("who", form());
        let poem = ctx.sample("poem", Sampling::new(10).user("a poem"));
        let (who, poem) = tokio::try_join!(who, poem)?;
        Ok(format!("{} {}", who.accepted()?.name, poem.text()))
    });
    let client = client
        .on_elicit(|_| accept("Ada"))
        .on_sample(|_| {
            let content = json!({ "type": "text", "text": "roses" });
            Ok(json!({ "role": "assistant", "model": "m", "content": content }))
        })
        .connect()
        .await
        .unwrap();
    assert_eq!(answer(&client).await, "Ada roses");
}

#[tokio::test]
async fn roots_are_asked_for() {
    let client = tool(|ctx| async move { Ok(ctx.roots("roots").await?[0].uri.clone()) });
    let client = client.roots(["file:///home"]).connect().await.unwrap();
    assert_eq!(answer(&client).await, "file:///home");
}

#[tokio::test]
async fn a_client_that_cannot_answer_is_not_asked() {
    let client = tool(|ctx| async move {
        assert!(!ctx.can(ClientCapability::ElicitationForm));
        let error = ctx.elicit("who", form()).await.unwrap_err();
        assert_eq!(
            error,
            AskError::NotSupported(ClientCapability::ElicitationForm)
        );
        Err(error.into())
    });
    let client = client.connect().await.unwrap();
    assert_eq!(
        answer(&client).await,
        "the client does not support elicitation"
    );
}

#[tokio::test]
async fn a_revision_without_a_question_is_not_asked_it() {
    use ClientCapability::{ElicitationForm, ElicitationUrl, SamplingTools};
    for (revision, known) in [
        (Revision::V2024_11_05, [false, false, false]),
        (Revision::V2025_03_26, [false, false, false]),
        (Revision::V2025_06_18, [true, false, false]),
        (Revision::V2025_11_25, [true, true, true]),
    ] {
        let client = tool(move |ctx| async move {
            let can = [ElicitationForm, ElicitationUrl, SamplingTools].map(|what| ctx.can(what));
            assert_eq!(can, known, "{revision}");
            shown(ctx.elicit_url("pay", "https://example.com", "pay").await)
        });
        let client = client
            .revision(revision)
            .on_elicit(|_| Ok(json!({ "action": "accept" })))
            .on_sample(|_| Ok(Value::Null));
        let client = client.connect().await.unwrap();
        let expected = if known[1] {
            "Ok(Accepted(()))"
        } else {
            "Err(NotSupported(ElicitationUrl))"
        };
        assert_eq!(answer(&client).await, expected, "{revision}");
    }
}

#[tokio::test]
async fn a_key_names_one_question_of_a_call() {
    let client = tool(|ctx| async move {
        ctx.elicit("who", form()).await?;
        // The same question again has its answer; another one under the key is a mistake.
        let again = ctx.elicit("who", form()).await?;
        assert!(matches!(again, Elicited::Accepted(_)));
        shown(ctx.elicit("who", ElicitForm::<Name>::of("Who else?")).await)
    });
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let client = client.on_elicit(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        accept("Ada")
    });
    let client = client.connect().await.unwrap();
    assert_eq!(answer(&client).await, "Err(DuplicateKey)");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refusal_and_a_wrong_answer_are_told_apart() {
    let client = tool(|ctx| async move { shown(ctx.elicit("who", form()).await) });
    let refused = ErrorObject::new(ErrorCode(-1), "not now");
    let refusing = client.on_elicit(move |_| Err(refused.clone()));
    let refusing = refusing.connect().await.unwrap();
    let text = answer(&refusing).await;
    assert_eq!(text, r#"Err(Refused { code: -1, message: "not now" })"#);

    let client = tool(|ctx| async move { shown(ctx.elicit("who", form()).await) });
    let wrong = client.on_elicit(|_| Ok(json!({ "action": "accept", "content": { "name": 1 } })));
    let wrong = wrong.connect().await.unwrap();
    assert!(answer(&wrong).await.starts_with("Err(InvalidAnswer(\"name"));
}

#[tokio::test]
async fn a_user_who_declines_gives_a_result_the_model_can_read() {
    let client = tool(|ctx| async move { Ok(ctx.elicit("who", form()).await?.accepted()?.name) });
    let client = client.on_elicit(|_| Ok(json!({ "action": "decline" })));
    let client = client.connect().await.unwrap();
    let result = client.call_tool("ask", json!({})).await.unwrap();
    assert_eq!(result.is_error, Some(true));
    assert_eq!(result.content[0].as_text(), Some("the user declined"));
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_is_given_up() {
    let router = McpRouter::new().tool(Tool::new("ask").handler(|ctx: Context| async move {
        let ask = ctx.elicit("who", form()).within(Duration::from_secs(3));
        shown(ask.await)
    }));
    let server = ServerBuilder::from(router).build().unwrap();
    // This client never answers: its callback says so by an error that is never sent.
    let client = TestClient::serving(server)
        .silent()
        .connect()
        .await
        .unwrap();
    let result = client.call_tool("ask", json!({})).await.unwrap();
    assert_eq!(result.content[0].as_text(), Some("Err(Timeout)"));
    let heard = client.take_notifications();
    assert_eq!(heard[0]["method"], "notifications/cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_stands_still_while_the_client_thinks() {
    let route = Tool::new("ask")
        .handler(|ctx: Context| async move {
            let ask = ctx.elicit("who", form()).within(Duration::from_millis(300));
            shown(ask.await)
        })
        .time_limit(Duration::from_millis(50));
    let server = ServerBuilder::from(McpRouter::new().tool(route)).build();
    let client = TestClient::serving(server.unwrap()).silent();
    let client = client.connect().await.unwrap();
    assert_eq!(answer(&client).await, "Err(Timeout)");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_questions_wait_for_one_client() {
    let router = McpRouter::new().tool(Tool::new("ask").handler(|ctx: Context| async move {
        let within = Duration::from_millis(50);
        let one = ctx.elicit("one", form()).within(within);
        let two = ctx.elicit("two", form()).within(within);
        let (one, two) = tokio::join!(one, two);
        shown((one.unwrap_err(), two.unwrap_err()))
    }));
    let server = ServerBuilder::from(router).with_limits(|limits| limits.pending_asks = 1);
    let client = TestClient::serving(server.build().unwrap()).silent();
    let client = client.connect().await.unwrap();
    assert_eq!(answer(&client).await, "(Timeout, TooMany)");
}

#[tokio::test]
async fn a_step_is_remembered_within_a_call() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let client = tool(move |ctx| {
        let runs = Arc::clone(&counted);
        async move {
            let step = || async { Ok::<_, ToolError>(runs.fetch_add(1, Ordering::SeqCst)) };
            let first = ctx.once("step", step).await?;
            let again = ctx.once("step", step).await?;
            Ok(format!("{first} {again}"))
        }
    });
    let client = client.connect().await.unwrap();
    assert_eq!(answer(&client).await, "0 0");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
