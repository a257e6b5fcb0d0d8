//! Resources: text, bytes, a template, and one to subscribe to.

use mcp_core::{Args, Json, McpRouter, Resource, ResourceTemplate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::content::PNG;

/// The resources.
pub(crate) fn router() -> McpRouter {
    McpRouter::new()
        .resource(
            Resource::new("test://static-text", "static-text")
                .description("A text")
                .mime_type("text/plain")
                .handler(static_text),
        )
        .resource(
            Resource::new("test://static-binary", "static-binary")
                .description("A picture")
                .mime_type("image/png")
                .handler(static_binary),
        )
        .resource(
            Resource::new("test://watched-resource", "watched-resource")
                .description("A text to subscribe to")
                .mime_type("text/plain")
                .handler(watched),
        )
        .resource_template(
            ResourceTemplate::new("test://template/{id}/data", "template")
                .description("Data for an id")
                .mime_type("application/json")
                .handler(template),
        )
}

async fn static_text() -> &'static str {
    "This is the content of the static text resource."
}

async fn static_binary() -> Vec<u8> {
    PNG.to_vec()
}

async fn watched() -> &'static str {
    "This resource can be subscribed to."
}

#[derive(Deserialize, JsonSchema)]
struct Id {
    /// Any text
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Templated {
    id: String,
    template_test: bool,
    data: String,
}

async fn template(Args(Id { id }): Args<Id>) -> Json<Templated> {
    Json(Templated {
        data: format!("Data for ID: {id}"),
        id,
        template_test: true,
    })
}
