//! Running commands, with a header, a verdict and a time for each step.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// What every job returns. The error is a text for the person at the terminal.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const POLL: Duration = Duration::from_millis(20);

/// The steps taken so far, and how long each took.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    taken: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    passed: bool,
}

impl Steps {
    /// Runs one named step.
    pub(crate) fn step<T>(&mut self, name: &str, job: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n==> {name}");
        let started = now();
        let outcome = job();
        let (took, passed) = (started.elapsed(), outcome.is_ok());
        println!(
            "<== {name}: {} in {:.1} s",
            if passed { "passed" } else { "FAILED" },
            took.as_secs_f64()
        );
        self.taken.push(Step {
            name: name.to_owned(),
            took,
            passed,
        });
        outcome.map_err(|error| format!("{name}: {error}").into())
    }

    /// Prints all steps with their times, and how many passed.
    pub(crate) fn print_summary(&self) {
        if self.taken.is_empty() {
            return;
        }
        println!("\n==> summary");
        for Step { name, took, passed } in &self.taken {
            println!(
                "{:>8.1} s  {}  {name}",
                took.as_secs_f64(),
                if *passed { "ok    " } else { "FAILED" }
            );
        }
        let passed = self.taken.iter().filter(|step| step.passed).count();
        println!(
            "steps: {passed} passed, {} failed",
            self.taken.len() - passed
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "automation measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A time as somebody types it: `90s`, `10m`.
pub(crate) fn time(text: &str) -> std::result::Result<Duration, String> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        _ => return Err("a time is a number and s or m".to_owned()),
    };
    let number: u64 = number.parse().map_err(|error| format!("{error}"))?;
    Ok(Duration::from_secs(number * seconds))
}

/// `cargo` with these arguments, separated by spaces.
pub(crate) fn cargo(arguments: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(arguments.split_whitespace());
    command
}

/// Runs a command to its end; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result {
    println!("$ {}", line(command));
    let status = command
        .status()
        .map_err(|error| not_started(command, &error))?;
    expect_success(command, status)
}

/// Like [`run`], but the command is killed when it takes longer than `limit`.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result {
    println!("$ {}", line(command));
    let mut child = command
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    match wait_within(&mut child, limit)? {
        Some(status) => expect_success(command, status),
        None => Err(format!("`{}` was killed after {} s", line(command), limit.as_secs()).into()),
    }
}

/// Runs a command silently and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("`{}` ended with {}\n{said}", line(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Waits for a child. When it takes too long, it is killed and there is no status.
pub(crate) fn wait_within(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let deadline = now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

fn expect_success(command: &Command, status: ExitStatus) -> Result {
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` ended with {status}", line(command)).into())
}

fn not_started(command: &Command, error: &io::Error) -> String {
    let program = command.get_program().to_string_lossy();
    if error.kind() == io::ErrorKind::NotFound {
        return format!(
            "`{program}` is needed and not installed; CONTRIBUTING.md lists what a machine must have"
        );
    }
    format!("`{program}` cannot be started: {error}")
}

fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(
        command
            .get_args()
            .map(|argument| argument.to_string_lossy()),
    );
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`no-such-program` is needed and not installed"),
            "{error}"
        );
    }

    #[test]
    fn a_failing_command_is_an_error() {
        let error = run(Command::new("sh").args(["-c", "exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("sh -c exit 3") && error.contains('3'),
            "{error}"
        );
    }

    #[test]
    fn a_time_has_a_unit() {
        assert_eq!(time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("10m"), Ok(Duration::from_mins(10)));
        assert!(time("10").is_err());
        assert!(time("").is_err());
    }

    #[test]
    fn a_slow_command_is_killed() {
        let error = run_within(Command::new("sleep").arg("60"), Duration::ZERO)
            .unwrap_err()
            .to_string();
        assert!(error.contains("was killed after 0 s"), "{error}");
    }

    #[test]
    fn a_failed_step_is_counted_and_named() {
        let mut steps = Steps::default();
        assert!(steps.step("first", || Ok(())).is_ok());
        let error = steps
            .step("second", || Err::<(), _>("broken".into()))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "second: broken");
        assert_eq!(steps.taken.iter().filter(|step| step.passed).count(), 1);
    }
}
