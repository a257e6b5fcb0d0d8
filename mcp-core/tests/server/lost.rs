//! Instances that go away, or only seem to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, StreamExt};
use mcp_core::{
    Context, McpRouter, Tool,
    server::{Outcome, RefusalKind, Server, StreamEvent},
    testing::TestClient,
};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::{
    instances::{SECOND, Shared, Switch, call, connect},
    support::pass,
};

#[tokio::test(start_paused = true)]
async fn the_stream_of_an_instance_that_is_gone_ends_with_an_error() {
    let shared = Shared::new();
    let ((a, dead), (b, _)) = (shared.instance(), shared.instance());
    let client = connect(&a).await;
    let _other = connect(&b).await;
    pass(SECOND * 30).await;
    let Outcome::Stream(mut stream) = call(&a, &client, "silent").await else {
        unreachable!("it speaks before it answers")
    };
    let id = stream.next().await.unwrap().id.unwrap();
    // What a killed process leaves behind: a lease that nobody renews, and its log.
    dead.set(true);
    let session = b
        .session(client.session().unwrap().id().as_str(), None)
        .await
        .unwrap();
    let began = Instant::now();
    let mut resumed = b.listen(&session, Some(&id)).await.unwrap();
    let mut last = Value::Null;
    while let Some(event) = resumed.next().await {
        last = serde_json::from_slice(&event.data).unwrap_or(last);
    }
    assert_eq!(last["id"], 7, "{last}");
    assert_eq!(last["error"]["code"], -32603);
    assert_eq!(last["error"]["data"]["reason"], "instance_lost");
    assert!(began.elapsed() <= SECOND * 15, "{:?}", began.elapsed());
}

