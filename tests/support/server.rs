//! A database server of either kind, for tests that take it away.

use crate::mariadb::{self, Mariadb};
use crate::postgres::{self, Postgres};

/// A server of the test's own.
#[derive(Debug)]
pub enum Server {
    Mariadb(Mariadb),
    Postgres(Postgres),
}

impl Server {
    pub async fn mariadb() -> Self {
        Self::Mariadb(Mariadb::start().await)
    }

    pub async fn postgres() -> Self {
        Self::Postgres(Postgres::start().await)
    }

    /// The `db_conn` of the empty database that is there from the start.
    pub fn url(&self) -> String {
        match self {
            Self::Mariadb(server) => server.url(mariadb::DATABASE),
            Self::Postgres(server) => server.url(postgres::DATABASE),
        }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        match self {
            Self::Mariadb(server) => server.kill(),
            Self::Postgres(server) => server.kill(),
        }
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        match self {
            Self::Mariadb(server) => server.restart().await,
            Self::Postgres(server) => server.restart().await,
        }
    }

    /// Stops answering; connections stay open.
    pub fn pause(&self) {
        match self {
            Self::Mariadb(server) => server.pause(),
            Self::Postgres(server) => server.pause(),
        }
    }

    /// Goes on.
    pub fn resume(&self) {
        match self {
            Self::Mariadb(server) => server.resume(),
            Self::Postgres(server) => server.resume(),
        }
    }
}
