//! The login of the platform at the broker.

use std::fmt;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use promfetch_core::config::Secret;
use ring::digest::{SHA256, digest};
use subtle::{Choice, ConstantTimeEq};

use super::Osb;
use super::error::Error;
use crate::access::login::Login;
use crate::access::slow_down::Slow;
use crate::config::broker;

/// The logins that are valid.
pub(super) struct Logins {
    logins: Vec<broker::Login>,
    slow: Slow,
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logins({})", self.logins.len())
    }
}

impl Logins {
    pub(super) fn new(logins: Vec<broker::Login>) -> Self {
        Self {
            logins,
            slow: Slow::default(),
        }
    }

    /// Whether this is one of them. Takes the same time whatever is wrong.
    fn verify(&self, user: &str, password: &Secret) -> bool {
        let mut found = Choice::from(0);
        for login in &self.logins {
            found |= same(&login.user, user) & same(&login.pass.0, &password.0);
        }
        found.into()
    }
}

/// Compares hashes, which are of one length.
fn same(a: &str, b: &str) -> Choice {
    let hash = |text: &str| digest(&SHA256, text.as_bytes());
    hash(a).as_ref().ct_eq(hash(b).as_ref())
}

/// Middleware: nobody gets further without the login.
pub(super) async fn check(State(osb): State<Osb>, request: Request, next: Next) -> Response {
    let Ok(Some(Login::Basic { user, password })) = Login::read(request.headers()) else {
        return Error::unauthorized().into_response();
    };
    let logins = &osb.0.logins;
    // A right login is never slowed down by somebody else's guessing: comparing costs nothing.
    if logins.verify(&user, &password) {
        return next.run(request).await;
    }
    tracing::warn!(user = %user.escape_debug(), "a login at the service broker was wrong");
    // This does not make a short password safe, as a right one is told by its quick answer: `serve` warns of those.
    logins.slow.failed(&user, Instant::now());
    if logins.slow.wait(&user).await.is_err() {
        return Error::too_many().into_response();
    }
    Error::unauthorized().into_response()
}