/// How long a stream of an instance that is gone takes to end with an error, read at one that has
/// only just begun.
async fn told_by_a_newcomer(shared: &Shared, older: bool) -> Duration {
    let (a, dead) = shared.instance();
    let client = connect(&a).await;
    let (b, _) = shared.instance();
    if older {
        connect(&b).await;
    }
    pass(SECOND * 30).await;
    let Outcome::Stream(mut stream) = call(&a, &client, "silent").await else {
        unreachable!("it speaks before it answers")
    };
    let id = stream.next().await.unwrap().id.unwrap();
    dead.set(true);
    let began = Instant::now();
    pass(SECOND).await;
    let (c, _) = shared.instance();
    connect(&c).await;
    let session = client.session().unwrap().id();
    let session = c.session(session.as_str(), None).await.unwrap();
    let mut resumed = c.listen(&session, Some(&id)).await.unwrap();
    while resumed.next().await.is_some() {}
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_relies_on_those_who_could_judge() {
    let took = told_by_a_newcomer(&Shared::new(), true).await;
    assert!(took <= SECOND * 15, "{took:?}");
    let alone = told_by_a_newcomer(&Shared::new(), false).await;
    assert!(alone >= SECOND * 20, "{alone:?}");
}

/// LS-04: the instance was only cut off, and comes back when its stream has been ended for it.
#[tokio::test(start_paused = true)]
async fn an_instance_that_was_given_up_adds_nothing_to_its_streams() {
    let shared = Shared::new();
    let ((a, cut_off), (b, _)) = (shared.instance(), shared.instance());
    let client = connect(&a).await;
    let _other = connect(&b).await;
    pass(SECOND * 30).await;
    let Outcome::Stream(mut stream) = call(&a, &client, "minute").await else {
        unreachable!("it speaks before it answers")
    };
    let id = stream.next().await.unwrap().id.unwrap();
    cut_off.set(true);
    let session = b
        .session(client.session().unwrap().id().as_str(), None)
        .await
        .unwrap();
    let resumed = b.listen(&session, Some(&id)).await.unwrap();
    let ended = rest(resumed).await;
    assert!(ended.last().unwrap().contains("instance_lost"), "{ended:?}");
    cut_off.set(false);
    pass(SECOND * 50).await;
    let here = rest(stream).await;
    assert!(!here.concat().contains("late"), "{here:?}");
    let again = rest(b.listen(&session, Some(&id)).await.unwrap()).await;
    assert_eq!(again, ended);
}

/// What a stream says until it ends.
async fn rest(stream: impl Stream<Item = StreamEvent>) -> Vec<String> {
    let texts = stream.map(|event| String::from_utf8_lossy(&event.data).into_owned());
    texts.collect().await
}

/// Two instances that know the session of a client.
async fn known_to_two(shared: &Shared) -> ([(Server, Switch); 2], TestClient) {
    let two = [shared.instance(), shared.instance()];
    let client = connect(&two[0].0).await;
    assert!(matches!(
        call(&two[1].0, &client, "echo").await,
        Outcome::Answer(_)
    ));
    pass(SECOND).await;
    (two, client)
}

#[tokio::test(start_paused = true)]
async fn nobody_says_that_a_session_has_ended_while_others_cannot_be_told() {
    let shared = Shared::new();
    let ([(a, to_a), (b, to_b)], client) = known_to_two(&shared).await;
    let id = client.session().unwrap().id().clone();
    to_b.set(true);
    let outage = async {
        pass(SECOND).await;
        to_a.set(true);
        pass(SECOND * 3).await;
        to_a.set(false);
    };
    let (ended, ()) = tokio::join!(a.terminate(&id), outage);
    assert_eq!(ended.unwrap_err().kind, RefusalKind::Unavailable);
    assert!(b.session(id.as_str(), None).await.is_ok(), "not told yet");
    to_b.set(false);
    pass(SECOND * 10).await;
    assert!(b.session(id.as_str(), None).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_those_whose_leases_ran_out_are_waited_for_too() {
    let shared = Shared::new();
    let ([(a, to_a), (b, to_b)], client) = known_to_two(&shared).await;
    let id = client.session().unwrap().id().clone();
    pass(SECOND * 30).await;
    assert!(b.session(id.as_str(), None).await.is_ok());
    for switch in [&to_a, &to_b] {
        switch.set(true);
    }
    pass(SECOND * 15).await;
    to_a.set(false);
    pass(SECOND).await;
    // The store shows no lease of it, and yet it lives.
    let back = async {
        pass(SECOND).await;
        to_b.set(false);
    };
    let (ended, ()) = tokio::join!(a.terminate(&id), back);
    assert!(ended.unwrap());
    assert!(b.session(id.as_str(), None).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn whoever_deletes_again_tells_the_others_what_the_first_did_not() {
    let shared = Shared::new();
    let ([(a, to_a), (b, _)], client) = known_to_two(&shared).await;
    let id = client.session().unwrap().id().clone();
    let (c, _) = shared.instance();
    assert!(c.session(id.as_str(), None).await.is_ok());
    // Deleted, and then its instance was cut off before it could say so.
    shared.delete(&id).await;
    to_a.set(true);
    assert!(!b.terminate(&id).await.unwrap(), "it is gone already");
    assert!(c.session(id.as_str(), None).await.is_err());
    drop(a);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_begins_to_stream_in_an_outage_goes_on_without_its_client() {
    let shared = Shared::new();
    let (finished, switch) = (Arc::new(AtomicBool::new(false)), Switch::default());
    let told = Arc::clone(&finished);
    let work = Tool::new("work").handler(move |ctx: Context| {
        let finished = Arc::clone(&told);
        async move {
            ctx.progress(1.0, None, None).await;
            pass(SECOND).await;
            finished.store(true, Ordering::SeqCst);
            "done"
        }
    });
    let a = shared.builder(McpRouter::new().tool(work), &switch);
    let a = a.build().unwrap();
    let client = connect(&a).await;
    switch.set(true);
    let Outcome::Stream(mut stream) = call(&a, &client, "work").await else {
        unreachable!("it speaks before it answers")
    };
    assert!(stream.next().await.is_some());
    drop(stream);
    pass(SECOND * 2).await;
    assert!(finished.load(Ordering::SeqCst));
}

/// LS-06: an outage orphans nobody.
#[tokio::test(start_paused = true)]
async fn after_an_outage_nobody_is_judged_before_everyone_could_renew() {
    let shared = Shared::new();
    let ((a, of_a), (b, of_b)) = (shared.instance(), shared.instance());
    let client = connect(&a).await;
    let _other = connect(&b).await;
    pass(SECOND * 30).await;
    let Outcome::Stream(mut stream) = call(&a, &client, "silent").await else {
        unreachable!("it speaks before it answers")
    };
    let id = stream.next().await.unwrap().id.unwrap();
    let session = b
        .session(client.session().unwrap().id().as_str(), None)
        .await
        .unwrap();
    let mut resumed = b.listen(&session, Some(&id)).await.unwrap();
    of_a.set(true);
    of_b.set(true);
    pass(SECOND * 60).await;
    of_b.set(false);
    // The other instance comes back a little later.
    pass(SECOND * 5).await;
    of_a.set(false);
    let ended = timeout(SECOND * 60, async {
        while resumed.next().await.is_some() {}
    });
    assert!(
        ended.await.is_err(),
        "the instance lives, and so does its stream"
    );
}
