//! Who asks, as far as the login shows.

use std::fmt;
use std::time::Instant;

use axum::http::HeaderMap;
use promfetch_core::config::Secret;

use super::Gate;
use super::login::Login;
use super::uaa::{Refusal, Token};
use crate::api::errors::ApiError;
use crate::bindings::Scope;
use crate::secrets;

/// Somebody whose login was right.
#[derive(Clone)]
pub(crate) enum Reader {
    /// May read everything. With the name.
    Operator(String),
    /// A scraper with the credentials of a binding. With its user name.
    Binding(Scope, String),
    /// A user of the platform, who may read what the Cloud Controller shows that user.
    User(Token),
}

/// Shows no token.
impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(name) => write!(f, "Operator({name:?})"),
            Self::Binding(scope, user) => write!(f, "Binding({scope:?}, {user:?})"),
            Self::User(token) => write!(f, "User({:?})", token.user()),
        }
    }
}

/// As that person is told. Names may be any text.
impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(name) => write!(f, "operator {name}"),
            Self::Binding(_, user) => write!(f, "binding {user}"),
            Self::User(token) => f.write_str(token.user()),
        }
    }
}

/// What a request's login has come to.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// There is none.
    Nobody,
    /// There is one, and it opens nothing. For the log, not for the caller: it would help guessing.
    Wrong(String),
    Known(Reader),
}

/// How a login has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Somebody has written it: it may be guessed.
    Shown,
    /// In a session, which only who had it right gets. It may be outdated.
    Sealed,
}

impl Gate {
    /// Looks at the login of a request: that of the header, or else that of its session.
    ///
    /// # Errors
    /// 429 when too many logins are being looked at, 503 when the UAA has to be asked and does not answer.
    pub(super) async fn identify(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        match Login::read(headers) {
            Ok(None) => self.identify_session(headers).await,
            Err(unreadable) => Ok(Caller::Wrong(unreadable.to_string())),
            Ok(Some(login)) => self.check(&login, Way::Shown).await,
        }
    }

    /// Looks at the login of a request's session alone.
    ///
    /// # Errors
    /// As [`identify`](Self::identify).
    pub(super) async fn identify_session(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        match self.sessions.open(headers) {
            None => Ok(Caller::Nobody),
            Some(login) => self.check(&login, Way::Sealed).await,
        }
    }

    /// Whose this login is.
    ///
    /// # Errors
    /// As [`identify`](Self::identify).
    pub(super) async fn check(&self, login: &Login, way: Way) -> Result<Caller, ApiError> {
        match login {
            Login::Basic { user, password } => self.identify_user(user, password, way).await,
            Login::Bearer(token) => self.identify_token(token).await,
        }
    }

    async fn identify_user(
        &self,
        user: &str,
        password: &Secret,
        way: Way,
    ) -> Result<Caller, ApiError> {
        // What is cheap to look at comes first, so that a right login never waits for somebody else's guessing.
        if let Some(scope) = self
            .bindings
            .as_ref()
            .and_then(|bindings| bindings.verify(user, &password.0))
        {
            return Ok(Caller::Known(Reader::Binding(scope, user.to_owned())));
        }
        let operator = || Caller::Known(Reader::Operator(user.to_owned()));
        if self.operators.remembers(user, &password.0) {
            return Ok(operator());
        }
        let is_bindings = secrets::is_username(user) && !self.operators.knows(user);
        if is_bindings && self.bindings.as_ref().is_some_and(|all| !all.is_loaded()) {
            return Err(ApiError::unavailable(
                "The bindings, whose logins these are, have not been read from the database yet",
            ));
        }
        let wrong = || Caller::Wrong(format!("the login of `{}` is wrong", user.escape_debug()));
        // Scrapers go on with the credentials of bindings that are gone, many of them, and those passwords are beyond
        // guessing: they must not take the places of people who mistype theirs.
        if is_bindings {
            return Ok(wrong());
        }
        let busy = |_| ApiError::too_many_logins();
        if way == Way::Sealed {
            // It was right once, so nobody guesses: a password that was changed since must not slow its owner down.
            let right = self
                .operators
                .still(user, &password.0)
                .await
                .map_err(busy)?;
            return Ok(if right { operator() } else { wrong() });
        }
        self.slow.wait(user).await.map_err(busy)?;
        // Counted before it is looked at: who hangs up early has guessed too.
        self.slow.failed(user, Instant::now());
        if self
            .operators
            .verify(user, &password.0)
            .await
            .map_err(busy)?
        {
            self.slow.succeeded(user);
            return Ok(operator());
        }
        Ok(wrong())
    }

