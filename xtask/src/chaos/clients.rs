//! The process whose clients work and judge.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::run::{self, Result};
use crate::workspace::Workspace;

/// What is under way when the clients are told to end may take so long.
const ENDS_WITHIN: Duration = Duration::from_secs(90);

/// Clients that work. Dropped, they are killed.
#[derive(Debug)]
pub(crate) struct Clients {
    child: Child,
}

impl Clients {
    pub(crate) fn start(workspace: &Workspace, urls: &[String], seed: u64) -> Result<Self> {
        let mut command = Command::new(workspace.binary("chaos-client"));
        for url in urls {
            command.args(["--url", url]);
        }
        let child = command
            .args(["--seed", &seed.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("chaos-client cannot be started: {error}"))?;
        Ok(Self { child })
    }

    /// Tells them what is being done.
    pub(crate) fn tell(&mut self, word: &str) -> Result {
        let input = self.child.stdin.as_mut().ok_or("no input")?;
        writeln!(input, "{word}")?;
        Ok(())
    }

    /// Lets them finish, and gives what they saw; anything that should not have been is an error.
    pub(crate) fn end(mut self) -> Result<Value> {
        drop(self.child.stdin.take());
        let Some(status) = run::wait_within(&mut self.child, ENDS_WITHIN)? else {
            return Err("the clients do not end".into());
        };
        let mut said = String::new();
        if let Some(mut output) = self.child.stdout.take() {
            output.read_to_string(&mut said)?;
        }
        let report: Value = serde_json::from_str(said.trim())
            .map_err(|error| format!("the clients ended with {status}: {error}"))?;
        println!("{report:#}");
        if status.success() {
            Ok(report)
        } else {
            Err("what the clients saw should not have been".into())
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // Both fail only if they have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
