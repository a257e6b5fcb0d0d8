//! JSON-RPC batches: only 2025-03-26 has them.

use serde_json::{Value, json};

use crate::support::{Client, alone};

fn ping(id: i64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })
}

#[tokio::test]
async fn a_batch_is_answered_in_one_message() {
    let (mut client, _) = Client::initialized("2025-03-26").await;
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/unknown" });
    let batch = json!([ping(1), told, { "nonsense": 1 }, ping(2)]);
    client.send(&batch.to_string()).await;
    let answers = client.next().await;
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["id"], 1);
    assert_eq!(answers[1]["error"]["code"], -32600);
    assert_eq!(answers[2]["id"], 2);
}

#[tokio::test]
async fn a_batch_of_notifications_has_no_answer() {
    let (mut client, _) = Client::initialized("2025-03-26").await;
    let told = json!({ "jsonrpc": "2.0", "method": "notifications/unknown" });
    client.send(&json!([told, told]).to_string()).await;
    client.ping().await;
}

#[tokio::test]
async fn initialize_and_modern_requests_are_refused_in_a_batch() {
    let (mut client, _) = Client::initialized("2025-03-26").await;
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} });
    let params = alone(json!({}));
    let modern = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": params });
    client.send(&json!([initialize, modern]).to_string()).await;
    let answers = client.next().await;
    for (at, id) in [(0, 1), (1, 2)] {
        assert_eq!(answers[at]["id"], id);
        assert_eq!(answers[at]["error"]["code"], -32600);
    }
}

#[tokio::test]
async fn too_many_members_and_none_are_refused() {
    let (mut client, _) = Client::initialized("2025-03-26").await;
    let many: Vec<_> = (1..=51).map(ping).collect();
    for batch in [json!([]), json!(many)] {
        client.send(&batch.to_string()).await;
        let refused = client.next().await;
        assert_eq!(refused["error"]["code"], -32600);
        assert_eq!(refused["id"], Value::Null);
    }
}

#[tokio::test]
async fn elsewhere_an_array_is_an_error() {
    for revision in [
        None,
        Some("2024-11-05"),
        Some("2025-06-18"),
        Some("2025-11-25"),
    ] {
        let (mut client, _) = Client::new();
        if let Some(revision) = revision {
            client.initialize(revision).await;
        }
        client.send(&json!([ping(1)]).to_string()).await;
        let refused = client.next().await;
        assert_eq!(refused["error"]["code"], -32600, "{revision:?}");
        client.ping().await;
    }
}
