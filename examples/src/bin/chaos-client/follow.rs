//! One call in a session, to its end, over as many connections as it takes.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::{
    session::Session,
    sse::{Event, Sse},
    tally::Fault,
    wire::{Answer, Failure, is_stream, pause, whole},
};

/// Until a broken stream is resumed.
const RESUME: Duration = Duration::from_millis(50);
/// Until a resumption is tried again that the store must decide about.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a stream may go on after its response.
const REST: Duration = Duration::from_secs(2);

/// A call, and what has been seen of it.
pub(crate) struct Follow<'a> {
    session: &'a Session<'a>,
    what: String,
    began: Instant,
    id: u64,
    /// The connection is cut after so many events, once.
    cut: Option<u64>,
    last: Option<String>,
    /// The number that came last, by stream and epoch.
    places: HashMap<String, u64>,
    progress: u64,
    /// Whether messages have come without an id, as they do while the store is away; a resumption
    /// may repeat them.
    unnumbered: bool,
    connections: u32,
}

impl<'a> Follow<'a> {
    pub(crate) fn new(session: &'a Session<'a>, what: &str, id: u64, cut: Option<u64>) -> Self {
        Self {
            session,
            what: format!("{what} {id}"),
            began: Instant::now(),
            id,
            cut,
            last: None,
            places: HashMap::new(),
            progress: 0,
            unnumbered: false,
            connections: 1,
        }
    }

    fn fault(&self, fault: Fault, what: &str) {
        let Self { session, last, .. } = self;
        let (who, place) = (&self.what, last.as_deref().unwrap_or("the beginning"));
        let connections = self.connections;
        let told = format!("{who}: {what} (connection {connections}, after {place})");
        session.world.tally.fault(fault, &told);
    }

    /// Sends the call, and follows it to its answer. `progress` is how many messages it brings.
    pub(crate) async fn run(mut self, message: &Value, progress: u64) -> Result<Answer, Failure> {
        let response = self.session.post(message).await?;
        if !is_stream(&response) {
            return whole(response).await;
        }
        let mut stream = Sse::of(response);
        let mut events = 0;
        loop {
            match stream.next().await {
                Some(event) => {
                    events += 1;
                    if let Some(answer) = self.hear(event).await {
                        self.rest(stream).await;
                        self.count(&answer, progress);
                        return Ok(answer);
                    }
                    if self.cut != Some(events) || self.last.is_none() {
                        continue;
                    }
                    self.cut = None;
                }
                None if self.last.is_none() => return Err(Failure::Broken),
                None => {}
            }
            stream = match self.resume().await {
                Ok(stream) => stream,
                Err(answer) => return Ok(answer),
            };
        }
    }

    /// Another connection to the same stream, or what is said instead.
    async fn resume(&mut self) -> Result<Sse, Answer> {
        self.connections += 1;
        let world = self.session.world;
        loop {
            pause(RESUME).await;
            match self.session.get(self.last.as_deref()).await {
                Ok(response) if is_stream(&response) => return Ok(Sse::of(response)),
                Ok(response) => {
                    let Ok(answer) = whole(response).await else {
                        continue;
                    };
                    let later = answer.reason() == "store_unavailable";
                    if !(later && world.weather.storeless_since(self.began)) {
                        return Err(answer);
                    }
                    pause(AGAIN).await;
                }
                Err(failure) if !world.weather.killed_since(self.began) => {
                    self.fault(Fault::Lost, &format!("not resumed: {failure}"));
                }
                Err(_) => {}
            }
        }
    }

    /// Takes an event in; gives the response when it is one.
    async fn hear(&mut self, event: Event) -> Option<Answer> {
        match event.id {
            Some(id) => self.place(id),
            None => self.unnumbered = true,
        }
        let message = event.message?;
        let is_mine = message["id"] == self.id;
        if message["method"] == "notifications/progress" {
            self.progress(&message);
        } else if message["method"].is_string() && message.get("id").is_some() {
            let answer = answer_to(&message);
            self.session.tell("answer", &answer).await;
        } else if message.get("id").is_some() && is_mine {
            return Some(Answer::of(message).on(self.last.as_deref()));
        } else if message.get("id").is_some() {
            self.fault(
                Fault::WrongSession,
                &format!("an answer to another: {message}"),
            );
        }
        None
    }

    fn place(&mut self, id: String) {
        if let Some((place, number)) = id.rsplit_once('.')
            && let Ok(number) = number.parse()
        {
            let before = self.places.insert(place.to_owned(), number);
            if before == Some(number) {
                self.fault(Fault::Duplicated, &id);
            } else if before.is_some_and(|before| before > number) {
                self.fault(Fault::Reordered, &id);
            }
        }
        self.last = Some(id);
    }

    fn progress(&mut self, message: &Value) {
        let number = message["params"]["progress"].as_f64().unwrap_or_default();
        let before = self.progress;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the tool counts in small numbers"
        )]
        let number = number as u64;
        if number == before + 1 {
            self.progress = number;
        } else if number > before {
            self.fault(Fault::Lost, &format!("progress {number} after {before}"));
            self.progress = number;
        } else if !(self.unnumbered && self.connections > 1) {
            self.fault(
                Fault::Duplicated,
                &format!("progress {number} after {before}"),
            );
        }
    }

    /// What follows a response: nothing.
    async fn rest(&mut self, mut stream: Sse) {
        let rest = async {
            while let Some(event) = stream.next().await {
                if let Some(message) = event.message {
                    self.fault(Fault::Duplicated, &format!("after the response: {message}"));
                }
            }
        };
        timeout(REST, rest).await.ok();
    }

    fn count(&self, answer: &Answer, progress: u64) {
        if answer.is_result() && self.progress != progress {
            let what = format!("{} messages of progress, not {progress}", self.progress);
            self.fault(Fault::Lost, &what);
        }
    }
}

/// Questions are answered with what they ask.
fn answer_to(question: &Value) -> Value {
    let params = &question["params"];
    let result = match question["method"].as_str() {
        Some("elicitation/create") => {
            json!({ "action": "accept", "content": { "answer": params["message"] } })
        }
        _ => json!({
            "role": "assistant",
            "model": "m",
            "content": { "type": "text", "text": params["messages"][0]["content"]["text"] },
        }),
    };
    json!({ "jsonrpc": "2.0", "id": question["id"], "result": result })
}
