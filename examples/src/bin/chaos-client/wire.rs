//! Requests over HTTP, and what their failures mean.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::{
    tally::{Fault, Tally},
    weather::Weather,
};

/// A refused connection is tried again this often, at one instance after the other, as a proxy does.
const TRIES: usize = 6;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct World {
    http: Client,
    urls: Vec<String>,
    next: AtomicUsize,
    pub(crate) weather: Weather,
    pub(crate) tally: Tally,
}

/// No answer of a server of ours.
#[derive(Debug)]
pub(crate) enum Failure {
    Http(reqwest::Error),
    /// What a proxy says in place of an instance.
    Proxy(StatusCode),
    /// A stream that ended before its answer, and cannot be resumed.
    Broken,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(error) => write!(f, "{error:?}"),
            Self::Proxy(status) => write!(f, "{status} from the proxy"),
            Self::Broken => f.write_str("the stream broke"),
        }
    }
}

impl World {
    pub(crate) fn new(urls: Vec<String>) -> Result<Self, reqwest::Error> {
        let mut http = Client::builder();
        if urls.len() > 1 {
            // An instance that ends closes what is idle; a proxy would know when that was.
            http = http.pool_max_idle_per_host(0);
        }
        Ok(Self {
            http: http.build()?,
            urls,
            next: AtomicUsize::new(0),
            weather: Weather::default(),
            tally: Tally::default(),
        })
    }

    /// Sends a request to the next instance, as `dress` makes it.
    pub(crate) async fn send(
        &self,
        dress: impl Fn(&Client, &str) -> RequestBuilder,
    ) -> Result<Response, Failure> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let mut tries = 0;
        loop {
            let url = &self.urls[(turn + tries) % self.urls.len()];
            tries += 1;
            match dress(&self.http, url).send().await {
                Ok(response) => return from_us(response),
                Err(error) if error.is_connect() && self.urls.len() > 1 && tries < TRIES => {
                    pause(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(Failure::Http(error)),
            }
        }
    }

    /// Counts a request that failed at the level of HTTP: an answer only when an instance was killed.
    pub(crate) fn failed(&self, began: Instant, what: &str, failure: &dyn fmt::Display) {
        if self.weather.killed_since(began) {
            self.tally.answered("failed connection");
        } else {
            self.lost(what, failure);
        }
    }

    /// Counts an answer that came to nothing.
    pub(crate) fn lost(&self, what: &str, why: &dyn fmt::Display) {
        self.tally.fault(Fault::Lost, &format!("{what}: {why}"));
    }

    /// Counts an error that the server gave: an answer when something explains it.
    pub(crate) fn error(&self, began: Instant, what: &str, answer: &Answer) {
        let explained = match answer.reason() {
            "store_unavailable" => self.weather.storeless_since(began),
            // Only the requests of an instance that was killed are lost.
            "instance_lost" => {
                let instance = answer.instance.as_deref();
                instance.is_some_and(|instance| self.weather.was_killed(instance, began))
            }
            // Session data, which a tool reads from the store.
            _ if answer.is_error_result() => self.weather.storeless_since(began),
            _ => false,
        };
        if explained {
            let reason = answer.reason();
            self.tally.answered(if reason.is_empty() {
                "error result"
            } else {
                reason
            });
        } else if answer.status == StatusCode::NOT_FOUND {
            self.tally
                .fault(Fault::FalseNotFound, &format!("{what}: {answer}"));
        } else {
            self.lost(what, answer);
        }
    }
}

fn from_us(response: Response) -> Result<Response, Failure> {
    let status = response.status();
    let kind = response.headers().get("content-type");
    let ours = kind.is_some_and(|kind| kind == "application/json" || kind == "text/event-stream");
    if ours || status == StatusCode::ACCEPTED || status == StatusCode::OK {
        Ok(response)
    } else {
        Err(Failure::Proxy(status))
    }
}

/// What a server said in the end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    /// Which instance produces the stream that it came on, where event ids say that.
    pub(crate) instance: Option<String>,
}

impl Answer {
    pub(crate) fn of(message: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body: message,
            instance: None,
        }
    }

    /// The same, on a stream with such event ids.
    pub(crate) fn on(mut self, event_id: Option<&str>) -> Self {
        let stream = event_id.and_then(|id| id.split_once('~'));
        self.instance = stream.map(|(instance, _)| instance.to_owned());
        self
    }

    /// The reason of an error of ours; empty when there is none.
    pub(crate) fn reason(&self) -> &str {
        self.body["error"]["data"]["reason"].as_str().unwrap_or("")
    }

    pub(crate) fn is_result(&self) -> bool {
        self.body["result"].is_object() && !self.is_error_result()
    }

    fn is_error_result(&self) -> bool {
        self.body["result"]["isError"] == true
    }

    /// The text of a tool's result.
    pub(crate) fn text(&self) -> &str {
        let text = &self.body["result"]["content"][0]["text"];
        text.as_str().unwrap_or("")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), self.body)
    }
}

/// The whole of an answer that is not a stream.
pub(crate) async fn whole(response: Response) -> Result<Answer, Failure> {
    let status = response.status();
    let bytes = response.bytes().await.map_err(Failure::Http)?;
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Answer {
        status,
        ..Answer::of(body)
    })
}

pub(crate) fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get("content-type");
    kind.is_some_and(|kind| kind == "text/event-stream")
}

/// A request as JSON-RPC.
pub(crate) fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

pub(crate) async fn pause(time: Duration) {
    sleep_until(Instant::now() + time).await;
}
