//! Lists: their order, their pages, what initialize tells of them.

use mcp_core::{
    handler::{Prompt, Resource, ResourceTemplate, Tool, ToolRoute},
    protocol::Revision,
    router::{List, McpRouter},
};
use serde_json::{Value, json};

use crate::calls::{answer, ask, call, names, read, request_in};

fn hello(name: &str) -> ToolRoute<()> {
    Tool::new(name).handler(async || "hi")
}

fn with(names: &[&str]) -> McpRouter {
    let tools = names.iter().map(|name| hello(name));
    tools.fold(McpRouter::new(), McpRouter::tool)
}

async fn page(router: &McpRouter, cursor: Option<&Value>) -> Value {
    let params = cursor.map_or(Value::Null, |cursor| json!({"cursor": cursor}));
    answer(router, "tools/list", params).await
}

#[tokio::test]
async fn a_list_is_in_the_order_of_names_whatever_the_order_of_building() {
    let one = page(&with(&["c", "a", "b"]), None).await;
    assert_eq!(names(&one, "tools", "name"), ["a", "b", "c"]);
    assert_eq!(one.get("nextCursor"), None);
    assert_eq!(page(&with(&["b", "c", "a"]), None).await, one);
}

#[tokio::test]
async fn an_empty_router_has_empty_lists() {
    let router = McpRouter::new();
    for (method, list) in [
        ("tools/list", "tools"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
        ("prompts/list", "prompts"),
    ] {
        assert_eq!(
            answer(&router, method, Value::Null).await,
            json!({list: []})
        );
    }
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let router = with(&["a", "b", "c", "d", "e"]).page_size(2);
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = page(&router, cursor.as_ref()).await;
        seen.push(names(&page, "tools", "name").join(""));
        cursor = page.get("nextCursor").cloned();
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["ab", "cd", "e"]);
}

#[tokio::test]
async fn a_full_last_page_has_no_cursor() {
    let router = with(&["a", "b", "c", "d"]).page_size(2);
    let first = page(&router, None).await;
    let second = page(&router, Some(&first["nextCursor"])).await;
    assert_eq!(names(&second, "tools", "name"), ["c", "d"]);
    assert_eq!(second.get("nextCursor"), None);
}

#[tokio::test]
async fn pages_continue_over_a_changed_catalogue() {
    let before = with(&["a", "c", "e", "g"]).page_size(2);
    let first = page(&before, None).await;
    assert_eq!(names(&first, "tools", "name"), ["a", "c"]);
    for (after, expected) in [
        (
            before.clone().tool(hello("b")).tool(hello("d")),
            vec!["d", "e"],
        ),
        (with(&["a", "e", "g"]).page_size(2), vec!["e", "g"]),
        (with(&["a"]).page_size(2), vec![]),
    ] {
        let second = page(&after, Some(&first["nextCursor"])).await;
        assert_eq!(names(&second, "tools", "name"), expected);
    }
}

#[tokio::test]
async fn a_cursor_works_on_another_instance() {
    let (one, other) = (
        with(&["a", "b"]).page_size(1),
        with(&["b", "a"]).page_size(1),
    );
    let first = page(&one, None).await;
    let second = page(&other, Some(&first["nextCursor"])).await;
    assert_eq!(names(&second, "tools", "name"), ["b"]);
}

#[tokio::test]
async fn a_cursor_that_is_none_of_ours_is_32602() {
    for cursor in ["", "x", "!!", "AAAA", "AgAAAAAAAAAAAAAAAAAAAAAAYQ"] {
        let error = page(&with(&["a"]), Some(&json!(cursor))).await;
        assert_eq!(error["error"]["code"], -32602, "{cursor}");
    }
}

#[tokio::test]
async fn a_changed_clone_leaves_the_router_as_it_was() {
    let before = with(&["a"]);
    before.freeze().unwrap();
    let after = before.clone().tool(hello("b"));
    assert_eq!(call(&before, "b", json!({})).await["error"]["code"], -32602);
    assert!(call(&after, "b", json!({})).await.get("error").is_none());
    assert!(call(&after, "a", json!({})).await.get("error").is_none());
}

