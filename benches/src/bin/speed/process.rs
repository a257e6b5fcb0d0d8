//! A server in a process of its own, and what it has used so far.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use mcp_benches::serve::READY;
use mcp_core::BoxError;
use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{CpuSet, sched_setaffinity},
};

/// A running server; killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) addr: SocketAddr,
}

impl Process {
    /// Starts a program and waits until it says where it listens.
    pub(crate) fn start(mut command: Command) -> Result<Self, BoxError> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let addr = line.trim().strip_prefix(READY);
        let addr = addr.ok_or("the server did not say where it listens")?;
        let addr = addr.parse()?;
        Ok(Self { child, addr })
    }

    /// The time its threads have been on a core.
    pub(crate) fn cpu(&self) -> Result<Duration, BoxError> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split_whitespace().next().unwrap_or_default();
            nanos += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// The bytes of memory that it has in use.
    pub(crate) fn resident(&self) -> Result<u64, BoxError> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }

    /// Ends it and waits for its end.
    pub(crate) fn end(mut self) -> Result<(), BoxError> {
        let pid = i32::try_from(self.child.id())?;
        let pid = Pid::from_raw(pid).ok_or("the server has no process id")?;
        kill_process(pid, Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts this thread, and the processes that it starts from now on, on one core.
pub(crate) fn pin(core: usize) -> Result<(), BoxError> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}
