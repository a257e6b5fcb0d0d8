//! A client without a session.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    listening::Ears,
    random::Random,
    sse::Sse,
    tally::Fault,
    wire::{self, Answer, Failure, World, is_stream, pause, whole},
};

const REVISION: &str = "2026-07-28";
const META: &str = "io.modelcontextprotocol/";

/// Until a listener begins again.
const AGAIN: Duration = Duration::from_millis(100);

pub(crate) struct Modern<'a> {
    world: &'a World,
    random: Random,
    uri: &'a str,
    ears: &'a Ears,
    next: u64,
}

impl Modern<'_> {
    /// Works until nothing new should begin.
    pub(crate) async fn run(world: &World, number: u64, random: Random) {
        let uri = format!("mem://alone-{number}");
        let ears = Ears::default();
        let mut client = Modern {
            world,
            random,
            uri: &uri,
            ears: &ears,
            next: 0,
        };
        tokio::select! {
            () = client.work() => {}
            () = listen(world, &uri, &ears) => {}
        }
    }

    async fn work(&mut self) {
        while self.world.weather.goes_on() {
            match self.random.below(6) {
                0 => self.echo().await,
                1 => self.sleep().await,
                2 => self.ask().await,
                3 => self.publish().await,
                _ => self.count().await,
            }
            pause(Duration::from_millis(self.random.below(100))).await;
        }
    }

    fn unique(&mut self) -> String {
        self.next += 1;
        format!("{}/{}", self.uri, self.next)
    }

    async fn echo(&mut self) {
        let text = self.unique();
        let params = json!({ "name": "echo", "arguments": { "text": text } });
        if let Some(answer) = self.call(&params, 0, Duration::ZERO).await {
            self.expect(&answer, &text);
        }
    }

    async fn sleep(&mut self) {
        let ms = 50 + self.random.below(1500);
        let params = json!({ "name": "sleep", "arguments": { "ms": ms } });
        let time = Duration::from_millis(ms);
        if let Some(answer) = self.call(&params, 0, time).await {
            self.expect(&answer, "awake");
        }
    }

    async fn count(&mut self) {
        let n = 1 + self.random.below(20);
        let every = self.random.below(120);
        let arguments = json!({ "n": n, "every_ms": every });
        let params = json!({ "name": "count", "arguments": arguments });
        let time = Duration::from_millis(n * every);
        if let Some(answer) = self.call(&params, n, time).await {
            let numbers: Vec<_> = (1..=n).map(|number| number.to_string()).collect();
            self.expect(&answer, &numbers.join(","));
        }
    }

    /// A question in one round, and its answer in the next, at another instance.
    async fn ask(&mut self) {
        let question = self.unique();
        let mut params = json!({ "name": "ask", "arguments": { "question": question } });
        let Some(asked) = self.call(&params, 0, Duration::ZERO).await else {
            return;
        };
        let result = &asked.body["result"];
        params["requestState"] = result["requestState"].clone();
        let content = json!({ "answer": question });
        let accepted = json!({ "action": "accept", "content": content });
        params["inputResponses"] = json!({ "answer": accepted });
        if let Some(answer) = self.call(&params, 0, Duration::ZERO).await {
            self.expect(&answer, &question);
        }
    }

    async fn publish(&mut self) {
        if !self.ears.is_attached() {
            return;
        }
        let before = self.ears.heard();
        let params = json!({ "name": "publish", "arguments": { "uri": self.uri } });
        if self.call(&params, 0, Duration::ZERO).await.is_some() {
            self.ears.more_than(before, self.world, "a listener").await;
        }
    }

    fn expect(&self, answer: &Answer, text: &str) {
        if answer.text() != text {
            let what = format!("{answer} instead of {text}");
            self.world.tally.fault(Fault::WrongSession, &what);
        }
    }

    /// Calls a tool, which says so much before its result.
    async fn call(&mut self, params: &Value, progress: u64, time: Duration) -> Option<Answer> {
        self.next += 1;
        let (world, began, id) = (self.world, Instant::now(), self.next);
        let what = format!("{} {id} alone", params["name"].as_str().unwrap_or(""));
        world.tally.request();
        tokio::select! {
            answered = ask(world, id, params, progress, &what) => match answered {
                Ok(answer) if answer.is_result() => {
                    world.tally.answered("result");
                    return Some(answer);
                }
                Ok(answer) => world.error(began, &what, &answer),
                Err(failure) => world.failed(began, &what, &failure),
            },
            () = world.weather.hung(began, time) => world.tally.fault(Fault::Hung, &what),
        }
        None
    }
}

