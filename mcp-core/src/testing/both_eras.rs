//! One handler, called with a session and without: what differs?

use serde_json::Value;

use super::{ClientError, TestClient, TestClientBuilder};
use crate::{
    error::BoxError,
    protocol::Revision,
    server::{Server, ServerBuilder},
};

/// What a handler does differently with a session and without.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// It asks other questions.
    #[error("with a session it asks {with}, without one {without}")]
    Questions {
        /// In 2025-11-25, in the order of their text.
        with: Value,
        /// In 2026-07-28.
        without: Value,
    },
    /// It answers something else.
    #[error("with a session it answers {with}, without one {without}")]
    Results {
        /// In 2025-11-25.
        with: Value,
        /// In 2026-07-28.
        without: Value,
    },
    /// It could not be called at all.
    #[error("the server could not be called")]
    Broken(#[source] BoxError),
}

/// Sends one request in 2025-11-25 and in 2026-07-28 and compares the questions asked and the results,
/// apart from what the revision itself adds to every result. Gives the result.
///
/// ```
/// use mcp_core::{Context, ElicitForm, McpRouter, Tool, ToolError, testing};
/// use serde_json::json;
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Name {
///     name: String,
/// }
///
/// async fn greet(ctx: Context) -> Result<String, ToolError> {
///     let who = ctx.elicit("who", ElicitForm::<Name>::of("Who are you?")).await?;
///     Ok(format!("Hello, {}!", who.accepted()?.name))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_core::BoxError> {
/// let router = McpRouter::new().tool(Tool::new("greet").handler(greet));
/// let client = |client: testing::TestClientBuilder| {
///     client.on_elicit(|_| Ok(json!({ "action": "accept", "content": { "name": "Ada" } })))
/// };
/// let params = json!({ "name": "greet", "arguments": {} });
/// testing::assert_same_in_both_eras(router, client, "tools/call", params).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// The first [`Difference`].
///
/// # Cancel safety
///
/// When dropped, the handler may have run in one revision only.
pub async fn assert_same_in_both_eras(
    router: impl Into<ServerBuilder> + Send,
    client: impl Fn(TestClientBuilder) -> TestClientBuilder + Send + Sync,
    method: &str,
    params: Value,
) -> Result<Value, Difference> {
    let server = router.into().build();
    let server = server.map_err(|error| Difference::Broken(error.into()))?;
    let call = async |revision| called(&server, &client, revision, method, params.clone()).await;
    let (asked_with, with) = call(Revision::V2025_11_25).await?;
    let (asked_without, without) = call(Revision::V2026_07_28).await?;
    if asked_with != asked_without {
        return Err(Difference::Questions {
            with: asked_with,
            without: asked_without,
        });
    }
    if with != without {
        return Err(Difference::Results { with, without });
    }
    Ok(without)
}

async fn called(
    server: &Server,
    client: &(impl Fn(TestClientBuilder) -> TestClientBuilder + Send + Sync),
    revision: Revision,
    method: &str,
    params: Value,
) -> Result<(Value, Value), Difference> {
    let client = client(TestClient::serving(server.clone()).revision(revision));
    let client = client.connect().await.map_err(Difference::Broken)?;
    let result = match client.request(method, params).await {
        Ok(result) => own(result),
        Err(ClientError::Rpc(error)) => error.code.0.into(),
        Err(error) => return Err(Difference::Broken(error.into())),
    };
    // Questions that wait at once are asked in any order.
    let mut asked = client.take_questions();
    asked.sort_by_key(ToString::to_string);
    Ok((asked.into(), result))
}

/// The result without what a revision adds.
fn own(mut result: Value) -> Value {
    if let Some(members) = result.as_object_mut() {
        for added in ["resultType", "ttlMs", "cacheScope", "_meta"] {
            members.remove(added);
        }
    }
    result
}