#[tokio::test]
async fn what_is_taken_away_is_gone() {
    let router = with(&["a", "b"])
        .prompt(Prompt::new("p").handler(async || "p"))
        .resource(Resource::new("a:b", "b").handler(async || "b"))
        .resource_template(ResourceTemplate::new("t:{x}", "x").handler(async || "x"))
        .without_tool("a")
        .without_prompt("p")
        .without_resource("a:b")
        .without_resource_template("t:{x}");
    let catalogue = router.freeze().unwrap();
    let tools: Vec<_> = catalogue.tools().map(|tool| &*tool.name).collect();
    assert_eq!(tools, ["b"]);
    assert_eq!(catalogue.prompts().count(), 0);
    assert_eq!(catalogue.resources().count(), 0);
    assert_eq!(catalogue.resource_templates().count(), 0);
}

#[tokio::test]
async fn nested_names_have_a_prefix_and_merged_ones_do_not() {
    let inner = with(&["x"])
        .prompt(Prompt::new("p").handler(async || "p"))
        .resource(Resource::new("a:b", "b").handler(async || "b"));
    let router = with(&["a"]).nest("in", inner.clone()).merge(with(&["z"]));
    let tools = page(&router, None).await;
    assert_eq!(names(&tools, "tools", "name"), ["a", "in.x", "z"]);
    let prompts = answer(&router, "prompts/list", Value::Null).await;
    assert_eq!(names(&prompts, "prompts", "name"), ["in.p"]);
    let resources = answer(&router, "resources/list", Value::Null).await;
    assert_eq!(names(&resources, "resources", "uri"), ["a:b"]);
    assert!(
        call(&router, "in.x", json!({}))
            .await
            .get("error")
            .is_none()
    );
}

#[test]
fn capabilities_are_what_there_is() {
    let capabilities = |router: &McpRouter, revision| {
        let catalogue = router.freeze().unwrap();
        serde_json::to_value(catalogue.capabilities(revision)).unwrap()
    };
    let newest = Revision::V2025_11_25;
    assert_eq!(
        capabilities(&McpRouter::new(), newest),
        json!({"logging": {}})
    );
    let template = ResourceTemplate::new("a:{b}", "b")
        .handler(async || "b")
        .complete("b", async || vec!["b"]);
    let full = with(&["a"])
        .resource_template(template)
        .prompt(Prompt::new("p").handler(async || "p"));
    let mut expected = json!({
        "logging": {},
        "completions": {},
        "tools": {"listChanged": true},
        "resources": {"subscribe": true, "listChanged": true},
        "prompts": {"listChanged": true},
    });
    assert_eq!(capabilities(&full, newest), expected);
    expected.as_object_mut().unwrap().remove("completions");
    assert_eq!(capabilities(&full, Revision::V2024_11_05), expected);
    let fixed = json!({"logging": {}, "tools": {}});
    assert_eq!(capabilities(&with(&["a"]).unchanging(), newest), fixed);
}

#[test]
fn the_server_says_who_it_is() {
    let router = McpRouter::<()>::new()
        .server_info("notes", "1.0.0")
        .title("Notes")
        .website_url("https://example.org")
        .instructions("Ask first.");
    let catalogue = router.freeze().unwrap();
    let info = catalogue.server_info(Revision::V2025_11_25);
    assert_eq!(
        (info.name.as_str(), info.version.as_str()),
        ("notes", "1.0.0")
    );
    assert_eq!(info.title.as_deref(), Some("Notes"));
    assert_eq!(catalogue.server_info(Revision::V2024_11_05).title, None);
    assert_eq!(catalogue.instructions(), Some("Ask first."));
}

#[tokio::test]
async fn every_revision_has_its_own_page() {
    let tool = Tool::new("a").title("A").handler(async || "a");
    let router = McpRouter::new().tool(tool).tool(hello("b")).page_size(1);
    for revision in Revision::ALL {
        let page = read(ask(&router, request_in(revision, "tools/list", Value::Null)).await);
        let titled = page["tools"][0].get("title").is_some();
        assert_eq!(titled, revision.rules().titles, "{revision}");
        assert!(page.get("nextCursor").is_some());
    }
}

#[test]
fn a_digest_is_the_same_in_every_process() {
    let digest = with(&["a"]).freeze().unwrap().digest(List::Tools);
    assert_eq!(digest.to_string(), "d03babcf480cd5b476c42202379e460e");
}
