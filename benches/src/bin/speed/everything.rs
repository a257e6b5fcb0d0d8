//! One table of everything: a row for each figure, a column for each server.

use std::time::Duration;

use mcp_benches::work::Work;
use mcp_core::BoxError;
use tokio::time::Instant;

use crate::{
    client::Client,
    count,
    load::{self, Figures, Plan, awake, median, start},
    sessions,
    subject::Subject,
    table::{Table, micros},
};

/// How often a server is started.
const STARTS: usize = 15;

/// The table, with a column for each server.
struct Wide(Table);

impl Wide {
    fn row(&self, what: &str, cells: impl IntoIterator<Item = Option<String>>) {
        let cells = cells.into_iter().map(Option::unwrap_or_default);
        let row: Vec<_> = [what.to_owned()].into_iter().chain(cells).collect();
        self.0.row(&row);
    }
}

/// Measures everything and prints the table.
pub(crate) async fn run(works: &[Work], subjects: &[Subject], plan: &Plan) -> Result<(), BoxError> {
    plan.explain();
    let names = subjects.iter().map(|subject| subject.name);
    let columns: Vec<_> = [""].into_iter().chain(names).collect();
    let table = Wide(Table::new(&columns));
    table.0.head();
    for work in works {
        requests(&table, *work, subjects, plan).await?;
    }
    let (mut idle, mut streams) = (Vec::new(), Vec::new());
    for subject in subjects {
        idle.push(sessions::idle(subject).await?);
        streams.push(sessions::stream(subject).await?);
    }
    let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes.to_string());
    table.row(
        "an idle session: resident bytes",
        idle.into_iter().map(bytes),
    );
    table.row(
        "an open stream and its session: resident bytes",
        streams.into_iter().map(bytes),
    );
    let starts = starts(subjects).await?;
    let time = |start: &(Duration, u64)| Some(format!("{:.1}", micros(start.0) / 1e3));
    table.row("from start to first answer: ms", starts.iter().map(time));
    let resident = |start: &(Duration, u64)| Some(start.1.to_string());
    table.row(
        "after the first answer: resident KiB",
        starts.iter().map(resident),
    );
    Ok(())
}

/// The rows of one kind of work.
async fn requests(
    table: &Wide,
    work: Work,
    subjects: &[Subject],
    plan: &Plan,
) -> Result<(), BoxError> {
    let measured = load::measure(work, subjects, plan).await?;
    let bare = measured.first().copied().flatten();
    let bare = bare.map_or(f64::NAN, |bare| micros(bare.cpu));
    let row = |what: &str, of: &dyn Fn(&Figures) -> String| {
        let cells = measured.iter().map(|figures| figures.as_ref().map(of));
        table.row(&format!("{}: {what}", work.name()), cells);
    };
    row("CPU µs (×)", &|figures| {
        let cpu = micros(figures.cpu);
        format!("{cpu:.2} ({:.2})", cpu / bare)
    });
    row("in a second", &|figures| {
        format!("{:.0}", figures.per_second)
    });
    row("p50 / p99 µs", &|figures| {
        let (middle, slowest) = (micros(figures.middle), micros(figures.slowest));
        format!("{middle:.0} / {slowest:.0}")
    });
    let allocations = allocations(work, subjects).await?;
    table.row(&format!("{}: allocations", work.name()), allocations);
    Ok(())
}

async fn allocations(work: Work, subjects: &[Subject]) -> Result<Vec<Option<String>>, BoxError> {
    let mut cells = Vec::new();
    for subject in subjects {
        cells.push(if count::able(subject, work) {
            let allocations = count::allocations(subject, work).await?;
            Some(format!("{allocations:.0}"))
        } else {
            None
        });
    }
    Ok(cells)
}

/// From the start of the process to the answer to a first call, and the KiB that are resident then.
async fn starts(subjects: &[Subject]) -> Result<Vec<(Duration, u64)>, BoxError> {
    let mut turns = vec![Vec::new(); subjects.len()];
    for _ in 0..STARTS {
        for (subject, turns) in subjects.iter().zip(&mut turns) {
            let began = Instant::now();
            let process = start(subject)?;
            awake(Client::new(process.addr(), subject, Work::Call)).await?;
            turns.push((began.elapsed(), process.resident()? / 1024));
        }
    }
    let middle = |turns: &Vec<(Duration, u64)>| {
        let time = median(turns.iter().map(|turn| turn.0));
        (time, median(turns.iter().map(|turn| turn.1)))
    };
    Ok(turns.iter().map(middle).collect())
}
