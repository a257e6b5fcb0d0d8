//! A tool's handler with the tool's schemas around it.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::validator::SchemaValidator;
use crate::{
    handler::{Endpoint, NO_ARGUMENTS, Rejection, Route, unfit},
    protocol::Tool,
    router::{BuildError, McpRequest, McpResponse, RouterFuture},
};

/// The tools, those with further keywords in their schemas behind a check.
pub(in crate::router) fn enforce(
    tools: Vec<Route<Tool, ()>>,
) -> Result<Vec<Route<Tool, ()>>, BuildError> {
    tools.into_iter().map(enforced).collect()
}

fn enforced(mut tool: Route<Tool, ()>) -> Result<Route<Tool, ()>, BuildError> {
    let (item, origins) = (&tool.item, tool.origins);
    let unusable = |which: &str, why: String| BuildError::InvalidSchema {
        tool: item.name.clone(),
        why: format!("{which}: {why}"),
    };
    let input = SchemaValidator::compile(&item.input_schema, origins.input)
        .map_err(|why| unusable("input", why))?;
    let output = match &item.output_schema {
        None => None,
        Some(schema) => SchemaValidator::compile(schema, origins.output)
            .map_err(|why| unusable("output", why))?,
    };
    if input.is_some() || output.is_some() {
        tool.endpoint = Arc::new(Enforced {
            handler: tool.endpoint,
            input,
            output: output.map(Arc::new),
        });
    }
    Ok(tool)
}

/// A handler that is called with what fits, and answers what fits.
struct Enforced {
    handler: Arc<dyn Endpoint<()>>,
    input: Option<SchemaValidator>,
    output: Option<Arc<SchemaValidator>>,
}

impl Endpoint<()> for Enforced {
    fn call(&self, request: McpRequest, state: &(), limit: Option<Duration>) -> RouterFuture {
        if let Some(input) = &self.input {
            let arguments = request.arguments().map_or(NO_ARGUMENTS, AsRef::as_ref);
            if let Err(why) = input.check(arguments) {
                return Rejection::arguments(why).into_response(&request).into();
            }
        }
        let Some(output) = &self.output else {
            return self.handler.call(request, state, limit);
        };
        let output = Arc::clone(output);
        let asked = request.clone();
        let running = self.handler.call(request, state, limit);
        RouterFuture::boxed(async move {
            let Ok(response) = running.await;
            checked(&output, &asked, response)
        })
    }
}

/// The one member of a result that has a schema.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow, rename = "structuredContent")]
    structured_content: Option<&'a RawValue>,
}

/// The response, if its structured content is what the tool promises.
fn checked(output: &SchemaValidator, asked: &McpRequest, response: McpResponse) -> McpResponse {
    let result = response.as_result().filter(|_| !response.is_tool_error());
    let sent = result.and_then(|json| serde_json::from_slice::<Sent<'_>>(json).ok());
    let Some(structured) = sent.and_then(|sent| sent.structured_content) else {
        return response;
    };
    match output.check(structured.get().as_bytes()) {
        Ok(()) => response,
        Err(why) => unfit(asked, "does not fit the output schema", &why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::{Args, Json, Tool as Description, ToolRoute};

    #[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
    struct Plain {
        count: u32,
        name: Option<String>,
    }

    #[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
    struct Limited {
        #[schemars(range(min = 1))]
        count: u32,
    }

    async fn plain(Args(plain): Args<Plain>) -> Json<Plain> {
        Json(plain)
    }

    async fn limited(Args(limited): Args<Limited>) -> Json<Plain> {
        Json(Plain {
            count: limited.count,
            name: None,
        })
    }

    async fn promises(Args(plain): Args<Plain>) -> Json<Limited> {
        Json(Limited { count: plain.count })
    }

    fn is_checked(ToolRoute(route): ToolRoute<()>) -> bool {
        let before = Arc::clone(&route.endpoint);
        let after = enforced(route).unwrap().endpoint;
        !Arc::ptr_eq(&before, &after)
    }

    #[test]
    fn only_a_tool_with_further_keywords_has_a_validator() {
        let tool = || Description::new("tool");
        assert!(!is_checked(tool().handler(plain)));
        assert!(!is_checked(tool().handler(async || "no arguments")));
        let object = || serde_json::json!({"type": "object"});
        assert!(!is_checked(tool().input_schema(object()).handler(plain)));
        assert!(is_checked(tool().handler(limited)));
        assert!(is_checked(tool().handler(promises)));
        let own = serde_json::json!({"type": "object", "required": ["count"]});
        assert!(is_checked(tool().input_schema(own).handler(plain)));
    }
}
