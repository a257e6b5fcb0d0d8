//! What the same answers cost in bare axum: each handler reads its request into a typed struct with
//! serde and writes the bytes that our server answers, one route for each kind of work.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{
        Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::{
    Stream,
    stream::{pending, unfold},
};
use mcp_core::{BoxError, protocol::Tool};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::broadcast;

use crate::catalogue::{self, RESOURCE, TOOLS};

/// What listeners are told.
const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"bench://fox"}}"#;

/// A request as a typed struct.
#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is what costs")]
struct Request<P> {
    jsonrpc: String,
    id: u64,
    method: String,
    params: P,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is what costs")]
struct Call {
    name: String,
    arguments: Text,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is what costs")]
struct CallWithMeta {
    name: String,
    arguments: Text,
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is what costs")]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    protocol_version: String,
    #[serde(rename = "io.modelcontextprotocol/clientInfo")]
    client_info: Info,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    client_capabilities: Capabilities,
}

#[derive(Deserialize, Serialize)]
struct Info {
    name: String,
    version: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is what costs")]
struct Capabilities {
    elicitation: Option<Nothing>,
}

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is read is what costs")]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[derive(Deserialize)]
struct Uri {
    uri: String,
}

#[derive(Serialize)]
struct Answer<R> {
    jsonrpc: &'static str,
    id: u64,
    result: R,
}

#[derive(Serialize)]
struct Content {
    #[serde(rename = "type")]
    kind: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Said {
    content: Vec<Content>,
}

#[derive(Serialize)]
struct SaidWithMeta<'a> {
    content: Vec<Content>,
    #[serde(rename = "resultType")]
    result_type: &'static str,
    #[serde(rename = "_meta")]
    meta: ServerMeta<'a>,
}

#[derive(Serialize)]
struct ServerMeta<'a> {
    #[serde(rename = "io.modelcontextprotocol/serverInfo")]
    server_info: &'a Info,
}

#[derive(Serialize)]
struct Contents {
    contents: Vec<TextContents>,
}

#[derive(Serialize)]
struct TextContents {
    uri: String,
    text: &'static str,
}

#[derive(Serialize)]
struct Page<'a> {
    tools: Vec<&'a Tool>,
}

/// What stands ready.
struct Ready {
    page: Box<RawValue>,
    info: Info,
    changes: broadcast::Sender<Arc<str>>,
}

/// The handlers: `/call`, `/call-sessionless`, `/list`, `/read`, `/stream`, which says nothing, and
/// `/changes`, which says what `/change` is told.
///
/// # Errors
///
/// When our router, whose list is copied, cannot be built.
pub fn app() -> Result<Router, BoxError> {
    let catalogue = catalogue::router(TOOLS).freeze()?;
    let tools: Vec<_> = catalogue.tools().collect();
    let ready = Ready {
        page: to_raw_value(&Page { tools })?,
        info: Info {
            name: "bench".to_owned(),
            version: "1.0.0".to_owned(),
        },
        changes: broadcast::channel(16).0,
    };
    Ok(Router::new()
        .route("/call", post(call))
        .route("/call-sessionless", post(call_sessionless))
        .route("/list", post(list))
        .route("/read", post(read))
        .route("/stream", get(listen))
        .route("/changes", get(changes))
        .route("/change", post(change))
        .with_state(Arc::new(ready)))
}

async fn call(body: Bytes) -> Result<Response, StatusCode> {
    let request: Request<Call> = parse(&body)?;
    let text = request.params.arguments.text;
    answer(
        request.id,
        &Said {
            content: said(text),
        },
    )
}

async fn call_sessionless(
    State(ready): State<Arc<Ready>>,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let request: Request<CallWithMeta> = parse(&body)?;
    let said = SaidWithMeta {
        content: said(request.params.arguments.text),
        result_type: "complete",
        meta: ServerMeta {
            server_info: &ready.info,
        },
    };
    answer(request.id, &said)
}

async fn list(State(ready): State<Arc<Ready>>, body: Bytes) -> Result<Response, StatusCode> {
    let request: Request<Nothing> = parse(&body)?;
    answer(request.id, &ready.page)
}

async fn read(body: Bytes) -> Result<Response, StatusCode> {
    let request: Request<Uri> = parse(&body)?;
    let contents = TextContents {
        uri: request.params.uri,
        text: RESOURCE,
    };
    let contents = vec![contents];
    answer(request.id, &Contents { contents })
}

async fn listen() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(pending()).keep_alive(KeepAlive::default())
}

async fn changes(
    State(ready): State<Arc<Ready>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let heard = unfold(ready.changes.subscribe(), |mut changes| async move {
        let change = changes.recv().await.ok()?;
        Some((Ok(Event::default().data(change)), changes))
    });
    Sse::new(heard).keep_alive(KeepAlive::default())
}

async fn change(State(ready): State<Arc<Ready>>, body: Bytes) -> Result<Response, StatusCode> {
    let request: Request<Named> = parse(&body)?;
    // Written once, and shared by all who listen.
    let _ = ready.changes.send(Arc::from(CHANGED));
    let content = said("changed".to_owned());
    answer(request.id, &Said { content })
}

fn said(text: String) -> Vec<Content> {
    vec![Content { kind: "text", text }]
}

fn parse<P: DeserializeOwned>(body: &Bytes) -> Result<Request<P>, StatusCode> {
    serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)
}

fn answer(id: u64, result: &impl Serialize) -> Result<Response, StatusCode> {
    let answer = Answer {
        jsonrpc: "2.0",
        id,
        result,
    };
    let body = serde_json::to_vec(&answer).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
