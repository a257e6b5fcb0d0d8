//! Several GET streams of one session.

use mcp_testkit::fault::Cutter;
use serde_json::{Value, json};

use crate::{
    backend::Backend,
    client::{Client, soon, spawn, until},
    process::Cluster,
    sse::Sse,
};

const UPDATED: &str = "notifications/resources/updated";

async fn publish(client: &Client, uri: &str) {
    client.call("publish", &json!({ "uri": uri })).await;
}

/// The resource that the next update is about.
async fn updated(stream: &mut Sse) -> String {
    let message = stream.until(UPDATED).await;
    message["params"]["uri"].as_str().unwrap().to_owned()
}

pub(crate) async fn e2e_11_a_second_stream_hears_while_the_first_is_half_open(backend: Backend) {
    let cluster = Cluster::of(2, backend);
    for instance in [0, 1] {
        let client = Client::begin(&cluster).await;
        let wire = Cutter::to(cluster.nodes[0].address()).unwrap();
        let url = format!("http://{}/mcp", wire.addr());
        let first = client.clone().through(vec![url]).attached().await;
        wire.stall();
        let mut second = client.on(instance).attached().await;
        let uri = json!({ "uri": "mem://x" });
        client.on(1).request("resources/subscribe", &uri).await;
        for _ in 0..3 {
            publish(&client.on(1), "mem://x").await;
            assert_eq!(updated(&mut second).await, "mem://x");
        }
        drop(first);
    }
}

pub(crate) async fn e2e_11_of_two_live_streams_the_newer_hears_everything(backend: Backend) {
    let uris: Vec<_> = (0..20).map(|number| format!("mem://{number}")).collect();
    let cluster = Cluster::of(2, backend);
    for (older, newer) in [(0, 0), (0, 1), (1, 0)] {
        let client = Client::begin(&cluster).await;
        let first = client.on(older).attached().await;
        let mut second = client.on(newer).attached().await;
        // A newer stream over-notifies once; what is subscribed afterwards was not missed.
        for uri in &uris {
            let uri = json!({ "uri": uri });
            client.request("resources/subscribe", &uri).await;
        }
        for uri in &uris {
            publish(&client, uri).await;
            assert_eq!(updated(&mut second).await, *uri);
        }
        // Neither was ended for the other's sake: both end with their session. The older is told nothing.
        let first = spawn(async move { first.messages().await });
        publish(&client, "mem://0").await;
        assert_eq!(updated(&mut second).await, "mem://0");
        assert!(!first.is_finished());
        let deleted = soon(client.delete().send()).await.unwrap();
        assert_eq!(deleted.status(), 200);
        assert_eq!(second.messages().await, Vec::<Value>::new());
        let told = soon(first).await.unwrap();
        let last = &uris[uris.len() - 1];
        assert!(
            told.iter().all(|said| said["params"]["uri"] != **last),
            "{told:?}"
        );
    }
}

pub(crate) async fn e2e_11_the_older_stream_goes_on_when_the_newer_ends(backend: Backend) {
    let cluster = Cluster::of(2, backend);
    for (older, newer) in [(0, 0), (0, 1)] {
        let client = Client::begin(&cluster).await;
        let mut first = client.on(older).attached().await;
        let uri = json!({ "uri": "mem://x" });
        client.request("resources/subscribe", &uri).await;
        let second = client.on(newer).attached().await;
        drop(second);
        let hears = spawn(async move { updated(&mut first).await });
        until(|| async {
            publish(&client, "mem://x").await;
            hears.is_finished()
        })
        .await;
        assert_eq!(hears.await.unwrap(), "mem://x");
    }
}

pub(crate) async fn e2e_11_the_end_of_a_stream_takes_nothing_from_a_newer_one(backend: Backend) {
    let cluster = Cluster::of(2, backend);
    for (last, newest) in [(0, 0), (1, 1), (1, 0)] {
        let client = Client::begin(&cluster).await;
        let first = client.on(0).attached().await;
        let second = client.on(last).attached().await;
        drop(second);
        let mut third = client.on(newest).attached().await;
        let uri = json!({ "uri": "mem://x" });
        client.request("resources/subscribe", &uri).await;
        // The end of the second is written some time after the third came.
        let pause = json!({ "n": 4, "every_ms": 500 });
        client
            .on(1 - newest)
            .stream(7, "count", &pause)
            .await
            .messages()
            .await;
        for _ in 0..3 {
            publish(&client, "mem://x").await;
            assert_eq!(updated(&mut third).await, "mem://x");
        }
        let told = spawn(async move { first.messages().await });
        assert_eq!(soon(client.delete().send()).await.unwrap().status(), 200);
        let told = soon(told).await.unwrap();
        let updates = told.iter().filter(|said| said["method"] == UPDATED);
        assert_eq!(updates.count(), 0, "{told:?}");
    }
}

pub(crate) async fn e2e_11_an_older_stream_goes_on_when_the_instance_of_the_newer_dies(
    backend: Backend,
) {
    let mut cluster = Cluster::of(2, backend);
    let client = Client::begin(&cluster).await;
    let mut first = client.on(0).attached().await;
    let uri = json!({ "uri": "mem://x" });
    client.on(0).request("resources/subscribe", &uri).await;
    let second = client.on(1).attached().await;
    cluster.nodes[1].kill();
    drop(second);
    let hears = spawn(async move { updated(&mut first).await });
    until(|| async {
        publish(&client.on(0), "mem://x").await;
        hears.is_finished()
    })
    .await;
    assert_eq!(hears.await.unwrap(), "mem://x");
}
