//! What can go wrong with the store, by what the caller can do about it.

use std::fmt;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::migrate::MigrateError;
use sqlx::mysql::MySqlDatabaseError;

/// Why an operation of the store failed. Its text holds neither passwords nor what callers wanted stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
}

/// What follows from an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `db_conn` cannot be used as it is written.
    Configuration,
    /// The database cannot be reached, does not answer in time, or has no connection free. Later it may.
    ///
    /// When this comes from `commit`, nobody knows whether the change is in the database: look again.
    Unavailable,
    /// Another operation was in the way (deadlock, serialisation failure, busy). Nothing was changed; trying the whole
    /// operation again will most likely do.
    Conflict,
    /// Anything else: somebody has to look at the database or its rights.
    Broken,
}

impl Error {
    pub(super) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }

    pub(super) fn unavailable(message: impl fmt::Display) -> Self {
        Self::new(Kind::Unavailable, message)
    }

    pub(super) fn broken(message: impl fmt::Display) -> Self {
        Self::new(Kind::Broken, message)
    }

    /// What follows from it.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// How a database sorts its own errors.
pub(super) type Classify = fn(&dyn DatabaseError) -> Kind;

impl Error {
    pub(super) fn from_sqlx(error: sqlx::Error, classify: Classify) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) => Self::from_database(&*error, classify),
            E::Migrate(error) => Self::from_migration(*error, classify),
            E::PoolTimedOut => Self::unavailable(
                "there was no connection to the database in time: it cannot be reached, or all connections are in use",
            ),
            E::PoolClosed => Self::unavailable("the store is closed"),
            E::Io(error) => {
                Self::unavailable(format_args!("the database cannot be reached: {error}"))
            }
            E::Tls(error) => Self::unavailable(format_args!(
                "the database cannot be reached over TLS: {error}"
            )),
            E::WorkerCrashed => Self::unavailable("the connection to the database broke off"),
            E::Protocol(what) => Self::unavailable(format_args!(
                "the database does not speak as expected: {what}"
            )),
            E::Configuration(error) => Self::new(
                Kind::Configuration,
                format_args!("`db_conn` cannot be used: {error}"),
            ),
            // Errors of decoding and encoding name types, not values.
            error => Self::broken(format_args!(
                "the database gave something unexpected: {error}"
            )),
        }
    }

    fn from_database(error: &dyn DatabaseError, classify: Classify) -> Self {
        let code = error.code().unwrap_or_default();
        if matches!(error.kind(), ErrorKind::UniqueViolation) {
            // Operations of one instance follow each other, so a row that stands there already was put there by
            // somebody who does not keep to that: a second look will see it.
            return Self::new(
                Kind::Conflict,
                "another operation has put the same row into the database",
            );
        }
        let kind = classify(error);
        let number = error
            .try_downcast_ref::<MySqlDatabaseError>()
            .map(|error| error.number().to_string());
        let shown = number.as_deref().unwrap_or(&code);
        if tells_values(&code) {
            return Self::new(kind, format_args!("the database refused with code {shown}"));
        }
        Self::new(
            kind,
            format_args!(
                "the database refused with code {shown}: {}",
                error.message()
            ),
        )
    }

    pub(super) fn from_migration(error: MigrateError, classify: Classify) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::from_sqlx(error, classify)
            }
            MigrateError::VersionMissing(version) => Self::broken(format_args!(
                "the tables in the database are of version {version}, which this version of promfetch does not know: a newer one has worked on them. Use that one, or another database"
            )),
            MigrateError::VersionMismatch(version) => Self::broken(format_args!(
                "version {version} of the tables in the database is not that of this promfetch: they were made by a program that was never released. Use another database"
            )),
            error => Self::broken(format_args!(
                "the tables of promfetch cannot be made: {error}"
            )),
        }
    }
}

/// Whether the message of such an error may quote what was to be stored: SQL's classes "data exception" and "integrity
/// constraint violation", and what MySQL says of everything that has no code of its own.
fn tells_values(code: &str) -> bool {
    code == "HY000" || code.len() == 5 && (code.starts_with("22") || code.starts_with("23"))
}
