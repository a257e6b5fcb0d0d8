//! The path of the socket: taken, guarded, and given back.

use std::{
    fs::Permissions,
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::{
    fs,
    net::{UnixListener, UnixStream},
};

/// A bound socket. Its file is removed at the end, unless somebody else has put another there.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) file: SocketFile,
    pub(crate) listener: UnixListener,
}

/// The file of a socket.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Binds `path` with these permissions. A socket file that nobody listens on is replaced; one that
/// somebody listens on, and any other file, is left alone.
pub(crate) async fn bind(path: &Path, mode: u32) -> io::Result<Bound> {
    if let Ok(found) = fs::symlink_metadata(path).await {
        if !found.file_type().is_socket() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the path exists and is not a socket",
            ));
        }
        if UnixStream::connect(path).await.is_ok() {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                "another process listens on this socket",
            ));
        }
        tracing::info!(path = %path.display(), "a stale socket is replaced");
        fs::remove_file(path).await?;
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode)).await?;
    let inode = fs::symlink_metadata(path).await?.ino();
    Ok(Bound {
        file: SocketFile {
            path: path.to_owned(),
            inode,
        },
        listener,
    })
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = std::fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| found.ino() == self.inode)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "the socket was not removed");
        }
    }
}
