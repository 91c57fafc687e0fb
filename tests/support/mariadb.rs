//! Real MariaDB servers, each with a folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::certs::Authority;
use crate::net::free_address;
use crate::process::{self, Process};
use crate::tools;

/// The login of all servers of the tests, which may make databases. The password is one that BOSH would put into a URL
/// as it is.
pub const USER: &str = "promfetch";
pub const PASSWORD: &str = "p#ss/w@rd:100%";

/// An empty database that every server has.
pub const DATABASE: &str = "empty";

/// One running server. Its port stays the same over [`restart`](Mariadb::restart).
#[derive(Debug)]
pub struct Mariadb {
    process: Process,
    pub address: SocketAddr,
    /// The authority's certificate, when the server speaks TLS.
    pub ca: Option<PathBuf>,
    arguments: Vec<String>,
    _folder: TempDir,
}

impl Mariadb {
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
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| {
            std::fs::write(path(name), text).expect("a temporary file");
            path(name).display().to_string()
        };
        let require = if authority.is_some() {
            "REQUIRE SSL"
        } else {
            "REQUIRE NONE"
        };
        let login = write(
            "login.sql",
            &format!(
                "CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}' {require};\nGRANT ALL ON *.* TO '{USER}'@'%';\nCREATE DATABASE IF NOT EXISTS {DATABASE};\n"
            ),
        );
        let mut arguments = vec![
            "--no-defaults".to_owned(),
            format!("--datadir={}", path("data").display()),
            format!("--socket={}", path("socket").display()),
            format!("--pid-file={}", path("pid").display()),
            format!("--tmpdir={}", folder.path().display()),
            format!("--bind-address={}", address.ip()),
            format!("--port={}", address.port()),
            format!("--init-file={login}"),
            "--skip-name-resolve".to_owned(),
            "--innodb-buffer-pool-size=16M".to_owned(),
            "--innodb-log-file-size=8M".to_owned(),
            // The system keeps what was written when the server is killed; only a machine that fails would lose it.
            "--innodb-flush-log-at-trx-commit=2".to_owned(),
            "--max-connections=500".to_owned(),
            // As a packaged one names it, not the machine's.
            "--character-set-server=utf8mb4".to_owned(),
        ];
        if is_root() {
            // Else it does not start as root.
            arguments.push("--user=root".to_owned());
        }
        let mut ca = None;
        if let Some(authority) = authority {
            let identity = authority.issue(&[&address.ip().to_string()]);
            ca = Some(PathBuf::from(write("ca.pem", &authority.pem())));
            arguments.push(format!("--ssl-ca={}", path("ca.pem").display()));
            arguments.push(format!(
                "--ssl-cert={}",
                write("server.pem", &identity.certificate_pem)
            ));
            arguments.push(format!(
                "--ssl-key={}",
                write("server.key", &identity.key_pem)
            ));
        }
        install(folder.path()).await;
        let process = start(&arguments).await;
        Self {
            process,
            address,
            ca,
            arguments,
            _folder: folder,
        }
    }

    /// The `db_conn` of a database of this server, as promfetcher writes it.
    pub fn url(&self, database: &str) -> String {
        format!("mysql://{USER}:{PASSWORD}@{}/{database}", self.address)
    }

    /// Ends the server as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        self.process.kill();
        self.process = start(&self.arguments).await;
    }

    /// Stops answering; connections stay open.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Goes on.
    pub fn resume(&self) {
        self.process.signal("CONT");
    }
}

/// Makes the system tables. Servers that share a folder for temporary files delete each other's.
async fn install(folder: &Path) {
    let mut arguments = vec![
        "--no-defaults".to_owned(),
        format!("--datadir={}", folder.join("data").display()),
        format!("--tmpdir={}", folder.display()),
        "--auth-root-authentication-method=normal".to_owned(),
        "--skip-test-db".to_owned(),
        "--skip-name-resolve".to_owned(),
    ];
    if is_root() {
        arguments.push("--user=root".to_owned());
    }
    let made = process::run(&tools::find("mariadb-install-db"), &arguments, |_| ()).await;
    assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
}

async fn start(arguments: &[String]) -> Process {
    let mut process = Process::start(&tools::find("mariadbd"), arguments, |_| ());
    process
        .printed("that it is ready", |log| {
            log.contains("ready for connections").then_some(())
        })
        .await;
    process
}

/// Whether the tests run as root, whom database servers refuse.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}
