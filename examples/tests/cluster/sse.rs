//! A stream of events, as it comes.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;

use crate::client::PATIENCE;

/// One event.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<u64>,
    pub(crate) data: String,
}

/// A stream of events.
pub(crate) struct Sse {
    response: Response,
    buffer: String,
    /// The last event id that came.
    pub(crate) last: Option<String>,
    patience: Duration,
}

impl Sse {
    pub(crate) fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            buffer: String::new(),
            last: None,
            patience: PATIENCE,
        }
    }

    /// The same stream, on which nothing may come for so much longer.
    pub(crate) fn patient(mut self, longer: Duration) -> Self {
        self.patience += longer;
        self
    }

    /// The next block; `None` when the stream ends, also when it breaks.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                return Some(self.buffer.drain(..end + 2).collect());
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; comments are passed over.
    pub(crate) async fn event(&mut self) -> Option<Event> {
        loop {
            let block = timeout(self.patience, self.block());
            let block = block.await.expect("an event comes soon")?;
            let mut event = Event::default();
            let mut comment = true;
            for line in block.lines().filter(|line| !line.is_empty()) {
                let (field, value) = line.split_once(':').unwrap();
                let value = value.strip_prefix(' ').unwrap_or(value);
                comment &= field.is_empty();
                match field {
                    "id" => event.id = Some(value.to_owned()),
                    "retry" => event.retry = Some(value.parse().unwrap()),
                    "data" => event.data.push_str(value),
                    "" => {}
                    other => panic!("unknown field {other}"),
                }
            }
            if !comment {
                self.last = event.id.clone().or(self.last.take());
                return Some(event);
            }
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Option<Value> {
        loop {
            let event = self.event().await?;
            if !event.data.is_empty() {
                return Some(serde_json::from_str(&event.data).unwrap());
            }
        }
    }

    /// The next message with this method; what comes before it is passed over.
    pub(crate) async fn until(&mut self, method: &str) -> Value {
        loop {
            let message = self.message().await;
            let message = message.unwrap_or_else(|| panic!("the stream ended before {method}"));
            if message["method"] == method {
                return message;
            }
        }
    }

    /// Every message to the end.
    pub(crate) async fn messages(mut self) -> Vec<Value> {
        let mut all = Vec::new();
        while let Some(message) = self.message().await {
            all.push(message);
        }
        all
    }
}
