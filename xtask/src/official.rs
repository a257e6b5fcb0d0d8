//! The official conformance suite, strictly: no failure, no warning, nothing missing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::cluster::{self, Cluster};
use crate::run::{self, Result, Steps};
use crate::server;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

const LIMIT: Duration = Duration::from_mins(5);
/// With a list of expected failures the suite counts warnings as failures; ours is empty.
const EXPECTED_FAILURES: &str = "server: []\n";
/// A ring of one key that all instances of a cluster share.
const STATE_KEYS: &str = "official:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n";
/// A result folder is named `server-<scenario>-<time>`, the time like `2026-11-22T15-54-56-091Z`.
const FOLDER_PREFIX: &str = "server-";
const FOLDER_TIME: usize = "-2026-11-22T15-54-56-091Z".len();

/// One run of the suite, and how much of it there must be, so that it cannot shrink unnoticed.
struct Set {
    name: &'static str,
    arguments: &'static [&'static str],
    scenarios: usize,
    successes: usize,
    /// What is run and shown, and does not count.
    uncounted: Option<Uncounted>,
}

/// Scenarios that may end as they like, by the beginning of their names, and why.
struct Uncounted {
    prefix: &'static str,
    reason: &'static str,
}

const SETS: [Set; 4] = [
    // 37 of the scenarios are scored by the suite itself; here all count but those of the extension.
    Set {
        name: "2026-07-28",
        arguments: &["--requirements", "2026-07-28"],
        scenarios: 50,
        successes: 152,
        uncounted: Some(Uncounted {
            prefix: "tasks-",
            reason: "the extension io.modelcontextprotocol/tasks is not served",
        }),
    },
    Set {
        name: "2026-07-28-all",
        arguments: &["--suite", "all", "--spec-version", "2026-07-28"],
        scenarios: 40,
        successes: 152,
        uncounted: None,
    },
    // 30 of the scenarios are scored by the suite itself; here all of them count.
    Set {
        name: "2025-11-25",
        arguments: &["--requirements", "2025-11-25"],
        scenarios: 33,
        successes: 83,
        uncounted: None,
    },
    Set {
        name: "2025-06-18",
        arguments: &["--suite", "all", "--spec-version", "2025-06-18"],
        scenarios: 27,
        successes: 56,
        uncounted: None,
    },
];

/// One line of a `checks.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    id: String,
    status: Status,
    error_message: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Success,
    Failure,
    Warning,
    Skipped,
    Info,
}

type Scenarios = BTreeMap<String, Vec<Check>>;

impl Set {
    fn counts(&self, scenario: &str) -> bool {
        let uncounted = self.uncounted.as_ref();
        uncounted.is_none_or(|uncounted| !scenario.starts_with(uncounted.prefix))
    }
}

/// What the suite is aimed at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// The conformance server, alone.
    Alone,
    /// Three of them on one backend, behind a proxy that sends every request to another one.
    Cluster(&'a str),
    /// A server that is running already.
    Url(&'a str),
}

/// Runs every set.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, target: Target<'_>) -> Result {
    let name = match target {
        Target::Cluster(backend) => format!("official suite, 3 instances, {}", kind(backend)),
        _ => "official suite".to_owned(),
    };
    steps.step(&name, || {
        let tools = tools::install(workspace)?;
        match target {
            Target::Alone => {
                server::build()?;
                server::with(workspace, "conformance-server", |url| {
                    run_sets(workspace, &tools, url, "alone")
                })
            }
            Target::Cluster(backend) => {
                server::build()?;
                run_on_cluster(workspace, &tools, backend)
            }
            Target::Url(url) => run_sets(workspace, &tools, url, "url"),
        }
    })
}

/// A URL may hold a password.
fn kind(backend: &str) -> &str {
    backend.split(':').next().unwrap_or_default()
}

fn run_on_cluster(workspace: &Workspace, tools: &Tools, backend: &str) -> Result {
    let keys = workspace.target.join("official/state-keys");
    fs::create_dir_all(workspace.target.join("official"))?;
    fs::write(&keys, STATE_KEYS)?;
    let options = cluster::Options {
        program: "conformance-server",
        backend: backend.to_owned(),
        proxy: Some(cluster::Kind::Haproxy),
        nodes: 3,
        changes: cluster::Changes::default(),
        arguments: vec!["--state-keys".to_owned(), keys.display().to_string()],
    };
    let cluster = Cluster::start(workspace, &options)?;
    let outcome = run_sets(workspace, tools, &cluster.url(), kind(backend));
    // How an instance ended may explain why the suite failed.
    match (outcome, cluster.stop()) {
        (Err(error), Err(end)) => Err(format!("{error}\n{end}").into()),
        (outcome, end) => outcome.and(end),
    }
}

