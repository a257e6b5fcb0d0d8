//! [`Notifier`].

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;
use deadpool_redis::redis::{PushInfo, PushKind, Value, aio::MultiplexedConnection, cmd};
use mcp_core::store::{Audience, InstanceId, Listener, LogKey, Notifier, StoreError, WakeUp};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use crate::{RedisBackend, ear::Ear, slot::pause};

/// What a message begins with, by kind and version. Whoever does not know one skips it.
const LOOK: &str = "look1 ";
const PROBE: &str = "probe1 ";

#[async_trait]
impl Notifier for RedisBackend {
    async fn publish(&self, audience: &Audience, log: &LogKey) -> Result<(), StoreError> {
        let channel = match audience {
            Audience::Everyone => self.keys().everyone(),
            Audience::Instance(instance) => self.keys().instance(instance),
        };
        let message = format!("{LOOK}{}", log.encode());
        self.say("notify.publish", &channel, &message).await
    }

    async fn listen(&self, instance: &InstanceId) -> Result<Box<dyn Listener>, StoreError> {
        let ear = Arc::new(Ear::default());
        let channels = [self.keys().everyone(), self.keys().instance(instance)];
        let line = Line::open(self, &channels, &ear).await?;
        let upkeep = keep_listening(self.clone(), channels, Arc::clone(&ear), line);
        Ok(Box::new(RedisListener {
            ear,
            upkeep: Box::pin(upkeep),
        }))
    }
}

impl RedisBackend {
    async fn say(
        &self,
        operation: &'static str,
        channel: &str,
        message: &str,
    ) -> Result<(), StoreError> {
        let mut publish = cmd("PUBLISH");
        publish.arg(channel).arg(message);
        self.begin(operation).command(&publish).await.map(drop)
    }
}

struct RedisListener {
    ear: Arc<Ear>,
    /// Proves and replaces the connection. It runs while somebody waits for a wake-up, and goes on
    /// where it was when the wait before was given up.
    upkeep: Pin<Box<dyn Future<Output = Infallible> + Send>>,
}

#[async_trait]
impl Listener for RedisListener {
    async fn next(&mut self) -> Option<WakeUp> {
        loop {
            if let Some(woken) = self.ear.next() {
                return Some(woken);
            }
            tokio::select! {
                () = self.ear.changed() => {}
                never = &mut self.upkeep => match never {},
            }
        }
    }
}

/// Sees to it that there is a connection that hears, and says so when there was none.
async fn keep_listening(
    backend: RedisBackend,
    channels: [String; 2],
    ear: Arc<Ear>,
    mut line: Line,
) -> Infallible {
    loop {
        line.until_deaf(&backend, &channels[1]).await;
        ear.lose();
        drop(line);
        metrics::counter!("mcp.backplane.reconnects", "store" => "redis").increment(1);
        line = Line::reopen(&backend, &channels, &ear).await;
        // What was published meanwhile went nowhere.
        ear.lose();
    }
}

/// One connection that hears.
struct Line {
    /// It ends when this is dropped.
    _connection: MultiplexedConnection,
    signs: watch::Receiver<Signs>,
}

/// What a connection tells about itself.
#[derive(Default)]
struct Signs {
    ended: bool,
    /// The last probe that came back.
    probe: String,
}

impl Line {
    async fn open(
        backend: &RedisBackend,
        channels: &[String; 2],
        ear: &Arc<Ear>,
    ) -> Result<Self, StoreError> {
        let (shown, signs) = watch::channel(Signs::default());
        let ear = Arc::clone(ear);
        let hear = move |push: PushInfo| match push.kind {
            PushKind::Disconnection => shown.send_modify(|signs| signs.ended = true),
            PushKind::Message | PushKind::SMessage => match text(&push.data) {
                Some(message) => hear(&ear, &shown, message),
                None => ear.skip(),
            },
            _ => {}
        };
        let connection = backend
            .connections()
            .subscribe("notify.listen", channels, hear)
            .await?;
        Ok(Self {
            _connection: connection,
            signs,
        })
    }

    /// Opens a line, however long it takes.
    async fn reopen(backend: &RedisBackend, channels: &[String; 2], ear: &Arc<Ear>) -> Self {
        let mut failures = 0;
        loop {
            match Self::open(backend, channels, ear).await {
                Ok(line) => return line,
                Err(error) => tracing::debug!(%error, "wake-ups cannot be heard yet"),
            }
            failures += 1;
            sleep_until(Instant::now() + pause(failures)).await;
        }
    }

    /// Returns when the connection has ended, or has not heard a probe that was published.
    async fn until_deaf(&mut self, backend: &RedisBackend, channel: &str) {
        loop {
            let ended = self.signs.wait_for(|signs| signs.ended);
            if timeout(backend.settings().probe, ended).await.is_ok() {
                return;
            }
            if !self.hears(backend, channel).await {
                metrics::counter!("mcp.backplane.probe.failures", "store" => "redis").increment(1);
                return;
            }
        }
    }

    /// Publishes a probe as every wake-up is published, and waits for it.
    async fn hears(&mut self, backend: &RedisBackend, channel: &str) -> bool {
        // Equal probes would only make this one look heard too early.
        let probe = getrandom::u64().unwrap_or_default().to_string();
        let message = format!("{PROBE}{probe}");
        let signs = &mut self.signs;
        let heard = async {
            backend.say("notify.probe", channel, &message).await.ok()?;
            let signs = signs.wait_for(|signs| signs.ended || signs.probe == probe);
            signs.await.ok().map(|signs| !signs.ended)
        };
        matches!(
            timeout(backend.settings().deadline, heard).await,
            Ok(Some(true))
        )
    }
}

/// Takes a message, which may come from anybody and from any version.
fn hear(ear: &Ear, shown: &watch::Sender<Signs>, message: &str) {
    if let Some(log) = message.strip_prefix(LOOK).and_then(LogKey::decode) {
        ear.hear(log);
    } else if let Some(probe) = message.strip_prefix(PROBE) {
        shown.send_modify(|signs| probe.clone_into(&mut signs.probe));
    } else {
        ear.skip();
    }
}

/// The text of a message, which follows the name of its channel.
fn text(data: &[Value]) -> Option<&str> {
    match data {
        [_, Value::BulkString(message)] => std::str::from_utf8(message).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(message: &str) -> (Option<WakeUp>, String) {
        let ear = Ear::default();
        let (shown, signs) = watch::channel(Signs::default());
        hear(&ear, &shown, message);
        let probe = signs.borrow().probe.clone();
        (ear.next(), probe)
    }

    #[test]
    fn wake_ups_and_probes_are_understood() {
        let look = Some(WakeUp::Look(LogKey::Broadcast(3)));
        assert_eq!(heard("look1 b3"), (look, String::new()));
        assert_eq!(heard("probe1 77"), (None, "77".to_owned()));
    }

    #[test]
    fn what_is_not_understood_is_skipped() {
        for message in [
            "",
            "look1 ",
            "look1 b03",
            "look2 b3",
            "LOOK1 b3",
            "hello",
            "{}",
        ] {
            assert_eq!(heard(message), (None, String::new()), "{message}");
        }
        let binary = [Value::Nil, Value::BulkString(vec![0xff, 0xfe])];
        assert_eq!(text(&binary), None);
        assert_eq!(text(&[]), None);
    }
}
