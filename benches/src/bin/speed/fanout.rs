//! One change that everyone is told: what a delivery costs, and when the last has heard it.

use std::{net::SocketAddr, process::Command, time::Duration};

use futures_util::future::{try_join, try_join_all};
use mcp_benches::{
    process::{Process, pin},
    work::{self, Work},
};
use mcp_core::BoxError;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::time::Instant;

use crate::{
    client::Client,
    connection::Connection,
    load::{CORES, awake, median},
    subject::Subject,
    table::{Table, micros, row},
};

/// What everyone is told.
const SAID: &[u8] = b"notifications/resources/updated";

/// How those listen who are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ear {
    /// At the yardstick.
    Bare,
    /// By the GET stream of a session that has subscribed.
    Session,
    /// By `subscriptions/listen`.
    Sessionless,
}

impl Ear {
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "axum",
            Self::Session => "ours, GET streams",
            Self::Sessionless => "ours, `subscriptions/listen`",
        }
    }
}

/// A server for which there is something to tell.
pub(crate) fn command(subject: &Subject) -> Command {
    let mut command = subject.command();
    if subject.is_ours() {
        command.arg("--notifies");
    }
    command
}

/// Those who listen, and one who makes a change.
pub(crate) struct Crowd {
    listeners: Vec<Connection>,
    changes: Client,
}

impl Crowd {
    pub(crate) async fn open(
        addr: SocketAddr,
        subject: &Subject,
        ear: Ear,
        listeners: usize,
    ) -> Result<Self, BoxError> {
        let changes = Client::new(addr, subject, Work::FanOut).await?;
        let mut open = Vec::with_capacity(listeners);
        for _ in 0..listeners {
            open.push(listen(addr, ear).await?);
        }
        Ok(Self {
            listeners: open,
            changes,
        })
    }

    /// Makes a change, and waits until all have heard of it.
    pub(crate) async fn change(&mut self) -> Result<(), BoxError> {
        let heard = try_join_all(self.listeners.iter_mut().map(|ear| ear.hear(SAID)));
        try_join(self.changes.once(), heard).await?;
        Ok(())
    }
}

async fn listen(addr: SocketAddr, ear: Ear) -> Result<Connection, BoxError> {
    let mut connection = Connection::open(addr).await?;
    match ear {
        Ear::Bare => {
            connection.listen(&work::listen("/changes", None)).await?;
        }
        Ear::Session => {
            let session = connection.initialize("/mcp").await?;
            let session = session.ok_or("no session")?;
            let subscribe = work::subscribe("/mcp", &session).to_bytes();
            let answer = connection.send(&subscribe).await?;
            if answer.status != 200 {
                return Err(format!("`subscribe` was answered with {}", answer.status).into());
            }
            let request = work::listen("/mcp", Some(&session));
            connection.listen(&request).await?;
            // Something may have happened before the stream was there; so it begins with a word.
            connection.hear(SAID).await?;
        }
        Ear::Sessionless => {
            let request = work::listen_sessionless("/mcp").to_bytes();
            connection.listen(&String::from_utf8(request)?).await?;
            connection.hear(b"acknowledged").await?;
        }
    }
    Ok(connection)
}

/// How often each crowd comes, by turns.
const PASSES: usize = 3;

struct Bench {
    ear: Ear,
    turns: Vec<(Duration, Duration)>,
}

/// Measures changes by turns, and prints the table.
pub(crate) async fn run(
    subjects: &[Subject],
    listeners: usize,
    rounds: usize,
) -> Result<(), BoxError> {
    // One crowd at a time: many machines do not allow a process the files for several.
    allow_files(listeners)?;
    let ears = [(0, Ear::Bare), (1, Ear::Session), (1, Ear::Sessionless)];
    let mut benches: Vec<_> = ears.into_iter().map(|(_, ear)| Bench::of(ear)).collect();
    for _ in 0..PASSES {
        for (bench, (subject, ear)) in benches.iter_mut().zip(ears) {
            let subject = subjects.get(subject).ok_or("there is nobody to tell")?;
            pin(CORES[0])?;
            let process = Process::start(command(subject))?;
            pin(CORES[1])?;
            let mut crowd = awake(Crowd::open(process.addr(), subject, ear, listeners)).await?;
            // The first change makes what is made once.
            turn(&process, &mut crowd).await?;
            for _ in 0..rounds.div_ceil(PASSES) {
                bench.turns.push(turn(&process, &mut crowd).await?);
            }
        }
    }
    println!("\n{listeners} listeners, one change, medians of {rounds}\n");
    let columns = ["", "CPU µs per delivery", "×", "ms to the last"];
    let table = Table::new(&columns);
    table.head();
    let mut yardstick = None;
    for bench in &benches {
        let cpu = median(bench.turns.iter().map(|turn| turn.0));
        let last = median(bench.turns.iter().map(|turn| turn.1));
        let cpu = micros(cpu) / f64::from(u32::try_from(listeners)?);
        let base = *yardstick.get_or_insert(cpu);
        table.row(row![
            bench.ear.name(),
            format!("{cpu:.2}"),
            format!("{:.2}", cpu / base),
            format!("{:.0}", micros(last) / 1e3),
        ]);
    }
    Ok(())
}

impl Bench {
    fn of(ear: Ear) -> Self {
        let turns = Vec::new();
        Self { ear, turns }
    }
}

/// What a change costs the server, and how long it takes until everybody has heard of it.
async fn turn(process: &Process, crowd: &mut Crowd) -> Result<(Duration, Duration), BoxError> {
    let (before, began) = (process.cpu()?, Instant::now());
    awake(crowd.change()).await?;
    let last = began.elapsed();
    Ok((process.cpu()?.saturating_sub(before), last))
}

/// Lets this process and the servers hold that many connections.
fn allow_files(connections: usize) -> Result<(), BoxError> {
    let wanted = u64::try_from(connections)? + 1_000;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    let more = Rlimit {
        current: Some(wanted),
        maximum,
    };
    setrlimit(Resource::Nofile, more)
        .map_err(|error| format!("{wanted} open files are not allowed: {error}").into())
}
