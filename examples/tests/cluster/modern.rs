//! A client of the revision without sessions: each request goes to the next instance.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::{Client as Http, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    client::{MODERN, request, soon},
    process::Cluster,
    sse::Sse,
};

const META: &str = "io.modelcontextprotocol/";

pub(crate) struct Modern {
    http: Http,
    /// Where each instance is reached.
    urls: Vec<String>,
    /// Where the requests go, by turns.
    turns: Vec<String>,
    next: AtomicUsize,
}

impl Modern {
    pub(crate) fn new(cluster: &Cluster) -> Self {
        Self {
            http: Http::new(),
            urls: cluster.urls(),
            turns: cluster.any(),
            next: AtomicUsize::new(0),
        }
    }

    /// The same client, with a connection of its own for each request.
    pub(crate) fn without_keep_alive(mut self) -> Self {
        let http = Http::builder().pool_max_idle_per_host(0);
        self.http = http.build().unwrap();
        self
    }

    /// The same client at one instance.
    pub(crate) fn on(&self, instance: usize) -> Self {
        Self {
            http: self.http.clone(),
            urls: self.urls.clone(),
            turns: vec![self.urls[instance].clone()],
            next: AtomicUsize::new(0),
        }
    }

    /// A POST to the next instance, with the headers and the `_meta` of a good client.
    pub(crate) fn post(&self, id: u64, method: &str, params: &Value) -> RequestBuilder {
        let mut message = request(id, method, params);
        let meta = &mut message["params"]["_meta"];
        let capabilities = json!({ "elicitation": {}, "sampling": {} });
        meta[format!("{META}protocolVersion")] = MODERN.into();
        meta[format!("{META}clientCapabilities")] = capabilities;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let post = self.http.post(&self.turns[number % self.turns.len()]);
        let post = post
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", method)
            .json(&message);
        match params["name"].as_str() {
            Some(name) => post.header("mcp-name", name),
            None => post,
        }
    }

    /// What a request is answered with, as plain JSON.
    pub(crate) async fn request(&self, id: u64, method: &str, params: &Value) -> Value {
        let response = soon(self.post(id, method, params).send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
        soon(response.json()).await.unwrap()
    }

    /// What a tool answers, as plain JSON.
    pub(crate) async fn call(&self, name: &str, arguments: &Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        self.request(1, "tools/call", &params).await
    }

    /// Listens, and reads the acknowledgement.
    pub(crate) async fn listen(&self, id: u64, filter: &Value) -> Sse {
        let params = json!({ "notifications": filter });
        let post = self.post(id, "subscriptions/listen", &params);
        let mut stream = Sse::of(soon(post.send()).await.unwrap());
        let message = stream.message().await.unwrap();
        let method = &message["method"];
        assert_eq!(*method, "notifications/subscriptions/acknowledged");
        stream
    }
}