async fn ask(
    world: &World,
    id: u64,
    params: &Value,
    progress: u64,
    what: &str,
) -> Result<Answer, Failure> {
    let mut params = params.clone();
    params["_meta"]["progressToken"] = id.into();
    let response = post(world, id, "tools/call", &params).await?;
    if !is_stream(&response) {
        return whole(response).await;
    }
    let mut stream = Sse::of(response);
    let mut counted = 0.0;
    let fault = |fault, why: &Value| world.tally.fault(fault, &format!("{what}: {why}"));
    let mut answer: Option<Answer> = None;
    while let Some(event) = stream.next().await {
        let Some(message) = event.message else {
            continue;
        };
        if answer.is_some() {
            fault(Fault::Duplicated, &message);
        } else if message["method"] == "notifications/progress" {
            let number = message["params"]["progress"].as_f64().unwrap_or_default();
            if number <= counted {
                fault(Fault::Reordered, &message);
            } else if number > counted + 1.0 {
                fault(Fault::Lost, &message);
            }
            counted = number;
        } else {
            answer = Some(Answer::of(message));
        }
    }
    match answer {
        Some(answer) => {
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let all = counted >= progress as f64;
            if answer.is_result() && !all {
                fault(Fault::Lost, &json!({ "counted": counted, "of": progress }));
            }
            Ok(answer)
        }
        None => Err(Failure::Broken),
    }
}

async fn post(world: &World, id: u64, method: &str, params: &Value) -> Result<Response, Failure> {
    let mut message = wire::request(id, method, params);
    let meta = &mut message["params"]["_meta"];
    meta[format!("{META}protocolVersion")] = REVISION.into();
    meta[format!("{META}clientCapabilities")] = json!({ "elicitation": {} });
    let dress = |http: &reqwest::Client, url: &str| -> RequestBuilder {
        let post = http
            .post(url)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", REVISION)
            .header("mcp-method", method)
            .json(&message);
        match params["name"].as_str() {
            Some(name) => post.header("mcp-name", name),
            None => post,
        }
    };
    world.send(dress).await
}

/// Listens to one resource, for ever. Whoever begins again reads again, so that counts as heard.
async fn listen(world: &World, uri: &str, ears: &Ears) {
    let params = json!({ "notifications": { "resourceSubscriptions": [uri] } });
    loop {
        let began = Instant::now();
        match post(world, 1, "subscriptions/listen", &params).await {
            Ok(response) if is_stream(&response) => {
                let mut stream = Sse::of(response);
                while let Some(event) = stream.next().await {
                    let Some(message) = event.message else {
                        continue;
                    };
                    if message["method"] == "notifications/subscriptions/acknowledged" {
                        ears.attach();
                        ears.hear();
                    }
                    ears.take(&message, uri, world);
                }
            }
            Ok(response) => {
                if let Ok(answer) = whole(response).await {
                    let away = world.weather.storeless_since(began);
                    if !away || answer.reason() != "store_unavailable" {
                        world.lost("subscriptions/listen", &answer);
                    }
                }
            }
            Err(failure) if !world.weather.killed_since(began) => {
                world.lost("subscriptions/listen", &failure);
            }
            Err(_) => {}
        }
        pause(AGAIN).await;
    }
}
