//! One server for all tests of a run.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::unix::process::parent_id,
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::settings;

/// Says which run of nextest a test process belongs to.
const RUN: &str = "NEXTEST_RUN_ID";

/// A server that tests can share.
pub(super) trait Server: Sized {
    /// Names its files.
    const NAME: &'static str;
    /// The variable that names a running one.
    const VARIABLE: &'static str;

    fn start() -> io::Result<Self>;

    fn url(&self) -> String;

    /// Lets it run until the process `pid` has ended; then the directory `notes` is removed, too.
    fn leave_to(self, pid: u32, notes: &Path) -> io::Result<()>;
}

/// The servers that this process has asked for: the variable that names each, and its address.
static ASKED: Mutex<BTreeMap<&'static str, String>> = Mutex::new(BTreeMap::new());

/// What another process needs to find the same servers, as variables of its environment.
pub(crate) fn addresses() -> BTreeMap<&'static str, String> {
    let asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    asked.clone()
}

/// The server that whoever runs the tests named, that of this run of nextest, or this process's.
pub(super) fn url<S: Server>(own: &Mutex<Option<S>>) -> io::Result<String> {
    let url = find(own)?;
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    asked.insert(S::VARIABLE, url.clone());
    Ok(url)
}

fn find<S: Server>(own: &Mutex<Option<S>>) -> io::Result<String> {
    if let Some(url) = settings::text(S::VARIABLE) {
        return Ok(url);
    }
    if let Some(run) = settings::text(RUN) {
        // nextest starts a process for each test, and is the parent of all of them.
        let directory = std::env::temp_dir().join(format!("mcp-testkit-{run}"));
        return of_run::<S>(&directory, parent_id());
    }
    let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
    let server = match own.take() {
        Some(server) => server,
        None => S::start()?,
    };
    Ok(own.insert(server).url())
}

/// The first process of a run starts the server, the others find its address.
fn of_run<S: Server>(directory: &Path, runner: u32) -> io::Result<String> {
    fs::create_dir_all(directory)?;
    let lock = File::create(directory.join(format!("{}.lock", S::NAME)))?;
    lock.lock()?;
    let file = directory.join(S::NAME);
    if file.exists() {
        return fs::read_to_string(&file);
    }
    let server = S::start()?;
    let url = server.url();
    server.leave_to(runner, directory)?;
    fs::write(&file, &url)?;
    Ok(url)
}
