//! [`Hub`]: the one connection of a process that LISTENs, for all its listeners, and the task that
//! keeps it hearing.

use std::{
    collections::HashSet,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use mcp_core::store::{InstanceId, StoreError, StoreErrorKind};
use metrics::counter;
use sqlx::{
    Postgres,
    pool::PoolOptions,
    postgres::{PgConnectOptions, PgListener, PgNotification},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, interval, sleep_until, timeout},
};

use crate::{
    ear::Ear,
    error::Fault,
    keys::Space,
    message::{self, Message},
    publisher::Publisher,
};

const OPERATION: &str = "notify.listen";

/// How many listeners wait to be armed at a time.
const ARMING: usize = 64;

/// How long a probe that the server took may need to come back.
const ECHO: Duration = Duration::from_secs(2);

/// The first and the longest pause before a lost connection is made again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Hears for all listeners of a process. Its task ends with it, or when nobody listens.
pub(crate) struct Hub {
    setup: Setup,
    task: Mutex<Option<Task>>,
}

/// What the task needs to know.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) options: PgConnectOptions,
    pub(crate) deadline: Duration,
    /// How often the task proves that it hears what is published.
    pub(crate) probe: Duration,
    pub(crate) space: Space,
    pub(crate) publisher: Arc<Publisher>,
}

struct Task {
    arming: mpsc::Sender<Arm>,
    _task: JoinSet<()>,
}

/// A listener that begins.
struct Arm {
    channel: String,
    ear: Weak<Ear>,
    done: oneshot::Sender<Result<(), StoreErrorKind>>,
}

impl Hub {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            task: Mutex::default(),
        }
    }

    /// Begins to listen for `instance`; armed when it returns.
    pub(crate) async fn listen(&self, instance: &InstanceId) -> Result<Arc<Ear>, StoreError> {
        let ear = Arc::default();
        let channel = self.setup.space.instance(instance);
        let armed = timeout(self.setup.deadline, async {
            loop {
                let (done, answer) = oneshot::channel();
                let arm = Arm {
                    channel: channel.clone(),
                    ear: Arc::downgrade(&ear),
                    done,
                };
                // A task that ended because nobody listened leaves the rest to a new one.
                if self.arming().send(arm).await.is_ok()
                    && let Ok(armed) = answer.await
                {
                    return armed;
                }
            }
        });
        match armed.await {
            Ok(Ok(())) => Ok(ear),
            Ok(Err(kind)) => Err(StoreError::new(
                kind,
                OPERATION,
                "the server cannot be reached",
            )),
            Err(_) => {
                let message = "the server cannot be reached in time";
                Err(StoreError::new(
                    StoreErrorKind::Unavailable,
                    OPERATION,
                    message,
                ))
            }
        }
    }

    /// The way to the task, which is started when there is none.
    fn arming(&self) -> mpsc::Sender<Arm> {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.as_ref()
            && !task.arming.is_closed()
        {
            return task.arming.clone();
        }
        let (arming, begins) = mpsc::channel(ARMING);
        let mut running = JoinSet::new();
        running.spawn(Hearing::new(self.setup.clone(), begins).run());
        *task = Some(Task {
            arming: arming.clone(),
            _task: running,
        });
        arming
    }
}

/// Why a connection is given up.
enum Ended {
    /// It was closed, or said something that makes no sense.
    Lost,
    /// It is there, and what is sent does not come.
    Deaf,
    /// Nobody listens.
    Idle,
}

/// The task behind a hub.
struct Hearing {
    setup: Setup,
    arming: mpsc::Receiver<Arm>,
    everyone: String,
    /// A channel of this task's own: whether it hears what it says there.
    probe: String,
    listeners: Vec<(String, Weak<Ear>)>,
}

impl Hearing {
    fn new(setup: Setup, arming: mpsc::Receiver<Arm>) -> Self {
        let token = getrandom::u64().unwrap_or_default();
        Self {
            everyone: setup.space.everyone(),
            probe: setup.space.probe(token),
            setup,
            arming,
            listeners: Vec::new(),
        }
    }

    async fn run(mut self) {
        let (first, longest) = BACKOFF;
        let mut pause = first;
        loop {
            match self.connect().await {
                Ok(connection) => {
                    pause = first;
                    // From here on nothing is missed; what was said before may have been.
                    self.may_have_lost();
                    let reason = match self.hear(connection).await {
                        Ended::Lost => "lost",
                        Ended::Deaf => "deaf",
                        Ended::Idle => return,
                    };
                    counter!("mcp.store.listener.rebuilt", "reason" => reason).increment(1);
                    tracing::warn!(reason, "the connection that listens is made again");
                    self.may_have_lost();
                }
                Err(fault) => {
                    self.refuse(fault.kind);
                    if self.is_idle() {
                        return;
                    }
                }
            }
            sleep_until(Instant::now() + jittered(pause)).await;
            pause = (pause * 2).min(longest);
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
                .acquire_timeout(self.setup.deadline)
                .connect_lazy_with(self.setup.options.clone());
            let mut connection = PgListener::connect_with(&pool).await?;
            connection.eager_reconnect(false);
            let own: HashSet<&str> = self.channels().collect();
            connection.listen_all(own).await?;
            Ok(connection)
        };
        match timeout(self.setup.deadline, connecting).await {
            Ok(connected) => connected.map_err(Fault::connecting),
            Err(_) => Err(Fault::connecting_timed_out()),
        }
    }

