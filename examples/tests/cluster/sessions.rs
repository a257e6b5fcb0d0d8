//! The life of a session on several instances.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    backend::Backend,
    client::{Client, call, request, soon, spawn, text},
    process::Cluster,
};

fn ping() -> Value {
    request(1, "ping", &json!({}))
}

pub(crate) async fn e2e_01_a_session_is_known_everywhere_until_it_is_deleted(backend: Backend) {
    let cluster = Cluster::of(3, backend);
    let client = Client::begin(&cluster).await;
    for (instance, name) in ["a-", "b-", "c-"].into_iter().enumerate() {
        let answer = client.on(instance).call("whoami", &json!({})).await;
        assert!(text(&answer).starts_with(name), "{answer}");
    }
    let value = json!({ "key": "k", "value": "kite" });
    let remembered = client.call("remember", &value).await;
    assert_eq!(text(&remembered), "remembered");
    for _ in &cluster.nodes {
        let recalled = client.call("recall", &json!({ "key": "k" })).await;
        assert_eq!(text(&recalled), "kite");
    }
    let deleted = soon(client.on(1).delete().send()).await.unwrap();
    assert_eq!(deleted.status(), 200);
    for instance in [0, 2, 1] {
        assert_eq!(client.on(instance).status(&ping()).await, 404);
        let get = client.on(instance).get(None).send();
        assert_eq!(soon(get).await.unwrap().status(), 404);
    }
}

pub(crate) async fn e2e_01_the_end_of_a_session_ends_its_streams_and_calls_everywhere(
    backend: Backend,
) {
    let cluster = Cluster::of(3, backend);
    let client = Client::begin(&cluster).await;
    let get = client.on(0).listen(None).await;
    let numbers = json!({ "n": 10_000, "every_ms": 50 });
    let mut counting = client.on(2).stream(1, "count", &numbers).await;
    counting.until("notifications/progress").await;
    let deleted = soon(client.on(1).delete().send()).await.unwrap();
    assert_eq!(deleted.status(), 200);
    assert_eq!(get.messages().await, Vec::<Value>::new());
    let rest = counting.messages().await;
    assert!(rest.iter().all(|message| message.get("result").is_none()));
}

/// Every instance loads the session while the others write it: it is one session.
pub(crate) async fn ss_09_what_all_instances_write_at_once_is_kept(backend: Backend) {
    const WRITES: usize = 30;
    let cluster = Cluster::of(3, backend);
    let client = Client::begin(&cluster).await;
    let client = &client;
    let writes = (0..WRITES).map(|n| async move {
        let value = json!({ "key": format!("k{n}"), "value": n.to_string() });
        client.on(n % 3).call("remember", &value).await
    });
    for written in join_all(writes).await {
        assert_eq!(text(&written), "remembered");
    }
    for n in 0..WRITES {
        let key = json!({ "key": format!("k{n}") });
        let recalled = client.on((n + 1) % 3).call("recall", &key).await;
        assert_eq!(text(&recalled), n.to_string());
    }
}

pub(crate) async fn e2e_15_a_session_in_use_outlives_its_idle_time(backend: Backend) {
    const IDLE: &str = "1500";
    const LONG: u64 = 4000;
    let cluster = Cluster::with(2, backend, &["--idle-ms", IDLE]);
    let unused = Client::begin(&cluster).await;
    let listening = Client::begin(&cluster).await;
    let mut stream = listening.on(0).listen(None).await;
    let waiting = Client::begin(&cluster).await;
    let silent = waiting
        .on(1)
        .post(&call(1, "sleep", &json!({ "ms": LONG })));
    let silent = spawn(silent.send());
    let talking = Client::begin(&cluster).await;
    let numbers = json!({ "n": 2, "every_ms": LONG / 2 });
    let counted = talking.on(0).stream(1, "count", &numbers).await;

    let counted = counted.messages().await;
    assert_eq!(text(counted.last().unwrap()), "1,2");
    let silent = soon(silent).await.unwrap().unwrap();
    let answer = soon(silent.json()).await.unwrap();
    assert_eq!(text(&answer), "awake");
    for client in [&listening, &waiting, &talking] {
        assert_eq!(client.on(0).status(&ping()).await, 200);
        assert_eq!(client.on(1).status(&ping()).await, 200);
    }
    assert_eq!(unused.on(0).status(&ping()).await, 404);
    assert_eq!(unused.on(1).status(&ping()).await, 404);
    listening.call("grow", &json!({ "name": "late" })).await;
    stream.until("notifications/tools/list_changed").await;
}
