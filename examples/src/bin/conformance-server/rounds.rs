//! What asks the client, once or in several rounds, under the keys that the suite looks for.

use mcp_core::{
    Context, ElicitForm, McpRouter, Prompt, Tool, ToolError,
    handler::{Ask, AskError, Elicited, RequestError, Sampled, Sampling},
    protocol::{ClientCapability, Root},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The tools and the prompt.
pub(crate) fn router() -> McpRouter {
    McpRouter::new().merge(single()).merge(several()).prompt(
        Prompt::new("test_input_required_result_prompt")
            .description("Asks the user for the context it then has")
            .handler(prompt),
    )
}

/// The tools that ask one question.
fn single() -> McpRouter {
    McpRouter::new()
        .tool(
            Tool::new("test_input_required_result_elicitation")
                .description("Asks the user for a name")
                .handler(elicitation),
        )
        .tool(
            Tool::new("test_input_required_result_sampling")
                .description("Asks the client's model for a capital")
                .handler(sampling),
        )
        .tool(
            Tool::new("test_input_required_result_list_roots")
                .description("Asks for the client's roots")
                .handler(list_roots),
        )
        .tool(
            Tool::new("test_input_required_result_request_state")
                .description("Asks the user to confirm; the client carries the state of the call")
                .handler(confirmation),
        )
        .tool(
            Tool::new("test_input_required_result_tampered_state")
                .description("Asks the user to confirm; a state that was altered is refused")
                .handler(confirmation),
        )
        .tool(
            Tool::new("test_missing_capability")
                .description("Asks the client's model, so the client must have one")
                .requires(ClientCapability::Sampling)
                .handler(sampling),
        )
        .tool(
            Tool::new("test_streaming_elicitation")
                .description("Asks the user, however the answer to the call is sent")
                .handler(elicitation),
        )
}

/// The tools that ask more than one question.
fn several() -> McpRouter {
    McpRouter::new()
        .tool(
            Tool::new("test_input_required_result_multiple_inputs")
                .description("Asks the user, the client's model and for its roots at once")
                .handler(multiple_inputs),
        )
        .tool(
            Tool::new("test_input_required_result_multi_round")
                .description("Asks the user for a name and then for a color")
                .handler(multi_round),
        )
        .tool(
            Tool::new("test_input_required_result_capabilities")
                .description("Asks only what the client can answer")
                .handler(capabilities),
        )
}

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
struct Color {
    color: String,
}

#[derive(Deserialize, JsonSchema)]
struct Confirmation {
    ok: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Background {
    context: String,
}

async fn elicitation(ctx: Context) -> Result<String, ToolError> {
    let Name { name } = user_name(&ctx).await?.accepted()?;
    Ok(format!("Hello, {name}!"))
}

async fn sampling(ctx: Context) -> Result<String, ToolError> {
    let question = Sampling::new(100).user("What is the capital of France?");
    let answer = ctx.sample("capital_question", question).await?;
    Ok(format!("LLM response: {}", answer.text()))
}

async fn list_roots(ctx: Context) -> Result<String, ToolError> {
    let roots = client_roots(&ctx).await?;
    Ok(format!("Roots: {}", uris(&roots)))
}

async fn confirmation(ctx: Context) -> Result<String, ToolError> {
    let form = ElicitForm::<Confirmation>::of("Please confirm");
    let Confirmation { ok } = ctx.elicit("confirm", form).await?.accepted()?;
    Ok(format!("state-ok, confirmed: {ok}"))
}

async fn multiple_inputs(ctx: Context) -> Result<String, ToolError> {
    let (name, greeting, roots) =
        tokio::try_join!(user_name(&ctx), greeting(&ctx), client_roots(&ctx))?;
    let Name { name } = name.accepted()?;
    let (greeting, roots) = (greeting.text(), uris(&roots));
    Ok(format!("{name}: {greeting}; roots: {roots}"))
}

async fn multi_round(ctx: Context) -> Result<String, ToolError> {
    let form = ElicitForm::<Name>::of("Step 1: What is your name?");
    let Name { name } = ctx.elicit("step1", form).await?.accepted()?;
    let form = ElicitForm::<Color>::of("Step 2: What is your favorite color?");
    let Color { color } = ctx.elicit("step2", form).await?.accepted()?;
    Ok(format!("{name} likes {color}."))
}

async fn capabilities(ctx: Context) -> Result<String, ToolError> {
    let (name, greeting, roots) = tokio::try_join!(
        if_able(&ctx, ClientCapability::ElicitationForm, user_name(&ctx)),
        if_able(&ctx, ClientCapability::Sampling, greeting(&ctx)),
        if_able(&ctx, ClientCapability::Roots, client_roots(&ctx)),
    )?;
    let answered: Vec<_> = [
        name.map(|_| "elicitation"),
        greeting.map(|_| "sampling"),
        roots.map(|_| "roots"),
    ]
    .into_iter()
    .flatten()
    .collect();
    Ok(format!("Answered: {}", answered.join(", ")))
}

async fn prompt(ctx: Context) -> Result<String, RequestError> {
    let form = ElicitForm::<Background>::of("What context should the prompt use?");
    let Background { context } = ctx.elicit("user_context", form).await?.accepted()?;
    Ok(format!("Use this context: {context}"))
}

fn user_name(ctx: &Context) -> Ask<Elicited<Name>> {
    ctx.elicit("user_name", ElicitForm::of("What is your name?"))
}

fn greeting(ctx: &Context) -> Ask<Sampled> {
    let question = Sampling::new(50).user("Generate a greeting");
    ctx.sample("greeting", question)
}

fn client_roots(ctx: &Context) -> Ask<Vec<Root>> {
    ctx.roots("client_roots")
}

/// Asks, unless the client cannot answer.
async fn if_able<T>(
    ctx: &Context,
    needed: ClientCapability,
    ask: Ask<T>,
) -> Result<Option<T>, AskError> {
    if !ctx.can(needed) {
        return Ok(None);
    }
    ask.await.map(Some)
}

fn uris(roots: &[Root]) -> String {
    let uris: Vec<_> = roots.iter().map(|root| root.uri.as_str()).collect();
    uris.join(", ")
}
