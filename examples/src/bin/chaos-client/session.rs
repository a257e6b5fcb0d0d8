//! A session, every request of which goes to another instance.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    tally::Fault,
    wire::{self, Answer, Failure, World, pause, whole},
};

/// Until something is tried again.
const AGAIN: Duration = Duration::from_millis(200);

pub(crate) struct Session<'a> {
    pub(crate) world: &'a World,
    pub(crate) id: String,
    revision: &'static str,
}

impl<'a> Session<'a> {
    /// A session that is ready to be used; `None` when there is none to be had now.
    pub(crate) async fn begin(world: &'a World, revision: &'static str) -> Option<Self> {
        let began = Instant::now();
        world.tally.request();
        let params = json!({
            "protocolVersion": revision,
            "capabilities": { "elicitation": {}, "sampling": {} },
            "clientInfo": { "name": "chaos", "version": "1" },
        });
        let hello = wire::request(0, "initialize", &params);
        let sent = world.send(|http, url| {
            let post = http.post(url).json(&hello);
            post.header("accept", "application/json, text/event-stream")
        });
        let sent = within(world, began, "initialize", sent).await?;
        let response = match sent {
            Ok(response) => response,
            Err(failure) => {
                world.failed(began, "initialize", &failure);
                return None;
            }
        };
        let id = response.headers().get("mcp-session-id");
        let id = id.and_then(|id| id.to_str().ok()).map(str::to_owned);
        match (id, whole(response).await) {
            (Some(id), Ok(answer)) if answer.is_result() => {
                world.tally.answered("result");
                let session = Self {
                    world,
                    id,
                    revision,
                };
                let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
                session.tell("initialized", &ready).await.then_some(session)
            }
            (_, Ok(answer)) => {
                world.error(began, "initialize", &answer);
                None
            }
            (_, Err(failure)) => {
                world.failed(began, "initialize", &failure);
                None
            }
        }
    }

    pub(crate) async fn post(&self, message: &Value) -> Result<Response, Failure> {
        let dress = |http: &reqwest::Client, url: &str| {
            let post = http.post(url).json(message);
            self.dress(post)
        };
        self.world.send(dress).await
    }

    pub(crate) async fn get(&self, last: Option<&str>) -> Result<Response, Failure> {
        let dress = |http: &reqwest::Client, url: &str| {
            let get = self.dress(http.get(url));
            match last {
                Some(last) => get.header("last-event-id", last),
                None => get,
            }
        };
        self.world.send(dress).await
    }

    fn dress(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-session-id", &self.id)
            .header("mcp-protocol-version", self.revision)
    }

    /// Sends what has no answer but that it was taken; says whether it was.
    pub(crate) async fn tell(&self, what: &str, message: &Value) -> bool {
        let began = Instant::now();
        self.world.tally.request();
        let told = within(
            self.world,
            began,
            what,
            self.tell_until_taken(began, message),
        );
        match told.await {
            Some(Ok(answer)) if answer.status == StatusCode::ACCEPTED => {
                self.world.tally.answered("accepted");
                return true;
            }
            // Whoever waited for this answer is gone.
            Some(Ok(answer))
                if answer.status == StatusCode::BAD_REQUEST
                    && self.world.weather.killed_since(began) =>
            {
                self.world.tally.answered("refused answer");
            }
            Some(Ok(answer)) => self.world.error(began, what, &answer),
            Some(Err(failure)) => self.world.failed(began, what, &failure),
            None => {}
        }
        false
    }

    /// The same answer again does no harm, so it is sent until somebody has heard it.
    async fn tell_until_taken(&self, began: Instant, message: &Value) -> Result<Answer, Failure> {
        loop {
            let weather = &self.world.weather;
            match self.post(message).await {
                Ok(response) => {
                    let answer = whole(response).await?;
                    let later = answer.reason() == "store_unavailable";
                    if !(later && weather.storeless_since(began)) {
                        return Ok(answer);
                    }
                }
                Err(_) if weather.killed_since(began) => {}
                Err(failure) => return Err(failure),
            }
            pause(AGAIN).await;
        }
    }

    /// Ends the session; then it must be unknown everywhere.
    pub(crate) async fn delete(self) {
        let began = Instant::now();
        self.world.tally.request();
        let dress = |http: &reqwest::Client, url: &str| self.dress(http.delete(url));
        let deleted = async { whole(self.world.send(dress).await?).await };
        match within(self.world, began, "DELETE", deleted).await {
            Some(Ok(answer)) if answer.status == StatusCode::OK => {
                self.world.tally.answered("deleted");
                for _ in 0..3 {
                    self.assert_unknown().await;
                }
            }
            Some(Ok(answer)) => self.world.error(began, "DELETE", &answer),
            Some(Err(failure)) => self.world.failed(began, "DELETE", &failure),
            None => {}
        }
    }

    async fn assert_unknown(&self) {
        let ping = wire::request(1, "ping", &json!({}));
        let began = Instant::now();
        let asked = async { whole(self.post(&ping).await?).await };
        let asked = within(self.world, began, "ping", asked);
        if let Some(Ok(answer)) = asked.await
            && answer.status == StatusCode::OK
        {
            let what = format!("a deleted session was served: {answer}");
            self.world.tally.fault(Fault::WrongSession, &what);
        }
    }
}

/// What `work` yields, unless it hangs.
async fn within<T>(
    world: &World,
    began: Instant,
    what: &str,
    work: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = world.weather.hung(began, Duration::ZERO) => {
            world.tally.fault(Fault::Hung, what);
            None
        }
    }
}
