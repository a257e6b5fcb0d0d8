//! Calling tools: with an answer, with an error, with what happens in between.

#![expect(
    deprecated,
    reason = "what the newest revision gives up is what these revisions have"
)]

use rmcp::model::{CallToolRequestParams, ElicitationAction, LoggingLevel, SetLevelRequestParams};
use serde_json::json;

use crate::{
    client::{User, call, connect, text},
    server::Server,
};

#[tokio::test]
async fn a_tool_answers_with_a_text() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let result = call(&client, "test_simple_text", json!({})).await;
    assert_eq!(text(&result), "This is a simple text response for testing.");
    assert_ne!(result.is_error, Some(true));
}

#[tokio::test]
async fn a_call_needs_no_arguments_member() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let params = CallToolRequestParams::new("test_simple_text");
    let result = client.call_tool(params).await.unwrap();
    assert_eq!(text(&result), "This is a simple text response for testing.");
}

#[tokio::test]
async fn a_result_can_mix_every_kind_of_content() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let result = call(&client, "test_multiple_content_types", json!({})).await;
    let [words, picture, embedded] = &result.content[..] else {
        panic!("{result:?}");
    };
    assert!(words.as_text().is_some(), "{words:?}");
    assert_eq!(picture.as_image().unwrap().mime_type, "image/png");
    assert!(embedded.as_resource().is_some(), "{embedded:?}");
}

#[tokio::test]
async fn a_failing_tool_answers_with_an_error_result() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let result = call(&client, "test_error_handling", json!({})).await;
    assert_eq!(result.is_error, Some(true));
    assert_eq!(
        text(&result),
        "This tool intentionally returns an error for testing"
    );
}

#[tokio::test]
async fn progress_rises_while_a_tool_runs() {
    let server = Server::start().await;
    let (user, mut told) = User::listening();
    let client = connect(user, &server.url).await;
    call(&client, "test_tool_with_progress", json!({})).await;
    for wanted in [0.0, 50.0, 100.0] {
        let heard = told.progress.recv().await;
        assert_eq!(heard, Some((wanted, Some(100.0))));
    }
}

#[tokio::test]
async fn log_lines_arrive_while_a_tool_runs() {
    let server = Server::start().await;
    let (user, mut told) = User::listening();
    let client = connect(user, &server.url).await;
    let params = SetLevelRequestParams::new(LoggingLevel::Debug);
    client.set_level(params).await.unwrap();
    call(&client, "test_tool_with_logging", json!({})).await;
    for wanted in [
        "Tool execution started",
        "Tool processing data",
        "Tool execution completed",
    ] {
        let heard = told.log.recv().await;
        assert_eq!(heard, Some((LoggingLevel::Info, json!(wanted))));
    }
}

#[tokio::test]
async fn log_lines_below_the_wanted_level_stay_away() {
    let server = Server::start().await;
    let (user, mut told) = User::listening();
    let mut client = connect(user, &server.url).await;
    let params = SetLevelRequestParams::new(LoggingLevel::Error);
    client.set_level(params).await.unwrap();
    call(&client, "test_tool_with_logging", json!({})).await;
    client.close().await.unwrap();
    drop(client);
    assert_eq!(told.log.recv().await, None);
}

#[tokio::test]
async fn the_clients_model_answers_a_tool() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let prompt = json!({ "prompt": "Test prompt for sampling" });
    let result = call(&client, "test_sampling", prompt).await;
    assert_eq!(
        text(&result),
        "LLM response: 100 tokens about: Test prompt for sampling"
    );
}

#[tokio::test]
async fn the_user_fills_in_a_form() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let message = json!({ "message": "Who?" });
    let result = call(&client, "test_elicitation", message).await;
    let answer = text(&result);
    assert!(answer.contains("action=accept"), "{answer}");
    assert!(answer.contains("test@example.com"), "{answer}");
    for asked in ["Who?", "username", "email"] {
        assert!(answer.contains(asked), "{answer}");
    }
}

#[tokio::test]
async fn a_tool_learns_that_the_user_declined() {
    let server = Server::start().await;
    let client = connect(User::who(ElicitationAction::Decline), &server.url).await;
    let message = json!({ "message": "Who?" });
    let result = call(&client, "test_elicitation", message).await;
    assert!(text(&result).contains("action=decline"), "{result:?}");
}

#[tokio::test]
async fn a_form_with_defaults_of_every_kind_is_understood() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let result = call(&client, "test_elicitation_sep1034_defaults", json!({})).await;
    let answer = text(&result);
    for field in ["name", "age", "score", "status", "verified"] {
        assert!(answer.contains(field), "{answer}");
    }
}

#[tokio::test]
async fn a_form_with_enums_of_every_kind_is_understood() {
    let server = Server::start().await;
    let client = connect(User::default(), &server.url).await;
    let result = call(&client, "test_elicitation_sep1330_enums", json!({})).await;
    let answer = text(&result);
    for field in [
        "untitledSingle",
        "titledSingle",
        "legacyEnum",
        "untitledMulti",
        "titledMulti",
    ] {
        assert!(answer.contains(field), "{answer}");
    }
}
