//! Bodies that are no message, and messages that ask for what there is not.

use mcp_core::{Args, McpRouter, Prompt, Resource, Tool};
use serde_json::{Value, json};

use crate::support::{TestServer, ping, refused, request, tool};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Greet {
    name: String,
    #[serde(default)]
    times: Option<u8>,
}

async fn greet(Args(Greet { name, times }): Args<Greet>) -> String {
    name.repeat(times.unwrap_or(1).into())
}

pub(crate) fn router() -> McpRouter {
    McpRouter::new()
        .tool(Tool::new("greet").handler(greet))
        .resource(Resource::new("test://a", "a").handler(|| async { "text" }))
        .prompt(Prompt::new("hello").handler(|| async { "Hello!" }))
}

#[tokio::test]
async fn what_is_not_json_is_a_parse_error() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let bodies: [&[u8]; 8] = [
        b"",
        b"{",
        b"nonsense",
        b"\"open",
        br#"{"jsonrpc":"2.0",}"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"ping"} {}"#,
        b"[1,",
        b"{\"jsonrpc\":\"2.0\",\"id\":01,\"method\":\"ping\"}",
    ];
    for body in bodies {
        let error = refused(client.post_bytes(body), 400).await;
        let shown = String::from_utf8_lossy(body);
        assert_eq!(error["code"], -32700, "{shown}: {error}");
    }
}

#[tokio::test]
async fn what_is_not_utf8_is_a_parse_error() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let bodies: [&[u8]; 3] = [
        b"\xff\xfe",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc3\x28\"}",
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"\xed\xa0\x80\":1}}",
    ];
    for body in bodies {
        let error = refused(client.post_bytes(body), 400).await;
        assert_eq!(error["code"], -32700, "{error}");
    }
}

#[tokio::test]
async fn json_of_another_shape_is_an_invalid_request() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let bodies = [
        json!(1),
        json!(null),
        json!("ping"),
        json!({}),
        json!({ "id": 1, "method": "ping" }),
        json!({ "jsonrpc": "1.0", "id": 1, "method": "ping" }),
        json!({ "jsonrpc": 2.0, "id": 1, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1 }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": 5 }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": [] }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": "text" }),
        json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": {}, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": [1], "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": true, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1.5, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "result": {} }),
        json!({ "jsonrpc": "2.0", "id": 1, "result": {}, "error": { "code": 1, "message": "" } }),
        json!({ "jsonrpc": "2.0", "result": {} }),
    ];
    for body in bodies {
        let error = refused(client.post(&body), 400).await;
        assert_eq!(error["code"], -32600, "{body}: {error}");
    }
}

#[tokio::test]
async fn an_invalid_request_is_answered_under_its_id_where_it_has_one() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let body = json!({ "jsonrpc": "1.0", "id": "seven", "method": "ping" });
    let answer: Value = client
        .post(&body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["id"], "seven");
    let body = json!({ "jsonrpc": "2.0", "id": {}, "method": "ping" });
    let answer: Value = client
        .post(&body)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["id"], Value::Null);
}

#[tokio::test]
async fn a_member_that_stands_twice_is_an_invalid_request() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#;
    let error = refused(client.post_bytes(body), 400).await;
    assert_eq!(error["code"], -32600);
}

#[tokio::test]
async fn ids_come_back_as_they_were_written() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let ids = [
        "0",
        "-7",
        "\"\"",
        "\"a\\u0062\"",
        "9007199254740993",
        "123456789012345678901234567890",
    ];
    for id in ids {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let response = client.post_bytes(body).send().await.unwrap();
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!(r#""id":{id}"#)), "{id}: {text}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_method_not_found() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for method in ["", "tools", "tools/listing", "server/discover", "Ping"] {
        let answer = client.request(5, method, json!({})).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(-32601), &json!(5))
        );
    }
}

#[tokio::test]
async fn an_unknown_notification_is_accepted_and_ignored() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let message = json!({ "jsonrpc": "2.0", "method": "notifications/unheard_of" });
    let response = client.post(&message).send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.text().await.unwrap(), "");
}

