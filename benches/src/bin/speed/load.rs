//! Time: how many requests a server answers in a second, how long they take, and what they cost.

use std::{convert::Infallible, time::Duration};

use futures_util::future::try_join_all;
use mcp_benches::{
    process::{Process, pin},
    work::Work,
};
use mcp_core::BoxError;
use tokio::time::Instant;

use crate::{
    client::Client,
    count::able,
    subject::Subject,
    table::{Table, micros, row},
};

/// The core of the servers, and that of the load.
pub(crate) const CORES: [usize; 2] = [0, 1];

/// How many sessions each connection begins in a turn: they stay, so a turn is not as long as it likes.
const SESSIONS: usize = 30;

pub(crate) struct Plan {
    pub(crate) connections: usize,
    pub(crate) rounds: usize,
    pub(crate) turn: Duration,
}

impl Plan {
    /// What the figures are.
    pub(crate) fn explain(&self) {
        println!(
            "{} connections, medians of {} rounds of {} ms; × is CPU per request, in multiples of bare axum\n",
            self.connections,
            self.rounds,
            self.turn.as_millis()
        );
    }
}

/// What one turn of one server gave.
struct Turn {
    per_second: f64,
    cpu: Duration,
    middle: Duration,
    slowest: Duration,
}

/// The medians of a server's turns.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) cpu: Duration,
    pub(crate) middle: Duration,
    pub(crate) slowest: Duration,
}

/// A server with its connections.
struct Bench {
    process: Process,
    clients: Vec<Client>,
    most: usize,
    turns: Vec<Turn>,
}

/// Measures every kind of work on every server, and prints the table.
pub(crate) async fn run(works: &[Work], subjects: &[Subject], plan: &Plan) -> Result<(), BoxError> {
    plan.explain();
    let columns = [
        "work",
        "server",
        "requests/s",
        "p50 µs",
        "p99 µs",
        "CPU µs",
        "×",
    ];
    let table = Table::new(&columns);
    table.head();
    for work in works {
        let measured = measure(*work, subjects, plan).await?;
        let yardstick = measured.first().copied().flatten();
        for (subject, figures) in subjects.iter().zip(measured) {
            let (Some(figures), Some(yardstick)) = (figures, yardstick) else {
                continue;
            };
            table.row(row![
                work.name(),
                subject.name,
                format!("{:.0}", figures.per_second),
                format!("{:.0}", micros(figures.middle)),
                format!("{:.0}", micros(figures.slowest)),
                format!("{:.2}", micros(figures.cpu)),
                format!("{:.2}", micros(figures.cpu) / micros(yardstick.cpu)),
            ]);
        }
    }
    Ok(())
}

/// Measures one kind of work in interleaved rounds; nothing for a server that cannot do it.
pub(crate) async fn measure(
    work: Work,
    subjects: &[Subject],
    plan: &Plan,
) -> Result<Vec<Option<Figures>>, BoxError> {
    let mut benches = Vec::new();
    for subject in subjects {
        benches.push(if able(subject, work) {
            Some(Bench::new(subject, work, plan).await?)
        } else {
            None
        });
    }
    same_answers(work, subjects, &benches)?;
    for _ in 0..plan.rounds {
        for bench in benches.iter_mut().flatten() {
            bench.turn(plan.turn).await?;
        }
    }
    let figures = |bench: Option<Bench>| bench.map(|bench| bench.figures());
    Ok(benches.into_iter().map(figures).collect())
}

/// Fails unless all say the same.
fn same_answers(
    work: Work,
    subjects: &[Subject],
    benches: &[Option<Bench>],
) -> Result<(), BoxError> {
    let first = |bench: &Option<Bench>| -> Option<Vec<u8>> {
        let client = bench.as_ref()?.clients.first()?;
        Some(client.first_answer().to_vec())
    };
    let yardstick = benches.first().and_then(first).unwrap_or_default();
    for (subject, bench) in subjects.iter().zip(benches) {
        let Some(answer) = first(bench) else { continue };
        if !subject.agrees(work, &answer, &yardstick)? {
            let shown = |text: &[u8]| {
                let text = &text[..text.len().min(500)];
                String::from_utf8_lossy(text).into_owned()
            };
            let (yardstick, answer) = (shown(&yardstick), shown(&answer));
            return Err(format!("{} differs:\n{yardstick}\n{answer}", subject.name).into());
        }
    }
    Ok(())
}

impl Bench {
    async fn new(subject: &Subject, work: Work, plan: &Plan) -> Result<Self, BoxError> {
        let process = start(subject)?;
        let mut clients = Vec::new();
        for _ in 0..plan.connections {
            clients.push(Client::new(process.addr(), subject, work).await?);
        }
        let mut bench = Self {
            process,
            clients,
            most: if work == Work::Session {
                SESSIONS
            } else {
                usize::MAX
            },
            turns: Vec::new(),
        };
        bench.turn(plan.turn).await?;
        bench.turns.clear();
        Ok(bench)
    }

    async fn turn(&mut self, time: Duration) -> Result<(), BoxError> {
        let before = self.process.cpu()?;
        let began = Instant::now();
        let (end, most) = (began + time, self.most);
        let clients = self.clients.iter_mut();
        let each = awake(try_join_all(clients.map(|client| until(client, end, most)))).await?;
        let took = began.elapsed();
        let cpu = self.process.cpu()?.saturating_sub(before);
        let mut all: Vec<_> = each.into_iter().flatten().collect();
        all.sort_unstable();
        let count = u32::try_from(all.len())?;
        self.turns.push(Turn {
            per_second: f64::from(count) / took.as_secs_f64(),
            cpu: cpu / count,
            middle: all[all.len() / 2],
            slowest: all[all.len() * 99 / 100],
        });
        Ok(())
    }

    fn figures(&self) -> Figures {
        let turns = &self.turns;
        Figures {
            per_second: median(turns.iter().map(|turn| turn.per_second)),
            cpu: median(turns.iter().map(|turn| turn.cpu)),
            middle: median(turns.iter().map(|turn| turn.middle)),
            slowest: median(turns.iter().map(|turn| turn.slowest)),
        }
    }
}

/// Starts a server on its core; the load keeps to the other.
pub(crate) fn start(subject: &Subject) -> Result<Process, BoxError> {
    pin(CORES[0])?;
    let process = Process::start(subject.command())?;
    pin(CORES[1])?;
    Ok(process)
}

/// Keeps the load from sleeping: else a server pays for waking it, and a slow one pays more often.
pub(crate) async fn awake<T>(work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = work => done,
        never = busy() => match never {},
    }
}

async fn busy() -> Infallible {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn until(client: &mut Client, end: Instant, most: usize) -> Result<Vec<Duration>, BoxError> {
    let mut each = Vec::with_capacity(1 << 12);
    let mut now = Instant::now();
    while now < end && each.len() < most {
        client.once().await?;
        let then = Instant::now();
        each.push(then - now);
        now = then;
    }
    Ok(each)
}

pub(crate) fn median<T: PartialOrd + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<_> = values.collect();
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len() / 2).copied().unwrap_or_default()
}
