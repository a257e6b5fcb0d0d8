//! The parts of a request by themselves, without sockets: what a change of one of them is tried on.
//!
//! ```console
//! $ cargo bench --package mcp-benches --bench parts
//! ```

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use axum::{Router, body::Bytes, http::Request};
use divan::{Bencher, black_box};
use http_body_util::BodyExt;
use mcp_benches::{
    catalogue::{self, TOOLS},
    work::{self, Message, Work},
};
use mcp_core::{
    McpRouter,
    handler::Context,
    jsonrpc::{RequestId, parse},
    protocol::{Method, Revision},
    router::McpRequest,
};
use mcp_transport_http::HttpTransport;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const PATH: &str = "/mcp";

fn main() {
    divan::main();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The envelope of a message.
#[divan::bench(args = [Work::Call, Work::List, Work::Echo64k])]
fn reading(bencher: Bencher<'_, '_>, work: Work) {
    let message = work.message(PATH, None);
    let body = Bytes::copy_from_slice(message.body());
    bencher.bench(|| parse(black_box(&body)).is_ok());
}

fn request(method: &str, params: &'static str) -> McpRequest {
    let params = Bytes::from_static(params.as_bytes());
    let context = Context::detached(RequestId::from(1), Revision::V2025_11_25);
    McpRequest::new(Method::from(method), Some(&params), context).unwrap()
}

fn answering(bencher: Bencher<'_, '_>, tools: usize, method: &str, params: &'static str) {
    let runtime = runtime();
    let router: McpRouter = catalogue::router(tools);
    bencher
        .with_inputs(|| (router.clone(), request(method, params)))
        .bench_local_values(|(router, request)| runtime.block_on(router.oneshot(request)).unwrap());
}

/// From a request to the message that answers it.
#[divan::bench(args = [100, 10_000])]
fn dispatching(bencher: Bencher<'_, '_>, tools: usize) {
    let params = r#"{"name":"echo","arguments":{"text":"hello, world"}}"#;
    answering(bencher, tools, "tools/call", params);
}

/// A list that stands ready.
#[divan::bench]
fn listing(bencher: Bencher<'_, '_>) {
    answering(bencher, TOOLS, "tools/list", "{}");
}

async fn send(app: Router, request: Request<axum::body::Body>) -> (Option<String>, Bytes) {
    let response = app.oneshot(request).await.unwrap();
    let session = response.headers().get("mcp-session-id");
    let session = session.map(|value| value.to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap();
    (session, body.to_bytes())
}

/// A call whose reply is a stream of eleven events, in a log and framed.
#[divan::bench]
fn framing(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let router = catalogue::router_that_notifies(TOOLS);
    let app = HttpTransport::new(router).into_router();
    let post = |message: Message| message.to_request().unwrap();
    let (session, _) = runtime.block_on(send(app.clone(), post(work::initialize(PATH))));
    let session = session.unwrap();
    let steps = work::steps(PATH, &session);
    bencher
        .with_inputs(|| (app.clone(), steps.to_request().unwrap()))
        .bench_local_values(|(app, request)| runtime.block_on(send(app, request)));
}
