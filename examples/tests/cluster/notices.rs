//! What all instances tell their clients.

use serde_json::{Value, json};

use crate::{
    backend::Backend,
    client::{Client, text},
    modern::Modern,
    process::Cluster,
    sse::Sse,
};

const TOOLS: &str = "notifications/tools/list_changed";
const UPDATED: &str = "notifications/resources/updated";

/// Says that a resource has new content.
async fn publish(client: &Client, uri: &str) {
    let published = client.call("publish", &json!({ "uri": uri })).await;
    assert_eq!(text(&published), "published");
}

/// A session that has subscribed to `uri`, with its GET stream at an instance.
async fn subscriber(cluster: &Cluster, instance: usize, uri: &str) -> (Client, Sse) {
    let client = Client::begin(cluster).await;
    let stream = client.on(instance).attached().await;
    subscribe(&client.on(instance), uri).await;
    (client, stream)
}

async fn subscribe(client: &Client, uri: &str) {
    let answer = client
        .request("resources/subscribe", &json!({ "uri": uri }))
        .await;
    assert_eq!(answer.get("error"), None, "{answer}");
}

/// The methods of what comes up to the update of `uri`.
async fn methods_to(stream: &mut Sse, uri: &str) -> Vec<String> {
    let mut methods = Vec::new();
    loop {
        let message = stream.message().await.unwrap();
        if message["params"]["uri"] == uri {
            return methods;
        }
        methods.push(message["method"].as_str().unwrap().to_owned());
    }
}

/// Each instance tells of a change when it has made it, and once more when all have: a client that
/// asked another one at the first word may have got the old list.
pub(crate) async fn e2e_06_a_changed_list_is_told_to_everyone_who_asked(backend: Backend) {
    let cluster = Cluster::of(3, backend);
    let modern = Modern::new(&cluster);
    let speaker = Client::begin(&cluster).await;
    let ends = ["mem://end", "mem://last"];
    let asked = json!({ "toolsListChanged": true, "resourceSubscriptions": ends });
    let other = json!({ "promptsListChanged": true, "resourceSubscriptions": ends });
    let mut hearing = Vec::new();
    let mut deaf = Vec::new();
    for instance in 0..3 {
        let (client, stream) = subscriber(&cluster, instance, ends[0]).await;
        subscribe(&client.on(instance), ends[1]).await;
        hearing.push(stream);
        hearing.push(modern.on(instance).listen(1, &asked).await);
        deaf.push(modern.on(instance).listen(2, &other).await);
    }
    let kite = json!({ "name": "kite" });
    let grown = speaker.on(0).call("grow", &kite).await;
    assert_eq!(text(&grown), "kite is being added");
    for stream in &mut hearing {
        let message = stream.message().await.unwrap();
        assert_eq!(message["method"], TOOLS, "{message}");
    }
    for instance in 0..3 {
        let answer = speaker.on(instance).call("kite", &json!({})).await;
        assert_eq!(text(&answer), "grown");
    }
    // The same again changes nothing.
    speaker.on(1).call("grow", &kite).await;
    let mut again = vec![Vec::new(); hearing.len()];
    for end in ends {
        publish(&speaker.on(0), end).await;
        for (stream, again) in hearing.iter_mut().zip(&mut again) {
            again.extend(methods_to(stream, end).await);
        }
        for stream in &mut deaf {
            assert_eq!(methods_to(stream, end).await, Vec::<String>::new());
        }
    }
    for again in again {
        assert!(again.is_empty() || again == [TOOLS], "{again:?}");
    }
}

pub(crate) async fn e2e_06_an_update_is_told_to_those_who_subscribed(backend: Backend) {
    let cluster = Cluster::of(3, backend);
    let modern = Modern::new(&cluster);
    let (speaker, _) = subscriber(&cluster, 0, "mem://none").await;
    let filter = |uri: &str| json!({ "resourceSubscriptions": [uri] });
    for instance in [1, 2] {
        let mut one = subscriber(&cluster, instance, "mem://one").await.1;
        let mut two = subscriber(&cluster, instance, "mem://two").await.1;
        let mut modern_one = modern.on(instance).listen(1, &filter("mem://one")).await;
        let mut modern_two = modern.on(instance).listen(2, &filter("mem://two")).await;
        publish(&speaker.on(0), "mem://one").await;
        for stream in [&mut one, &mut modern_one] {
            let message = stream.message().await.unwrap();
            assert_eq!(message["method"], UPDATED);
            assert_eq!(message["params"]["uri"], "mem://one");
        }
        // The instance has told everyone by now.
        publish(&speaker.on(0), "mem://two").await;
        for stream in [&mut two, &mut modern_two] {
            assert_eq!(methods_to(stream, "mem://two").await, Vec::<String>::new());
        }
        publish(&speaker.on(0), "mem://one").await;
        for stream in [&mut one, &mut modern_one] {
            assert_eq!(methods_to(stream, "mem://one").await, Vec::<String>::new());
        }
    }
}

pub(crate) async fn e2e_06_another_namespace_hears_nothing(backend: Backend) {
    let (ours, theirs) = (Cluster::of(2, backend), Cluster::of(1, backend));
    let (speaker, mut hearing) = subscriber(&ours, 1, "mem://x").await;
    let (stranger, mut deaf) = subscriber(&theirs, 0, "mem://x").await;
    subscribe(&stranger, "mem://end").await;
    speaker.on(0).call("grow", &json!({ "name": "kite" })).await;
    hearing.until(TOOLS).await;
    publish(&speaker.on(0), "mem://x").await;
    hearing.until(UPDATED).await;
    publish(&stranger, "mem://end").await;
    let heard = methods_to(&mut deaf, "mem://end").await;
    assert_eq!(heard, Vec::<String>::new());
}

pub(crate) async fn e2e_07_whoever_listens_hears_what_follows_the_acknowledgement(
    backend: Backend,
) {
    let cluster = Cluster::of(2, backend);
    let modern = Modern::new(&cluster);
    let speaker = Client::begin(&cluster).await;
    for round in 0..50 {
        let uri = format!("mem://{round}");
        let filter = json!({ "resourceSubscriptions": [uri] });
        let mut stream = modern.on(round % 2).listen(1, &filter).await;
        publish(&speaker.on((round + 1) % 2), &uri).await;
        let message: Value = stream.message().await.unwrap();
        assert_eq!(message["params"]["uri"], uri, "{message}");
    }
}

pub(crate) async fn e2e_07_whoever_subscribed_hears_what_follows(backend: Backend) {
    let cluster = Cluster::of(3, backend);
    let client = Client::begin(&cluster).await;
    let speaker = Client::begin(&cluster).await;
    let mut stream = client.on(2).attached().await;
    for round in 0..50 {
        let uri = format!("mem://{round}");
        subscribe(&client.on(1), &uri).await;
        publish(&speaker.on(0), &uri).await;
        let message = stream.message().await.unwrap();
        assert_eq!(message["params"]["uri"], uri, "{message}");
    }
}