    async fn identify_token(&self, token: &Secret) -> Result<Caller, ApiError> {
        let Some(uaa) = &self.uaa else {
            return Ok(Caller::Wrong(
                "a token was sent, and no UAA is configured".into(),
            ));
        };
        match uaa.verify(&token.0).await {
            Ok(token) => Ok(Caller::Known(Reader::User(token))),
            Err(Refusal::Invalid(reason)) => {
                Ok(Caller::Wrong(format!("the token is not valid: {reason}")))
            }
            Err(Refusal::Unavailable(_)) => Err(ApiError::unavailable(
                "The token cannot be checked at the moment, as the UAA does not answer",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::header::{AUTHORIZATION, COOKIE};
    use axum::http::{HeaderMap, HeaderValue};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::access::audit::Audit;
    use crate::config::Config;
    use crate::config::access::Operator;

    /// An operator `jane` with the password `correct horse`, by the cheapest hash that is allowed.
    fn gate() -> Gate {
        let hash = "$argon2id$v=19$m=7168,t=5,p=1$c29tZXNhbHRzb21lc2FsdA$Ab6+sBE+Tsn+6D2ktLNSwf7zGnZPIzn8umPKJj3WcwM";
        let mut config = Config::default();
        config.access.operators.push(Operator {
            name: "jane".into(),
            password_hash: Secret(hash.into()),
        });
        Gate::new(&config, None, Audit::default(), &Default::default()).unwrap()
    }

    fn basic(password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("jane:{password}")))
    }

    fn in_the_header(password: &str) -> HeaderMap {
        let value = HeaderValue::try_from(basic(password)).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    fn in_a_session(gate: &Gate, password: &str) -> HeaderMap {
        let cookie = gate
            .sessions
            .begin(&basic(password), Duration::MAX)
            .unwrap();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(pair).unwrap())])
    }

    async fn is_jane(gate: &Gate, headers: &HeaderMap) -> bool {
        matches!(gate.identify(headers).await, Ok(Caller::Known(Reader::Operator(name))) if name == "jane")
    }

    #[tokio::test]
    async fn outdated_sessions_slow_nobody_down() {
        let gate = gate();
        let wait = |gate: &Gate| gate.slow.before("jane", Instant::now());
        assert!(is_jane(&gate, &in_a_session(&gate, "correct horse")).await);
        let outdated = in_a_session(&gate, "the old one");
        for _ in 0..20 {
            assert!(!is_jane(&gate, &outdated).await);
        }
        assert_eq!(wait(&gate), Duration::ZERO);
        for guess in ["1", "2", "3", "4", "5", "6"] {
            assert!(!is_jane(&gate, &in_the_header(guess)).await);
        }
        let before = wait(&gate);
        assert!(before > Duration::ZERO, "guesses in the header do");
        assert!(is_jane(&gate, &in_a_session(&gate, "correct horse")).await);
        assert_eq!(
            wait(&gate),
            before,
            "a session says nothing about who guesses"
        );
    }

    #[tokio::test]
    async fn the_header_wins_over_the_session() {
        let gate = gate();
        for (header, session, want, why) in [
            ("wrong", "correct horse", false, "right only in the session"),
            ("correct horse", "wrong", true, "right in the header"),
        ] {
            let mut headers = in_a_session(&gate, session);
            headers.extend(in_the_header(header));
            assert_eq!(is_jane(&gate, &headers).await, want, "{why}");
        }
    }
}
