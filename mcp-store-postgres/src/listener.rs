//! The ear of a process: a connection of its own that LISTENs, and the task that keeps it hearing.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use mcp_core::store::{InstanceId, Listener, LogKey, StoreError, WakeUp};
use metrics::counter;
use sqlx::{
    Postgres,
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgListener, PgNotification},
};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, interval, sleep_until, timeout},
};

use crate::{
    PostgresBackend,
    error::Fault,
    notify::{Message, Publisher},
};

const OPERATION: &str = "notify.listen";

/// How many different logs wait before the listener is told to look at all of them.
const WAITING: usize = 256;

/// How often a listener asks itself whether it still hears.
const PROBE: Duration = Duration::from_secs(5);

/// How long a probe that the server took may need to come back.
const ECHO: Duration = Duration::from_secs(2);

/// The first and the longest pause before a lost connection is made again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Begins to listen; armed when it returns.
pub(crate) async fn listen(
    backend: &PostgresBackend,
    instance: &InstanceId,
    publisher: Arc<Publisher>,
) -> Result<Box<dyn Listener>, StoreError> {
    let ear = Ear {
        options: backend.listen_options().clone(),
        deadline: backend.settings().deadline,
        everyone: backend.space().everyone(),
        own: backend.space().instance(instance),
        publisher,
        heard: Arc::default(),
    };
    let connection = ear.connect().await;
    let connection = connection.map_err(|fault| fault.into_error(OPERATION))?;
    let heard = Arc::clone(&ear.heard);
    let mut task = JoinSet::new();
    task.spawn(ear.run(connection));
    Ok(Box::new(PostgresListener { heard, task }))
}

struct PostgresListener {
    heard: Arc<Heard>,
    /// Ends when the listener is dropped.
    task: JoinSet<()>,
}

#[async_trait]
impl Listener for PostgresListener {
    async fn next(&mut self) -> Option<WakeUp> {
        loop {
            if let Some(wake_up) = self.heard.take() {
                return Some(wake_up);
            }
            tokio::select! {
                // What is said between the look and this line leaves a permit behind.
                () = self.heard.changed.notified() => {}
                // The task only ends by a panic: better no ear than a deaf one.
                _ = self.task.join_next() => return None,
            }
        }
    }
}

/// What was heard and not yet taken.
#[derive(Default)]
struct Heard {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    /// Logs to look at, in the order they were first named.
    logs: VecDeque<LogKey>,
    /// The same, to fold what is said twice.
    named: HashSet<LogKey>,
    lost: bool,
}

impl Heard {
    fn look(&self, log: LogKey) {
        {
            let mut waiting = self.lock();
            // "Look at everything" is still to be said, and covers this log too.
            if waiting.lost || waiting.named.contains(&log) {
                return;
            }
            if waiting.logs.len() < WAITING {
                waiting.named.insert(log.clone());
                waiting.logs.push_back(log);
            } else {
                waiting.lose();
            }
        }
        self.changed.notify_one();
    }

    fn may_have_lost(&self) {
        self.lock().lose();
        self.changed.notify_one();
    }

    fn take(&self) -> Option<WakeUp> {
        let mut waiting = self.lock();
        if std::mem::take(&mut waiting.lost) {
            return Some(WakeUp::MayHaveLost);
        }
        let log = waiting.logs.pop_front()?;
        waiting.named.remove(&log);
        Some(WakeUp::Look(log))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn lose(&mut self) {
        self.logs.clear();
        self.named.clear();
        self.lost = true;
    }
}

/// Why a connection is given up.
enum Ended {
    /// It was closed, or said something that makes no sense.
    Lost,
    /// It is there, and what is sent does not come.
    Deaf,
}

/// The task behind a listener.
struct Ear {
    options: PgConnectOptions,
    deadline: Duration,
    everyone: String,
    own: String,
    publisher: Arc<Publisher>,
    heard: Arc<Heard>,
}

impl Ear {
    async fn run(self, mut connection: PgListener) {
        loop {
            let reason = match self.hear(&mut connection).await {
                Ended::Lost => "lost",
                Ended::Deaf => "deaf",
            };
            counter!("mcp.store.listener.rebuilt", "reason" => reason).increment(1);
            tracing::warn!(reason, "the connection that listens is made again");
            drop(connection);
            // Said twice: now, so that polling begins, and again when nothing is missed any more.
            self.heard.may_have_lost();
            connection = self.reconnect().await;
            self.heard.may_have_lost();
        }
    }

