//! Instances of this version beside one of the next, and clients of every revision at one endpoint.

use std::time::Duration;

use bytes::Bytes;
use mcp_core::store::{Append, InstanceId, LogKey, Retention, SessionChange, SessionId, codec};
use serde_json::{Value, json};

use crate::{
    backend::{Backend, Stores},
    client::{Client, call, progress, request, soon, spawn, text, until},
    modern::Modern,
    process::Cluster,
    sse::Sse,
};

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const UPDATED: &str = "notifications/resources/updated";

/// What an instance of the next version writes that this one cannot know.
const UNKNOWN: [&[u8]; 4] = [
    br#"{"version":2,"readable_from":2,"entry":{"resource_updated":{"uri":"mem://x"}}}"#,
    br#"{"version":2,"readable_from":1,"entry":{"something_new":{"session":7}}}"#,
    br#"{"version":300,"more":[]}"#,
    b"\x02\x02\xff not JSON",
];

/// An instance of the next version, as far as those of this one can tell: what stands in the stores.
struct Next(Box<dyn Stores>);

impl Next {
    async fn write(&self, log: LogKey, entry: &[u8]) {
        let keep = Retention {
            events: 1000,
            bytes: 1 << 20,
            age: None,
        };
        let events = [Bytes::copy_from_slice(entry)];
        let batch = Append::new(&events, keep);
        self.0.append(&log, batch).await.unwrap();
    }

    /// Writes what nobody of this version can read, to every log that its instances read.
    async fn write_unknown(&self, instances: &[InstanceId]) {
        let inboxes = instances.iter().cloned().map(LogKey::Inbox);
        let shared = (0..8).map(LogKey::Broadcast).chain([LogKey::Config]);
        for log in shared.chain(inboxes) {
            for entry in UNKNOWN {
                self.write(log.clone(), entry).await;
            }
        }
    }

    /// Says that a resource has new content, in more words than this version knows.
    async fn publish(&self, uri: &str) {
        let entry = json!({ "resource_updated": { "uri": uri, "since": 7 } });
        let entry = json!({ "version": 2, "readable_from": 1, "entry": entry, "more": 1 });
        let entry = entry.to_string();
        self.write(LogKey::Broadcast(3), entry.as_bytes()).await;
    }

    /// Shows itself to the others.
    async fn join(&self, instance: &str) {
        let facts = br#"{"id":"next","version":"99.0.0","new":{"a":[1]}}"#;
        let name = format!("instance/{instance}");
        let held = self.0.hold(&name, instance, Duration::from_mins(5), facts);
        held.await.unwrap().unwrap();
    }

