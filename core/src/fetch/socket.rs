//! Unix sockets that the operator has named as targets: which file is meant, and a connection to it.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::sleep;

use super::classify;
use super::connect::Fault;
use crate::failure::{Failure, Reason};

/// Time between two tries while the queue of a listener is full.
const FULL_WAIT: Duration = Duration::from_millis(20);
/// The queue of the listener is full; and the socket is of another kind (EAGAIN, EPROTOTYPE on Linux).
const FULL: i32 = 11;
const OTHER_KIND: i32 = 91;

/// The file behind a path, when it was looked at. A connection belongs to who listened then: when somebody else has
/// put a socket of the same name there, he is asked, although the old one may still answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct File {
    device: u64,
    inode: u64,
    /// Numbers of files are used again.
    changed: (i64, i64),
}

/// The socket at this path.
///
/// # Errors
/// `refused` when there is none, or none that can be reached.
pub(super) fn file(path: &str) -> Result<File, Failure> {
    let metadata = fs::metadata(path).map_err(|error| failure(path, &error))?;
    if !metadata.file_type().is_socket() {
        return Err(Failure::new(
            Reason::Refused,
            format!("no connection: the file `{path}` is no socket"),
        ));
    }
    Ok(File {
        device: metadata.dev(),
        inode: metadata.ino(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

/// Connects. There is no time limit here.
///
/// # Errors
/// `refused`, or `skipped` when this process is out of descriptors.
pub(super) async fn dial(path: &str) -> Result<UnixStream, Fault> {
    loop {
        match UnixStream::connect(path).await {
            Ok(stream) => return Ok(stream),
            // Unlike with TCP, the system does not wait for a place in the queue.
            Err(error) if error.raw_os_error() == Some(FULL) => sleep(FULL_WAIT).await,
            Err(error) => {
                return Err(Fault {
                    is_local: classify::is_local(&error),
                    failure: failure(path, &error),
                });
            }
        }
    }
}

/// What an error at this path means.
fn failure(path: &str, error: &io::Error) -> Failure {
    if classify::is_local(error) {
        return classify::connect(error);
    }
    let what = match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::NotFound, _) => "there is no such file".to_owned(),
        (io::ErrorKind::ConnectionRefused, _) => "nobody listens there".to_owned(),
        (io::ErrorKind::PermissionDenied, _) => {
            "promfetch may not open it: its user needs write permission for the socket, and search permission for all \
             folders above"
                .to_owned()
        }
        (_, Some(OTHER_KIND)) => "it is a socket of another kind than a stream".to_owned(),
        _ => error.to_string(),
    };
    Failure::new(
        Reason::Refused,
        format!("no connection to the socket `{path}`: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    #[test]
    fn another_socket_of_the_same_name_is_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let text = path.to_str().unwrap();
        let first = UnixListener::bind(&path).unwrap();
        let file_of = || file(text).unwrap();
        let before = file_of();
        assert_eq!(before, file_of());
        drop(first);
        assert_eq!(before, file_of(), "it stays when nobody listens any more");
        fs::remove_file(&path).unwrap();
        let _second = UnixListener::bind(&path).unwrap();
        assert_ne!(before, file_of());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(
            file(link.to_str().unwrap()).unwrap(),
            file_of(),
            "links are followed"
        );
    }

    #[tokio::test]
    async fn each_way_to_fail_names_the_socket_and_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("file"), "").unwrap();
        drop(UnixListener::bind(path("dead")).unwrap());
        let _datagram = UnixDatagram::bind(path("datagram")).unwrap();
        for (name, want) in [
            ("missing", "there is no such file"),
            ("file", "is no socket"),
            ("file/below", "Not a directory"),
            ("", "is no socket"),
            ("dead", "nobody listens there"),
            ("datagram", "another kind than a stream"),
        ] {
            let path = path(name);
            let failure = match file(&path) {
                Err(failure) => failure,
                Ok(_) => dial(&path).await.expect_err(name).failure,
            };
            assert_eq!(failure.reason, Reason::Refused, "{name}: {failure}");
            assert!(failure.detail.contains(&format!("`{path}`")), "{failure}");
            assert!(failure.detail.contains(want), "{failure}");
        }
        let denied = failure("/run/a.sock", &io::ErrorKind::PermissionDenied.into());
        assert!(denied.detail.contains("write permission"), "{denied}");
        let out = failure("/run/a.sock", &io::Error::from_raw_os_error(24));
        assert_eq!(out.reason, Reason::Skipped, "too many open files: {out}");
    }

    #[tokio::test]
    async fn a_full_queue_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("busy.sock");
        let socket = tokio::net::UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        let listener = socket.listen(1).unwrap();
        let path = path.to_str().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = UnixStream::connect(path).await {
            waiting.push(stream);
        }
        let late = tokio::spawn({
            let path = path.to_owned();
            async move { dial(&path).await.is_ok() }
        });
        for _ in 0..=waiting.len() {
            listener.accept().await.unwrap();
        }
        assert!(late.await.unwrap());
    }
}
