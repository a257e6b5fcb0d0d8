//! What became of each rule: [`Report`].

use std::{
    ffi::OsStr,
    fmt,
    fs::OpenOptions,
    io::{self, Write as _},
};

use serde::Serialize;

use crate::{Rule, settings};

/// How one rule ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The store keeps the rule.
    Passed,
    /// It does not.
    Failed(Failure),
    /// The backend disclaims the capability that the rule needs.
    NotClaimed {
        /// What the backend gave as its reason.
        why: &'static str,
    },
}

/// Why a case failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// What the case said.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0
    }
}

/// One rule and how it ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Line {
    /// The rule.
    pub rule: Rule,
    /// How it ended.
    pub outcome: Outcome,
}

/// What became of every rule of a suite.
#[derive(Clone, Debug, Default)]
pub struct Report(Vec<Line>);

impl Report {
    pub(crate) fn push(&mut self, rule: Rule, outcome: Outcome) {
        self.0.push(Line { rule, outcome });
    }

    /// Every rule, in the order of the suite.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.0
    }

    /// The rules that were broken.
    pub fn failures(&self) -> impl Iterator<Item = &Line> {
        let failed = |line: &&Line| matches!(line.outcome, Outcome::Failed(_));
        self.0.iter().filter(failed)
    }

    /// Ends the test unless every rule that could be checked is kept.
    ///
    /// # Panics
    ///
    /// When one is broken; the message names all of them.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failures().next().is_none(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { rule, outcome } in &self.0 {
            match outcome {
                Outcome::Passed => writeln!(f, "passed  {}", rule.name)?,
                Outcome::NotClaimed { why } => writeln!(f, "without {}: {why}", rule.name)?,
                Outcome::Failed(failure) => {
                    let message = failure.message();
                    writeln!(f, "FAILED  {}: {message}\n        {}", rule.name, rule.text)?;
                }
            }
        }
        Ok(())
    }
}

/// One line of the file that `MCP_TESTKIT_REPORT` names.
#[derive(Serialize)]
struct Record<'a> {
    backend: &'a str,
    suite: &'a str,
    case: &'a str,
    promises: Vec<&'a str>,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// Adds a line about `rule` to the report, if one is kept.
///
/// A line is written at once: several processes may write to the same file.
pub(crate) fn record(backend: &str, rule: &Rule, outcome: &Outcome) -> io::Result<()> {
    match settings::report() {
        Some(path) => append(&path, &line(backend, rule, outcome)?),
        None => Ok(()),
    }
}

fn line(backend: &str, rule: &Rule, outcome: &Outcome) -> io::Result<String> {
    let (outcome, why) = match outcome {
        Outcome::Passed => ("passed", None),
        Outcome::Failed(failure) => ("failed", Some(failure.message())),
        Outcome::NotClaimed { why } => ("disclaimed", Some(*why)),
    };
    let record = Record {
        backend,
        suite: rule.suite,
        case: rule.name,
        promises: rule.promises().collect(),
        outcome,
        why,
    };
    Ok(serde_json::to_string(&record)? + "\n")
}

fn append(path: &OsStr, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule::new("session_store", "ss_02_x", "SS-02, SS-03", "a rule");

    #[test]
    fn a_line_names_every_promise_of_a_case() {
        let passed = line("memory", &RULE, &Outcome::Passed).unwrap();
        assert_eq!(
            passed,
            "{\"backend\":\"memory\",\"suite\":\"session_store\",\"case\":\"ss_02_x\",\
             \"promises\":[\"SS-02\",\"SS-03\"],\"outcome\":\"passed\"}\n"
        );
        let why = "it has none";
        let disclaimed = line("memory", &RULE, &Outcome::NotClaimed { why }).unwrap();
        assert!(disclaimed.ends_with("\"outcome\":\"disclaimed\",\"why\":\"it has none\"}\n"));
    }

    #[test]
    fn a_report_shows_what_was_broken() {
        let mut report = Report::default();
        report.push(RULE, Outcome::Passed);
        assert_eq!(report.failures().count(), 0);
        report.push(RULE, Outcome::Failed(Failure::new("left: 1, right: 2")));
        assert_eq!(report.failures().count(), 1);
        assert!(
            report
                .to_string()
                .contains("FAILED  ss_02_x: left: 1, right: 2")
        );
    }
}
