//! How many heap allocations a request costs, exactly: the same in every run, so that one more is
//! noticed where it was made.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::cmp::min;

use axum::{
    Router,
    body::{Body, Bytes},
};
use http_body_util::BodyExt;
use mcp_benches::{
    catalogue::{self, TOOLS},
    work::{self, Message, Work},
    yardstick,
};
use mcp_transport_http::HttpTransport;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

const PATH: &str = "/mcp";

/// What a call of ours may cost beyond bare axum.
const MOST: u64 = 20;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

async fn send(app: Router, message: &Message) -> (Option<String>, Bytes) {
    let response = app.oneshot(message.to_request().unwrap()).await.unwrap();
    let session = response.headers().get("mcp-session-id");
    let session = session.map(|value| value.to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap();
    (session, body.to_bytes())
}

/// The fewest allocations of several requests: what comes from time to time is not theirs.
fn fewest(runtime: &Runtime, app: &Router, message: &Message) -> u64 {
    let mut fewest = u64::MAX;
    for _ in 0..10 {
        let (app, request) = (app.clone(), message.to_request().unwrap());
        let counted = allocation_counter::measure(|| {
            let response = runtime.block_on(async move {
                let response = app.oneshot(request).await.unwrap();
                response.into_body().collect().await.unwrap()
            });
            drop(response);
        });
        fewest = min(fewest, counted.count_total);
    }
    fewest
}

/// A session of ours that has begun.
async fn session_of(ours: &Router) -> String {
    let (session, _) = send(ours.clone(), &work::initialize(PATH)).await;
    let session = session.unwrap();
    send(ours.clone(), &work::initialized(PATH, &session)).await;
    session
}

/// The allocations of one request, in ours and in bare axum.
fn counted(work: Work, tools: usize) -> (u64, u64) {
    let runtime = runtime();
    let (ours, session) = runtime.block_on(async {
        let ours = HttpTransport::new(catalogue::router(tools)).into_router();
        let session = session_of(&ours).await;
        (ours, session)
    });
    let message = work.message(PATH, Some(&session));
    let bare = work.message(work.yardstick(), Some(&session));
    let yardstick = yardstick::app().unwrap();
    let (_, answer) = runtime.block_on(send(ours.clone(), &message));
    let text = String::from_utf8(answer.to_vec()).unwrap();
    assert!(text.contains(work.expected()), "{text}");
    (
        fewest(&runtime, &ours, &message),
        fewest(&runtime, &yardstick, &bare),
    )
}

#[test]
fn a_request_allocates_what_it_did() {
    let expected = [
        (Work::Call, 22),
        (Work::CallSessionless, 29),
        (Work::List, 17),
        (Work::Read, 23),
        (Work::Echo64k, 23),
    ];
    let found = expected.map(|(work, _)| (work, counted(work, TOOLS).0));
    assert_eq!(found, expected);
}

#[test]
fn a_session_allocates_no_more_than_it_did() {
    let runtime = runtime();
    let ours = HttpTransport::new(catalogue::router(TOOLS)).into_router();
    let mut fewest = u64::MAX;
    for _ in 0..20 {
        let counted = allocation_counter::measure(|| {
            runtime.block_on(session_of(&ours));
        });
        fewest = min(fewest, counted.count_total);
    }
    // One more when a node of the store's tree is full.
    assert!(fewest <= 139, "{fewest}");
}

#[test]
fn a_request_allocates_little_more_than_bare_axum() {
    for work in Work::ALL {
        let (ours, bare) = counted(work, TOOLS);
        assert!(ours <= bare + MOST, "{work:?}: {ours}, bare axum {bare}");
    }
}

#[test]
fn a_call_allocates_the_same_with_many_tools() {
    let (few, _) = counted(Work::Call, 100);
    let (many, _) = counted(Work::Call, 10_000);
    assert_eq!(few, many);
}

/// How somebody listens to what happens to the resource.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ear {
    Session,
    Sessionless,
}

async fn next(body: &mut Body) -> Bytes {
    let frame = body.frame().await.unwrap().unwrap();
    frame.into_data().unwrap()
}

/// A stream whose first word has been heard.
async fn listen(ours: &Router, ear: Ear) -> Body {
    let request = match ear {
        Ear::Sessionless => work::listen_sessionless(PATH).to_request(),
        Ear::Session => {
            let session = session_of(ours).await;
            send(ours.clone(), &work::subscribe(PATH, &session)).await;
            work::get_stream(PATH, &session)
        }
    };
    let response = ours.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    next(&mut body).await;
    if ear == Ear::Session {
        // First a place to come back to, then what may have happened before it was there.
        next(&mut body).await;
    }
    body
}

/// The allocations of one change of which so many hear.
fn change(ear: Ear, listeners: u64) -> u64 {
    let runtime = runtime();
    let router = catalogue::router_that_notifies(TOOLS);
    let ours = HttpTransport::new(router).into_router();
    let (message, mut bodies) = runtime.block_on(async {
        let session = session_of(&ours).await;
        let mut bodies = Vec::new();
        for _ in 0..listeners {
            bodies.push(listen(&ours, ear).await);
        }
        (Work::FanOut.message(PATH, Some(&session)), bodies)
    });
    let mut fewest = u64::MAX;
    for _ in 0..5 {
        let counted = allocation_counter::measure(|| {
            runtime.block_on(async {
                send(ours.clone(), &message).await;
                for body in &mut bodies {
                    let event = next(body).await;
                    assert!(event.starts_with(b"data: "));
                }
            });
        });
        fewest = min(fewest, counted.count_total);
    }
    fewest
}

#[test]
fn what_is_told_to_many_is_not_written_for_each() {
    // The event around the shared message; without a session also the message, which carries the id
    // of the request that listens.
    for (ear, expected) in [(Ear::Session, 1), (Ear::Sessionless, 3)] {
        let more = change(ear, 300) - change(ear, 100);
        assert_eq!(more / 200, expected, "{ear:?}: {more} for 200 more");
    }
}
