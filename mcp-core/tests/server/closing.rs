//! What an instance that closes leaves to the others.

use futures_util::StreamExt;
use mcp_core::server::{Outcome, StreamEvent};
use tokio::time::{Instant, timeout};

use crate::{
    instances::{SECOND, Shared, call, connect},
    support::pass,
};

#[tokio::test(start_paused = true)]
async fn a_stream_that_another_instance_produces_is_read_on_elsewhere() {
    let shared = Shared::new();
    let ((a, _), (b, _)) = (shared.instance(), shared.instance());
    let client = connect(&a).await;
    let _other = connect(&b).await;
    let Outcome::Stream(mut stream) = call(&a, &client, "minute").await else {
        unreachable!("it speaks before it answers")
    };
    let id = stream.next().await.unwrap().id.unwrap();
    drop(stream);
    let name = client.session().unwrap().id().clone();
    let session = b.session(name.as_str(), None).await.unwrap();
    let resumed = b.listen(&session, Some(&id)).await.unwrap();
    let began = Instant::now();
    let close = async {
        pass(SECOND).await;
        b.close_listeners();
    };
    let (read, ()) = tokio::join!(resumed.collect::<Vec<StreamEvent>>(), close);
    assert!(began.elapsed() < SECOND * 2, "{:?}", began.elapsed());
    let last = read.last().unwrap();
    assert!(last.data.is_empty() && last.retry.is_some(), "{last:?}");
    assert_eq!(last.id, None, "it is at none but the last event");
    let session = a.session(name.as_str(), None).await.unwrap();
    let rest = a.listen(&session, Some(&id)).await.unwrap();
    let rest = rest.collect::<Vec<_>>().await;
    let response = String::from_utf8_lossy(&rest.last().unwrap().data);
    assert!(response.contains("late"), "{response}");
}

#[tokio::test(start_paused = true)]
async fn many_streams_end_one_after_the_other() {
    let shared = Shared::new();
    let (a, _) = shared.instance();
    let mut streams = Vec::new();
    for _ in 0..250 {
        let client = connect(&a).await;
        let session = client.session().unwrap();
        streams.push(a.listen(session, None).await.unwrap());
    }
    let began = Instant::now();
    a.close_listeners();
    let ends = streams.into_iter().map(|stream| async move {
        let read = stream.collect::<Vec<_>>().await;
        assert!(read.last().unwrap().retry.is_some(), "{read:?}");
        began.elapsed().as_millis() / 100
    });
    let ends = futures_util::future::join_all(ends).await;
    let within = |tenth| ends.iter().filter(|end| **end == tenth).count();
    assert_eq!([within(0), within(1), within(2)], [100, 100, 50]);
}

#[tokio::test(start_paused = true)]
async fn who_has_never_reached_the_store_has_not_joined() {
    let shared = Shared::new();
    let (a, switch) = shared.instance();
    switch.set(true);
    a.join().await;
    pass(SECOND * 10).await;
    a.join().await;
    assert!(!a.has_joined());
    switch.set(false);
    pass(SECOND * 10).await;
    a.join().await;
    assert!(a.has_joined());
    switch.set(true);
    pass(SECOND * 10).await;
    assert!(a.has_joined(), "it goes on with what it knows");
}

#[tokio::test(start_paused = true)]
async fn who_begins_to_listen_late_is_sent_away_at_once() {
    let shared = Shared::new();
    let (a, _) = shared.instance();
    let client = connect(&a).await;
    a.close_listeners();
    let late = a.listen(client.session().unwrap(), None).await.unwrap();
    let read = timeout(SECOND, late.collect::<Vec<_>>()).await.unwrap();
    assert!(read.last().unwrap().retry.is_some(), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_this_instance_produces_is_read_to_its_end() {
    let shared = Shared::new();
    let (a, _) = shared.instance();
    let client = connect(&a).await;
    let Outcome::Stream(stream) = call(&a, &client, "minute").await else {
        unreachable!("it speaks before it answers")
    };
    a.close_listeners();
    let read = stream.collect::<Vec<_>>().await;
    let response = String::from_utf8_lossy(&read.last().unwrap().data);
    assert!(response.contains("late"), "{response}");
}
