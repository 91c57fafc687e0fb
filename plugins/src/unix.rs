//! An HTTP server on a Unix socket, whose file goes when the server ends.

use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use axum::Router;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// A socket that listens. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    listener: Option<UnixListener>,
}

impl Socket {
    /// Listens at this path, with this mode of the file. Missing folders are made. A socket that a dead process left
    /// there is replaced.
    ///
    /// # Errors
    /// When somebody listens there already, when something else than a socket is there, and what the system says. The
    /// message names the path.
    pub async fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        Self::listen(path, mode).await.map_err(named)
    }

    async fn listen(path: &Path, mode: u32) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::other(
                    "there is something else than a socket, which is not removed",
                ));
            }
            Ok(_) => match UnixStream::connect(path).await {
                Ok(_) => {
                    return Err(io::Error::new(
                        ErrorKind::AddrInUse,
                        "somebody listens on this socket already",
                    ));
                }
                Err(_) => std::fs::remove_file(path)?,
            },
        }
        let listener = UnixListener::bind(path)?;
        let socket = Self {
            path: path.to_owned(),
            listener: Some(listener),
        };
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
        Ok(socket)
    }

    /// Answers until `shutdown`; what is asked by then gets its answer. Then the file goes.
    ///
    /// # Errors
    /// None that a server goes on after.
    pub async fn serve(mut self, router: Router, shutdown: CancellationToken) -> io::Result<()> {
        let Some(listener) = self.listener.take() else {
            return Ok(());
        };
        axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::routing::get;
    use tempfile::tempdir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_socket_answers_and_goes() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("deeper/x.sock");
        let shutdown = CancellationToken::new();
        let socket = Socket::bind(&path, 0o600).await.unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let router = Router::new().route("/a", get(|| async { "yes" }));
        let server = tokio::spawn(socket.serve(router, shutdown.clone()));
        let mut stream = UnixStream::connect(&path).await.unwrap();
        // dockerd sends an empty Host.
        stream
            .write_all(b"GET /a HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("yes"),
            "{answer}"
        );
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(10), server)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_is_in_the_way_is_named() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("x.sock");
        let first = Socket::bind(&path, 0o666).await.unwrap();
        let error = Socket::bind(&path, 0o666).await.unwrap_err();
        assert!(
            error.to_string().contains("listens on this socket already"),
            "{error}"
        );
        drop(first);
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        drop(
            Socket::bind(&path, 0o666)
                .await
                .expect("a dead process' socket is replaced"),
        );
        std::fs::write(&path, "mine").unwrap();
        let error = Socket::bind(&path, 0o666).await.unwrap_err();
        assert!(error.to_string().contains("something else"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
