//! Streams that are cut, resumed and cancelled elsewhere.

use serde_json::{Value, json};

use crate::{
    backend::Backend,
    client::{Client, call, progress, soon, spawn, text},
    process::Cluster,
    sse::Sse,
};

fn cancelled(id: u64) -> Value {
    let params = json!({ "requestId": id });
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })
}

pub(crate) async fn e2e_02_a_stream_cut_on_one_instance_goes_on_at_another(backend: Backend) {
    let cluster = Cluster::of(2, backend);
    let client = Client::begin(&cluster).await;
    let numbers = json!({ "n": 20, "every_ms": 50 });
    let mut first = client.on(0).stream(7, "count", &numbers).await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(first.message().await.unwrap());
    }
    let last = first.last.take();
    drop(first);
    let second = client.on(1).listen(last.as_deref()).await;
    seen.extend(second.messages().await);
    assert_eq!(progress(&seen), (1..=20).collect::<Vec<_>>());
    assert_eq!(seen.len(), 21);
    let answer = seen.last().unwrap();
    assert_eq!(answer["id"], 7);
    assert!(text(answer).ends_with(",19,20"), "{answer}");
}

pub(crate) async fn e2e_02_a_stream_cut_after_every_event_loses_and_repeats_nothing(
    backend: Backend,
) {
    let cluster = Cluster::of(3, backend);
    let client = Client::begin(&cluster).await;
    let numbers = json!({ "n": 30, "every_ms": 20 });
    let mut stream = client.stream(7, "count", &numbers).await;
    let mut last = None;
    let mut seen = Vec::new();
    while let Some(message) = stream.message().await {
        last = stream.last.take().or(last);
        seen.push(message);
        stream = client.listen(last.as_deref()).await;
    }
    assert_eq!(progress(&seen), (1..=30).collect::<Vec<_>>());
    assert_eq!(seen.len(), 31);
    assert_eq!(seen[30]["id"], 7);
}

/// EL-24: the handler goes on, to its end.
pub(crate) async fn e2e_02_what_is_said_while_nobody_listens_is_kept(backend: Backend) {
    let cluster = Cluster::of(2, backend);
    let client = Client::begin(&cluster).await;
    let numbers = json!({ "n": 10, "every_ms": 50 });
    let mut first = client.on(0).stream(7, "count", &numbers).await;
    let priming = first.event().await.unwrap();
    assert!(priming.data.is_empty(), "{priming:?}");
    drop(first);
    // A second call that takes longer: when it has ended, so has the first.
    client.on(0).call("sleep", &json!({ "ms": 1000 })).await;
    let resumed = client.on(1).listen(priming.id.as_deref()).await;
    let seen = resumed.messages().await;
    assert_eq!(progress(&seen), (1..=10).collect::<Vec<_>>());
    assert_eq!(seen.len(), 11);
    assert_eq!(text(&seen[10]), "1,2,3,4,5,6,7,8,9,10");
}

/// The error of a request whose instance is gone.
fn assert_lost(message: &Value, id: u64) {
    assert_eq!(message["id"], id, "{message}");
    assert_eq!(message["error"]["code"], -32603, "{message}");
    assert_eq!(message["error"]["data"]["reason"], "instance_lost");
}

pub(crate) async fn e2e_03_a_stream_of_a_killed_instance_ends_with_an_error(backend: Backend) {
    let mut cluster = Cluster::of(2, backend);
    let client = Client::begin(&cluster).await;
    let forever = json!({ "n": 100_000, "every_ms": 20 });
    let mut first = client.on(0).stream(7, "count", &forever).await;
    let mut seen = vec![first.message().await.unwrap()];
    let last = first.last.take();
    // What is logged now is for whoever resumes.
    for _ in 0..10 {
        first.message().await.unwrap();
    }
    cluster.nodes[0].kill();
    for _ in 0..2 {
        let rest = client.on(1).listen(last.as_deref()).await.messages().await;
        seen.truncate(1);
        seen.extend(rest);
        assert_lost(&seen.pop().unwrap(), 7);
        let logged = u64::try_from(seen.len()).unwrap();
        assert!(logged >= 11, "{logged}");
        assert_eq!(progress(&seen), (1..=logged).collect::<Vec<_>>());
    }
    let answer = client.on(1).call("echo", &json!({ "text": "on" })).await;
    assert_eq!(text(&answer), "on");
}

