//! Several GET streams of one session.

use mcp_testkit::fault::Cutter;
use serde_json::{Value, json};

use crate::{
    backend::Backend,
    client::{Client, soon, spawn, until},
    process::Cluster,
    sse::Sse,
};

async fn publish(client: &Client, uri: &str) {
    client.call("publish", &json!({ "uri": uri })).await;
}

/// The resource that the next update is about.
async fn updated(stream: &mut Sse) -> String {
    let message = stream.until("notifications/resources/updated").await;
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
