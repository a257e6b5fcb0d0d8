//! What the server has: tools, resources, prompts, and what they complete.

use rmcp::{
    ServiceError,
    model::{
        GetPromptRequestParams, ReadResourceRequestParams, ResourceContents,
        SubscribeRequestParams, UnsubscribeRequestParams,
    },
};
use serde_json::json;

use crate::{
    client::{User, connect, object},
    server::Server,
};

#[tokio::test]
async fn tools_are_listed_with_their_schemas() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let tools = client.list_all_tools().await.unwrap();
    assert_eq!(tools.len(), 14);
    let named = |name| tools.iter().find(|tool| tool.name == name).unwrap();
    let sampling = &named("test_sampling").input_schema;
    assert_eq!(sampling["required"], json!(["prompt"]));
    let kept = &named("json_schema_2020_12_tool").input_schema;
    assert_eq!(kept["$defs"]["address"]["$anchor"], "addressDef");
}

#[tokio::test]
async fn resources_are_listed() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let resources = client.list_all_resources().await.unwrap();
    let uris: Vec<&str> = resources.iter().map(|one| one.uri.as_str()).collect();
    for uri in [
        "test://static-text",
        "test://static-binary",
        "test://watched-resource",
    ] {
        assert!(uris.contains(&uri), "{uris:?}");
    }
    assert_eq!(uris.len(), 3);
}

#[tokio::test]
async fn resource_templates_are_listed() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let templates = client.list_all_resource_templates().await.unwrap();
    let [template] = &templates[..] else {
        panic!("{templates:?}");
    };
    assert_eq!(template.uri_template, "test://template/{id}/data");
}

#[tokio::test]
async fn prompts_are_listed_with_their_arguments() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let prompts = client.list_all_prompts().await.unwrap();
    let mut named = prompts.iter();
    let prompt = named.find(|prompt| prompt.name == "test_prompt_with_arguments");
    let arguments = prompt.unwrap().arguments.as_ref().unwrap();
    let shown: Vec<_> = arguments
        .iter()
        .map(|argument| (argument.name.as_str(), argument.required))
        .collect();
    assert_eq!(shown, [("arg1", Some(true)), ("arg2", Some(true))]);
}

/// The only contents of a resource.
async fn read(server: &Server, uri: &str) -> ResourceContents {
    let client = connect(User::default(), &server.url).await;
    let params = ReadResourceRequestParams::new(uri);
    let mut result = client.read_resource(params).await.unwrap();
    assert_eq!(result.contents.len(), 1, "{result:?}");
    result.contents.remove(0)
}

#[tokio::test]
async fn a_text_resource_is_read() {
    let server = Server::start().await;
    let contents = read(&server, "test://static-text").await;
    let ResourceContents::TextResourceContents {
        mime_type, text, ..
    } = contents
    else {
        panic!("{contents:?}");
    };
    assert_eq!(mime_type.unwrap(), "text/plain");
    assert_eq!(text, "This is the content of the static text resource.");
}

#[tokio::test]
async fn a_binary_resource_is_read() {
    let server = Server::start().await;
    let contents = read(&server, "test://static-binary").await;
    let ResourceContents::BlobResourceContents {
        mime_type, blob, ..
    } = contents
    else {
        panic!("{contents:?}");
    };
    assert_eq!(mime_type.unwrap(), "image/png");
    assert!(blob.starts_with("iVBORw0KGgo"), "{blob}");
}

#[tokio::test]
async fn a_resource_of_a_template_is_read() {
    let server = Server::start().await;
    let contents = read(&server, "test://template/123/data").await;
    let ResourceContents::TextResourceContents { uri, text, .. } = contents else {
        panic!("{contents:?}");
    };
    assert_eq!(uri, "test://template/123/data");
    assert!(text.contains("Data for ID: 123"), "{text}");
}

#[tokio::test]
async fn an_unknown_resource_is_an_error_that_names_it() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let params = ReadResourceRequestParams::new("test://nonexistent");
    let failed = client.read_resource(params).await;
    let Err(ServiceError::McpError(error)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(error.data.unwrap()["uri"], "test://nonexistent");
}

#[tokio::test]
#[expect(deprecated, reason = "the newest revision subscribes in another way")]
async fn a_resource_is_subscribed_to_and_unsubscribed_from() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let uri = "test://watched-resource";
    let subscribed = client.subscribe(SubscribeRequestParams::new(uri)).await;
    subscribed.unwrap();
    let ended = client.unsubscribe(UnsubscribeRequestParams::new(uri)).await;
    ended.unwrap();
}

#[tokio::test]
async fn a_prompt_gets_its_arguments() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let arguments = json!({ "arg1": "testValue1", "arg2": "testValue2" });
    let params = GetPromptRequestParams::new("test_prompt_with_arguments");
    let params = params.with_arguments(object(arguments));
    let result = client.get_prompt(params).await.unwrap();
    assert_eq!(
        result.messages[0].content.as_text().unwrap().text,
        "Prompt with arguments: arg1='testValue1', arg2='testValue2'"
    );
}

#[tokio::test]
async fn a_prompt_argument_is_completed() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let values = client
        .complete_prompt_simple("test_prompt_with_arguments", "arg1", "test")
        .await;
    assert_eq!(values.unwrap(), ["testValue1", "testValue2"]);
}
