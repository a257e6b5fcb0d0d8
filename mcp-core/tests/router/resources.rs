//! Resources and templates: what they read, and what does not exist.

use mcp_core::{
    handler::{
        Args, CompletionRequest, Json, RequestError, Resource, ResourceTemplate, ResourceUri,
    },
    jsonrpc::ErrorObject,
    protocol::{self, ResourceContents, Revision},
    router::{BuildError, McpRouter},
};
use serde_json::{Value, json};

use crate::calls::{answer, ask, names, read, request_in};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Note {
    id: u64,
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
struct Search {
    text: Option<String>,
    limit: Option<u8>,
    exact: Option<bool>,
}

async fn read_note(Args(note): Args<Note>) -> Option<String> {
    (note.id == 7).then(|| "milk".to_owned())
}

fn notes() -> McpRouter {
    McpRouter::new()
        .resource(
            Resource::new("notes://all", "all")
                .mime_type("application/json")
                .handler(async || "[7]"),
        )
        .resource_template(
            ResourceTemplate::new("notes://{id}", "note")
                .mime_type("text/plain")
                .handler(read_note)
                .complete("id", async || vec!["7"]),
        )
        .resource_template(
            ResourceTemplate::new("notes://find{?text,limit,exact}", "find").handler(
                async |Args(search): Args<Search>| {
                    let Search { text, limit, exact } = search;
                    format!("{text:?} {limit:?} {exact:?}")
                },
            ),
        )
}

async fn read_uri(router: &McpRouter, uri: &str) -> Value {
    answer(router, "resources/read", json!({"uri": uri})).await
}

#[tokio::test]
async fn a_resource_is_read_with_its_uri_and_media_type() {
    let contents = json!({"contents": [
        {"uri": "notes://all", "mimeType": "application/json", "text": "[7]"},
    ]});
    assert_eq!(read_uri(&notes(), "notes://all").await, contents);
}

#[tokio::test]
async fn a_template_reads_its_variables() {
    let result = read_uri(&notes(), "notes://7").await;
    let expected = json!([{"uri": "notes://7", "mimeType": "text/plain", "text": "milk"}]);
    assert_eq!(result["contents"], expected);
}

#[tokio::test]
async fn absent_variables_are_none() {
    for (uri, text) in [
        (
            "notes://find?text=a%20b&limit=3&exact=true",
            r#"Some("a b") Some(3) Some(true)"#,
        ),
        ("notes://find?limit=3", "None Some(3) None"),
    ] {
        assert_eq!(
            read_uri(&notes(), uri).await["contents"][0]["text"],
            text,
            "{uri}"
        );
    }
}

#[tokio::test]
async fn an_exact_resource_wins_and_the_first_template_answers() {
    let fixed = |text: &'static str| move || std::future::ready(text);
    let router = McpRouter::new()
        .resource_template(ResourceTemplate::new("a://{+any}", "first").handler(fixed("first")))
        .resource_template(ResourceTemplate::new("a://{b}", "second").handler(fixed("second")))
        .resource(Resource::new("a://b", "exact").handler(fixed("exact")));
    assert_eq!(
        read_uri(&router, "a://b").await["contents"][0]["text"],
        "exact"
    );
    assert_eq!(
        read_uri(&router, "a://c").await["contents"][0]["text"],
        "first"
    );
}

#[tokio::test]
async fn an_unknown_resource_has_the_code_of_the_revision() {
    for uri in ["other://x", "notes://8", "notes://eight"] {
        for revision in Revision::ALL {
            let request = request_in(revision, "resources/read", json!({"uri": uri}));
            let error = read(ask(&notes(), request).await);
            assert_eq!(
                error["error"]["code"],
                revision.rules().resource_not_found,
                "{uri}"
            );
            assert_eq!(error["error"]["data"], json!({"uri": uri}));
        }
    }
    let error = read_uri(&notes(), "notes://eight").await;
    let text = error["error"]["message"].as_str().unwrap();
    assert!(text.contains("`id`"), "{text}");
}

#[tokio::test]
async fn a_read_without_uri_is_32602() {
    let error = answer(&notes(), "resources/read", json!({})).await;
    assert_eq!(error["error"]["code"], -32602);
}

#[tokio::test]
async fn everything_a_resource_can_return_becomes_contents() {
    let router = McpRouter::new()
        .resource(Resource::new("a:bytes", "b").handler(async || vec![1_u8, 2]))
        .resource(Resource::new("a:json", "j").handler(async || Json([1, 2])))
        .resource(Resource::new("a:uri", "u").mime_type("text/x").handler(
            async |ResourceUri(uri): ResourceUri| {
                vec![
                    ResourceContents::text(uri, "x"),
                    ResourceContents::text("a:2", "y").mime_type("z"),
                ]
            },
        ));
    let bytes = read_uri(&router, "a:bytes").await;
    assert_eq!(
        bytes["contents"],
        json!([{"uri": "a:bytes", "blob": "AQI="}])
    );
    let value = read_uri(&router, "a:json").await;
    let expected = json!([{"uri": "a:json", "mimeType": "application/json", "text": "[1,2]"}]);
    assert_eq!(value["contents"], expected);
    let several = read_uri(&router, "a:uri").await;
    assert_eq!(names(&several, "contents", "mimeType"), ["text/x", "z"]);
    assert_eq!(names(&several, "contents", "uri"), ["a:uri", "a:2"]);
}

#[tokio::test]
async fn a_resource_fails_with_json_rpc_errors_only() {
    async fn secret() -> Result<String, RequestError> {
        Ok(String::from_utf8(vec![0xff])?)
    }
    let router = McpRouter::new()
        .resource(Resource::new("a:secret", "s").handler(secret))
        .resource(
            Resource::new("a:none", "n")
                .handler(async || Err::<String, _>(RequestError::not_found())),
        )
        .resource(
            Resource::new("a:own", "o")
                .handler(async || Err::<String, _>(ErrorObject::invalid_request("no"))),
        );
    let error = read_uri(&router, "a:secret").await;
    assert_eq!(
        error["error"],
        json!({"code": -32603, "message": "the request failed"})
    );
    assert_eq!(read_uri(&router, "a:none").await["error"]["code"], -32002);
    assert_eq!(read_uri(&router, "a:own").await["error"]["code"], -32600);
}

#[tokio::test]
async fn templates_and_resources_are_listed_apart() {
    let resources = answer(&notes(), "resources/list", Value::Null).await;
    assert_eq!(names(&resources, "resources", "uri"), ["notes://all"]);
    let templates = answer(&notes(), "resources/templates/list", Value::Null).await;
    let expected = ["notes://find{?text,limit,exact}", "notes://{id}"];
    assert_eq!(
        names(&templates, "resourceTemplates", "uriTemplate"),
        expected
    );
}

#[tokio::test]
async fn a_variable_is_completed() {
    let params = json!({
        "ref": {"type": "ref/resource", "uri": "notes://{id}"},
        "argument": {"name": "id", "value": ""},
    });
    let result = answer(&notes(), "completion/complete", params).await;
    assert_eq!(result, json!({"completion": {"values": ["7"]}}));
}

#[tokio::test]
async fn what_is_completed_is_the_completers_argument() {
    async fn complete(wanted: CompletionRequest) -> Vec<String> {
        vec![wanted.argument, wanted.value, wanted.arguments["x"].clone()]
    }
    let template = ResourceTemplate::new("a://{x}/{y}", "a")
        .handler(async || "a")
        .complete("y", complete);
    let router = McpRouter::new().resource_template(template);
    let params = json!({
        "ref": {"type": "ref/resource", "uri": "a://{x}/{y}"},
        "argument": {"name": "y", "value": "v"},
        "context": {"arguments": {"x": "1"}},
    });
    let result = answer(&router, "completion/complete", params).await;
    assert_eq!(result["completion"]["values"], json!(["y", "v", "1"]));
}

#[test]
fn what_cannot_be_offered_is_a_build_error() {
    let resource = |uri: &str| Resource::new(uri, "r").handler(async || "r");
    let template = |uri: &str| ResourceTemplate::new(uri, "t").handler(async || "t");
    let twice = McpRouter::new()
        .resource(resource("a:b"))
        .resource(resource("a:b"));
    assert_eq!(
        twice.freeze().unwrap_err(),
        BuildError::DuplicateResource("a:b".into())
    );
    let twice = McpRouter::new()
        .resource_template(template("a:{b}"))
        .resource_template(template("a:{b}"));
    assert_eq!(
        twice.freeze().unwrap_err(),
        BuildError::DuplicateTemplate("a:{b}".into())
    );
    let relative = McpRouter::new().resource(resource("b"));
    assert_eq!(
        relative.freeze().unwrap_err(),
        BuildError::InvalidUri("b".into())
    );
    let error = McpRouter::new()
        .resource_template(template("a:{b*}"))
        .freeze()
        .unwrap_err();
    assert!(matches!(&error, BuildError::InvalidTemplate { .. }));
    assert!(error.to_string().contains("`a:{b*}`"), "{error}");
    let lost = template("a:{b}").complete("c", async || vec!["c"]);
    let error = McpRouter::new()
        .resource_template(lost)
        .freeze()
        .unwrap_err();
    assert!(matches!(error, BuildError::UnknownArgument { .. }));
}

#[tokio::test]
async fn details_are_listed_as_the_revision_knows_them() {
    let resource = Resource::new("a:b", "b")
        .title("B")
        .description("b")
        .size(3)
        .annotations(protocol::Annotations::new().priority(0.5))
        .icon(protocol::Icon::new("data:,"))
        .handler(async || "b");
    let router = McpRouter::new().resource(resource);
    for (revision, members) in [
        (Revision::V2024_11_05, 5),
        (Revision::V2025_06_18, 6),
        (Revision::V2025_11_25, 7),
    ] {
        let page = read(ask(&router, request_in(revision, "resources/list", Value::Null)).await);
        assert_eq!(
            page["resources"][0].as_object().unwrap().len(),
            members,
            "{revision}"
        );
    }
}