fn run_sets(workspace: &Workspace, tools: &Tools, url: &str, target: &str) -> Result {
    let mut complaints = Vec::new();
    for set in &SETS {
        let directory = workspace
            .target
            .join("official")
            .join(target)
            .join(set.name);
        complaints.extend(run_set(set, tools, url, &directory)?);
    }
    if complaints.is_empty() {
        return Ok(());
    }
    Err(format!("{} complaints\n{}", complaints.len(), complaints.join("\n")).into())
}

/// Runs one set into `directory` and returns what is wrong with the outcome.
fn run_set(set: &Set, tools: &Tools, url: &str, directory: &Path) -> Result<Vec<String>> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)?;
    let expected_failures = directory.join("expected-failures.yml");
    fs::write(&expected_failures, EXPECTED_FAILURES)?;
    let results = directory.join("results");
    let log = directory.join("log.txt");
    let output = File::create(&log)?;

    let mut command = tools.conformance()?;
    command.args(["server", "--url", url]).args(set.arguments);
    command
        .arg("--expected-failures")
        .arg(&expected_failures)
        .arg("--output-dir")
        .arg(&results);
    command.stderr(output.try_clone()?).stdout(output);
    let outcome = run::run_within(&mut command, LIMIT);

    let scenarios = read_results(&results)?;
    print!("{}", table(set, &scenarios));
    let mut complaints = judge(set, &scenarios);
    if let Err(error) = outcome {
        complaints.push(format!(
            "{}: {error}; its output is in {}",
            set.name,
            log.display()
        ));
    }
    Ok(complaints)
}

fn read_results(directory: &Path) -> Result<Scenarios> {
    let mut scenarios = Scenarios::new();
    if !directory.exists() {
        return Ok(scenarios);
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(OsStr::to_str) else {
            continue;
        };
        let file = path.join("checks.json");
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let checks: Vec<Check> =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        scenarios
            .entry(scenario_name(name).to_owned())
            .or_default()
            .extend(checks);
    }
    Ok(scenarios)
}

fn scenario_name(folder: &str) -> &str {
    let name = folder.strip_prefix(FOLDER_PREFIX).unwrap_or(folder);
    name.len()
        .checked_sub(FOLDER_TIME)
        .and_then(|end| name.get(..end))
        .unwrap_or(name)
}

fn judge(set: &Set, scenarios: &Scenarios) -> Vec<String> {
    let mut complaints = Vec::new();
    if scenarios.len() != set.scenarios {
        complaints.push(format!(
            "{}: {} scenarios ran, expected {}",
            set.name,
            scenarios.len(),
            set.scenarios
        ));
    }
    let counted = || {
        scenarios
            .iter()
            .filter(|(scenario, _)| set.counts(scenario))
    };
    for (scenario, checks) in counted() {
        for check in checks
            .iter()
            .filter(|check| matches!(check.status, Status::Failure | Status::Warning))
        {
            let Check {
                id,
                status,
                error_message,
            } = check;
            let message = error_message.as_deref().unwrap_or("no message");
            complaints.push(format!(
                "{}: {scenario}: {status:?} in {id}: {message}",
                set.name
            ));
        }
    }
    let successes = counted()
        .map(|(_, checks)| count(checks, Status::Success))
        .sum::<usize>();
    if successes < set.successes {
        complaints.push(format!(
            "{}: {successes} checks succeeded, expected {}",
            set.name, set.successes
        ));
    }
    complaints
}

fn count(checks: &[Check], status: Status) -> usize {
    checks.iter().filter(|check| check.status == status).count()
}

