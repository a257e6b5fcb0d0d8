//! Calling a router as the tower service that it is.

use bytes::Bytes;
use mcp_core::{
    handler::Context,
    jsonrpc::RequestId,
    protocol::{Method, Revision},
    router::{McpRequest, McpResponse, McpRouter},
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A request of 2025-11-25.
pub(crate) fn request(method: &str, params: Value) -> McpRequest {
    request_in(Revision::V2025_11_25, method, params)
}

/// A request of any revision.
pub(crate) fn request_in(revision: Revision, method: &str, params: Value) -> McpRequest {
    let params = (!params.is_null()).then(|| Bytes::from(params.to_string()));
    let context = Context::detached(RequestId::from(1), revision);
    McpRequest::new(Method::from(method), params.as_ref(), context).unwrap()
}

/// The answer to a request.
pub(crate) async fn ask(router: &McpRouter, request: McpRequest) -> McpResponse {
    router.clone().oneshot(request).await.unwrap()
}

/// The `result` or `error` of an answer.
pub(crate) fn read(response: McpResponse) -> Value {
    let mut message: Value = serde_json::from_slice(&response.into_message()).unwrap();
    assert_eq!(message["jsonrpc"], "2.0");
    assert_eq!(message["id"], 1);
    match message.get_mut("result") {
        Some(result) => result.take(),
        None => json!({"error": message["error"].take()}),
    }
}

/// What a request of 2025-11-25 is answered with.
pub(crate) async fn answer(router: &McpRouter, method: &str, params: Value) -> Value {
    read(ask(router, request(method, params)).await)
}

/// What a tool answers.
pub(crate) async fn call(router: &McpRouter, name: &str, arguments: Value) -> Value {
    let params = json!({"name": name, "arguments": arguments});
    answer(router, "tools/call", params).await
}

/// The values of one member of every item of a list.
pub(crate) fn names<'v>(page: &'v Value, list: &str, member: &str) -> Vec<&'v str> {
    let items = page[list].as_array().unwrap().iter();
    items.map(|item| item[member].as_str().unwrap()).collect()
}
