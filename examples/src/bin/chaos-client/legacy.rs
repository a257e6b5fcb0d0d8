//! A client with sessions: one after the other, each used for a while and then deleted.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    follow::Follow,
    listening::{Ears, listen},
    random::Random,
    session::Session,
    tally::Fault,
    wire::{self, Answer, Failure, World, pause},
};

/// Until a new session is tried when there was none to be had.
const AGAIN: Duration = Duration::from_millis(500);

pub(crate) struct Legacy<'a> {
    session: &'a Session<'a>,
    random: &'a mut Random,
    uri: &'a str,
    ears: &'a Ears,
    next: u64,
    /// What this session was told to remember.
    remembered: Option<String>,
    subscribed: bool,
}

impl Legacy<'_> {
    /// Works until nothing new should begin.
    pub(crate) async fn run(world: &World, number: u64, mut random: Random) {
        let revisions = ["2025-11-25", "2025-06-18"];
        let mut sessions = 0;
        while world.weather.goes_on() {
            let revision = if random.one_in(3) {
                revisions[1]
            } else {
                revisions[0]
            };
            let Some(session) = Session::begin(world, revision).await else {
                pause(AGAIN).await;
                continue;
            };
            sessions += 1;
            let uri = format!("mem://session-{number}-{sessions}");
            let ears = Ears::default();
            let mut client = Legacy {
                session: &session,
                random: &mut random,
                uri: &uri,
                ears: &ears,
                next: 1,
                remembered: None,
                subscribed: false,
            };
            tokio::select! {
                () = client.work() => {}
                () = listen(&session, &uri, &ears) => {}
            }
            session.delete().await;
        }
    }

    async fn work(&mut self) {
        let calls = 20 + self.random.below(60);
        let subscribe = json!({ "uri": self.uri });
        let subscribed = self.request("resources/subscribe", &subscribe).await;
        self.subscribed = subscribed.is_some();
        for _ in 0..calls {
            if !self.session.world.weather.goes_on() {
                return;
            }
            match self.random.below(8) {
                0 => self.says("echo", "text").await,
                1 => self.says("ask", "question").await,
                2 => self.says("think", "prompt").await,
                3 => self.sleep().await,
                4 => self.remember().await,
                5 => self.publish().await,
                _ => self.count().await,
            }
            pause(Duration::from_millis(self.random.below(100))).await;
        }
    }

    /// A text that nobody else sends.
    fn unique(&mut self) -> String {
        self.next += 1;
        format!("{}/{}", self.uri, self.next)
    }

    /// Calls a tool that says what it is given, or asks for it.
    async fn says(&mut self, tool: &str, argument: &str) {
        let text = self.unique();
        let arguments = json!({ argument: text });
        if let Some(answer) = self.call(tool, &arguments, 0, Duration::ZERO).await {
            self.expect(tool, &answer, &text);
        }
    }

    async fn sleep(&mut self) {
        let ms = 50 + self.random.below(1500);
        let time = Duration::from_millis(ms);
        let answer = self.call("sleep", &json!({ "ms": ms }), 0, time).await;
        if let Some(answer) = answer {
            self.expect("sleep", &answer, "awake");
        }
    }

    async fn count(&mut self) {
        let n = 1 + self.random.below(20);
        let every = self.random.below(120);
        let time = Duration::from_millis(n * every);
        let arguments = json!({ "n": n, "every_ms": every });
        if let Some(answer) = self.call("count", &arguments, n, time).await {
            let numbers: Vec<_> = (1..=n).map(|number| number.to_string()).collect();
            self.expect("count", &answer, &numbers.join(","));
        }
    }

    /// Recalls what was remembered at another instance, or remembers something else.
    async fn remember(&mut self) {
        if let Some(before) = self.remembered.take() {
            let recall = json!({ "key": "k" });
            if let Some(answer) = self.call("recall", &recall, 0, Duration::ZERO).await {
                self.expect("recall", &answer, &before);
            }
        }
        let value = self.unique();
        let arguments = json!({ "key": "k", "value": value });
        let answer = self.call("remember", &arguments, 0, Duration::ZERO).await;
        // Whether it was remembered is not known unless it was said.
        self.remembered = answer.map(|_| value);
    }

    /// Says that the resource has new content, which the session's stream must tell.
    async fn publish(&mut self) {
        if !self.subscribed || !self.ears.is_attached() {
            return;
        }
        let before = self.ears.heard();
        let arguments = json!({ "uri": self.uri });
        let answer = self.call("publish", &arguments, 0, Duration::ZERO).await;
        if answer.is_some() {
            let world = self.session.world;
            self.ears.more_than(before, world, "a GET stream").await;
        }
    }

    fn expect(&self, tool: &str, answer: &Answer, text: &str) {
        if answer.text() != text {
            let what = format!("{tool}: {answer} instead of {text}");
            self.session.world.tally.fault(Fault::WrongSession, &what);
        }
    }

    async fn call(
        &mut self,
        tool: &str,
        arguments: &Value,
        progress: u64,
        time: Duration,
    ) -> Option<Answer> {
        self.next += 1;
        let id = self.next;
        let params = json!({
            "name": tool,
            "arguments": arguments,
            "_meta": { "progressToken": id },
        });
        let message = wire::request(id, "tools/call", &params);
        let cut = self.random.one_in(3).then(|| 1 + self.random.below(6));
        let follow = Follow::new(self.session, tool, id, cut);
        self.result(tool, time, follow.run(&message, progress))
            .await
    }

    async fn request(&mut self, method: &str, params: &Value) -> Option<Answer> {
        self.next += 1;
        let message = wire::request(self.next, method, params);
        let follow = Follow::new(self.session, method, self.next, None);
        let answered = follow.run(&message, 0);
        self.result(method, Duration::ZERO, answered).await
    }

    /// Counts a request, and gives its result if that is what came.
    async fn result(
        &self,
        what: &str,
        time: Duration,
        answered: impl Future<Output = Result<Answer, Failure>>,
    ) -> Option<Answer> {
        let (world, began) = (self.session.world, Instant::now());
        world.tally.request();
        tokio::select! {
            answered = answered => match answered {
                Ok(answer) if answer.is_result() => {
                    world.tally.answered("result");
                    return Some(answer);
                }
                Ok(answer) => world.error(began, what, &answer),
                Err(failure) => world.failed(began, what, &failure),
            },
            () = world.weather.hung(began, time) => world.tally.fault(Fault::Hung, what),
        }
        None
    }
}
