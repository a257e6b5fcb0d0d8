//! Coverage-guided fuzzing of everything that reads bytes of strangers, by libFuzzer.

use std::process::Command;
use std::time::Duration;

use crate::run::{self, Result, Steps};
use crate::workspace::Workspace;

const TARGETS: [&str; 4] = ["jsonrpc", "lines", "headers", "event_ids"];

/// Runs each target for an equal share of `time`.
pub(crate) fn run(workspace: &Workspace, steps: &mut Steps, time: Duration) -> Result {
    let version = ["+nightly", "fuzz", "--version"];
    run::output(Command::new("cargo").args(version)).map_err(|error| {
        format!(
            "{error}: it takes `rustup toolchain install nightly` and `cargo install cargo-fuzz`"
        )
    })?;
    let share = time.as_secs() / TARGETS.len() as u64;
    for target in TARGETS {
        steps.step(target, || {
            let mut fuzz = Command::new("cargo");
            fuzz.args([
                "+nightly",
                "fuzz",
                "run",
                "--fuzz-dir",
                "fuzz/libfuzzer",
                target,
                "--",
            ])
            .arg(format!("-max_total_time={share}"))
            .args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
            run::run(fuzz.current_dir(&workspace.root))
        })?;
    }
    Ok(())
}
