//! Several instances on one set of stores.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use mcp_core::{
    Context, ElicitForm, McpRouter, Resource, Tool, ToolError,
    clock::Clock,
    jsonrpc::{Request, RequestId},
    protocol::{Method, Revision},
    server::{
        Caller, EventStream, Outcome, RefusalKind, Reply, Server, ServerBuilder, StreamEvent,
    },
    store::{
        Backend, MemoryEventStore, MemoryLeaseStore, MemoryNotifier, MemorySessionStore, SessionId,
        SessionStore,
    },
    testing::TestClient,
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::support::{Fault, Faulty, PausedClock, pass};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Stores that several instances share; each instance can lose its way to them.
pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    sessions: MemorySessionStore,
    events: MemoryEventStore,
    leases: MemoryLeaseStore,
    notifier: MemoryNotifier,
}

/// Takes the stores away from one instance, and writes down which of their calls it makes.
#[derive(Clone, Default)]
pub(crate) struct Switch {
    away: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Switch {
    pub(crate) fn set(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The calls since this was asked last, in order.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    fn fault(&self) -> impl Fn(&'static str) -> Fault + Send + Sync + 'static {
        let (away, calls) = (Arc::clone(&self.away), Arc::clone(&self.calls));
        move |call| {
            calls.lock().unwrap().push(call);
            if away.load(Ordering::SeqCst) {
                Fault::Away
            } else {
                Fault::None
            }
        }
    }
}

impl Shared {
    pub(crate) fn new() -> Self {
        let clock: Arc<dyn Clock> = PausedClock::new();
        Self {
            sessions: MemorySessionStore::with_clock(Arc::clone(&clock)),
            events: MemoryEventStore::with_clock(Arc::clone(&clock)),
            leases: MemoryLeaseStore::with_clock(Arc::clone(&clock)),
            notifier: MemoryNotifier::new(),
            clock,
        }
    }

    pub(crate) fn builder(&self, router: McpRouter, switch: &Switch) -> ServerBuilder {
        let backend = Backend::new(
            Faulty::new(self.sessions.clone(), switch.fault()),
            Faulty::new(self.events.clone(), switch.fault()),
            Arc::new(self.notifier.clone()),
            Faulty::new(self.leases.clone(), switch.fault()),
        );
        let builder = ServerBuilder::from(router).clock(Arc::clone(&self.clock));
        builder.backend(backend)
    }

    /// Deletes a session behind the back of every instance.
    pub(crate) async fn delete(&self, id: &SessionId) {
        assert!(self.sessions.delete(id).await.unwrap());
    }

    pub(crate) fn instance(&self) -> (Server, Switch) {
        let switch = Switch::default();
        let server = self.builder(router(), &switch).build().unwrap();
        (server, switch)
    }

    fn two(&self) -> (Server, Server) {
        (self.instance().0, self.instance().0)
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Name {
    name: String,
}

pub(crate) fn router() -> McpRouter {
    let ask = Tool::new("ask").handler(|ctx: Context| async move {
        let who = ctx.elicit("who", ElicitForm::<Name>::of("Who?")).await?;
        Ok::<_, ToolError>(who.accepted()?.name)
    });
    let silent = Tool::new("silent").handler(|ctx: Context| async move {
        ctx.progress(1.0, None, None).await;
        std::future::pending::<&str>().await
    });
    let minute = Tool::new("minute").handler(|ctx: Context| async move {
        ctx.progress(1.0, None, None).await;
        let never = std::future::pending::<()>();
        timeout(SECOND * 60, never).await.ok();
        "late"
    });
    let slow = Tool::new("slow").handler(|ctx: Context| async move {
        for number in [1.0, 2.0, 3.0] {
            ctx.progress(number, None, None).await;
            pass(SECOND * 10).await;
        }
        "slow"
    });
    McpRouter::new()
        .tool(minute)
        .tool(Tool::new("echo").handler(|| async { "echo" }))
        .tool(slow)
        .tool(ask)
        .tool(silent)
        .resource(Resource::new("test://a", "a").handler(|| async { "a" }))
}

pub(crate) async fn connect(server: &Server) -> TestClient {
    let client = TestClient::serving(server.clone());
    client.connect().await.unwrap()
}

fn tool(name: &str) -> Request {
    let params = json!({ "name": name, "arguments": {}, "_meta": { "progressToken": 1 } });
    let params = serde_json::to_vec(&params).unwrap();
    Request::new(RequestId::from(7), Method::ToolsCall, Some(params.into()))
}

/// Calls a tool of a session made elsewhere.
pub(crate) async fn call(server: &Server, client: &TestClient, name: &str) -> Outcome {
    let id = client.session().unwrap().id();
    let session = server.session(id.as_str(), None).await.unwrap();
    let call = server.call(&session, tool(name), Caller::default(), Reply::Stream);
    call.outcome().await
}

fn answer(outcome: Outcome) -> Value {
    let Outcome::Answer(response) = outcome else {
        unreachable!("{outcome:?}")
    };
    serde_json::from_slice(&response.into_message()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_session_is_served_by_an_instance_without_configured_keys() {
    let shared = Shared::new();
    let (a, b) = shared.two();
    let client = connect(&a).await;
    let answer = answer(call(&b, &client, "echo").await);
    assert_eq!(answer["result"]["content"][0]["text"], "echo");
}

#[tokio::test(start_paused = true)]
async fn a_round_begun_here_ends_there_with_the_shared_keys() {
    let shared = Shared::new();
    let (a, b) = shared.two();
    let sessionless = |server: &Server| {
        TestClient::serving(server.clone())
            .revision(Revision::V2026_07_28)
            .on_elicit(|_| Ok(json!({ "action": "accept", "content": { "name": "A" } })))
            .connect()
    };
    let (here, there) = (
        sessionless(&a).await.unwrap(),
        sessionless(&b).await.unwrap(),
    );
    let mut params = json!({ "name": "ask", "arguments": {} });
    let first = here.round("tools/call", &mut params).await.unwrap();
    here.answer_round(&first, &mut params).unwrap();
    let last = there.round("tools/call", &mut params).await.unwrap();
    assert_eq!(last["content"][0]["text"], "A");
}

#[tokio::test(start_paused = true)]
async fn a_known_session_is_served_while_the_store_is_away_and_no_other() {
    let shared = Shared::new();
    let ((a, switch), (b, _)) = (shared.instance(), shared.instance());
    let client = connect(&a).await;
    let stranger = connect(&b).await;
    switch.set(true);
    pass(SECOND * 60).await;
    let known = answer(call(&a, &client, "echo").await);
    assert_eq!(known["result"]["content"][0]["text"], "echo");
    let id = stranger.session().unwrap().id();
    let unknown = a.session(id.as_str(), None).await.unwrap_err();
    assert_eq!(unknown.kind, RefusalKind::Unavailable);
    pass(Duration::from_mins(10)).await;
    let id = client.session().unwrap().id();
    let late = a.session(id.as_str(), None).await.unwrap_err();
    assert_eq!(late.kind, RefusalKind::Unavailable, "the grace is over");
    switch.set(false);
    pass(SECOND * 5).await;
    let back = answer(call(&a, &client, "echo").await);
    assert_eq!(back["result"]["content"][0]["text"], "echo");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_resumed_when_the_store_is_back() {
    let shared = Shared::new();
    let (a, switch) = shared.instance();
    let client = connect(&a).await;
    let Outcome::Stream(mut stream) = call(&a, &client, "silent").await else {
        unreachable!("it speaks before it answers")
    };
    let first = stream.next().await.unwrap().id.unwrap();
    let spoken = stream.next().await.unwrap();
    drop(stream);
    switch.set(true);
    let session = client.session().unwrap();
    let mut resumed = a.listen(session, Some(&first)).await.unwrap();
    let waits = timeout(SECOND * 20, resumed.next()).await;
    assert!(waits.is_err());
    switch.set(false);
    let again = timeout(SECOND * 20, resumed.next()).await;
    assert_eq!(again.unwrap().unwrap().data, spoken.data);
}

/// It came after the last word, so only the end of the log can say that it is there.
#[tokio::test(start_paused = true)]
async fn whoever_came_elsewhere_hears_of_the_end_without_a_poll() {
    let shared = Shared::new();
    let (a, b) = shared.two();
    let client = connect(&a).await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        // Each time at another moment between two polls.
        pass(SECOND * 40 + SECOND / 3).await;
        let began = Instant::now();
        let Outcome::Stream(mut stream) = call(&a, &client, "minute").await else {
            unreachable!("it speaks before it answers")
        };
        stream.next().await.unwrap();
        let place = stream.next().await.unwrap().id.unwrap();
        drop(stream);
        pass(SECOND / 7).await;
        let session = client.session().unwrap().id();
        let session = b.session(session.as_str(), None).await.unwrap();
        let elsewhere = b.listen(&session, Some(&place)).await.unwrap();
        let heard: Vec<_> = elsewhere.collect().await;
        assert_eq!(told(heard.last().unwrap()).0, 0);
        waits.push(began.elapsed());
    }
    assert!(waits.iter().all(|wait| *wait == SECOND * 60), "{waits:?}");
}

/// What an event says: the number of a progress, or 0 for the response; and its id.
fn told(event: &StreamEvent) -> (u64, Option<String>) {
    let message: Value = serde_json::from_slice(&event.data).unwrap();
    let number = message["params"]["progress"].as_f64();
    assert!(number.is_some() || message.get("result").is_some());
    let number = number.map_or(0, |number| number.to_string().parse().unwrap());
    (number, event.id.clone())
}

/// The stream of a slow call that has said one thing, and the place after that.
async fn begun(a: &Server, client: &TestClient) -> (EventStream, String) {
    let Outcome::Stream(mut stream) = call(a, client, "slow").await else {
        unreachable!("it speaks before it answers")
    };
    assert!(stream.next().await.unwrap().data.is_empty());
    let (number, id) = told(&stream.next().await.unwrap());
    assert_eq!(number, 1);
    (stream, id.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_to_its_end_while_the_store_is_away() {
    let shared = Shared::new();
    let (a, switch) = shared.instance();
    let client = connect(&a).await;
    let (stream, place) = begun(&a, &client).await;
    switch.set(true);
    let rest: Vec<_> = timeout(SECOND * 60, stream.collect()).await.unwrap();
    let rest: Vec<_> = rest.iter().map(told).collect();
    assert_eq!(rest, [(2, None), (3, None), (0, None)]);
    switch.set(false);
    pass(SECOND * 5).await;
    let (b, _) = shared.instance();
    let id = client.session().unwrap().id();
    let session = b.session(id.as_str(), None).await.unwrap();
    let again = b.listen(&session, Some(&place)).await.unwrap();
    let again: Vec<_> = timeout(SECOND * 60, again.collect()).await.unwrap();
    let again = again.iter().filter(|event| !event.data.is_empty());
    let again: Vec<_> = again.map(told).collect();
    assert!(again.iter().all(|(_, id)| id.is_some()), "{again:?}");
    let numbers: Vec<_> = again.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [2, 3, 0], "all of it stands in the log");
}

#[tokio::test(start_paused = true)]
async fn what_was_said_while_the_store_was_away_is_not_repeated() {
    let shared = Shared::new();
    let (a, switch) = shared.instance();
    let client = connect(&a).await;
    let (mut stream, _) = begun(&a, &client).await;
    switch.set(true);
    assert_eq!(told(&stream.next().await.unwrap()), (2, None));
    switch.set(false);
    let rest: Vec<_> = timeout(SECOND * 60, stream.collect()).await.unwrap();
    let rest: Vec<_> = rest.iter().map(told).collect();
    let numbers: Vec<_> = rest.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [3, 0]);
    assert!(rest.iter().all(|(_, id)| id.is_some()), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_while_the_store_is_away_is_heard_when_it_is_back() {
    let shared = Shared::new();
    let (a, switch) = shared.instance();
    let (b, _) = shared.instance();
    let client = connect(&b).await;
    let mut stream = b.listen(client.session().unwrap(), None).await.unwrap();
    assert!(stream.next().await.unwrap().data.is_empty());
    let uri = json!({ "uri": "test://a" });
    let subscribed: Value = client.request("resources/subscribe", uri).await.unwrap();
    assert_eq!(subscribed, json!({}));
    let _other = connect(&a).await;
    switch.set(true);
    a.resource_updated("test://a").await;
    a.resource_updated("test://a").await;
    assert!(timeout(SECOND * 30, stream.next()).await.is_err());
    switch.set(false);
    let heard = timeout(SECOND * 5, stream.next()).await.unwrap().unwrap();
    let heard: Value = serde_json::from_slice(&heard.data).unwrap();
    assert_eq!(heard["method"], "notifications/resources/updated");
    let more = timeout(SECOND * 5, stream.next()).await;
    assert!(more.is_err(), "it is said once: {more:?}");
}

/// SS-12
#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_waits_only_for_those_who_live() {
    let shared = Shared::new();
    let (a, b) = shared.two();
    let client = connect(&a).await;
    let _other = connect(&b).await;
    // Since then every lease of those who live has been seen.
    pass(SECOND * 30).await;
    call(&b, &client, "echo").await;
    let id = client.session().unwrap().id().clone();
    let began = Instant::now();
    assert!(a.terminate(&id).await.unwrap());
    assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
    let gone = b.session(id.as_str(), None).await.unwrap_err();
    assert_eq!(gone.kind, RefusalKind::UnknownSession);
}

impl Shared {
    /// An instance whose catalogue can grow.
    fn growing(&self) -> Server {
        let builder = self.builder(router(), &Switch::default());
        let builder = builder.on_catalogue(|router, name| {
            let name: String = serde_json::from_str(name.get())?;
            let tool = Tool::new(name).handler(|| async { "grown" });
            Ok(router.clone().tool(tool))
        });
        builder.build().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_again_when_every_instance_has_made_it() {
    let shared = Shared::new();
    let (a, b) = (shared.growing(), shared.growing());
    let (client, _other) = (connect(&a).await, connect(&b).await);
    let mut listening = a.listen(client.session().unwrap(), None).await.unwrap();
    assert!(listening.next().await.unwrap().data.is_empty());
    b.change_catalogue(&"new").await.unwrap();
    for _ in 0..2 {
        let heard = timeout(SECOND * 5, listening.next()).await;
        let heard: Value = serde_json::from_slice(&heard.unwrap().unwrap().data).unwrap();
        assert_eq!(heard["method"], "notifications/tools/list_changed");
    }
    let more = timeout(SECOND * 30, listening.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_comes_late_has_every_change_of_the_catalogue() {
    let shared = Shared::new();
    let a = shared.growing();
    let client = connect(&a).await;
    a.change_catalogue(&"late").await.unwrap();
    a.change_catalogue(&"later").await.unwrap();
    let b = shared.growing();
    let _other = connect(&b).await;
    for tool in ["late", "later"] {
        let answer = answer(call(&b, &client, tool).await);
        assert_eq!(answer["result"]["content"][0]["text"], "grown");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_of_what_was_subscribed_elsewhere_before_it() {
    let shared = Shared::new();
    let deaf = || {
        let builder = shared.builder(router(), &Switch::default());
        builder.notifier(Arc::new(MemoryNotifier::new())).build()
    };
    let (a, b) = (deaf().unwrap(), deaf().unwrap());
    let client = connect(&a).await;
    // The session is known there, as it was before the subscription.
    call(&b, &client, "echo").await;
    let uri = json!({ "uri": "test://a" });
    let subscribed: Value = client.request("resources/subscribe", uri).await.unwrap();
    assert_eq!(subscribed, json!({}));
    let id = client.session().unwrap().id();
    let session = b.session(id.as_str(), None).await.unwrap();
    let mut stream = b.listen(&session, None).await.unwrap();
    let told = timeout(SECOND, async {
        loop {
            let event = stream.next().await.unwrap();
            if let Ok(message) = serde_json::from_slice::<Value>(&event.data) {
                return message;
            }
        }
    });
    assert_eq!(told.await.unwrap()["params"]["uri"], "test://a");
}
