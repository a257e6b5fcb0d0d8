//! The connection that hears.

use std::{
    collections::{BTreeSet, HashSet},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use deadpool_redis::redis::{PushInfo, PushKind, RedisError, Value};
use mcp_core::store::StoreError;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    RedisBackend,
    backend::random,
    connections::Subscriber,
    message::{self, Message},
};

const OPERATION: &str = "notify.listen";

/// A connection that is subscribed to the channel for everyone and to some others. It ends when this
/// is dropped.
pub(crate) struct Line {
    connection: Subscriber,
    channels: BTreeSet<String>,
    confirmed: Arc<Confirmed>,
    probe: Probe,
}

/// The channel in which the line speaks to itself.
struct Probe {
    channel: String,
    /// How many probes were sent.
    sent: u64,
    signs: watch::Receiver<Signs>,
}

/// The channels that were confirmed. Confirmed again, one has moved to another node of a cluster, and
/// what was published meanwhile went elsewhere.
#[derive(Default)]
struct Confirmed(Mutex<HashSet<Vec<u8>>>);

impl Confirmed {
    fn is_first(&self, data: &[Value]) -> bool {
        let Some(Value::BulkString(channel)) = data.first() else {
            return false;
        };
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.insert(channel.clone())
    }

    /// A channel that was left by us is as if it had never been confirmed.
    fn forget(&self, channel: &str) {
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        channels.remove(channel.as_bytes());
    }
}

/// What a connection tells about itself.
#[derive(Default)]
struct Signs {
    ended: bool,
    /// The last probe that came back.
    probe: u64,
}

impl Line {
    /// A line that hears `channels`; armed when this returns.
    pub(crate) async fn open(
        backend: &RedisBackend,
        channels: BTreeSet<String>,
    ) -> Result<Self, StoreError> {
        let (shown, signs) = watch::channel(Signs::default());
        let everyone = backend.keys().everyone();
        let probe = Probe {
            channel: backend.keys().probe(random(OPERATION)?),
            sent: 0,
            signs,
        };
        let mut names: Vec<&str> = channels.iter().map(String::as_str).collect();
        names.extend([everyone.as_str(), probe.channel.as_str()]);
        let hub = Arc::downgrade(backend.shared_hub());
        let shared = everyone.clone();
        let confirmed = Arc::<Confirmed>::default();
        let known = Arc::clone(&confirmed);
        let hear = move |push: PushInfo| match (push.kind, hub.upgrade()) {
            (PushKind::Disconnection, _) => shown.send_modify(|signs| signs.ended = true),
            (PushKind::Message | PushKind::SMessage, Some(hub)) => match understand(&push.data) {
                Some((channel, Message::Look(log))) => {
                    hub.hear((channel != shared).then_some(channel), &log);
                }
                Some((_, Message::Probe(probe))) => {
                    shown.send_modify(|signs| signs.probe = probe);
                }
                None => {
                    metrics::counter!("mcp.store.wakeups.skipped").increment(1);
                }
            },
            (PushKind::SSubscribe, Some(hub)) if !known.is_first(&push.data) => hub.lose(),
            _ => {}
        };
        let connection = backend
            .connections()
            .subscribe(OPERATION, &names, hear)
            .await?;
        Ok(Self {
            connection,
            channels,
            confirmed,
            probe,
        })
    }

    /// What it hears besides the channel for everyone.
    pub(crate) fn channels(&self) -> &BTreeSet<String> {
        &self.channels
    }

    /// Hears for the members of the hub, whoever comes and goes, until they need another line or there
    /// are none any more.
    pub(crate) async fn serve(self, backend: &RedisBackend) -> Ended {
        let hub = backend.hub();
        let (mut connection, mut channels) = (self.connection, self.channels);
        let confirmed = self.confirmed;
        let mut deaf = pin!(until_deaf(backend, self.probe));
        loop {
            tokio::select! {
                ended = &mut deaf => return ended,
                () = hub.changed() => {}
            }
            let wanted = hub.channels();
            if wanted.is_empty() {
                return Ended::Left;
            }
            if change(&mut connection, &channels, &wanted).await.is_err() {
                return Ended::Lost;
            }
            let left = channels.difference(&wanted);
            left.for_each(|channel| confirmed.forget(channel));
            hub.arm(&wanted);
            channels = wanted;
        }
    }
}

/// Why a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nobody needs it any more.
    Left,
    /// The connection ended.
    Lost,
    /// It did not hear itself.
    Deaf,
}

impl Ended {
    /// Notes that there has to be another line, unless nobody needs one.
    pub(crate) fn note(self) {
        let reason = match self {
            Self::Left => return,
            Self::Lost => "lost",
            Self::Deaf => "deaf",
        };
        metrics::counter!("mcp.store.listener.rebuilt", "reason" => reason).increment(1);
        tracing::warn!(reason, "the connection that listens is made again");
    }
}

/// Subscribes to what is new in `wanted`, and leaves what is not in it.
async fn change(
    connection: &mut Subscriber,
    present: &BTreeSet<String>,
    wanted: &BTreeSet<String>,
) -> Result<(), RedisError> {
    for channel in wanted.difference(present) {
        connection.subscribe(channel).await?;
    }
    for channel in present.difference(wanted) {
        connection.unsubscribe(channel).await?;
    }
    Ok(())
}

/// Returns when the connection has ended, or did not hear a probe that was published; says which.
async fn until_deaf(backend: &RedisBackend, mut probe: Probe) -> Ended {
    loop {
        let next = Instant::now() + backend.settings().probe;
        tokio::select! {
            _ = probe.signs.wait_for(|signs| signs.ended) => return Ended::Lost,
            () = sleep_until(next) => {}
        }
        if !hears(backend, &mut probe).await {
            return Ended::Deaf;
        }
    }
}

/// Publishes a probe as every wake-up is published, and waits for it.
async fn hears(backend: &RedisBackend, probe: &mut Probe) -> bool {
    probe.sent += 1;
    let (sent, channel) = (probe.sent, &probe.channel);
    let message = message::probe(sent);
    let heard = async {
        backend.say("notify.probe", channel, &message).await.ok()?;
        let back = |signs: &Signs| signs.ended || signs.probe == sent;
        probe
            .signs
            .wait_for(back)
            .await
            .ok()
            .map(|signs| !signs.ended)
    };
    let deadline = backend.settings().deadline;
    matches!(timeout(deadline, heard).await, Ok(Some(true)))
}

/// The channel and the meaning of what was pushed.
fn understand(data: &[Value]) -> Option<(&str, Message)> {
    match data {
        [Value::BulkString(channel), Value::BulkString(message)] => {
            let channel = std::str::from_utf8(channel).ok()?;
            Some((channel, message::parse(message)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mcp_core::store::LogKey;

    use super::*;

    #[test]
    fn only_two_texts_are_a_message() {
        let text = |text: &[u8]| Value::BulkString(text.to_vec());
        let look = text(message::look(&LogKey::Config).as_bytes());
        let message = [text(b"channel"), look.clone()];
        let understood = understand(&message);
        assert_eq!(understood, Some(("channel", Message::Look(LogKey::Config))));
        for odd in [
            vec![],
            vec![look.clone()],
            vec![text(&[0xff]), look.clone()],
            vec![text(b"channel"), text(&[0xff])],
            vec![Value::Nil, look],
        ] {
            assert_eq!(understand(&odd), None);
        }
    }
}
