//! What it costs to keep the state in Redis: nothing for a call of a known session, and few round
//! trips for a call that reports its progress.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::try_join_all;
use mcp_benches::{
    process::{Process, pin},
    work::{self, Work},
};
use mcp_core::BoxError;
use mcp_testkit::server::RedisServer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::{
    connection::Connection,
    load::{self, CORES, Plan, awake, median},
    subject::Subject,
    table::{Table, micros, row},
};

/// How many calls with progress each connection makes in a turn.
const CALLS: usize = 50;

/// Measures, and prints the tables.
pub(crate) async fn run(subjects: &[Subject], plan: &Plan) -> Result<(), BoxError> {
    let redis = RedisServer::start()?;
    let ours = subjects.iter().find(|subject| subject.is_ours());
    let ours = ours.ok_or("no server of ours")?;
    let with = |name, url: Option<String>| Subject {
        name,
        arguments: ["--notifies".to_owned()]
            .into_iter()
            .chain(url.map(|url| format!("--redis={url}")))
            .collect(),
        ..ours.clone()
    };
    let memory = with("memory", None);
    let both = [memory, with("Redis", Some(redis.url()))];
    plan.explain();
    known(&both, plan).await?;
    steps(&both, redis.addr(), plan).await
}

/// A session that is known is served without asking the store.
async fn known(both: &[Subject], plan: &Plan) -> Result<(), BoxError> {
    let columns = ["call of a known session", "requests/s", "CPU µs", "×"];
    let table = Table::new(&columns);
    table.head();
    let measured = load::measure(Work::Call, both, plan).await?;
    let mut base = None;
    for (subject, figures) in both.iter().zip(measured) {
        let figures = figures.ok_or("nothing was measured")?;
        let cpu = micros(figures.cpu);
        table.row(row![
            subject.name,
            format!("{:.0}", figures.per_second),
            format!("{cpu:.2}"),
            format!("{:.2}", cpu / *base.get_or_insert(cpu)),
        ]);
    }
    println!();
    Ok(())
}

/// A call that says ten times how far it is, on a stream that can be resumed.
async fn steps(both: &[Subject], redis: SocketAddr, plan: &Plan) -> Result<(), BoxError> {
    let columns = [
        "call with 10 progress notifications",
        "calls/s",
        "p99 µs",
        "CPU µs",
        "scripts per call",
    ];
    let table = Table::new(&columns);
    table.head();
    for subject in both {
        let mut bench = Steps::new(subject, plan).await?;
        let before = scripts(redis).await?;
        for _ in 0..plan.rounds {
            bench.turn().await?;
        }
        let count = plan.rounds * plan.connections * CALLS;
        let scripts = scripts(redis).await? - before;
        let turns = &bench.turns;
        table.row(row![
            subject.name,
            format!("{:.0}", median(turns.iter().map(|turn| turn.0))),
            format!("{:.0}", micros(median(turns.iter().map(|turn| turn.1)))),
            format!("{:.1}", micros(median(turns.iter().map(|turn| turn.2)))),
            format!(
                "{:.2}",
                f64::from(scripts) / f64::from(u32::try_from(count)?)
            ),
        ]);
    }
    Ok(())
}

/// Calls that report their progress.
struct Steps {
    process: Process,
    callers: Vec<(Connection, Vec<u8>)>,
    /// Calls in a second, the slowest of a hundred, and CPU for each.
    turns: Vec<(f64, Duration, Duration)>,
}

impl Steps {
    async fn new(subject: &Subject, plan: &Plan) -> Result<Self, BoxError> {
        pin(CORES[0])?;
        let process = Process::start(subject.command())?;
        pin(CORES[1])?;
        let mut callers = Vec::new();
        for _ in 0..plan.connections {
            let mut connection = Connection::open(process.addr()).await?;
            let session = connection.initialize("/mcp").await?.ok_or("no session")?;
            let request = work::steps("/mcp", &session).to_bytes();
            callers.push((connection, request));
        }
        let mut steps = Self {
            process,
            callers,
            turns: Vec::new(),
        };
        steps.turn().await?;
        steps.turns.clear();
        Ok(steps)
    }

    async fn turn(&mut self) -> Result<(), BoxError> {
        let (before, began) = (self.process.cpu()?, Instant::now());
        let calls = self.callers.iter_mut().map(calls);
        let each = awake(try_join_all(calls)).await?;
        let took = began.elapsed();
        let mut all: Vec<_> = each.into_iter().flatten().collect();
        all.sort_unstable();
        let count = u32::try_from(all.len())?;
        let cpu = self.process.cpu()?.saturating_sub(before) / count;
        let slowest = all[all.len() * 99 / 100];
        let per_second = f64::from(count) / took.as_secs_f64();
        self.turns.push((per_second, slowest, cpu));
        Ok(())
    }
}

async fn calls(caller: &mut (Connection, Vec<u8>)) -> Result<Vec<Duration>, BoxError> {
    let (connection, request) = caller;
    let mut each = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        let answer = connection.send(request).await?;
        let text = String::from_utf8(answer.body)?;
        if answer.status != 200 || !text.contains("hello, world") {
            return Err(format!("a wrong answer: {} {text}", answer.status).into());
        }
        each.push(began.elapsed());
    }
    Ok(each)
}

/// How many scripts Redis has run: each is one round trip.
async fn scripts(addr: SocketAddr) -> Result<u32, BoxError> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(b"INFO commandstats\r\nQUIT\r\n").await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let mut sum = 0;
    for line in text.lines() {
        let Some((command, rest)) = line.split_once(":calls=") else {
            continue;
        };
        if matches!(command, "cmdstat_evalsha" | "cmdstat_eval") {
            let digits = rest.split(',').next().unwrap_or_default();
            sum += digits.parse::<u32>()?;
        }
    }
    Ok(sum)
}
