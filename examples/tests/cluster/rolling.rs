//! Every instance is replaced while clients work.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    backend::Backend,
    client::{Client, call, progress, soon, spawn, text, until},
    modern::Modern,
    process::Cluster,
    sse::Sse,
};

/// A load balancer tries the next instance when one refuses the connection, and only then.
async fn somewhere(request: impl Fn() -> RequestBuilder) -> Response {
    loop {
        match soon(request().send()).await {
            Ok(response) => return response,
            Err(error) if error.is_connect() => {}
            Err(error) => panic!("a request was lost: {error:?}"),
        }
    }
}

/// What a request of a session is answered with, however many connections it takes.
async fn answered(client: &Client, message: &Value) -> Vec<Value> {
    let response = somewhere(|| client.post(message)).await;
    to_the_end(client, response).await
}

async fn to_the_end(client: &Client, response: Response) -> Vec<Value> {
    assert_eq!(response.status(), 200);
    if response.headers()["content-type"] == "application/json" {
        return vec![soon(response.json()).await.unwrap()];
    }
    let mut seen = Vec::new();
    let mut stream = Sse::of(response);
    let mut last = None;
    loop {
        while let Some(message) = stream.message().await {
            seen.push(message);
        }
        last = stream.last.take().or(last);
        if seen.last().is_some_and(|last| last.get("id").is_some()) {
            return seen;
        }
        stream = Sse::of(somewhere(|| client.get(last.as_deref())).await);
    }
}

/// Clients that work until they are stopped.
#[derive(Clone, Default)]
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
}

impl Load {
    fn goes_on(&self) -> bool {
        self.answered.fetch_add(1, Ordering::Relaxed);
        !self.stop.load(Ordering::Relaxed)
    }

    /// Calls in a session, with and without a stream.
    fn in_session(&self, client: Client) -> JoinHandle<()> {
        let load = self.clone();
        spawn(async move {
            let mut id = 0;
            while load.goes_on() {
                id += 2;
                let silent = call(id, "sleep", &json!({ "ms": 30 }));
                let answer = answered(&client, &silent).await;
                assert_eq!(answer[0]["id"], id);
                assert_eq!(text(&answer[0]), "awake");
                let numbers = json!({ "n": 4, "every_ms": 20 });
                let seen = answered(&client, &call(id + 1, "count", &numbers)).await;
                assert_eq!(progress(&seen), [1, 2, 3, 4]);
                assert_eq!(text(&seen[4]), "1,2,3,4");
            }
        })
    }

    /// Calls without a session.
    fn alone(&self, client: Modern) -> JoinHandle<()> {
        let load = self.clone();
        spawn(async move {
            let params = json!({ "name": "sleep", "arguments": { "ms": 30 } });
            while load.goes_on() {
                let response = somewhere(|| client.post(1, "tools/call", &params)).await;
                assert_eq!(response.status(), 200);
                let answer: Value = soon(response.json()).await.unwrap();
                assert_eq!(text(&answer), "awake");
            }
        })
    }

    /// Waits for so many more answers.
    async fn more(&self, answers: u64) {
        let enough = self.answered.load(Ordering::Relaxed) + answers;
        until(|| async { self.answered.load(Ordering::Relaxed) >= enough }).await;
    }
}

/// What an instance has to bring to an end: calls that take a while, and those who listen.
struct Leaving {
    calls: Vec<JoinHandle<Vec<Value>>>,
    gets: Vec<Sse>,
    listeners: Vec<Sse>,
}

impl Leaving {
    async fn at(cluster: &Cluster, instance: usize) -> Self {
        let mut leaving = Self {
            calls: Vec::new(),
            gets: Vec::new(),
            listeners: Vec::new(),
        };
        let modern = Modern::new(cluster);
        for _ in 0..3 {
            let client = Client::begin(cluster).await.without_keep_alive();
            leaving.gets.push(client.on(instance).attached().await);
            let filter = json!({ "toolsListChanged": true });
            let listener = modern.on(instance).listen(9, &filter).await;
            leaving.listeners.push(listener);
            for (name, arguments) in [
                ("sleep", json!({ "ms": 1500 })),
                ("count", json!({ "n": 3, "every_ms": 500 })),
            ] {
                let here = client.on(instance).post(&call(1, name, &arguments));
                let client = client.clone();
                leaving.calls.push(spawn(async move {
                    let response = soon(here.send()).await.unwrap();
                    to_the_end(&client, response).await
                }));
            }
        }
        // A call that begins after them, so that they have begun when it has ended.
        let last = Client::begin(cluster).await;
        last.on(instance).call("sleep", &json!({ "ms": 100 })).await;
        leaving
    }

    async fn assert_ended_well(self) {
        for call in self.calls {
            let seen = soon(call).await.unwrap();
            let answer = seen.last().unwrap();
            assert!(["awake", "1,2,3"].contains(&text(answer)), "{answer}");
        }
        for mut get in self.gets {
            let hint = get.event().await.unwrap();
            assert!(hint.retry.is_some(), "{hint:?}");
            assert_eq!(get.event().await, None);
        }
        for listener in self.listeners {
            let messages = listener.messages().await;
            assert_eq!(messages.len(), 1, "{messages:?}");
            assert_eq!(messages[0]["id"], 9);
            assert_eq!(messages[0]["result"]["resultType"], "complete");
        }
    }
}

pub(crate) async fn e2e_09_a_rolling_restart_loses_no_response(backend: Backend) {
    let mut cluster = Cluster::with(3, backend, &["--drain-ms", "8000"]);
    let load = Load::default();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let client = Client::begin(&cluster).await.without_keep_alive();
        clients.push(load.in_session(client));
        clients.push(load.alone(Modern::new(&cluster).without_keep_alive()));
    }
    for instance in 0..cluster.nodes.len() {
        load.more(100).await;
        let leaving = Leaving::at(&cluster, instance).await;
        cluster.nodes[instance].terminate();
        leaving.assert_ended_well().await;
        let status = cluster.nodes[instance].ended().await;
        assert!(status.success(), "{status}");
        load.more(50).await;
        cluster.nodes[instance].start_again();
    }
    load.more(100).await;
    load.stop.store(true, Ordering::Relaxed);
    for client in clients {
        soon(client).await.unwrap();
    }
}
