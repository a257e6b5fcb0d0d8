//! Sessions that are not there: whatever the reason, the answer is the same.

use std::{sync::Arc, time::Duration};

use mcp_core::{Server, clock::ManualClock, store::Principal};
use mcp_transport_http::HttpTransport;
use reqwest::{RequestBuilder, StatusCode};

use crate::{
    bad_input::router,
    support::{TestClient, TestServer, clock, ping, refused},
};

/// A server whose users are named by `x-user` and whose time stands still.
async fn start(clock: &ManualClock) -> TestServer {
    let builder = Server::builder(router()).clock(Arc::new(clock.clone()));
    let transport = HttpTransport::new(builder).with_principal(|parts| {
        let user = parts.headers.get("x-user")?.to_str().ok()?;
        Some(Principal::new("test", user))
    });
    TestServer::serve(transport).await
}

/// Status, headers and body, without the time of day.
async fn seen(request: RequestBuilder) -> (StatusCode, Vec<(String, String)>, String) {
    let response = request.send().await.unwrap();
    let headers = response.headers().iter();
    let mut headers: Vec<_> = headers
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (response.status(), headers, response.text().await.unwrap())
}

/// Ids of sessions that Eve does not have, with why.
async fn absent(server: &TestServer, clock: &ManualClock) -> Vec<(&'static str, String)> {
    let expired = server.client_as("eve").await.session;
    clock.advance(Duration::from_mins(31));
    let deleted = server.client_as("eve").await;
    assert_eq!(deleted.delete().send().await.unwrap().status(), 200);
    let foreign = server.client_as("ada").await.session;
    let anonymous = server.client().await.session;
    let mut altered = foreign.clone().into_bytes();
    altered[10] = if altered[10] == b'A' { b'B' } else { b'A' };
    vec![
        ("never minted", String::from_utf8(altered).unwrap()),
        ("malformed", "nonsense".to_owned()),
        ("with a space", "a b".to_owned()),
        ("cut short", foreign[1..].to_owned()),
        ("too long", format!("{foreign}{foreign}")),
        ("very long", "x".repeat(4000)),
        ("expired", expired),
        ("deleted", deleted.session),
        ("foreign", foreign),
        ("anonymous", anonymous),
    ]
}

/// SS-20
#[tokio::test]
async fn absent_sessions_look_alike_byte_for_byte() {
    let clock = clock();
    let server = start(&clock).await;
    let absent = absent(&server, &clock).await;
    let mut eve = server.client_as("eve").await;
    let requests: [fn(&TestClient) -> RequestBuilder; 4] = [
        |client| client.post(&ping()),
        |client| client.get(None),
        |client| client.get(Some("get.1.1")),
        TestClient::delete,
    ];
    for request in requests {
        let mut first = None;
        for (why, id) in &absent {
            eve.session.clone_from(id);
            let answer = seen(request(&eve)).await;
            assert_eq!(answer.0, 404, "{why}");
            assert_eq!(
                &answer,
                first.get_or_insert_with(|| answer.clone()),
                "{why}"
            );
        }
    }
}

#[tokio::test]
async fn an_absent_session_is_a_json_rpc_error_that_says_what_to_do() {
    let server = start(&clock()).await;
    let mut client = server.client().await;
    client.session = "nonsense".to_owned();
    for request in [client.post(&ping()), client.get(None), client.delete()] {
        let error = refused(request, 404).await;
        assert_eq!(error["code"], -32600);
        assert_eq!(error["data"]["reason"], "unknown_session");
        assert!(error["message"].as_str().unwrap().contains("initialize"));
    }
}

/// SS-20
#[tokio::test]
async fn somebody_elses_attempts_change_nothing() {
    let server = start(&clock()).await;
    let ada = server.client_as("ada").await;
    let mut eve = server.client_as("eve").await;
    eve.session.clone_from(&ada.session);
    for request in [eve.post(&ping()), eve.get(None), eve.delete()] {
        refused(request, 404).await;
    }
    assert_eq!(ada.status(&ping()).await, 200);
}

#[tokio::test]
async fn somebody_elses_attempts_do_not_prolong_a_session() {
    let clock = clock();
    let server = start(&clock).await;
    let ada = server.client_as("ada").await;
    let mut eve = server.client_as("eve").await;
    eve.session.clone_from(&ada.session);
    clock.advance(Duration::from_mins(20));
    refused(eve.post(&ping()), 404).await;
    clock.advance(Duration::from_mins(20));
    assert_eq!(ada.status(&ping()).await, 404, "unused for 40 minutes");
}

/// EL-10
#[tokio::test]
async fn a_last_event_id_that_is_not_the_sessions_own_is_refused() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let ids = [
        "x".to_owned(),
        "1".to_owned(),
        "get".to_owned(),
        "get.1".to_owned(),
        "get.x.1".to_owned(),
        "get.1.-1".to_owned(),
        "unknown-1.1.1".to_owned(),
        ".1.1".to_owned(),
        "a b.1.1".to_owned(),
        "get.1.18446744073709551616".to_owned(),
        format!("{}.1.1", "a".repeat(300)),
        "9".repeat(8000),
    ];
    for id in ids {
        let error = refused(client.get(Some(&id)), 400).await;
        assert_eq!(error["code"], -32600, "{id}");
        assert_eq!(error["data"]["reason"], "unknown_event", "{id}");
    }
    assert_eq!(client.status(&ping()).await, 200);
}