#[tokio::test]
async fn wrong_parameters_are_invalid_params() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    let cases = [
        ("tools/call", json!({})),
        ("tools/call", json!({ "name": 5 })),
        ("tools/call", json!({ "name": "greet", "arguments": [] })),
        ("tools/call", json!({ "name": "greet", "arguments": "Ada" })),
        ("tools/list", json!({ "cursor": "of another server" })),
        ("tools/list", json!({ "cursor": 5 })),
        ("prompts/get", json!({})),
        ("prompts/get", json!({ "name": "unknown" })),
        ("resources/read", json!({})),
        ("resources/subscribe", json!({ "uri": 1 })),
        ("logging/setLevel", json!({ "level": "loud" })),
        ("logging/setLevel", json!({})),
        ("completion/complete", json!({ "ref": {} })),
    ];
    for (method, params) in cases {
        let answer = client.request(1, method, params.clone()).await;
        assert_eq!(
            answer["error"]["code"], -32602,
            "{method} {params}: {answer}"
        );
    }
}

#[tokio::test]
async fn initialize_with_wrong_parameters_begins_no_session() {
    let server = TestServer::start(router()).await;
    let stranger = server.stranger("2025-11-25");
    for params in [json!({}), json!({ "protocolVersion": 20_251_125 })] {
        let message = request(1, "initialize", &params);
        let response = stranger.bare().json(&message).send().await.unwrap();
        assert!(!response.headers().contains_key("mcp-session-id"));
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
}

#[tokio::test]
async fn wrong_tool_arguments_are_a_result_the_model_reads_since_2025_11_25() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for arguments in [
        json!({}),
        json!({ "name": 5 }),
        json!({ "name": null }),
        json!({ "name": ["Ada"] }),
    ] {
        let answer = client.call(1, "greet", &arguments).await;
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("name"), "{text}");
    }
    let answer = client
        .call(2, "greet", &json!({ "name": "A", "times": 256 }))
        .await;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("`times`"), "{text}");
}

#[tokio::test]
async fn wrong_tool_arguments_are_a_protocol_error_before_2025_11_25() {
    let server = TestServer::start(router()).await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18"] {
        let client = server.client_of(revision, json!({})).await;
        let answer = client.call(1, "greet", &json!({ "name": 5 })).await;
        assert_eq!(answer["error"]["code"], -32602, "{revision}: {answer}");
        let text = answer["error"]["message"].as_str().unwrap();
        assert!(text.contains("`name`"), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_tool_is_invalid_params_in_every_revision() {
    let server = TestServer::start(router()).await;
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = server.client_of(revision, json!({})).await;
        let answer = client.call(1, "unknown", &json!({})).await;
        assert_eq!(answer["error"]["code"], -32602, "{revision}: {answer}");
    }
}

#[tokio::test]
async fn an_answer_to_a_question_nobody_asked_is_refused() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for id in [json!(1), json!("x"), json!("a.1.b"), json!("..")] {
        let answer = json!({ "jsonrpc": "2.0", "id": id, "result": {} });
        let error = refused(client.post(&answer), 400).await;
        assert_eq!(error["code"], -32600, "{id}");
    }
}

#[tokio::test]
async fn an_announced_body_that_is_too_large_is_refused_before_it_comes() {
    let server =
        TestServer::serve(mcp_transport_http::HttpTransport::new(router()).max_body_size(1000))
            .await;
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 1001\r\n\r\n";
    let answer = server.raw(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        answer.contains("content-type: application/json\r\n"),
        "{answer}"
    );
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"]["code"], -32600);
}

#[tokio::test]
async fn an_unannounced_body_that_is_too_large_is_refused_as_it_comes() {
    let server =
        TestServer::serve(mcp_transport_http::HttpTransport::new(router()).max_body_size(1000))
            .await;
    let mut message = "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                       content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_owned();
    let chunk = format!("1f5\r\n{}\r\n", " ".repeat(501));
    message.push_str(&chunk.repeat(2));
    let answer = server.raw(message.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("-32600"), "{answer}");
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_served() {
    let message = ping().to_string();
    let transport = mcp_transport_http::HttpTransport::new(router()).max_body_size(1000);
    let server = TestServer::serve(transport).await;
    let client = server.client().await;
    let body = format!("{message}{}", " ".repeat(1000 - message.len()));
    assert_eq!(client.post_bytes(body).send().await.unwrap().status(), 200);
    let body = format!("{message}{}", " ".repeat(1001 - message.len()));
    refused(client.post_bytes(body), 413).await;
}

#[tokio::test]
async fn bad_input_does_not_harm_the_session() {
    let server = TestServer::start(router()).await;
    let client = server.client().await;
    for _ in 0..50 {
        refused(client.post_bytes("{"), 400).await;
        refused(client.post(&json!([])), 400).await;
    }
    let message = request(1, "tools/call", &tool("greet", &json!({ "name": "Ada" })));
    assert_eq!(client.status(&message).await, 200);
}
