//! An empty database for a test, of one of the three kinds, and a client beside promfetch.

use std::sync::{Arc, Weak};

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tempfile::TempDir;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::mariadb::{self, Mariadb};
use crate::postgres::{self, Postgres};

/// The kinds of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Mariadb,
    Postgres,
}

/// All of them.
pub const KINDS: [Kind; 3] = [Kind::Sqlite, Kind::Mariadb, Kind::Postgres];

/// An empty database. It goes when it is dropped, with its server unless that has other databases.
#[derive(Debug)]
pub struct Database {
    /// Its `db_conn`.
    pub url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(TempDir),
    Mariadb(Arc<Mariadb>, String),
    Postgres(Arc<Postgres>, String),
}

impl Database {
    /// A new one. Tests that run at the same time share servers.
    ///
    /// # Panics
    /// When it cannot be made; so do all the others here.
    pub async fn start(kind: Kind) -> Self {
        static MARIADB: Mutex<Weak<Mariadb>> = Mutex::const_new(Weak::new());
        static POSTGRES: Mutex<Weak<Postgres>> = Mutex::const_new(Weak::new());
        match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                Self {
                    url: format!("sqlite:///{}/promfetch.db", folder.path().display()),
                    place: Place::Sqlite(folder),
                }
            }
            Kind::Mariadb => {
                let mut shared = MARIADB.lock().await;
                let server = match shared.upgrade() {
                    Some(server) => server,
                    None => Arc::new(Mariadb::start().await),
                };
                *shared = Arc::downgrade(&server);
                drop(shared);
                Self::on_mariadb(server).await
            }
            Kind::Postgres => {
                let mut shared = POSTGRES.lock().await;
                let server = match shared.upgrade() {
                    Some(server) => server,
                    None => Arc::new(Postgres::start().await),
                };
                *shared = Arc::downgrade(&server);
                drop(shared);
                Self::on_postgres(server).await
            }
        }
    }

    async fn on_mariadb(server: Arc<Mariadb>) -> Self {
        let name = fresh_name();
        mariadb_client(&server, None)
            .execute(&format!("CREATE DATABASE {name}"))
            .await;
        Self {
            url: server.url(&name),
            place: Place::Mariadb(server, name),
        }
    }

    async fn on_postgres(server: Arc<Postgres>) -> Self {
        let name = fresh_name();
        postgres_client(&server, "postgres")
            .execute(&format!("CREATE DATABASE {name}"))
            .await;
        Self {
            url: server.url(&name),
            place: Place::Postgres(server, name),
        }
    }

    /// Runs a statement as another program would: again when it is given up for somebody else's transaction.
    pub async fn execute(&self, sql: &str) {
        self.client().execute(sql).await;
    }

    /// The rows of a query of texts and numbers, as texts.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.client().rows(sql).await
    }

    fn client(&self) -> Client {
        match &self.place {
            Place::Sqlite(folder) => Client::Sqlite(
                SqliteConnectOptions::new()
                    .filename(folder.path().join("promfetch.db"))
                    .create_if_missing(true),
            ),
            Place::Mariadb(server, name) => mariadb_client(server, Some(name)),
            Place::Postgres(server, name) => postgres_client(server, name),
        }
    }
}

fn fresh_name() -> String {
    format!("test_{}", Uuid::new_v4().simple())
}

fn mariadb_client(server: &Mariadb, database: Option<&str>) -> Client {
    let options = MySqlConnectOptions::new()
        .host(&server.address.ip().to_string())
        .port(server.address.port())
        .username(mariadb::USER)
        .password(mariadb::PASSWORD);
    Client::Mariadb(match database {
        None => options,
        Some(database) => options.database(database),
    })
}

fn postgres_client(server: &Postgres, database: &str) -> Client {
    Client::Postgres(
        PgConnectOptions::new_without_pgpass()
            .host(&server.address.ip().to_string())
            .port(server.address.port())
            .username(postgres::USER)
            .password(postgres::PASSWORD)
            .database(database),
    )
}

/// A connection for each statement.
#[derive(Clone)]
enum Client {
    Sqlite(SqliteConnectOptions),
    Mariadb(MySqlConnectOptions),
    Postgres(PgConnectOptions),
}

/// The same for each kind of connection: sqlx has no type for all.
macro_rules! on_a_connection {
    ($client:expr, $connection:ident => $work:expr) => {
        match $client {
            Client::Sqlite(options) => on_a_connection!(@one options, $connection, $work),
            Client::Mariadb(options) => on_a_connection!(@one options, $connection, $work),
            Client::Postgres(options) => on_a_connection!(@one options, $connection, $work),
        }
    };
    (@one $options:ident, $connection:ident, $work:expr) => {{
        let mut $connection = $options.connect().await.expect("a connection");
        let result = $work;
        $connection.close().await.expect("an end");
        result
    }};
}

impl Client {
    async fn execute(self, sql: &str) {
        loop {
            let result: Result<(), sqlx::Error> = on_a_connection!(self.clone(), connection => {
                sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
                    .execute(&mut connection)
                    .await
                    .map(drop)
            });
            match result {
                Ok(()) => return,
                // SQL's code for MySQL's deadlocks, and PostgreSQL's.
                Err(sqlx::Error::Database(error))
                    if matches!(error.code().as_deref(), Some("40001" | "40P01")) => {}
                Err(error) => panic!("{sql}: {error}"),
            }
        }
    }

    async fn rows(self, sql: &str) -> Vec<Vec<Option<String>>> {
        on_a_connection!(self, connection => {
            sqlx::query(AssertSqlSafe(sql.to_owned()))
                .fetch_all(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"))
                .iter()
                .map(|row| {
                    (0..row.len())
                        .map(|column| {
                            row.try_get::<Option<String>, _>(column)
                                .or_else(|_| {
                                    row.try_get::<Option<i64>, _>(column)
                                        .map(|number| number.map(|number| number.to_string()))
                                })
                                .unwrap_or_else(|error| panic!("{sql}: {error}"))
                        })
                        .collect()
                })
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn databases_are_empty_and_apart() {
        for kind in KINDS {
            let (one, other) = (Database::start(kind).await, Database::start(kind).await);
            for database in [&one, &other] {
                database
                    .execute("CREATE TABLE t (a VARCHAR(9), b BIGINT)")
                    .await;
            }
            one.execute("INSERT INTO t VALUES ('x', 1), (NULL, 2)")
                .await;
            let rows = one.rows("SELECT a, b FROM t ORDER BY b").await;
            assert_eq!(
                rows,
                [
                    [Some("x".to_owned()), Some("1".to_owned())],
                    [None, Some("2".to_owned())]
                ],
                "{kind:?}"
            );
            assert!(other.rows("SELECT a FROM t").await.is_empty(), "{kind:?}");
        }
    }
}
