//! Questions to the client.

use serde_json::{Value, json};

use crate::support::{Client, alone, text};

const ADA: &str = r#"{"action":"accept","content":{"name":"Ada"}}"#;

fn answer(question: &Value) -> String {
    let id = &question["id"];
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{ADA}}}"#)
}

#[tokio::test]
async fn a_question_goes_out_and_its_answer_comes_in_on_the_same_stream() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    client.call(1, "ask").await;
    let question = client.next().await;
    assert_eq!(question["method"], "elicitation/create");
    client.ping().await;
    client.send(&answer(&question)).await;
    assert_eq!(text(&client.next().await), "Hello, Ada!");
}

#[tokio::test]
async fn questions_of_several_calls_are_told_apart() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    client.call(1, "ask").await;
    let first = client.next().await;
    client.call(2, "ask").await;
    let second = client.next().await;
    assert_ne!(first["id"], second["id"]);
    client.send(&answer(&second)).await;
    assert_eq!(client.next().await["id"], 2);
    client.send(&answer(&first)).await;
    assert_eq!(client.next().await["id"], 1);
}

#[tokio::test]
async fn answers_that_nobody_asked_for_are_passed_over() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    client.call(1, "ask").await;
    let question = client.next().await;
    let invented = json!({ "jsonrpc": "2.0", "id": "a.1.b", "result": {} });
    client.send(&invented.to_string()).await;
    client.send(&answer(&question)).await;
    assert_eq!(text(&client.next().await), "Hello, Ada!");
    client.send(&answer(&question)).await;
    client.ping().await;
}

#[tokio::test]
async fn another_connection_cannot_answer() {
    let (mut asked, _) = Client::initialized("2025-11-25").await;
    let mut other = Client::of(asked.server.clone());
    other.initialize("2025-11-25").await;
    asked.call(1, "ask").await;
    let question = asked.next().await;
    other.send(&answer(&question)).await;
    other.ping().await;
    asked.ping().await;
    asked.send(&answer(&question)).await;
    assert_eq!(text(&asked.next().await), "Hello, Ada!");
}

#[tokio::test]
async fn a_cancelled_call_takes_its_question_back_and_is_not_answered() {
    let (mut client, _) = Client::initialized("2025-11-25").await;
    client.call(1, "ask").await;
    let question = client.next().await;
    client.cancel(1).await;
    let taken_back = client.next().await;
    assert_eq!(taken_back["method"], "notifications/cancelled");
    assert_eq!(taken_back["params"]["requestId"], question["id"]);
    client.ping().await;
}

#[tokio::test]
async fn without_a_session_the_question_is_a_result_and_the_answer_a_request() {
    let (mut client, _) = Client::new();
    client.call_alone(1, "ask").await;
    let asked = client.next().await;
    assert_eq!(asked["result"]["resultType"], "input_required");
    let answer: Value = serde_json::from_str(ADA).unwrap();
    let params = alone(json!({
        "name": "ask",
        "arguments": {},
        "inputResponses": { "who": answer },
        "requestState": asked["result"]["requestState"],
    }));
    client.request(2, "tools/call", &params).await;
    assert_eq!(text(&client.next().await), "Hello, Ada!");
}
