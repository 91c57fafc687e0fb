//! What can go wrong as a whole: no app, not ready, bad configuration, no page.
//!
//! A single instance that fails is no [`Error`]: it is a [`Failure`](crate::failure::Failure) inside a page
//! that is served all the same. An `Error` means that there is no page. Its message is written for the
//! person who made the call; causes that only the operator may see go to the log where they occur.

use std::fmt;

/// What kind of failure this is. Callers map it to an HTTP status, an exit code or a C error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The caller's input is malformed: a selector, a path, a header.
    InvalidArgument,
    /// The configuration cannot be used.
    Configuration,
    /// No app fits the selector.
    NotFound,
    /// The routing table is not complete yet; worth trying again.
    NotReady,
    /// The selector fits, but several instances share the index asked for.
    Ambiguous,
    /// Every instance answered with a client error (4xx): the path is wrong.
    NoEndpoint,
    /// A bound of the whole process is reached; worth trying again.
    Overloaded,
    /// Talking to a server of the control plane failed.
    Unavailable,
    /// A page or message does not follow its format.
    Parse,
}

/// An error with its kind, a sentence for the caller, and the cause if there is one.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind. `message` is a sentence without a final full stop.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            source: None,
        }
    }

    /// The same error with the cause below it.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether the same call may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            Kind::NotReady | Kind::Overloaded | Kind::Unavailable
        )
    }
}

type Cause<'a> = &'a (dyn std::error::Error + 'static);

/// The error and all below it. `io::Error` hides what it wraps from `source`.
pub(crate) fn causes(error: Cause<'_>) -> impl Iterator<Item = Cause<'_>> {
    std::iter::successors(Some(error), |&error| {
        match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner as Cause<'_>),
            None => error.source(),
        }
    })
}

/// The error and its causes in one line, each text once: many errors of libraries leave out what helps.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause);
        }
    }
    text
}
