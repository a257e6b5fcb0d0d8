//! The path of the socket: taken, guarded, and given back.

use std::{
    fs::{self, DirBuilder, File, Metadata, Permissions},
    hash::{BuildHasher, RandomState},
    io,
    os::unix::{
        fs::{self as unix_fs, DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net,
    },
    path::{Path, PathBuf},
};

use tokio::{
    net::{UnixListener, UnixStream},
    task::spawn_blocking,
};

/// A bound socket. Its file is removed at the end, unless somebody else has put another there.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) listener: UnixListener,
    pub(crate) file: SocketFile,
}

/// The file of a socket.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    is: Identity,
}

/// Tells a file from its successor, also when the file system uses its inode again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    modified: (i64, i64),
}

impl From<&Metadata> for Identity {
    fn from(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            modified: (found.mtime(), found.mtime_nsec()),
        }
    }
}

/// Whose the socket's file is, and who may connect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) mode: u32,
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
}

/// Binds `path` with this access. A socket file that nobody listens on is replaced; one that
/// somebody listens on, and any other file, is left alone.
///
/// Nobody can connect before the access is set: the socket appears under its name with it, in one
/// step.
pub(crate) async fn bind(path: &Path, access: Access) -> io::Result<Bound> {
    // Whoever starts at the same time waits here, and finds this process listening afterwards.
    let dir = directory(path).to_owned();
    let turn = blocking(move || Ok(take_turn(&dir))).await?;
    refuse_if_taken(path).await?;
    let path = path.to_owned();
    let (listener, file) = blocking(move || {
        let placed = place(path, access);
        drop(turn);
        placed
    })
    .await?;
    listener.set_nonblocking(true)?;
    Ok(Bound {
        listener: UnixListener::from_std(listener)?,
        file,
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.map_err(io::Error::other)?
}

fn directory(path: &Path) -> &Path {
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Locks the directory, so that of all processes that start or end here one acts at a time.
fn take_turn(dir: &Path) -> Option<File> {
    let locked = File::open(dir).and_then(|dir| dir.lock().map(|()| dir));
    locked
        .inspect_err(|error| tracing::warn!(%error, "the directory of the socket is not locked"))
        .ok()
}

async fn refuse_if_taken(path: &Path) -> io::Result<()> {
    let found = match tokio::fs::symlink_metadata(path).await {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the path exists and is not a socket",
        ));
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            tracing::info!(path = %path.display(), "a stale socket is replaced");
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // `WouldBlock`: somebody listens, and has much to do.
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process listens on this socket",
        )),
    }
}

/// Makes the socket where only this user can reach it, and moves it to its place.
fn place(path: PathBuf, access: Access) -> io::Result<(net::UnixListener, SocketFile)> {
    let workshop = Workshop::open(directory(&path))?;
    let fresh = workshop.socket();
    let listener = net::UnixListener::bind(&fresh)?;
    if access.user.is_some() || access.group.is_some() {
        unix_fs::chown(&fresh, access.user, access.group)?;
    }
    fs::set_permissions(&fresh, Permissions::from_mode(access.mode))?;
    let is = Identity::from(&fs::symlink_metadata(&fresh)?);
    fs::rename(&fresh, &path)?;
    Ok((listener, SocketFile { path, is }))
}

/// A directory for this user alone, beside the socket; gone when dropped. Its name is short, because
/// the path of a socket must be.
struct Workshop(PathBuf);

impl Workshop {
    fn open(beside: &Path) -> io::Result<Self> {
        let random = RandomState::new().hash_one(std::process::id());
        let path = beside.join(format!(".{:08x}", random & 0xffff_ffff));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Still there only when it could not be moved.
        let _ = fs::remove_file(self.socket());
        if let Err(error) = fs::remove_dir(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "a directory was not removed");
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _turn = take_turn(directory(&self.path));
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| Identity::from(&found) == self.is)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "the socket was not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const OWNER: Access = Access {
        mode: 0o600,
        user: None,
        group: None,
    };

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_starters_one_gets_the_path_and_keeps_it() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("server.sock");
            drop(net::UnixListener::bind(&path).unwrap());
            let mut starters = JoinSet::new();
            for _ in 0..8 {
                let path = path.clone();
                starters.spawn(async move { bind(&path, OWNER).await });
            }
            let results = starters.join_all().await;
            let bound: Vec<_> = results.iter().filter_map(|it| it.as_ref().ok()).collect();
            assert_eq!(bound.len(), 1);
            let (connected, accepted) =
                tokio::join!(UnixStream::connect(&path), bound[0].listener.accept());
            assert!(connected.is_ok() && accepted.is_ok());
            assert_eq!(names(dir.path()), ["server.sock"]);
        }
    }

    #[tokio::test]
    async fn a_socket_of_somebody_else_is_not_removed_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.sock");
        let Bound { listener, file } = bind(&path, OWNER).await.unwrap();
        drop(listener);
        let next = bind(&path, OWNER).await.unwrap();
        drop(file);
        assert_eq!(names(dir.path()), ["server.sock"]);
        drop(next);
        assert!(names(dir.path()).is_empty());
    }

    #[tokio::test]
    async fn a_failed_start_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing/server.sock");
        bind(&missing, OWNER).await.unwrap_err();
        let path = dir.path().join("server.sock");
        let _listening = net::UnixListener::bind(&path).unwrap();
        let error = bind(&path, OWNER).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(names(dir.path()), ["server.sock"]);
    }
}