    /// Adds a member to the record of a session.
    async fn extend(&self, session: &str) {
        let id = SessionId::new(session);
        let stored = self.0.load(&id).await.unwrap().unwrap();
        let record = codec::encode_session(&stored.record).unwrap();
        let record = String::from_utf8(record.to_vec()).unwrap();
        let newer = record.replacen(r#""id":"#, r#""of_the_next":{"x":[1.0,"é"]},"id":"#, 1);
        let newer = codec::decode_session(newer.as_bytes(), "test").unwrap();
        let change = SessionChange::to(newer);
        let updated = self.0.update(&id, stored.version, &change);
        updated.await.unwrap().unwrap();
    }

    /// The record of a session, as it stands.
    async fn record(&self, session: &str) -> String {
        let id = SessionId::new(session);
        let stored = self.0.load(&id).await.unwrap().unwrap();
        let record = codec::encode_session(&stored.record).unwrap();
        String::from_utf8(record.to_vec()).unwrap()
    }
}

/// The ids of all instances.
async fn instances(client: &Client, cluster: &Cluster) -> Vec<InstanceId> {
    let mut ids = Vec::new();
    for instance in 0..cluster.nodes.len() {
        let answer = client.on(instance).call("whoami", &json!({})).await;
        ids.push(InstanceId::new(text(&answer)));
    }
    ids
}

pub(crate) async fn e2e_12_entries_of_the_next_version_are_read_or_passed_over(backend: Backend) {
    let place = backend.place();
    let cluster = Cluster::on(2, &place, &[]);
    let next = Next(place.stores().await);
    let client = Client::that_answers(&cluster).await;
    let uri = json!({ "uri": "mem://x" });
    let mut get = client.on(0).attached().await;
    client.request("resources/subscribe", &uri).await;
    let filter = json!({ "resourceSubscriptions": ["mem://x"] });
    let mut listener = Modern::new(&cluster).on(1).listen(1, &filter).await;
    let ids = instances(&client, &cluster).await;
    for _ in 0..2 {
        next.write_unknown(&ids).await;
        next.publish("mem://x").await;
        for stream in [&mut get, &mut listener] {
            let message = stream.message().await.unwrap();
            assert_eq!(message["method"], UPDATED, "{message}");
            assert_eq!(message["params"]["uri"], "mem://x");
        }
        think_elsewhere(&client).await;
        resume_elsewhere(&client).await;
    }
    let later = Cluster::on(1, &place, &[]);
    let later = Client::new(&later).with_session(&client.session);
    let answer = later.call("echo", &json!({ "text": "here" })).await;
    assert_eq!(text(&answer), "here");
}

pub(crate) async fn e2e_12_what_the_next_version_keeps_in_a_session_stays(backend: Backend) {
    let place = backend.place();
    let cluster = Cluster::on(2, &place, &[]);
    let next = Next(place.stores().await);
    let client = Client::begin(&cluster).await;
    next.extend(&client.session).await;
    for instance in [0, 1] {
        let value = json!({ "key": format!("k{instance}"), "value": "kite" });
        let answer = client.on(instance).call("remember", &value).await;
        assert_eq!(text(&answer), "remembered");
        let uri = json!({ "uri": format!("mem://{instance}") });
        client
            .on(instance)
            .request("resources/subscribe", &uri)
            .await;
    }
    let record = next.record(&client.session).await;
    for kept in [
        r#""of_the_next":{"x":[1.0,"é"]}"#,
        "k0",
        "k1",
        "mem://0",
        "mem://1",
    ] {
        assert!(record.contains(kept), "{kept} is not in {record}");
    }
}

pub(crate) async fn e2e_12_an_instance_that_confirms_nothing_delays_a_delete_and_no_more(
    backend: Backend,
) {
    let place = backend.place();
    let cluster = Cluster::on(2, &place, &["--freshness-ms", "1000"]);
    let next = Next(place.stores().await);
    next.join("next-1").await;
    let client = Client::begin(&cluster).await;
    let deleted = soon(client.delete().send()).await.unwrap();
    assert_eq!(deleted.status(), 200);
    for instance in [0, 1] {
        let ping = request(1, "ping", &json!({}));
        assert_eq!(client.on(instance).status(&ping).await, 404);
    }
}

/// A question asked at one instance and answered at another.
async fn think_elsewhere(client: &Client) {
    let prompt = json!({ "prompt": "Think." });
    let mut stream = client.on(0).stream(1, "think", &prompt).await;
    let question = stream.until("sampling/createMessage").await;
    let content = json!({ "type": "text", "text": "Hm." });
    let thought = json!({ "role": "assistant", "model": "m", "content": content });
    let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": thought });
    assert_eq!(client.on(1).status(&answer).await, 202);
    let rest = stream.messages().await;
    assert_eq!(text(rest.last().unwrap()), "Hm.");
}

/// A stream cut at one instance that goes on at another.
async fn resume_elsewhere(client: &Client) {
    let numbers = json!({ "n": 10, "every_ms": 20 });
    let mut first = client.on(0).stream(2, "count", &numbers).await;
    let mut seen = vec![first.message().await.unwrap()];
    let last = first.last.take();
    drop(first);
    let second = client.on(1).listen(last.as_deref()).await;
    seen.extend(second.messages().await);
    assert_eq!(progress(&seen), (1..=10).collect::<Vec<_>>());
    assert_eq!(text(&seen[10]), "1,2,3,4,5,6,7,8,9,10");
}

/// Says that a resource has new content until the stream tells of it: only the latest revision says
/// when it is attached.
async fn hearing(speaker: &Client, mut stream: Sse, uri: &str) -> Sse {
    let heard = spawn(async move {
        stream.until(UPDATED).await;
        stream
    });
    until(|| async {
        speaker.call("publish", &json!({ "uri": uri })).await;
        heard.is_finished()
    })
    .await;
    heard.await.unwrap()
}

pub(crate) async fn e2e_12_clients_of_every_revision_share_the_instances(backend: Backend) {
    let cluster = Cluster::of(2, backend);
    let modern = Modern::new(&cluster);
    let filter = json!({ "resourceSubscriptions": ["mem://x"] });
    let mut streams = vec![modern.on(1).listen(1, &filter).await];
    let mut clients = Vec::new();
    for revision in LEGACY {
        let client = Client::new(&cluster).speaking(revision);
        let capabilities = json!({ "elicitation": {}, "sampling": {} });
        let client = client.initialize(capabilities).await;
        for uri in ["mem://begin", "mem://x"] {
            client
                .request("resources/subscribe", &json!({ "uri": uri }))
                .await;
        }
        let stream = client.listen(None).await;
        streams.push(hearing(&client, stream, "mem://begin").await);
        clients.push(client);
    }
    for client in &clients {
        think_elsewhere(client).await;
        resume_elsewhere(client).await;
        let echo: Value = client.call("echo", &json!({ "text": "old" })).await;
        assert_eq!(text(&echo), "old");
        let echo = modern.call("echo", &json!({ "text": "new" })).await;
        assert_eq!(text(&echo), "new");
    }
    let publish = call(1, "publish", &json!({ "uri": "mem://x" }));
    assert_eq!(clients[0].status(&publish).await, 200);
    for stream in &mut streams {
        while stream.until(UPDATED).await["params"]["uri"] != "mem://x" {}
    }
    let [first, rest @ ..] = &clients[..] else {
        panic!("no clients");
    };
    let deleted = soon(first.delete().send()).await.unwrap();
    assert_eq!(deleted.status(), 200);
    for client in rest {
        let ping = request(1, "ping", &json!({}));
        assert_eq!(client.status(&ping).await, 200);
    }
}
