//! The explicit style of asking, and what a `once` step may not do; the same in both eras.

use std::{
    convert::Infallible,
    task::{Context as Task, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};
use mcp_core::{
    BoxError, Context, ElicitForm, McpRouter, Tool, ToolError,
    handler::{AskError, InputRequired, Round, Sampling, in_rounds},
    protocol::Revision,
    router::{McpRequest, McpResponse},
    server::ServerBuilder,
    testing::TestClient,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower::{Service, layer::layer_fn};

const BOTH: [Revision; 2] = [Revision::V2025_11_25, Revision::V2026_07_28];

#[derive(Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

fn form(message: &str) -> ElicitForm<Name> {
    ElicitForm::of(message)
}

#[derive(Serialize, Deserialize)]
struct Known {
    who: String,
    poem: String,
}

/// Two questions at once, then a third that depends on their answers.
async fn ask(ctx: Context) -> Result<Round<String>, ToolError> {
    let answers = ctx.answers();
    if let Some(known) = answers.state::<Option<Known>>()?.flatten()
        && let Some(whom) = answers.elicited::<Name>("whom")
    {
        let whom = whom.accepted()?.name;
        return Ok(Round::Done(format!("{} {} {whom}", known.who, known.poem)));
    }
    let (Some(who), Some(poem)) = (answers.elicited::<Name>("who"), answers.sampled("poem")) else {
        let none: Option<Known> = None;
        let asked = InputRequired::new(&none).elicit("who", form("Who?"));
        return Ok(asked
            .sample("poem", Sampling::new(10).user("a poem"))
            .into());
    };
    let (who, poem) = (who.accepted()?.name, poem.text());
    let question = form(&format!("Whom, {who}?"));
    let known = Known { who, poem };
    Ok(InputRequired::new(&Some(known))
        .elicit("whom", question)
        .into())
}

async fn without_question() -> Result<Round<String>, ToolError> {
    Ok(InputRequired::new(&()).into())
}

async fn for_ever() -> Result<Round<String>, ToolError> {
    Ok(InputRequired::new(&())
        .elicit("again", form("Again?"))
        .into())
}

async fn in_a_step(ctx: Context) -> Result<String, ToolError> {
    let step = || async {
        let answer = ctx.elicit("who", form("Who?")).await;
        Ok::<_, ToolError>(matches!(answer, Err(AskError::InvalidQuestion(_))))
    };
    Ok(ctx.once("step", step).await?.to_string())
}

/// Asks before every call of `guarded`.
#[derive(Clone)]
struct Guard<S>(S);

impl<S> Service<McpRequest> for Guard<S>
where
    S: Service<McpRequest, Response = McpResponse, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = McpResponse;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<McpResponse, BoxError>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: McpRequest) -> Self::Future {
        let mut inner = self.0.clone();
        async move {
            if request.name() == Some("guarded") {
                let asked = request.context().elicit("may", form("May it?")).await?;
                asked.accepted()?;
            }
            Ok(inner
                .call(request)
                .await
                .unwrap_or_else(|never| match never {}))
        }
        .boxed()
    }
}

async fn client(revision: Revision) -> TestClient {
    let router = McpRouter::new()
        .tool(Tool::new("ask").handler(in_rounds(ask)))
        .tool(Tool::new("without_question").handler(in_rounds(without_question)))
        .tool(Tool::new("for_ever").handler(in_rounds(for_ever)))
        .tool(Tool::new("in_a_step").handler(in_a_step))
        .tool(Tool::new("guarded").handler(|| async { "done" }))
        .layer(layer_fn(Guard));
    TestClient::builder(ServerBuilder::from(router))
        .revision(revision)
        .on_elicit(|params| {
            let name = params["message"].as_str().unwrap().replace('?', "!");
            Ok(json!({ "action": "accept", "content": { "name": name } }))
        })
        .on_sample(|_| {
            let content = json!({ "type": "text", "text": "roses" });
            Ok(json!({ "role": "assistant", "model": "m", "content": content }))
        })
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_handler_finds_its_state_and_the_answers() {
    for revision in BOTH {
        let client = client(revision).await;
        let result = client.call_tool("ask", json!({})).await.unwrap();
        let text = result.content[0].as_text().unwrap();
        assert_eq!(text, "Who! roses Whom, Who!!", "{revision}");
        assert_eq!(client.take_questions().len(), 3, "{revision}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_again() {
    let client = client(Revision::V2026_07_28).await;
    let mut params = json!({ "name": "ask", "arguments": {} });
    let first = client.round("tools/call", &mut params).await.unwrap();
    client.answer_round(&first, &mut params).unwrap();
    params["inputResponses"]["who"]["content"]["name"] = json!(1);
    let second = client.round("tools/call", &mut params).await.unwrap();
    assert!(second["inputRequests"]["who"].is_object(), "{second}");
    client.answer_round(&second, &mut params).unwrap();
    let third = client.round("tools/call", &mut params).await.unwrap();
    assert!(third["inputRequests"]["whom"].is_object(), "{third}");
}

#[tokio::test]
async fn answers_to_questions_that_nobody_asked_are_not_there() {
    let client = client(Revision::V2026_07_28).await;
    let mut params = json!({ "name": "ask", "arguments": {} });
    params["inputResponses"] = json!({ "who": { "action": "decline" } });
    let first = client.round("tools/call", &mut params).await.unwrap();
    let asked: Vec<_> = first["inputRequests"].as_object().unwrap().keys().collect();
    assert_eq!(asked, ["poem", "who"]);
}

#[tokio::test]
async fn a_round_must_ask_something() {
    for revision in BOTH {
        let client = client(revision).await;
        let result = client
            .call_tool("without_question", json!({}))
            .await
            .unwrap();
        assert_eq!(result.is_error, Some(true), "{revision}");
    }
}

#[tokio::test]
async fn a_handler_that_never_ends_is_ended() {
    for revision in BOTH {
        let client = client(revision).await;
        let ended = client.call_tool("for_ever", json!({})).await;
        let refused = ended.map_or(true, |result| result.is_error == Some(true));
        assert!(refused, "{revision}");
    }
}

#[tokio::test]
async fn a_layer_asks_as_a_handler_does() {
    for revision in BOTH {
        let client = client(revision).await;
        let result = client.call_tool("guarded", json!({})).await.unwrap();
        assert_eq!(result.content[0].as_text(), Some("done"), "{revision}");
        assert_eq!(client.take_questions().len(), 1, "{revision}");
    }
}

#[tokio::test]
async fn a_step_cannot_ask() {
    for revision in BOTH {
        let client = client(revision).await;
        let result = client.call_tool("in_a_step", json!({})).await.unwrap();
        let text: Value = result.content[0].as_text().unwrap().into();
        assert_eq!(text, "true", "{revision}");
    }
}