    /// Hears until the connection is of no more use.
    async fn hear(&mut self, mut connection: PgListener) -> Ended {
        let mut armed: HashSet<String> = self.channels().map(str::to_owned).collect();
        let mut ticks = interval(self.setup.probe);
        ticks.reset();
        let (mut sent, mut heard): (u64, u64) = (1, 0);
        let mut echo_due = None;
        let (publisher, channel) = (Arc::clone(&self.setup.publisher), self.probe.clone());
        let probe = |number| publisher.send(channel.clone(), message::probe(number));
        let mut sending = pin!(Some(probe(sent)));
        loop {
            tokio::select! {
                received = connection.try_recv() => match received {
                    Ok(Some(notification)) => {
                        heard = heard.max(self.take(&notification).unwrap_or(0));
                        if heard == sent {
                            echo_due = None;
                        }
                    }
                    Ok(None) | Err(_) => return Ended::Lost,
                },
                Some(arm) = self.arming.recv() => {
                    if let Err(ended) = self.arm(arm, &mut connection, &mut armed).await {
                        return ended;
                    }
                }
                result = some(sending.as_mut()) => {
                    sending.set(None);
                    // A probe that the server did not take says nothing about this connection.
                    if result.is_ok() && heard < sent {
                        echo_due = Some(Instant::now() + ECHO);
                    }
                }
                () = sleep_until(echo_due.unwrap_or_else(Instant::now)), if echo_due.is_some() => {
                    return Ended::Deaf;
                }
                _ = ticks.tick(), if sending.is_none() && echo_due.is_none() => {
                    if let Err(ended) = self.give_up(&mut connection, &mut armed).await {
                        return ended;
                    }
                    sent += 1;
                    sending.set(Some(probe(sent)));
                }
            }
        }
    }

    /// Passes on what was said; the number of a probe is returned.
    fn take(&self, notification: &PgNotification) -> Option<u64> {
        let (channel, text) = (notification.channel(), notification.payload());
        let for_all = channel == self.everyone;
        let meant = self
            .listeners
            .iter()
            .filter(|(own, _)| for_all || own == channel)
            .filter_map(|(_, ear)| ear.upgrade());
        match message::parse(text) {
            Some(Message::Look(log)) => meant.for_each(|ear| ear.look(&log)),
            Some(Message::LookAtAll) => meant.for_each(|ear| ear.may_have_lost()),
            Some(Message::Probe(number)) if channel == self.probe => return Some(number),
            _ => counter!("mcp.store.wakeups.skipped").increment(1),
        }
        None
    }

    /// Begins a listener, on a channel that may be new.
    async fn arm(
        &mut self,
        arm: Arm,
        connection: &mut PgListener,
        armed: &mut HashSet<String>,
    ) -> Result<(), Ended> {
        if !armed.contains(&arm.channel) {
            let listening = timeout(self.setup.deadline, connection.listen(&arm.channel));
            if !matches!(listening.await, Ok(Ok(()))) {
                // Whoever no longer waits does not need the answer, here and below.
                let _ = arm.done.send(Err(StoreErrorKind::Unavailable));
                return Err(Ended::Lost);
            }
            armed.insert(arm.channel.clone());
        }
        // Many may come and go between two probes; they are forgotten before there is more space.
        if self.listeners.len() == self.listeners.capacity() {
            self.forget();
        }
        self.listeners.push((arm.channel, arm.ear));
        let _ = arm.done.send(Ok(()));
        Ok(())
    }

    /// Gives up the channels of listeners that are gone; `Err` when there is none left.
    async fn give_up(
        &mut self,
        connection: &mut PgListener,
        armed: &mut HashSet<String>,
    ) -> Result<(), Ended> {
        if self.is_idle() && self.arming.is_empty() {
            return Err(Ended::Idle);
        }
        let wanted: HashSet<&str> = self.channels().collect();
        let unwanted = armed.iter().filter(|own| !wanted.contains(own.as_str()));
        let unwanted: Vec<String> = unwanted.cloned().collect();
        for channel in unwanted {
            let ending = timeout(self.setup.deadline, connection.unlisten(&channel));
            if !matches!(ending.await, Ok(Ok(()))) {
                return Err(Ended::Lost);
            }
            armed.remove(&channel);
        }
        Ok(())
    }

    /// The channels that are listened on.
    fn channels(&self) -> impl Iterator<Item = &str> {
        let own = self.listeners.iter();
        let live = own.filter(|(_, ear)| ear.strong_count() > 0);
        let shared = [self.everyone.as_str(), self.probe.as_str()];
        shared.into_iter().chain(live.map(|(own, _)| own.as_str()))
    }

    fn may_have_lost(&self) {
        for ear in self.listeners.iter().filter_map(|(_, ear)| ear.upgrade()) {
            ear.may_have_lost();
        }
    }

    /// Answers those who wait to be armed.
    fn refuse(&mut self, kind: StoreErrorKind) {
        while let Ok(arm) = self.arming.try_recv() {
            let _ = arm.done.send(Err(kind));
        }
    }

    fn is_idle(&mut self) -> bool {
        self.forget();
        self.listeners.is_empty()
    }

    fn forget(&mut self) {
        self.listeners.retain(|(_, ear)| ear.strong_count() > 0);
    }
}

/// However the task ends, nobody waits for it: better no ear than a deaf one.
impl Drop for Hearing {
    fn drop(&mut self) {
        for ear in self.listeners.iter().filter_map(|(_, ear)| ear.upgrade()) {
            ear.end();
        }
    }
}

/// The future in a pinned option; never ready while there is none.
async fn some<F: Future>(option: Pin<&mut Option<F>>) -> F::Output {
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
