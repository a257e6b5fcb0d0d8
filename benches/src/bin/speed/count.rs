//! What does not depend on the machine's mood: instructions and heap allocations of one request.
//!
//! A server runs under valgrind and is sent few requests, then another one many; the difference,
//! divided, is what one costs.

use std::{fs, path::Path, process::Command};

use mcp_benches::{process::Process, work::Work};
use mcp_core::BoxError;

use crate::{
    baseline::Baseline,
    client::Client,
    fanout::{Crowd, Ear},
    subject::Subject,
    table::{Table, row},
};

/// Small requests are sent this often, and then this often more.
const SMALL: (u32, u32) = (200, 1000);

/// Large ones.
const LARGE: (u32, u32) = (10, 20);

/// Changes, each told to so many.
const CHANGES: (u32, u32) = (5, 20);
const LISTENERS: u32 = 200;

/// Counts for every kind of work on every server, and prints the table.
pub(crate) async fn run(
    works: &[Work],
    subjects: &[Subject],
    profiles: Option<&Path>,
    baseline: &Baseline,
) -> Result<(), BoxError> {
    let mut counted = Vec::new();
    let table = Table::new(&["work", "server", "instructions", "×", "allocations"]);
    table.head();
    for work in works {
        let mut yardstick = None;
        for subject in subjects.iter().filter(|subject| able(subject, *work)) {
            let profile = profiles.map(|folder| folder.join(file(subject, *work)));
            let instructions = instructions(subject, *work, profile.as_deref()).await?;
            let allocations = allocations(subject, *work).await?;
            let base = *yardstick.get_or_insert(instructions);
            if subject.is_ours() {
                counted.push((*work, instructions));
            }
            table.row(row![
                work.name(),
                subject.name,
                format!("{instructions:.0}"),
                format!("{:.2}", instructions / base),
                format!("{allocations:.1}"),
            ]);
        }
    }
    baseline.compare(&counted)
}

/// A profile's file, for `callgrind_annotate`.
fn file(subject: &Subject, work: Work) -> String {
    let name = subject.name.replace(", ", "-");
    format!("callgrind.{name}.{work:?}").to_lowercase()
}

async fn instructions(
    subject: &Subject,
    work: Work,
    profile: Option<&Path>,
) -> Result<f64, BoxError> {
    let file = profile.unwrap_or(Path::new("/dev/null")).display();
    let tool = [
        "--tool=callgrind".to_owned(),
        format!("--callgrind-out-file={file}"),
    ];
    per_request(subject, work, &tool, "Collected : ").await
}

/// Whether the server does this work.
pub(crate) fn able(subject: &Subject, work: Work) -> bool {
    match work {
        Work::Session => !subject.is_mcp() || subject.has_sessions(),
        Work::FanOut => !subject.is_mcp() || subject.is_ours(),
        _ => true,
    }
}

pub(crate) async fn allocations(subject: &Subject, work: Work) -> Result<f64, BoxError> {
    let tool = [
        "--tool=memcheck".to_owned(),
        "--leak-check=no".to_owned(),
        "--undef-value-errors=no".to_owned(),
    ];
    per_request(subject, work, &tool, "total heap usage: ").await
}

async fn per_request(
    subject: &Subject,
    work: Work,
    tool: &[String],
    label: &str,
) -> Result<f64, BoxError> {
    let (few, more) = match work {
        Work::Echo64k | Work::Echo1m => LARGE,
        Work::FanOut => CHANGES,
        _ => SMALL,
    };
    let before = counted(subject, work, tool, label, few).await?;
    let after = counted(subject, work, tool, label, few + more).await?;
    let each = if work == Work::FanOut {
        more * LISTENERS
    } else {
        more
    };
    Ok((after - before) / f64::from(each))
}

/// What valgrind says behind `label` after this many requests.
async fn counted(
    subject: &Subject,
    work: Work,
    tool: &[String],
    label: &str,
    times: u32,
) -> Result<f64, BoxError> {
    let log = std::env::temp_dir().join(format!("mcp-benches-{}.log", std::process::id()));
    let mut command = Command::new("valgrind");
    command
        .args(tool)
        .arg(format!("--log-file={}", log.display()))
        .arg(&subject.program)
        .args(&subject.arguments)
        .args((work == Work::FanOut && subject.is_ours()).then_some("--notifies"))
        .env("TOKIO_WORKER_THREADS", "1");
    let process = Process::start(command)?;
    if work == Work::FanOut {
        let ear = if subject.is_ours() {
            Ear::Session
        } else {
            Ear::Bare
        };
        let listeners = usize::try_from(LISTENERS)?;
        let mut crowd = Crowd::open(process.addr(), subject, ear, listeners).await?;
        for _ in 0..times {
            crowd.change().await?;
        }
    } else {
        let mut client = Client::new(process.addr(), subject, work).await?;
        for _ in 0..times {
            client.once().await?;
        }
    }
    process.end()?;
    let text = fs::read_to_string(&log)?;
    fs::remove_file(&log)?;
    let number = text.split(label).nth(1).ok_or("valgrind says nothing")?;
    let digits = number
        .chars()
        .take_while(|letter| letter.is_ascii_digit() || *letter == ',');
    let number: String = digits.filter(char::is_ascii_digit).collect();
    Ok(number.parse()?)
}
