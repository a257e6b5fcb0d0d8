//! Layers: what they are around, that they hold state, and how their failures are answered.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use mcp_core::{
    handler::{Args, Prompt, Resource, ResourceTemplate, Tool, ToolRoute},
    router::{McpRequest, McpResponse, McpRouter, McpService},
};
use serde_json::{Value, json};
use tower::{
    ServiceBuilder, layer::layer_fn, limit::ConcurrencyLimitLayer, load_shed::LoadShedLayer,
    service_fn, timeout::TimeoutLayer, util::MapRequestLayer,
};

use crate::calls::{answer, call};

/// Counts how many of its calls run at once.
#[derive(Clone, Default)]
struct Gauge {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gauge {
    /// A tool that takes a second.
    fn tool(&self, name: &str) -> ToolRoute<()> {
        let gauge = self.clone();
        Tool::new(name).handler(move || {
            let gauge = gauge.clone();
            async move {
                let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
                gauge.most.fetch_max(now, Ordering::SeqCst);
                tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>())
                    .await
                    .unwrap_err();
                gauge.now.fetch_sub(1, Ordering::SeqCst);
                "done"
            }
        })
    }
}

/// Writes the names of the layers that requests pass.
#[derive(Clone, Default)]
struct Trace(Arc<Mutex<String>>);

impl Trace {
    fn layer(
        &self,
        name: char,
    ) -> MapRequestLayer<impl Fn(McpRequest) -> McpRequest + Clone + use<>> {
        let trace = Arc::clone(&self.0);
        MapRequestLayer::new(move |request| {
            trace.lock().unwrap().push(name);
            request
        })
    }

    fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn hello(name: &str) -> ToolRoute<()> {
    Tool::new(name).handler(async || "hi")
}

async fn five_calls(router: &McpRouter, name: &str) -> Vec<Value> {
    let calls = (0..5).map(|_| call(router, name, json!({})));
    futures_util::future::join_all(calls).await
}

fn reasons(answers: &[Value]) -> Vec<&str> {
    let reasons = answers
        .iter()
        .map(|answer| answer["error"]["data"]["reason"].as_str());
    reasons.flatten().collect()
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_holds_across_calls() {
    let gauge = Gauge::default();
    let router = McpRouter::new()
        .tool(gauge.tool("slow"))
        .layer(ConcurrencyLimitLayer::new(2));
    let begun = tokio::time::Instant::now();
    let answers = five_calls(&router, "slow").await;
    assert!(answers.iter().all(|answer| answer.get("error").is_none()));
    assert_eq!(gauge.most.load(Ordering::SeqCst), 2);
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_tool_leaves_the_others_alone() {
    let (limited, free) = (Gauge::default(), Gauge::default());
    let router = McpRouter::new()
        .tool(limited.tool("limited").layer(ConcurrencyLimitLayer::new(1)))
        .tool(free.tool("free"));
    tokio::join!(five_calls(&router, "limited"), five_calls(&router, "free"));
    assert_eq!(limited.most.load(Ordering::SeqCst), 1);
    assert_eq!(free.most.load(Ordering::SeqCst), 5);
}

#[tokio::test(start_paused = true)]
async fn too_many_calls_are_shed() {
    let gauge = Gauge::default();
    let shed = ServiceBuilder::new()
        .layer(LoadShedLayer::new())
        .layer(ConcurrencyLimitLayer::new(2))
        .into_inner();
    let router = McpRouter::new().tool(gauge.tool("slow")).layer(shed);
    let answers = five_calls(&router, "slow").await;
    assert_eq!(reasons(&answers), ["overloaded"; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_layer_is_answered_with_its_reason() {
    let gauge = Gauge::default();
    let router = McpRouter::new()
        .tool(gauge.tool("slow"))
        .tool(hello("quick"))
        .layer(TimeoutLayer::new(Duration::from_millis(500)));
    let error = call(&router, "slow", json!({})).await;
    assert_eq!(error["error"]["code"], -32603);
    assert_eq!(error["error"]["data"], json!({"reason": "timeout"}));
    assert!(
        call(&router, "quick", json!({}))
            .await
            .get("error")
            .is_none()
    );
}

#[tokio::test]
async fn any_other_failure_or_panic_of_a_layer_is_answered() {
    let failing =
        layer_fn(|_: McpService| service_fn(async |_: McpRequest| Err::<McpResponse, _>("no")));
    let router = McpRouter::new().tool(hello("a").layer(failing));
    assert_eq!(reasons(&[call(&router, "a", json!({})).await]), ["layer"]);
    let panicking = MapRequestLayer::new(|_: McpRequest| -> McpRequest { panic!("layer") });
    let router = McpRouter::new().tool(hello("a")).layer(panicking);
    assert_eq!(reasons(&[call(&router, "a", json!({})).await]), ["panic"]);
}

#[tokio::test]
async fn a_layer_is_applied_once() {
    let applied = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&applied);
    let router = McpRouter::new()
        .tool(hello("a"))
        .layer(layer_fn(move |inner: McpService| {
            counter.fetch_add(1, Ordering::SeqCst);
            inner
        }));
    for _ in 0..3 {
        call(&router.clone(), "a", json!({})).await;
        router.freeze().unwrap();
    }
    assert_eq!(applied.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_layer_is_around_what_was_added_before() {
    let trace = Trace::default();
    let router = McpRouter::new()
        .tool(hello("first"))
        .layer(trace.layer('1'))
        .tool(hello("second").layer(trace.layer('s')))
        .layer(trace.layer('2'))
        .tool(hello("third"));
    for (tool, layers) in [
        ("first", "21"),
        ("second", "2s"),
        ("third", ""),
        ("none", "21"),
    ] {
        call(&router, tool, json!({})).await;
        assert_eq!(trace.take(), layers, "{tool}");
    }
    answer(&router, "tools/list", Value::Null).await;
    assert_eq!(trace.take(), "21");
    answer(&router, "ping", Value::Null).await;
    assert_eq!(trace.take(), "21");
}

#[tokio::test]
async fn layers_of_a_merged_router_stay_around_its_own() {
    let trace = Trace::default();
    let inner = McpRouter::new()
        .tool(hello("inner"))
        .layer(trace.layer('a'))
        .layer(trace.layer('b'));
    let router = McpRouter::new()
        .tool(hello("own"))
        .layer(trace.layer('1'))
        .merge(inner)
        .layer(trace.layer('2'));
    for (tool, layers) in [("inner", "2ba"), ("own", "21"), ("none", "21")] {
        call(&router, tool, json!({})).await;
        assert_eq!(trace.take(), layers, "{tool}");
    }
}

#[tokio::test]
async fn every_kind_of_item_is_inside_its_layers() {
    let trace = Trace::default();
    let inner = McpRouter::new()
        .resource(Resource::new("a:b", "b").handler(async || "b"))
        .resource_template(
            ResourceTemplate::new("t:{x}", "x")
                .handler(async || "x")
                .complete("x", async || vec!["x"]),
        )
        .prompt(Prompt::new("p").handler(async || "p"))
        .layer(trace.layer('i'));
    let router = McpRouter::new().merge(inner);
    let completion = json!({
        "ref": {"type": "ref/resource", "uri": "t:{x}"},
        "argument": {"name": "x", "value": ""},
    });
    for (method, params, layers) in [
        ("resources/read", json!({"uri": "a:b"}), "i"),
        ("resources/read", json!({"uri": "t:1"}), "i"),
        ("resources/read", json!({"uri": "u:1"}), ""),
        ("prompts/get", json!({"name": "p"}), "i"),
        ("completion/complete", completion, "i"),
        ("prompts/list", Value::Null, ""),
    ] {
        answer(&router, method, params.clone()).await;
        assert_eq!(trace.take(), layers, "{method} {params}");
    }
}

#[tokio::test]
async fn a_layer_may_rewrite_the_arguments() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Say {
        text: String,
    }
    let rewrite = MapRequestLayer::new(|mut request: McpRequest| {
        request.set_arguments(Some(Bytes::from_static(br#"{"text":"theirs"}"#)));
        request
    });
    let say = Tool::new("say").handler(async |Args(say): Args<Say>| Ok::<_, Infallible>(say.text));
    let router = McpRouter::new().tool(say).layer(rewrite);
    let result = call(&router, "say", json!({"text": "mine"})).await;
    assert_eq!(result["content"][0]["text"], "theirs");
}

#[tokio::test]
async fn a_renamed_request_does_not_get_around_layers() {
    let trace = Trace::default();
    let rename = |name: &'static str| {
        MapRequestLayer::new(move |request: McpRequest| {
            let params = Bytes::from(json!({"name": name}).to_string());
            let context = request.context().clone();
            McpRequest::new(request.method().clone(), Some(&params), context).unwrap()
        })
    };
    let guarded = McpRouter::new()
        .tool(hello("guarded"))
        .layer(trace.layer('g'));
    let renaming = |name, to| McpRouter::new().tool(hello(name)).layer(rename(to));
    let router = McpRouter::new()
        .tool(hello("outer"))
        .merge(guarded)
        .merge(renaming("to_guarded", "guarded"))
        .merge(renaming("to_outer", "outer"));
    let answers = [call(&router, "to_guarded", json!({})).await];
    assert_eq!(reasons(&answers), ["layer"]);
    assert_eq!(trace.take(), "");
    let allowed = call(&router, "to_outer", json!({})).await;
    assert_eq!(allowed["content"][0]["text"], "hi");
}
