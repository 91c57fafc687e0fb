//! The process of a plugin: in a group of its own, so that it ends with all that it has started.

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join;
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Connection;
use super::output::{LastWords, Log};
use super::tied;
use crate::nomad::go_plugin::handshake::{COOKIE, COOKIE_NAME, PROTOCOL_VERSION};

/// How long a plugin may take to end by itself, from the moment when it is told to.
const GRACE: Duration = Duration::from_secs(2);
/// How long its last words may take to arrive; another process may hold the pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long the system may take to end what was killed.
const KILLED: Duration = Duration::from_secs(5);

/// What is started.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// For the log.
    pub name: &'a str,
    pub program: &'a Path,
    pub arguments: &'a [String],
}

/// A running plugin. It is killed when this is dropped; [`stop`](Self::stop) is the way to part in peace.
#[derive(Debug)]
pub struct Process {
    // The order is that of the end: first the group, then what reads its output, then the folder of its socket.
    group: Group,
    child: Child,
    output: JoinSet<()>,
    last: LastWords,
    _folder: TempDir,
}

impl Process {
    /// Starts the program, and gives what a connection is made with.
    ///
    /// # Errors
    /// When it cannot be started. What the program itself does wrong comes later.
    pub fn launch(launch: &Launch<'_>) -> io::Result<(Self, Started)> {
        check_program(launch.program)?;
        let folder = tempfile::Builder::new()
            .prefix("promfetch-host-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let mut command: Command = tied::command(launch.program, launch.arguments)?.into();
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_kept_back(name)) {
            command.env_remove(name);
        }
        command
            .env(COOKIE_NAME, COOKIE)
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env("PLUGIN_PROTOCOL_VERSIONS", PROTOCOL_VERSION.to_string())
            // Sockets of plugins that were killed would stay in /tmp otherwise.
            .env("PLUGIN_UNIX_SOCKET_DIR", folder.path())
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
        let (first, line) = oneshot::channel();
        let log = Log {
            name: launch.name.into(),
            last: LastWords::default(),
        };
        let mut output = JoinSet::new();
        if let Some(stderr) = child.stderr.take() {
            output.spawn(log.clone().stderr(stderr));
        }
        if let Some(stdout) = child.stdout.take() {
            output.spawn(log.clone().stdout(stdout, first));
        }
        let process = Self {
            group,
            child,
            output,
            last: log.last.clone(),
            _folder: folder,
        };
        Ok((process, Started { line, log }))
    }

    /// Waits until it ends by itself, and says how.
    pub async fn ended(&mut self) -> String {
        let how = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let read = async { while self.output.join_next().await.is_some() {} };
        let _ = timeout(LAST_WORDS, read).await;
        match self.last.take() {
            words if words.is_empty() => format!("it ended ({how})"),
            words => format!("it ended ({how}): {words}"),
        }
    }

    /// Asks it to end, if there is a connection to ask over, and ends what is still there after [`GRACE`].
    pub async fn stop(mut self, connection: Option<&Connection>) {
        if let Some(connection) = connection {
            let _ = timeout(GRACE, join(connection.shutdown(), self.child.wait())).await;
        }
        self.group.kill();
        if timeout(KILLED, self.child.wait()).await.is_err() {
            tracing::warn!(
                "a plugin that was killed is still there: {:?}",
                self.group.0
            );
        }
    }
}

/// A plugin that may say where it listens. See [`Connection::open`].
#[derive(Debug)]
pub struct Started {
    pub(super) line: oneshot::Receiver<String>,
    pub(super) log: Log,
}

/// A group of processes, killed when dropped.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn kill(&self) {
        if let Some(group) = self.0 {
            // All have ended already: that is what it is for.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Says what is wrong with a program better than the one who tries to run it.
fn check_program(program: &Path) -> io::Result<()> {
    let found = std::fs::metadata(program)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", program.display())))?;
    if !found.is_file() {
        return Err(io::Error::other(format!(
            "{} is no file",
            program.display()
        )));
    }
    if found.permissions().mode() & 0o111 == 0 {
        return Err(io::Error::other(format!(
            "{} is not executable: chmod +x would make it so",
            program.display()
        )));
    }
    Ok(())
}

/// Plugins get our environment, as they get the agent's: there they find proxies and the keys of clouds. Not what is
/// meant for promfetch, nor what somebody else's host has set for us.
fn is_kept_back(name: &OsStr) -> bool {
    ["PLUGIN_", "PROMFETCH_"]
        .iter()
        .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
}

/// The arguments as the system takes them.
pub(super) fn words(arguments: &[String]) -> impl Iterator<Item = OsString> {
    arguments.iter().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plain");
        std::fs::write(&file, "text").unwrap();
        for (program, told) in [
            (folder.path().join("none"), "No such file"),
            (folder.path().to_owned(), "is no file"),
            (file, "chmod +x"),
        ] {
            let error = check_program(&program).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
            assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
        }
        check_program(Path::new("/bin/sh")).unwrap();
    }

    #[test]
    fn environment_that_is_kept_back() {
        for (name, is_kept) in [
            ("PATH", false),
            ("AWS_SECRET_ACCESS_KEY", false),
            ("PLUGINS", false),
            ("PLUGIN_CLIENT_CERT", true),
            ("PROMFETCH_BROKER_SECRET_KEY", true),
        ] {
            assert_eq!(is_kept_back(OsStr::new(name)), is_kept, "{name}");
        }
    }
}
