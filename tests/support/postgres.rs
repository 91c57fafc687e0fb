//! Real PostgreSQL servers, each with a folder of its own. PostgreSQL does not run as root: then it is the user
//! `postgres`, whom Debian's package makes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::certs::Authority;
use crate::mariadb::is_root;
use crate::net::free_address;
use crate::process::{self, Process};
use crate::tools;

/// The login of all servers of the tests, which may make databases.
pub const USER: &str = "promfetch";
pub const PASSWORD: &str = "p#ss/w@rd:100%";

/// An empty database that every server has.
pub const DATABASE: &str = "postgres";

/// Where Debian puts the programs of a version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// One running server. Its port stays the same over [`restart`](Postgres::restart).
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    pub address: SocketAddr,
    /// The authority's certificate, when the server speaks TLS.
    pub ca: Option<PathBuf>,
    data: PathBuf,
    _folder: TempDir,
}

impl Postgres {
    /// A server on TCP without TLS.
    pub async fn start() -> Self {
        Self::launch(None).await
    }

    /// A server that takes no login without TLS. Its certificate is for its address.
    pub async fn start_tls(authority: &Authority) -> Self {
        Self::launch(Some(authority)).await
    }

    async fn launch(authority: Option<&Authority>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = free_address();
        let data = folder.path().join("data");
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).expect("a temporary file");
        give(folder.path());
        let made = process::run(
            Path::new("/usr/bin/env"),
            &as_postgres(
                "initdb",
                &[
                    format!("--pgdata={}", data.display()),
                    format!("--username={USER}"),
                    format!("--pwfile={}", password.display()),
                    "--auth=scram-sha-256".to_owned(),
                    "--encoding=UTF8".to_owned(),
                    "--locale=C".to_owned(),
                    "--no-sync".to_owned(),
                ],
            ),
            |_| (),
        )
        .await;
        assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);

        let write = |name: &str, text: &str| {
            std::fs::write(data.join(name), text).expect("a temporary file");
        };
        let mut config = format!(
            "listen_addresses = '{}'\nport = {}\nunix_socket_directories = ''\nmax_connections = 300\nshared_buffers = 16MB\n\
             # The system keeps what was written when the server is killed; only a machine that fails would lose it.\n\
             fsync = off\n",
            address.ip(),
            address.port()
        );
        let mut access = "host";
        let mut ca = None;
        if let Some(authority) = authority {
            let identity = authority.issue(&[&address.ip().to_string()]);
            write("server.crt", &identity.certificate_pem);
            write("server.key", &identity.key_pem);
            // Nobody else may read a key, or the server does not start.
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(data.join("server.key"), mode).expect("a mode");
            ca = Some(folder.path().join("ca.pem"));
            std::fs::write(folder.path().join("ca.pem"), authority.pem())
                .expect("a temporary file");
            config += "ssl = on\n";
            access = "hostssl";
        }
        write("postgresql.conf", &config);
        write(
            "pg_hba.conf",
            &format!("{access} all all all scram-sha-256\n"),
        );
        give(folder.path());
        let process = start(&data).await;
        Self {
            process,
            address,
            ca,
            data,
            _folder: folder,
        }
    }

    /// The `db_conn` of a database of this server.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{PASSWORD}@{}/{database}", self.address)
    }

    /// Ends the server as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        self.process.kill();
        self.process = start(&self.data).await;
    }

    /// Stops answering; connections stay open.
    pub fn pause(&self) {
        self.process.pause();
        self.signal_children("STOP");
        children(self.process.pid())
            .into_iter()
            .for_each(process::wait_stopped);
    }

    /// Goes on.
    pub fn resume(&self) {
        self.signal_children("CONT");
        self.process.signal("CONT");
    }

    /// Each connection has a process of its own.
    fn signal_children(&self, signal: &str) {
        for child in children(self.process.pid()) {
            // One may have ended by itself.
            let _ = Command::new("sh")
                .arg("-c")
                .arg(format!("kill -{signal} {child}"))
                .status();
        }
    }
}

/// Processes whose parent this one is.
fn children(parent: u32) -> Vec<u32> {
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .flatten()
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .filter(|process: &u32| {
            // The name may hold anything, so what follows it is looked for from the end: state, then parent.
            std::fs::read_to_string(format!("/proc/{process}/stat"))
                .ok()
                .and_then(|stat| {
                    let rest = stat.rsplit_once(") ")?.1.to_owned();
                    rest.split(' ').nth(1)?.parse().ok()
                })
                == Some(parent)
        })
        .collect()
}

async fn start(data: &Path) -> Process {
    let arguments = as_postgres("postgres", &["-D".to_owned(), data.display().to_string()]);
    // After a crash, processes of the old server may need a moment to notice that it has gone.
    for _ in 0..50 {
        let mut process = Process::start(Path::new("/usr/bin/env"), &arguments, |_| ());
        let ready = crate::eventually("PostgreSQL is ready or has ended", async || {
            if process.log().contains("ready to accept connections") {
                return Some(true);
            }
            (!process.is_running()).then_some(false)
        })
        .await;
        if ready {
            return process;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("PostgreSQL does not start in {}", data.display());
}

/// Arguments of `env` that run a program of PostgreSQL as a user who may.
fn as_postgres(program: &str, arguments: &[String]) -> Vec<String> {
    let mut command = Vec::new();
    if is_root() {
        // The tie to the test process is lost with the change of the user, so it is made again.
        for word in [
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--pdeathsig=KILL",
            "--",
        ] {
            command.push(word.to_owned());
        }
    }
    command.push(find(program).display().to_string());
    command.extend_from_slice(arguments);
    command
}

/// The newest version that is installed; Debian does not put these programs into `PATH`.
fn find(program: &str) -> PathBuf {
    let mut versions: Vec<_> = std::fs::read_dir(VERSIONS)
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin").join(program))
        .filter(|program| program.is_file())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| tools::find(program))
}

/// Lets the user `postgres` have everything in a folder, if the tests run as root.
fn give(folder: &Path) {
    if is_root() {
        let given = Command::new("chown")
            .args(["-R", "postgres:postgres"])
            .arg(folder)
            .status();
        assert!(given.is_ok_and(|status| status.success()), "chown failed");
    }
}
