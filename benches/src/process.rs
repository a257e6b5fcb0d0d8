//! A server in a process of its own, and what it has used so far.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use mcp_core::BoxError;
use rustix::{
    process::{Pid, Signal, kill_process, setpriority_process},
    thread::{CpuSet, sched_setaffinity},
};

use crate::serve::READY;

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    addr: SocketAddr,
}

impl Process {
    /// Starts a program and waits until it says where it listens.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or says something else.
    pub fn start(mut command: Command) -> Result<Self, BoxError> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let addr = line.trim().strip_prefix(READY);
        let addr = addr.ok_or("the server did not say where it listens")?;
        let addr = addr.parse()?;
        Ok(Self { child, addr })
    }

    /// Starts this program once more, as a server.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn serve(what: &str) -> Result<Self, BoxError> {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--serve", what]);
        Self::start(command)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The time its threads have been on a core.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn cpu(&self) -> Result<Duration, BoxError> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            let first = text.split_whitespace().next().unwrap_or_default();
            nanos += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// The bytes of memory that it has in use.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn resident(&self) -> Result<u64, BoxError> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
    }

    /// Ends it and waits for its end.
    ///
    /// # Errors
    ///
    /// When it has ended already.
    pub fn end(mut self) -> Result<(), BoxError> {
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
///
/// # Errors
///
/// When there is no such core.
pub fn pin(core: usize) -> Result<(), BoxError> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Sets the nice value of this thread, and of the threads and processes that it starts from now on.
///
/// # Errors
///
/// When it is lower than before and this user may not have precedence.
pub fn nice(value: i32) -> Result<(), BoxError> {
    Ok(setpriority_process(None, value)?)
}
