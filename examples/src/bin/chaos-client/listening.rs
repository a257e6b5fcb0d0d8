//! Streams that only listen, and whoever waits for what they bring.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::Value;
use tokio::{sync::Notify, time::Instant};

use crate::{
    session::Session,
    sse::Sse,
    tally::Fault,
    wire::{World, is_stream, pause, whole},
};

/// Until a stream is opened again.
const AGAIN: Duration = Duration::from_millis(100);

/// Counts what a listener was told about one resource.
#[derive(Debug, Default)]
pub(crate) struct Ears {
    heard: AtomicU64,
    news: Notify,
    attached: AtomicU64,
}

impl Ears {
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    pub(crate) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.news.notify_one();
    }

    /// From now on nothing is missed.
    pub(crate) fn attach(&self) {
        self.attached.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.attached.load(Ordering::Relaxed) > 0
    }

    /// Waits for more than `before`; it is lost when it takes too long.
    pub(crate) async fn more_than(&self, before: u64, world: &World, what: &str) {
        let began = Instant::now();
        let heard = async {
            while self.heard() <= before {
                self.news.notified().await;
            }
        };
        tokio::select! {
            () = heard => {}
            () = world.weather.hung(began, Duration::ZERO) => {
                let weather = &world.weather;
                // An announcement waits for the store in the process that made it, and ends with it.
                if !(weather.killed_since(began) && weather.storeless_since(began)) {
                    world.lost(what, &"nobody was told");
                }
            }
        }
    }

    /// Takes in a message of a stream that listens to this resource.
    pub(crate) fn take(&self, message: &Value, uri: &str, world: &World) {
        if message["method"] == "notifications/resources/updated" {
            if message["params"]["uri"] == uri {
                self.hear();
            } else {
                let what = format!("{uri} was not meant: {message}");
                world.tally.fault(Fault::WrongSession, &what);
            }
        }
    }
}

/// Keeps the GET stream of a session open, for ever.
pub(crate) async fn listen(session: &Session<'_>, uri: &str, ears: &Ears) {
    let world = session.world;
    loop {
        let began = Instant::now();
        match session.get(None).await {
            Ok(response) if is_stream(&response) => {
                let mut stream = Sse::of(response);
                while let Some(event) = stream.next().await {
                    // The first event is a place to come back to.
                    ears.attach();
                    if let Some(message) = event.message {
                        ears.take(&message, uri, world);
                    }
                }
            }
            Ok(response) => {
                if let Ok(answer) = whole(response).await {
                    let away = world.weather.storeless_since(began);
                    if answer.status == StatusCode::NOT_FOUND {
                        world
                            .tally
                            .fault(Fault::FalseNotFound, &format!("GET: {answer}"));
                    } else if !away || answer.reason() != "store_unavailable" {
                        world.lost("GET", &answer);
                    }
                }
            }
            Err(failure) if !world.weather.killed_since(began) => world.lost("GET", &failure),
            Err(_) => {}
        }
        pause(AGAIN).await;
    }
}