    /// Connects and LISTENs; returns when the server has confirmed it.
    async fn connect(&self) -> Result<PgListener, Fault> {
        let connecting = async {
            // The driver listens on a connection of a pool only: one that has no other.
            let pool = PoolOptions::<Postgres>::new()
                .max_connections(1)
                .max_lifetime(None)
                .idle_timeout(None)
                .acquire_timeout(self.deadline)
                .connect_lazy_with(self.options.clone());
            let mut connection = PgListener::connect_with(&pool).await?;
            connection.eager_reconnect(false);
            connection
                .listen_all([self.everyone.as_str(), self.own.as_str()])
                .await?;
            Ok(connection)
        };
        match timeout(self.deadline, connecting).await {
            Ok(connected) => connected.map_err(Fault::connecting),
            Err(_) => Err(Fault::connecting_timed_out()),
        }
    }

    async fn reconnect(&self) -> PgListener {
        let (mut pause, longest) = BACKOFF;
        loop {
            sleep_until(Instant::now() + jittered(pause)).await;
            match self.connect().await {
                Ok(connection) => return connection,
                Err(_) => pause = (pause * 2).min(longest),
            }
        }
    }

    /// Hears until the connection is of no more use.
    async fn hear(&self, connection: &mut PgListener) -> Ended {
        let mut probes = interval(PROBE);
        probes.reset();
        let mut sent_probes: u64 = 1;
        let mut heard_probes: u64 = 0;
        let token = random_token();
        let probe = |number: u64| {
            let message = Message::Probe(format!("{token:x}.{number}"));
            async move { self.publisher.send(self.own.clone(), &message).await }
        };
        let mut sending = std::pin::pin!(Some(probe(sent_probes)));
        let mut echo_due = None;
        loop {
            tokio::select! {
                received = connection.try_recv() => match received {
                    Ok(Some(notification)) => {
                        if let Some(number) = self.take(&notification, token) {
                            heard_probes = heard_probes.max(number);
                            if heard_probes == sent_probes {
                                echo_due = None;
                            }
                        }
                    }
                    Ok(None) | Err(_) => return Ended::Lost,
                },
                sent = some(sending.as_mut()) => {
                    sending.set(None);
                    // A probe that the server did not take says nothing about this connection.
                    if sent.is_ok() && heard_probes < sent_probes {
                        echo_due = Some(Instant::now() + ECHO);
                    }
                }
                () = sleep_until(echo_due.unwrap_or_else(Instant::now)), if echo_due.is_some() => {
                    return Ended::Deaf;
                }
                _ = probes.tick(), if sending.is_none() && echo_due.is_none() => {
                    sent_probes += 1;
                    sending.set(Some(probe(sent_probes)));
                }
            }
        }
    }

    /// Notes what was said; the number of one of our own probes is returned.
    fn take(&self, notification: &PgNotification, token: u64) -> Option<u64> {
        match Message::decode(notification.payload()) {
            Some(Message::Look(log)) => self.heard.look(log),
            Some(Message::LookAtAll) => self.heard.may_have_lost(),
            Some(Message::Probe(text)) => {
                let (other, number) = text.split_once('.')?;
                let own = other == format!("{token:x}");
                return number.parse().ok().filter(|_| own);
            }
            None => counter!("mcp.store.wakeups.skipped").increment(1),
        }
        None
    }
}

/// The future in a pinned option; never ready while there is none.
async fn some<F: Future>(option: std::pin::Pin<&mut Option<F>>) -> F::Output {
    match option.as_pin_mut() {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// Between half and all of a pause, so that processes that lost a server together come back apart.
fn jittered(pause: Duration) -> Duration {
    let share = u32::from(getrandom::u32().unwrap_or_default().to_be_bytes()[0]);
    pause / 2 + pause * share / 512
}

fn random_token() -> u64 {
    getrandom::u64().unwrap_or_default()
}
