//! Filters: what a caller may not see does not exist for it.

use mcp_core::{
    handler::{Context, Prompt, Resource, ResourceTemplate, Tool, ToolRoute},
    protocol::Revision,
    router::McpRouter,
};
use serde_json::{Value, json};

use crate::calls::{answer, ask, call, names, read, request_in};

/// These callers see everything; all others see nothing that is secret.
fn is_trusted(ctx: &Context) -> bool {
    ctx.revision() == Revision::V2024_11_05
}

fn hello(name: &str) -> ToolRoute<()> {
    Tool::new(name).handler(async || "hi")
}

fn filtered() -> McpRouter {
    McpRouter::new()
        .visible_tools(|ctx, tool| is_trusted(ctx) || !tool.name.starts_with("secret"))
        .visible_resources(|ctx, _| is_trusted(ctx))
        .visible_resource_templates(|ctx, _| is_trusted(ctx))
        .visible_prompts(|ctx, _| is_trusted(ctx))
        .tool(hello("open"))
        .tool(hello("secret"))
        .resource(Resource::new("a:b", "b").handler(async || "b"))
        .resource_template(ResourceTemplate::new("t:{x}", "x").handler(async || "x"))
        .prompt(Prompt::new("p").handler(async || "p"))
}

async fn trusted(router: &McpRouter, method: &str, params: Value) -> Value {
    read(ask(router, request_in(Revision::V2024_11_05, method, params)).await)
}

#[tokio::test]
async fn what_is_hidden_is_not_listed() {
    for (method, list, member, hidden, shown) in [
        (
            "tools/list",
            "tools",
            "name",
            vec!["open"],
            vec!["open", "secret"],
        ),
        ("resources/list", "resources", "uri", vec![], vec!["a:b"]),
        (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
            vec![],
            vec!["t:{x}"],
        ),
        ("prompts/list", "prompts", "name", vec![], vec!["p"]),
    ] {
        let page = answer(&filtered(), method, Value::Null).await;
        assert_eq!(names(&page, list, member), hidden, "{method}");
        let page = trusted(&filtered(), method, Value::Null).await;
        assert_eq!(names(&page, list, member), shown, "{method}");
    }
}

#[tokio::test]
async fn what_is_hidden_is_answered_like_what_does_not_exist() {
    let completion = |name: &str| {
        json!({
            "ref": {"type": "ref/prompt", "name": name},
            "argument": {"name": "x", "value": ""},
        })
    };
    for (method, hidden, unknown) in [
        (
            "tools/call",
            json!({"name": "secret"}),
            json!({"name": "xxxxxx"}),
        ),
        (
            "resources/read",
            json!({"uri": "a:b"}),
            json!({"uri": "a:x"}),
        ),
        (
            "resources/read",
            json!({"uri": "t:1"}),
            json!({"uri": "x:1"}),
        ),
        ("prompts/get", json!({"name": "p"}), json!({"name": "x"})),
        ("completion/complete", completion("p"), completion("x")),
    ] {
        let of_hidden = answer(&filtered(), method, hidden.clone()).await;
        let of_unknown = answer(&filtered(), method, unknown).await;
        assert_eq!(
            of_hidden["error"]["code"], of_unknown["error"]["code"],
            "{method}"
        );
        let words = |answer: &Value| answer["error"]["message"].as_str().unwrap().len();
        assert_eq!(words(&of_hidden), words(&of_unknown), "{method}");
        let shown = trusted(&filtered(), method, hidden).await;
        assert!(shown.get("error").is_none(), "{method}: {shown}");
    }
}

#[tokio::test]
async fn pages_are_full_of_what_is_visible() {
    let tools = ["a", "secret1", "b", "secret2", "c", "secret3"];
    let router = tools
        .iter()
        .fold(McpRouter::new(), |router, name| router.tool(hello(name)))
        .visible_tools(|ctx, tool| is_trusted(ctx) || !tool.name.starts_with("secret"))
        .page_size(2);
    let first = answer(&router, "tools/list", Value::Null).await;
    assert_eq!(names(&first, "tools", "name"), ["a", "b"]);
    let cursor = json!({"cursor": first["nextCursor"]});
    let second = answer(&router, "tools/list", cursor).await;
    assert_eq!(names(&second, "tools", "name"), ["c"]);
    assert_eq!(second.get("nextCursor"), None);
    let all = trusted(&router.page_size(0), "tools/list", Value::Null).await;
    assert_eq!(names(&all, "tools", "name").len(), 6);
}

#[tokio::test]
async fn of_several_filters_all_must_agree() {
    let router = filtered()
        .tool(hello("other"))
        .visible_tools(|_, tool| tool.name != "other");
    let page = answer(&router, "tools/list", Value::Null).await;
    assert_eq!(names(&page, "tools", "name"), ["open"]);
}

#[tokio::test]
async fn filters_of_a_merged_router_stay_with_its_own() {
    let router = McpRouter::new().tool(hello("secret.own")).merge(filtered());
    let page = answer(&router, "tools/list", Value::Null).await;
    assert_eq!(names(&page, "tools", "name"), ["open", "secret.own"]);
    assert!(
        call(&router, "secret.own", json!({}))
            .await
            .get("error")
            .is_none()
    );
    assert_eq!(
        call(&router, "secret", json!({})).await["error"]["code"],
        -32602
    );
}

#[tokio::test]
async fn a_hidden_resource_leaves_its_uri_to_the_templates() {
    let router = McpRouter::new()
        .resource(Resource::new("a:b", "b").handler(async || "secret"))
        .resource_template(ResourceTemplate::new("a:{x}", "x").handler(async || "open"))
        .visible_resources(|ctx, _| is_trusted(ctx));
    let open = answer(&router, "resources/read", json!({"uri": "a:b"})).await;
    assert_eq!(open["contents"][0]["text"], "open");
    let secret = trusted(&router, "resources/read", json!({"uri": "a:b"})).await;
    assert_eq!(secret["contents"][0]["text"], "secret");
}

#[tokio::test]
async fn a_filter_that_panics_hides_the_item() {
    let router = McpRouter::new()
        .tool(hello("a"))
        .visible_tools(|_, _| panic!("filter"));
    let page = answer(&router, "tools/list", Value::Null).await;
    assert_eq!(page, json!({"tools": []}));
    assert_eq!(call(&router, "a", json!({})).await["error"]["code"], -32602);
}
