//! Several instances on one set of stores.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use mcp_core::{
    Context, ElicitForm, McpRouter, Tool, ToolError,
    clock::Clock,
    jsonrpc::{Request, RequestId},
    protocol::{Method, Revision},
    server::{Caller, Outcome, RefusalKind, Reply, Server, ServerBuilder},
    store::{Backend, MemoryEventStore, MemoryLeaseStore, MemoryNotifier, MemorySessionStore},
    testing::TestClient,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Fault, Faulty, PausedClock, pass};

const SECOND: Duration = Duration::from_secs(1);

/// Stores that several instances share; each instance can lose its way to them.
struct Shared {
    clock: Arc<dyn Clock>,
    sessions: MemorySessionStore,
    events: MemoryEventStore,
    leases: MemoryLeaseStore,
    notifier: MemoryNotifier,
}

/// Takes the stores away from one instance.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn set(&self, away: bool) {
        self.0.store(away, Ordering::SeqCst);
    }

    fn fault(&self) -> impl Fn(&'static str) -> Fault + Send + Sync + 'static {
        let away = Arc::clone(&self.0);
        move |_| {
            if away.load(Ordering::SeqCst) {
                Fault::Away
            } else {
                Fault::None
            }
        }
    }
}

impl Shared {
    fn new() -> Self {
        let clock: Arc<dyn Clock> = PausedClock::new();
        Self {
            sessions: MemorySessionStore::with_clock(Arc::clone(&clock)),
            events: MemoryEventStore::with_clock(Arc::clone(&clock)),
            leases: MemoryLeaseStore::with_clock(Arc::clone(&clock)),
            notifier: MemoryNotifier::new(),
            clock,
        }
    }

    fn builder(&self, router: McpRouter, switch: &Switch) -> ServerBuilder {
        let backend = Backend::new(
            Faulty::new(self.sessions.clone(), switch.fault()),
            Faulty::new(self.events.clone(), switch.fault()),
            Arc::new(self.notifier.clone()),
            Faulty::new(self.leases.clone(), switch.fault()),
        );
        let builder = ServerBuilder::from(router).clock(Arc::clone(&self.clock));
        builder.backend(backend)
    }

    fn instance(&self) -> (Server, Switch) {
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

fn router() -> McpRouter {
    let ask = Tool::new("ask").handler(|ctx: Context| async move {
        let who = ctx.elicit("who", ElicitForm::<Name>::of("Who?")).await?;
        Ok::<_, ToolError>(who.accepted()?.name)
    });
    let silent = Tool::new("silent").handler(|ctx: Context| async move {
        ctx.progress(1.0, None, None).await;
        std::future::pending::<&str>().await
    });
    McpRouter::new()
        .tool(Tool::new("echo").handler(|| async { "echo" }))
        .tool(ask)
        .tool(silent)
}

async fn connect(server: &Server) -> TestClient {
    let client = TestClient::serving(server.clone());
    client.connect().await.unwrap()
}

fn tool(name: &str) -> Request {
    let params = json!({ "name": name, "arguments": {}, "_meta": { "progressToken": 1 } });
    let params = serde_json::to_vec(&params).unwrap();
    Request::new(RequestId::from(7), Method::ToolsCall, Some(params.into()))
}

/// Calls a tool of a session made elsewhere.
async fn call(server: &Server, client: &TestClient, name: &str) -> Outcome {
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
    let ended = tokio::time::timeout(SECOND * 60, async {
        while resumed.next().await.is_some() {}
    });
    assert!(
        ended.await.is_err(),
        "the instance lives, and so does its stream"
    );
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
    let waits = tokio::time::timeout(SECOND * 20, resumed.next()).await;
    assert!(waits.is_err());
    switch.set(false);
    let again = tokio::time::timeout(SECOND * 20, resumed.next()).await;
    assert_eq!(again.unwrap().unwrap().data, spoken.data);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_waits_only_for_those_who_live() {
    let shared = Shared::new();
    let (a, b) = shared.two();
    let client = connect(&a).await;
    let _other = connect(&b).await;
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
        let heard = tokio::time::timeout(SECOND * 5, listening.next()).await;
        let heard: Value = serde_json::from_slice(&heard.unwrap().unwrap().data).unwrap();
        assert_eq!(heard["method"], "notifications/tools/list_changed");
    }
    let more = tokio::time::timeout(SECOND * 30, listening.next()).await;
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