fn table(set: &Set, scenarios: &Scenarios) -> String {
    const COLUMNS: [Status; 5] = [
        Status::Success,
        Status::Failure,
        Status::Warning,
        Status::Skipped,
        Status::Info,
    ];
    let mut text = format!("{:<42}", set.name);
    for status in COLUMNS {
        write!(text, "{:>9}", format!("{status:?}").to_lowercase()).ok();
    }
    text.push('\n');
    for (scenario, checks) in scenarios {
        write!(text, "  {scenario:<40}").ok();
        for status in COLUMNS {
            write!(text, "{:>9}", count(checks, status)).ok();
        }
        text.push('\n');
    }
    write!(text, "  {:<40}", format!("{} scenarios", scenarios.len())).ok();
    for status in COLUMNS {
        let sum: usize = scenarios.values().map(|checks| count(checks, status)).sum();
        write!(text, "{sum:>9}").ok();
    }
    text.push('\n');
    if let Some(Uncounted { prefix, reason }) = set.uncounted {
        writeln!(text, "  {prefix}* does not count: {reason}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: Set = Set {
        name: "a-set",
        arguments: &[],
        scenarios: 1,
        successes: 1,
        uncounted: None,
    };

    const WITH_UNCOUNTED: Set = Set {
        scenarios: 2,
        uncounted: Some(Uncounted {
            prefix: "tasks-",
            reason: "not served",
        }),
        ..SET
    };

    fn scenarios(checks: &str) -> Scenarios {
        Scenarios::from([("ping".to_owned(), serde_json::from_str(checks).unwrap())])
    }

    #[test]
    fn a_folder_names_its_scenario() {
        assert_eq!(
            scenario_name("server-ping-2026-11-22T15-54-56-091Z"),
            "ping"
        );
        assert_eq!(
            scenario_name("server-server-sse-polling-2026-11-22T15-54-56-091Z"),
            "server-sse-polling"
        );
        assert_eq!(scenario_name("other"), "other");
    }

    #[test]
    fn a_set_that_is_complete_and_successful_passes() {
        let seen =
            scenarios(r#"[{"id": "ping", "status": "SUCCESS"}, {"id": "sent", "status": "INFO"}]"#);
        assert_eq!(judge(&SET, &seen), Vec::<String>::new());
    }

    #[test]
    fn a_warning_fails_even_where_the_suite_does_not_score_it() {
        let seen = scenarios(
            r#"[{"id": "ping", "status": "SUCCESS"}, {"id": "late", "status": "WARNING", "errorMessage": "too late"}]"#,
        );
        assert_eq!(
            judge(&SET, &seen),
            ["a-set: ping: Warning in late: too late"]
        );
    }

    #[test]
    fn a_failure_is_named() {
        let seen =
            scenarios(r#"[{"id": "a", "status": "SUCCESS"}, {"id": "ping", "status": "FAILURE"}]"#);
        assert_eq!(
            judge(&SET, &seen),
            ["a-set: ping: Failure in ping: no message"]
        );
    }

    fn with_tasks(ping: &str, tasks: &str) -> Scenarios {
        let mut seen = scenarios(ping);
        let tasks = serde_json::from_str(tasks).unwrap();
        seen.insert("tasks-lifecycle".to_owned(), tasks);
        seen
    }

    #[test]
    fn an_uncounted_scenario_may_fail_but_must_run() {
        let ping = r#"[{"id": "ping", "status": "SUCCESS"}]"#;
        let failed = with_tasks(ping, r#"[{"id": "a", "status": "FAILURE"}]"#);
        assert_eq!(judge(&WITH_UNCOUNTED, &failed), Vec::<String>::new());
        assert_eq!(
            judge(&WITH_UNCOUNTED, &scenarios(ping)),
            ["a-set: 1 scenarios ran, expected 2"]
        );
    }

    #[test]
    fn an_uncounted_success_makes_up_for_nothing() {
        let seen = with_tasks(
            r#"[{"id": "ping", "status": "SKIPPED"}]"#,
            r#"[{"id": "a", "status": "SUCCESS"}]"#,
        );
        assert_eq!(
            judge(&WITH_UNCOUNTED, &seen),
            ["a-set: 0 checks succeeded, expected 1"]
        );
    }

    #[test]
    fn a_suite_that_shrank_fails() {
        assert_eq!(
            judge(&SET, &Scenarios::new()),
            [
                "a-set: 0 scenarios ran, expected 1",
                "a-set: 0 checks succeeded, expected 1"
            ]
        );
        let seen = scenarios(r#"[{"id": "ping", "status": "SKIPPED"}]"#);
        assert_eq!(
            judge(&SET, &seen),
            ["a-set: 0 checks succeeded, expected 1"]
        );
    }

    #[test]
    fn the_table_counts_by_status() {
        let text = table(
            &SET,
            &scenarios(r#"[{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "INFO"}]"#),
        );
        let rows: Vec<Vec<_>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[1], ["ping", "1", "0", "0", "0", "1"]);
        assert_eq!(rows[2], ["1", "scenarios", "1", "0", "0", "0", "1"]);
    }

    #[test]
    fn the_table_says_what_does_not_count() {
        let text = table(&WITH_UNCOUNTED, &Scenarios::new());
        assert!(text.ends_with("tasks-* does not count: not served\n"));
    }
}
