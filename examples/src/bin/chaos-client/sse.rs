//! A stream of events, as it comes.

use reqwest::Response;
use serde_json::Value;

/// One event.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) message: Option<Value>,
}

/// The stream of one connection.
#[derive(Debug)]
pub(crate) struct Sse {
    response: Response,
    buffer: Vec<u8>,
}

impl Sse {
    pub(crate) fn of(response: Response) -> Self {
        Self {
            response,
            buffer: Vec::new(),
        }
    }

    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<_> = self.buffer.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&block).into_owned());
            }
            let chunk = self.response.chunk().await.ok()??;
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// The next event; `None` when the stream ends, also when it breaks.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let mut event = Event::default();
            let mut data = String::new();
            for line in block.lines() {
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match field {
                    "id" => event.id = Some(value.to_owned()),
                    "data" => data.push_str(value),
                    _ => {}
                }
            }
            if !data.is_empty() {
                event.message = serde_json::from_str(&data).ok();
            }
            if event.id.is_some() || event.message.is_some() {
                return Some(event);
            }
        }
    }
}
