//! A real dockerd of Debian's packages, unpacked and not installed, with folders of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Finished, Process, run};
use crate::tools;
use crate::wait::eventually;

/// What dockerd 20.10 uses for plugins, whatever its settings say.
const RUN: &str = "/run/docker";

/// A running dockerd. Dropping it ends it, with its containers, and takes away what it made in `/run/docker`.
#[derive(Debug)]
pub struct Dockerd {
    pub process: Process,
    folder: TempDir,
}

/// Why dockerd cannot be tried here.
///
/// # Panics
/// Never.
pub fn missing() -> Option<String> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if !is_root {
        return Some("dockerd wants root".into());
    }
    if !packages().join("usr/sbin/dockerd").is_file() {
        return Some(format!(
            "there is no dockerd in {}: run `make tools`",
            packages().display()
        ));
    }
    Path::new(RUN)
        .exists()
        .then(|| format!("{RUN} is there already: another engine may use it"))
}

/// Whether a command has failed because this machine lets nobody start containers.
pub fn is_forbidden(ended: &Finished) -> bool {
    let said = ended.stderr.to_ascii_lowercase();
    let reasons = ["operation not permitted", "permission denied", "cgroup"];
    ended.code != Some(0) && reasons.iter().any(|reason| said.contains(reason))
}

/// Where Debian's packages are unpacked.
fn packages() -> PathBuf {
    std::env::var_os("PROMFETCH_DOCKER")
        .map_or_else(|| tools::folder().join("docker"), PathBuf::from)
}

fn with_packages(command: &mut Command) {
    let root = packages();
    let path = ["usr/sbin", "usr/bin"].map(|folder| root.join(folder).display().to_string());
    let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"]
        .map(|folder| root.join(folder).display().to_string());
    command
        .env_clear()
        .env(
            "PATH",
            format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", path.join(":")),
        )
        .env("LD_LIBRARY_PATH", libraries.join(":"))
        .env("HOME", "/nonexistent");
}

impl Dockerd {
    /// Starts it; nothing is known of earlier ones.
    ///
    /// # Errors
    /// What it printed, where it cannot run, as in most containers.
    ///
    /// # Panics
    /// When there is no temporary folder.
    pub async fn start() -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let process = launch(folder.path());
        let mut dockerd = Self { process, folder };
        dockerd.ready().await?;
        Ok(dockerd)
    }

    /// Ends it in good order and starts it again, with what it had.
    ///
    /// # Errors
    /// What it printed when it does not come back.
    pub async fn restart(&mut self) -> Result<(), String> {
        self.stop().await;
        self.process = launch(self.folder.path());
        self.ready().await
    }

    async fn stop(&mut self) {
        if self.process.is_running() {
            self.process.signal("TERM");
            self.process.ended().await;
        }
    }

    async fn ready(&mut self) -> Result<(), String> {
        let socket = self.folder.path().join("docker.sock");
        eventually("dockerd listens or ends", async || {
            if !self.process.is_running() {
                return Some(Err(self.process.log()));
            }
            let answered = self.process.log().contains("API listen on");
            (answered && socket.exists()).then_some(Ok(()))
        })
        .await
    }

    /// Runs `docker` with these arguments.
    pub async fn docker(&self, arguments: &[&str]) -> Finished {
        let host = format!(
            "unix://{}",
            self.folder.path().join("docker.sock").display()
        );
        let arguments = [&["-H", &host], arguments].concat();
        run(
            &packages().join("usr/bin/docker"),
            &arguments,
            with_packages,
        )
        .await
    }

    /// The same, which has to work.
    ///
    /// # Panics
    /// When it does not.
    pub async fn must(&self, arguments: &[&str]) {
        let ended = self.docker(arguments).await;
        assert_eq!(
            ended.code,
            Some(0),
            "docker {arguments:?}: {}\n{}",
            ended.stderr,
            self.process.log()
        );
    }

    /// Ends it and takes away all that it made. A test calls this at its end; dropping ends it less gently.
    pub async fn finish(mut self) {
        self.stop().await;
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        self.process.kill();
        // A killed one leaves its containers' file systems mounted.
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let own = self.folder.path().display().to_string();
        for point in mounts
            .lines()
            .rev()
            .filter_map(|line| line.split(' ').nth(1))
        {
            if point.starts_with(&own) || point.starts_with("/run/docker/") {
                let _ = Command::new("umount").args(["-l", point]).status();
            }
        }
        let _ = std::fs::remove_dir_all(RUN);
    }
}

fn launch(folder: &Path) -> Process {
    let at = |name: &str| folder.join(name).display().to_string();
    let arguments = [
        "--iptables=false".to_owned(),
        "--ip6tables=false".to_owned(),
        "--bridge=none".to_owned(),
        "--storage-driver=vfs".to_owned(),
        "--data-root".to_owned(),
        at("data"),
        "--exec-root".to_owned(),
        at("exec"),
        "--pidfile".to_owned(),
        at("docker.pid"),
        "-H".to_owned(),
        format!("unix://{}", at("docker.sock")),
    ];
    Process::start(
        &packages().join("usr/sbin/dockerd"),
        &arguments,
        with_packages,
    )
}

/// The folder of the plugin as the tests have built it: the program with the libraries that it needs.
///
/// # Panics
/// When it cannot be made.
pub fn plugin(folder: &Path) {
    let root = folder.join("rootfs");
    std::fs::create_dir_all(root.join("run/docker")).expect("a folder of the test's own");
    let copy = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to.parent().expect("not the root")).expect("a folder");
        std::fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    };
    let program = tools::program("promfetch-docker");
    copy(&program, &root.join("promfetch-docker"));
    let config = tools::repository().join("plugins/docker/config.json");
    copy(&config, &folder.join("config.json"));
    let ldd = Command::new("ldd").arg(&program).output().expect("ldd");
    let text = String::from_utf8_lossy(&ldd.stdout).into_owned();
    for library in text.split_whitespace().filter(|word| word.starts_with('/')) {
        copy(
            Path::new(library),
            &root.join(library.trim_start_matches('/')),
        );
    }
}