pub(crate) async fn e2e_03_whoever_reads_elsewhere_hears_of_the_loss(backend: Backend) {
    let mut cluster = Cluster::of(2, backend);
    let client = Client::begin(&cluster).await;
    let forever = json!({ "n": 100_000, "every_ms": 20 });
    let mut first = client.on(0).stream(7, "count", &forever).await;
    first.until("notifications/progress").await;
    let last = first.last.take();
    let mut second = client.on(1).listen(last.as_deref()).await;
    second.until("notifications/progress").await;
    cluster.nodes[0].kill();
    let rest = second.messages().await;
    let (end, logged) = rest.split_last().unwrap();
    assert_lost(end, 7);
    assert!(logged.iter().all(|message| message.get("id").is_none()));
}

pub(crate) async fn e2e_03_an_instance_that_comes_later_ends_the_stream_too(backend: Backend) {
    let mut cluster = Cluster::of(1, backend);
    let client = Client::begin(&cluster).await;
    let numbers = json!({ "n": 100_000, "every_ms": 20 });
    let mut first = client.stream(8, "count", &numbers).await;
    first.until("notifications/progress").await;
    let last = first.last.take();
    cluster.nodes[0].kill();
    cluster.add(&[]);
    let later = Client::new(&cluster).on(1).with_session(&client.session);
    let rest = later.listen(last.as_deref()).await.messages().await;
    assert_lost(rest.last().unwrap(), 8);
    let answer = later.call("echo", &json!({ "text": "on" })).await;
    assert_eq!(text(&answer), "on");
}

pub(crate) async fn e2e_05_a_call_is_cancelled_through_another_instance(backend: Backend) {
    let cluster = Cluster::of(2, backend);
    let client = Client::begin(&cluster).await;
    let forever = json!({ "n": 100_000, "every_ms": 20 });
    let mut talking = client.on(0).stream(1, "count", &forever).await;
    talking.until("notifications/progress").await;
    let silent = call(2, "sleep", &json!({ "ms": 600_000 }));
    let silent = spawn(client.on(0).post(&silent).send());
    // A call that begins after it, so that it runs when it is cancelled.
    client.on(0).call("echo", &json!({ "text": "" })).await;

    for id in [1, 2, 3] {
        assert_eq!(client.on(1).status(&cancelled(id)).await, 202);
    }
    let rest = talking.messages().await;
    assert!(rest.iter().all(|message| message.get("id").is_none()));
    let silent = Sse::of(soon(silent).await.unwrap().unwrap());
    assert_eq!(silent.messages().await, Vec::<Value>::new());
}

pub(crate) async fn e2e_05_progress_reaches_the_stream_wherever_it_is(backend: Backend) {
    let cluster = Cluster::of(3, backend);
    let client = Client::begin(&cluster).await;
    let forever = json!({ "n": 100_000, "every_ms": 20 });
    let mut first = client.on(0).stream(1, "count", &forever).await;
    first.until("notifications/progress").await;
    let last = first.last.take();
    drop(first);
    let mut second = client.on(1).listen(last.as_deref()).await;
    let mut seen = Vec::new();
    for _ in 0..20 {
        seen.push(second.message().await.unwrap());
    }
    let expected: Vec<_> = (2..=21).collect();
    assert_eq!(progress(&seen), expected);
    assert_eq!(client.on(2).status(&cancelled(1)).await, 202);
    let rest = second.messages().await;
    assert!(rest.iter().all(|message| message.get("id").is_none()));
}
