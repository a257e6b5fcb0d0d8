//! What belongs to one user does not exist for another.

use reqwest::RequestBuilder;
use serde_json::json;

use crate::{
    backend::Backend,
    client::{Client, call, request, soon},
    process::Cluster,
};

const USERS: [&str; 2] = ["--user-header", "x-user"];

/// Everything of an answer that could tell something: status, headers without the date, body.
async fn whole(request: RequestBuilder) -> (u16, Vec<String>, String) {
    let response = soon(request.send()).await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers.filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    let headers = headers.collect();
    (status, headers, soon(response.text()).await.unwrap())
}

/// An id that looks like this one and is nobody's.
fn like(id: &str) -> String {
    let last = if id.ends_with('A') { 'B' } else { 'A' };
    format!("{}{last}", &id[..id.len() - 1])
}

pub(crate) async fn e2e_10_the_session_of_another_user_looks_unknown(backend: Backend) {
    let cluster = Cluster::with(2, backend, &USERS);
    let victim = Client::of_user(&cluster, "victim").await;
    let mut stream = victim
        .on(0)
        .stream(1, "count", &json!({ "n": 1000, "every_ms": 100 }))
        .await;
    stream.until("notifications/progress").await;
    let event = stream.last.clone().unwrap();
    let thief = Client::new(&cluster).user("thief");
    let nobody = Client::new(&cluster);
    let ping = request(1, "ping", &json!({}));
    let cancel = json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": { "requestId": 1 },
    });
    let answer = json!({ "jsonrpc": "2.0", "id": "a.1.b", "result": {} });
    for other in [&thief, &nobody] {
        for instance in [0, 1] {
            let at = other.on(instance);
            let stolen = at.clone().with_session(&victim.session);
            let random = at.with_session(&like(&victim.session));
            for message in [
                &ping,
                &cancel,
                &answer,
                &call(1, "echo", &json!({ "text": "" })),
            ] {
                let (stolen, random) = (stolen.post(message), random.post(message));
                let stolen = whole(stolen).await;
                assert_eq!(stolen.0, 404);
                assert_eq!(stolen, whole(random).await, "{message}");
            }
            for (stolen, random) in [
                (stolen.get(None), random.get(None)),
                (stolen.get(Some(&event)), random.get(Some(&event))),
                (stolen.delete(), random.delete()),
            ] {
                let stolen = whole(stolen).await;
                assert_eq!(stolen.0, 404);
                assert_eq!(stolen, whole(random).await);
            }
        }
    }
    for instance in [0, 1] {
        assert_eq!(victim.on(instance).status(&ping).await, 200);
    }
    stream.until("notifications/progress").await;
}

pub(crate) async fn e2e_10_the_event_of_another_session_looks_unknown(backend: Backend) {
    let cluster = Cluster::with(2, backend, &USERS);
    let victim = Client::of_user(&cluster, "victim").await;
    let thief = Client::of_user(&cluster, "thief").await;
    let mut stream = victim
        .on(0)
        .stream(1, "count", &json!({ "n": 1000, "every_ms": 100 }))
        .await;
    stream.until("notifications/progress").await;
    let event = stream.last.clone().unwrap();
    let random = format!("x{event}");
    for instance in [0, 1] {
        let stolen = whole(thief.on(instance).get(Some(&event))).await;
        assert_eq!(stolen.0, 400, "{stolen:?}");
        assert_eq!(stolen, whole(thief.on(instance).get(Some(&random))).await);
    }
    let theirs = whole(thief.on(1).get(Some("not an event"))).await;
    assert_eq!(theirs.0, 400);
    stream.until("notifications/progress").await;
}
