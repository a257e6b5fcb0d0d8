//! Questions to the client: in a session, and without one.

use std::fs;

use serde_json::{Value, json};

use crate::{
    backend::Backend,
    client::{Client, text},
    modern::Modern,
    process::Cluster,
    sse::Sse,
};

fn accept(question: &Value, answer: &str) -> Value {
    let content = json!({ "action": "accept", "content": { "answer": answer } });
    json!({ "jsonrpc": "2.0", "id": question["id"], "result": content })
}

/// A call at an instance that asks the user something, and what it asks.
async fn asked(client: &Client, instance: usize) -> (Sse, Value) {
    let question = json!({ "question": "Why?" });
    let mut stream = client.on(instance).stream(1, "ask", &question).await;
    let question = stream.until("elicitation/create").await;
    assert_eq!(question["params"]["message"], "Why?");
    (stream, question)
}

pub(crate) async fn e2e_04_a_question_of_one_instance_is_answered_through_another(
    backend: Backend,
) {
    let cluster = Cluster::of(2, backend);
    let client = Client::that_answers(&cluster).await;
    let (stream, question) = asked(&client, 0).await;
    let answer = accept(&question, "because");
    assert_eq!(client.on(1).status(&answer).await, 202);
    let rest = stream.messages().await;
    assert_eq!(text(rest.last().unwrap()), "because");

    let prompt = json!({ "prompt": "Think." });
    let mut stream = client.on(1).stream(2, "think", &prompt).await;
    let question = stream.until("sampling/createMessage").await;
    let thought = json!({
        "role": "assistant",
        "model": "m",
        "content": { "type": "text", "text": "Hm." },
    });
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": thought });
    assert_eq!(client.on(0).status(&answer).await, 202);
    let rest = stream.messages().await;
    assert_eq!(text(rest.last().unwrap()), "Hm.");
}

pub(crate) async fn e2e_04_only_the_first_answer_counts(backend: Backend) {
    let cluster = Cluster::of(3, backend);
    let client = Client::that_answers(&cluster).await;
    let (stream, question) = asked(&client, 0).await;
    let (first, other) = (accept(&question, "first"), accept(&question, "other"));
    assert_eq!(client.on(1).status(&first).await, 202);
    assert_eq!(client.on(2).status(&first).await, 202);
    assert_eq!(client.on(2).status(&other).await, 400);
    assert_eq!(client.on(0).status(&other).await, 400);
    let rest = stream.messages().await;
    assert_eq!(text(rest.last().unwrap()), "first");
    assert_eq!(client.on(1).status(&first).await, 202);
}

pub(crate) async fn e2e_04_an_answer_that_nobody_waits_for_is_refused_at_once(backend: Backend) {
    let mut cluster = Cluster::of(2, backend);
    let client = Client::that_answers(&cluster).await;
    let (mut stream, question) = asked(&client, 0).await;
    let mut forged = accept(&question, "forged");
    let id = question["id"].as_str().unwrap();
    forged["id"] = format!("{id}x").into();
    assert_eq!(client.on(1).status(&forged).await, 400);
    let stranger = Client::that_answers(&cluster).await;
    assert_eq!(stranger.status(&accept(&question, "stolen")).await, 400);

    let last = stream.last.take();
    cluster.nodes[0].kill();
    let rest = client.on(1).listen(last.as_deref()).await.messages().await;
    let end = rest.last().unwrap();
    assert_eq!(end["error"]["data"]["reason"], "instance_lost", "{rest:?}");
    let late = accept(&question, "late");
    assert_eq!(client.on(1).status(&late).await, 400);
}

/// Asks without a session at one instance and answers at another; what comes of it.
async fn two_rounds(first: &Modern, second: &Modern) -> Value {
    let question = json!({ "question": "Why?" });
    let mut params = json!({ "name": "ask", "arguments": question });
    let asked = first.request(1, "tools/call", &params).await;
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required", "{asked}");
    params["requestState"] = result["requestState"].clone();
    let accepted = json!({ "action": "accept", "content": { "answer": "because" } });
    params["inputResponses"] = json!({ "answer": accepted });
    second.request(2, "tools/call", &params).await
}

pub(crate) async fn e2e_13_a_question_without_a_session_is_answered_at_another_instance(
    backend: Backend,
) {
    let cluster = Cluster::of(2, backend);
    let client = Modern::new(&cluster);
    for (first, second) in [(0, 1), (1, 0)] {
        let answer = two_rounds(&client.on(first), &client.on(second)).await;
        assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
        assert_eq!(text(&answer), "because");
    }
    let others = Cluster::of(1, backend);
    let refused = two_rounds(&client.on(0), &Modern::new(&others)).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
}

pub(crate) async fn e2e_13_configured_keys_are_enough(backend: Backend) {
    let directory = tempfile(backend);
    let file = directory.to_str().unwrap();
    let flags = ["--state-keys", file];
    // Two namespaces: nothing is shared but the keys.
    let (one, two) = (
        Cluster::with(1, backend, &flags),
        Cluster::with(2, backend, &flags),
    );
    let (first, second) = (Modern::new(&one), Modern::new(&two).on(1));
    let answer = two_rounds(&first, &second).await;
    assert_eq!(text(&answer), "because");
    fs::remove_file(directory).unwrap();
}

/// A file with a key.
fn tempfile(backend: Backend) -> std::path::PathBuf {
    let name = format!("cluster-keys-{}-{backend:?}", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::write(&path, format!("k:{}=", "A".repeat(43))).unwrap();
    path
}
