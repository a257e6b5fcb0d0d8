//! Another process on the namespace of a case: `Peer` starts it, `Orders` is its side.
//!
//! It is the test program once more, told to run the test `another_process` of the suite's module: it
//! has the backend's harness. It takes orders from its standard input, a line each, and answers with
//! lines.

use std::{
    io::{self, Write as _},
    process::Stdio,
};

use mcp_core::BoxError;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines, Stdin, stdin},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{Namespace, server, settings};

/// What stands before an answer: test programs say other things, too.
const ANSWER: &str = "answer: ";

/// The test that is the other process.
const TEST: &str = "another_process";

/// Another process, as the case sees it. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    orders: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts it on `namespace`. `module` is that of the suite's tests, as `module_path!` gives it.
    pub(crate) fn start(module: &str, namespace: &Namespace) -> Result<Self, BoxError> {
        let test = match module.split_once("::") {
            Some((_, within)) => format!("{within}::{TEST}"),
            None => TEST.to_owned(),
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args([&test, "--exact", "--ignored", "--nocapture"])
            .env(settings::PEER, namespace.as_str())
            .envs(server::shared())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(orders), Some(said)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a child without pipes".into());
        };
        Ok(Self {
            child,
            orders,
            said: BufReader::new(said).lines(),
        })
    }

    /// Gives an order, and does not wait.
    pub(crate) async fn tell(&mut self, order: &str) -> Result<(), BoxError> {
        self.orders
            .write_all(format!("{order}\n").as_bytes())
            .await?;
        Ok(())
    }

    /// The next answer.
    pub(crate) async fn hear(&mut self) -> Result<String, BoxError> {
        while let Some(line) = self.said.next_line().await? {
            if let Some((_, answer)) = line.split_once(ANSWER) {
                return Ok(answer.to_owned());
            }
        }
        let ended = self.child.wait().await?;
        Err(format!("the other process ended without an answer: {ended}").into())
    }

    /// Gives an order and waits for the answer.
    pub(crate) async fn ask(&mut self, order: &str) -> Result<String, BoxError> {
        self.tell(order).await?;
        self.hear().await
    }

    /// Kills it, as a crash would.
    pub(crate) async fn kill(mut self) -> Result<(), BoxError> {
        Ok(self.child.kill().await?)
    }
}

/// What the other process is told to do.
#[derive(Debug)]
pub struct Orders {
    lines: Lines<BufReader<Stdin>>,
    answers: io::Stdout,
}

impl Orders {
    pub(crate) fn new() -> Self {
        Self {
            lines: BufReader::new(stdin()).lines(),
            answers: io::stdout(),
        }
    }

    /// The next order; `None` when there are no more.
    pub(crate) async fn next(&mut self) -> io::Result<Option<String>> {
        self.lines.next_line().await
    }

    pub(crate) fn answer(&self, text: &str) -> io::Result<()> {
        let mut answers = self.answers.lock();
        writeln!(answers, "{ANSWER}{text}")?;
        answers.flush()
    }
}
