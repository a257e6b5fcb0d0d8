//! The server as a client in the same process sees it.

use mcp_core::{protocol::CallToolResult, testing::TestClient};
use serde_json::{Value, json};

use crate::router;

/// Asks to delete note 1, gives the user's answer, and tells whether the note is still there.
async fn delete_when(answer: Value) -> (CallToolResult, bool) {
    let client = TestClient::builder(router())
        .on_elicit(move |question| {
            assert_eq!(question["message"], "Delete the note \"Groceries\"?");
            Ok(answer.clone())
        })
        .connect()
        .await
        .unwrap();
    let arguments = json!({ "id": 1 });
    let result = client.call_tool("delete_note", arguments).await.unwrap();
    let uri = json!({ "uri": "notes://1" });
    let read = client.request::<Value>("resources/read", uri).await;
    (result, read.is_ok())
}

#[tokio::test]
async fn a_note_is_deleted_when_the_user_confirms() {
    let yes = json!({ "action": "accept", "content": { "delete": true } });
    let (result, is_left) = delete_when(yes).await;
    let deleted = json!({ "id": 1, "deleted": true });
    assert_eq!(result.structured_content, Some(deleted));
    assert!(!is_left);
}

#[tokio::test]
async fn a_note_stays_when_the_user_does_not_confirm() {
    let no = json!({ "action": "accept", "content": { "delete": false } });
    let (result, is_left) = delete_when(no).await;
    let kept = json!({ "id": 1, "deleted": false });
    assert_eq!(result.structured_content, Some(kept));
    assert!(is_left);

    for (action, said) in [("decline", "declined"), ("cancel", "cancelled")] {
        let (result, is_left) = delete_when(json!({ "action": action })).await;
        assert_eq!(result.is_error, Some(true));
        let text = result.content[0].as_text().unwrap();
        assert!(text.contains(said), "{text}");
        assert!(is_left);
    }
}

#[tokio::test]
async fn a_note_that_is_not_there_cannot_be_deleted() {
    let client = TestClient::builder(router()).connect().await.unwrap();
    let arguments = json!({ "id": 99 });
    let result = client.call_tool("delete_note", arguments).await.unwrap();
    assert_eq!(
        result.content[0].as_text(),
        Some("there is no note 99; list_notes shows all")
    );
}

#[tokio::test]
async fn a_note_needs_a_title() {
    let client = TestClient::builder(router()).connect().await.unwrap();
    let arguments = json!({ "title": " ", "body": "b" });
    let result = client.call_tool("create_note", arguments).await.unwrap();
    assert_eq!(result.is_error, Some(true));
}

#[tokio::test(start_paused = true)]
async fn every_note_that_is_read_is_reported() {
    let client = TestClient::builder(router()).connect().await.unwrap();
    let params = json!({ "name": "summarise_notes", "_meta": { "progressToken": "t" } });
    let result: CallToolResult = client.request("tools/call", params).await.unwrap();
    assert_eq!(result.structured_content.unwrap()["count"], 4);
    let heard = client.take_notifications();
    let steps: Vec<_> = heard.iter().map(|one| &one["params"]["progress"]).collect();
    assert_eq!(steps, [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_summary_that_is_cancelled_ends_without_a_result() {
    let client = TestClient::builder(router()).connect().await.unwrap();
    let params = json!({ "name": "summarise_notes" });
    let cancelled = json!({ "requestId": 1 });
    let (result, sent) = tokio::join!(
        client.request::<Value>("tools/call", params),
        client.notify("notifications/cancelled", cancelled),
    );
    sent.unwrap();
    assert_eq!(result.unwrap_err().code(), None);
}
