//! The store is away for a while.

use std::{env, time::Duration};

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, interval};

use crate::{
    backend::Backend,
    client::{Client, progress, request, soon, spawn, text, until},
    modern::Modern,
    process::Cluster,
    sse::Sse,
};

/// How long the store is away, in seconds, unless this variable says otherwise.
const VARIABLE: &str = "MCP_CLUSTER_OUTAGE";
const OUTAGE: u64 = 10;

/// How far a call counts that begins before the outage and ends after it.
const NUMBERS: u32 = 50;

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests may want a longer outage"
)]
fn outage() -> Duration {
    let wanted = env::var(VARIABLE).ok();
    let seconds = wanted.map_or(OUTAGE, |seconds| seconds.parse().unwrap());
    Duration::from_secs(seconds)
}

async fn send(request: RequestBuilder) -> Response {
    soon(request.send()).await.unwrap()
}

/// Refused for now, with a word on when to come back.
async fn assert_refused(request: RequestBuilder) {
    let response = send(request).await;
    let status = response.status();
    let retry_after = response.headers().get("retry-after").cloned();
    let body = soon(response.text()).await.unwrap();
    assert_eq!(status, 503, "{body}");
    let seconds: u64 = retry_after.unwrap().to_str().unwrap().parse().unwrap();
    assert!(seconds > 0);
    let body: Value = serde_json::from_str(&body).unwrap();
    let reason = &body["error"]["data"]["reason"];
    assert_eq!(*reason, "store_unavailable", "{body}");
}

/// Requests of a session that both instances know, and those that need none.
async fn assert_served(known: &Client, modern: &Modern) {
    let here = json!({ "text": "here" });
    for instance in [0, 1] {
        let at = known.on(instance);
        assert_eq!(text(&at.call("echo", &here).await), "here");
        assert_eq!(send(at.get(None)).await.status(), 200);
        let answer = modern.on(instance).call("echo", &here).await;
        assert_eq!(text(&answer), "here");
    }
}

/// What only the store can decide: new sessions, new listeners, a session of another instance.
async fn assert_undecided(elsewhere: &Client, modern: &Modern, cluster: &Cluster) {
    let listen = json!({ "notifications": { "toolsListChanged": true } });
    for instance in [0, 1] {
        let newcomer = Client::new(cluster).on(instance);
        assert_refused(newcomer.hello(&json!({}))).await;
        let modern = modern.on(instance);
        assert_refused(modern.post(1, "subscriptions/listen", &listen)).await;
    }
    assert_refused(elsewhere.post(&request(1, "ping", &json!({})))).await;
    assert_refused(elsewhere.get(None)).await;
    assert_refused(elsewhere.delete()).await;
}

async fn counting(client: &Client, id: u64) -> Sse {
    let every = outage() / (NUMBERS - 10);
    let numbers = json!({ "n": NUMBERS, "every_ms": every.as_millis() });
    let stream = client.stream(id, "count", &numbers).await;
    let mut stream = stream.patient(outage());
    stream.until("notifications/progress").await;
    stream
}

/// What a stream tells until it tells something without an id, which no log has yet.
async fn told_early(stream: &mut Sse) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let event = stream.event().await.unwrap();
        if !event.data.is_empty() {
            told.push(serde_json::from_str(&event.data).unwrap());
            if event.id.is_none() {
                return told;
            }
        }
    }
}

fn assert_counted(messages: &[Value], id: u64) {
    let expected: Vec<_> = (2..=u64::from(NUMBERS)).collect();
    assert_eq!(progress(messages), expected);
    let answer = messages.last().unwrap();
    assert_eq!(answer["id"], id);
    assert!(text(answer).ends_with(",49,50"), "{answer}");
}

/// Says that a resource has new content until `stream` tells of it.
async fn assert_hears(speaker: &Client, mut stream: Sse) {
    let heard = spawn(async move { stream.until("notifications/resources/updated").await });
    until(|| async {
        speaker.call("publish", &json!({ "uri": "mem://x" })).await;
        heard.is_finished()
    })
    .await;
    assert_eq!(heard.await.unwrap()["params"]["uri"], "mem://x");
}

pub(crate) async fn e2e_08_an_outage_ends_no_session(backend: Backend) {
    let mut server = backend.start();
    let cluster = Cluster::on(2, &server.place(), &[]);
    let modern = Modern::new(&cluster);
    let known = Client::begin(&cluster).await;
    let kite = json!({ "key": "k", "value": "kite" });
    for instance in [0, 1] {
        known.on(instance).call("remember", &kite).await;
    }
    let elsewhere = Client::new(&cluster).on(0).initialize(json!({})).await;
    let elsewhere = elsewhere.through(vec![cluster.nodes[1].url.clone()]);
    let filter = json!({ "resourceSubscriptions": ["mem://x"] });
    let listener = modern.on(1).listen(1, &filter).await;
    let hearing = Client::begin(&cluster).await;
    let get = hearing.on(0).attached().await;
    let uri = json!({ "uri": "mem://x" });
    hearing.request("resources/subscribe", &uri).await;
    let mut whole = counting(&known.on(0), 7).await;
    let mut cut = counting(&known.on(1), 8).await;
    let last = cut.last.take();
    drop(cut);

    server.stop();
    let back = Instant::now() + outage();
    let resumed = known.on(0).listen(last.as_deref()).await.patient(outage());
    let mut pace = interval(Duration::from_millis(500));
    while Instant::now() < back {
        assert_served(&known, &modern).await;
        assert_undecided(&elsewhere, &modern, &cluster).await;
        pace.tick().await;
    }
    let mut told = told_early(&mut whole).await;
    server.restart();

    told.extend(whole.messages().await);
    assert_counted(&told, 7);
    assert_counted(&resumed.messages().await, 8);
    for client in [&known, &elsewhere, &hearing] {
        let ping = request(1, "ping", &json!({}));
        until(|| async { client.status(&ping).await == 200 }).await;
    }
    for instance in [0, 1] {
        let at = known.on(instance);
        let recalled = at.call("recall", &json!({ "key": "k" })).await;
        assert_eq!(text(&recalled), "kite");
        let hello = Client::new(&cluster).on(instance).hello(&json!({}));
        assert_eq!(send(hello).await.status(), 200);
    }
    assert_hears(&known, get).await;
    assert_hears(&known, listener).await;
}
