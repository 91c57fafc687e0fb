//! Sessions of people who have signed in: the login that they have shown, sealed into a cookie.
//!
//! Nothing is kept here. A session is opened with every request, and its login is then looked at as if it had come in
//! the header: when the binding is gone, or the operator has another password, the session is worth nothing. So
//! every process that has the same `broker.secret_key` takes it.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cookie::{Cookie, MAX_VALUE};
use super::login::Login;
use super::now;
use crate::config::Config;
use crate::secrets::Seal;

/// How long somebody stays signed in: a working day.
const LIFETIME: Duration = Duration::from_secs(8 * 3600);
/// How long somebody may take at the platform's login.
const PENDING: Duration = Duration::from_secs(600);

/// What is in a seal with it, so that neither cookie passes for the other.
const SESSION: &str = "session";
const BEGUN: &str = "sign-in";

/// Seals sessions and opens them.
pub(crate) struct Sessions {
    seal: Seal,
    session: Cookie,
    begun: Cookie,
}

/// A login does not fit into a cookie: so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "is too long to be kept by a browser: {0} bytes when it is sealed, and {MAX_VALUE} is the most"
)]
pub(crate) struct TooLong(usize);

impl Sessions {
    pub(super) fn new(config: &Config) -> Self {
        let (broker, base_url) = (&config.broker, &*config.base_url);
        Self {
            seal: Seal::new(
                &broker.secret_key.0,
                &broker.previous_secret_key.0,
                "sessions",
            ),
            session: Cookie::new(base_url, "promfetch", "promfetch-session"),
            begun: Cookie::new(base_url, "promfetch-sign-in", "promfetch-sign-in"),
        }
    }

    /// The `Set-Cookie` of a session with this login, which is known to be right for as long as `good`.
    ///
    /// # Errors
    /// When browsers would drop it.
    pub(super) fn begin(
        &self,
        authorization: &str,
        good: Duration,
    ) -> Result<HeaderValue, TooLong> {
        let good = good.min(LIFETIME);
        self.put(&self.session, SESSION, authorization, good)
    }

    /// The login of a request's session. What is wrong, moved, foreign or over counts as none.
    pub(super) fn open(&self, headers: &HeaderMap) -> Option<Login> {
        let authorization = self.take(&self.session, SESSION, headers)?;
        Login::parse(&HeaderValue::try_from(authorization).ok()?).ok()
    }

    /// Whether the caller has a session, good or not.
    pub(super) fn is_there(&self, headers: &HeaderMap) -> bool {
        self.session.is_there(headers)
    }

    /// The `Set-Cookie` that ends a session.
    pub(crate) fn end(&self) -> HeaderValue {
        self.session.clear()
    }

    /// The `Set-Cookie` with what has to be known when somebody comes back from the platform's login.
    ///
    /// # Errors
    /// When browsers would drop it.
    pub(super) fn leave(&self, what: &impl Serialize) -> Result<HeaderValue, TooLong> {
        let text = serde_json::to_string(what).unwrap_or_default();
        self.put(&self.begun, BEGUN, &text, PENDING)
    }

    /// What was known when somebody left for the platform's login, not longer than ten minutes ago.
    pub(super) fn come_back<T: DeserializeOwned>(&self, headers: &HeaderMap) -> Option<T> {
        let text = self.take(&self.begun, BEGUN, headers)?;
        serde_json::from_str(&text).ok()
    }

    /// The `Set-Cookie` that forgets it.
    pub(crate) fn arrived(&self) -> HeaderValue {
        self.begun.clear()
    }

    fn put(
        &self,
        cookie: &Cookie,
        what: &str,
        text: &str,
        good: Duration,
    ) -> Result<HeaderValue, TooLong> {
        let end = now().saturating_add(good).as_secs();
        let sealed = self.seal.seal(what, &format!("{end} {text}"));
        if sealed.len() > MAX_VALUE {
            return Err(TooLong(sealed.len()));
        }
        Ok(cookie.set(&sealed, good.as_secs()))
    }

    fn take(&self, cookie: &Cookie, what: &str, headers: &HeaderMap) -> Option<String> {
        let sealed = cookie.read(headers)?;
        if sealed.len() > MAX_VALUE {
            return None;
        }
        let plain = self.seal.open(what, sealed)?;
        let (end, text) = plain.split_once(' ')?;
        let end = Duration::from_secs(end.parse().ok()?);
        (now() < end).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::COOKIE;
    use promfetch_core::config::Secret;

    use super::*;

    fn sessions(key: &str, previous: &str) -> Sessions {
        let mut config = Config::default();
        config.broker.secret_key = Secret(key.into());
        config.broker.previous_secret_key = Secret(previous.into());
        Sessions::new(&config)
    }

    /// The headers of a browser that has kept this.
    fn kept(set_cookie: &HeaderValue) -> HeaderMap {
        let pair = set_cookie.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(pair).unwrap())])
    }

    /// `user|password` or the token.
    fn shown(login: Option<Login>) -> String {
        match login {
            Some(Login::Basic { user, password }) => format!("{user}|{}", password.0),
            Some(Login::Bearer(token)) => token.0,
            None => "none".into(),
        }
    }

    const HOUR: Duration = Duration::from_secs(3600);
    const LOGIN: &str = "Basic amFuZTpwYTU1";

    #[test]
    fn a_session_is_worth_what_it_seals() {
        let ours = sessions("the key of these tests", "");
        let cookie = ours.begin(LOGIN, HOUR).unwrap();
        assert!(
            cookie.to_str().unwrap().contains("; Max-Age=3600;"),
            "it ends with the login"
        );
        assert!(!cookie.to_str().unwrap().contains("amFuZTpwYTU1"));
        let longest = ours.begin(LOGIN, Duration::MAX).unwrap();
        assert!(longest.to_str().unwrap().contains("; Max-Age=28800;"));
        let bearer = ours.begin("Bearer a.b.c", HOUR).unwrap();
        let over = ours.begin(LOGIN, Duration::ZERO).unwrap();
        let left = ours.leave(&"Basic amFuZTpwYTU1").unwrap();
        let moved = left.to_str().unwrap().replace("-sign-in=", "-session=");
        let moved = HeaderValue::try_from(moved).unwrap();
        let none = ours.begin("Digest x", HOUR).unwrap();
        for (from, cookie, want, why) in [
            (&ours, &cookie, "jane|pa55", "its own"),
            (&ours, &bearer, "a.b.c", "a token"),
            (
                &sessions("the key of these tests", ""),
                &cookie,
                "jane|pa55",
                "another process",
            ),
            (
                &sessions("a new key of these tests", "the key of these tests"),
                &cookie,
                "jane|pa55",
                "a change of keys",
            ),
            (
                &sessions("a new key of these tests", ""),
                &cookie,
                "none",
                "another installation",
            ),
            (&sessions("", ""), &cookie, "none", "no key"),
            (&ours, &over, "none", "it is over"),
            (&ours, &moved, "none", "moved from the other cookie"),
            (&ours, &left, "none", "the other cookie"),
            (&ours, &none, "none", "a login that is none"),
            (&ours, &ours.end(), "none", "signed out"),
        ] {
            assert_eq!(shown(from.open(&kept(cookie))), want, "{why}");
        }
        for value in ["", "v1:", "garbage", "v1:garbage", &"x".repeat(9000)] {
            let header = HeaderValue::try_from(format!("promfetch-session={value}")).unwrap();
            assert_eq!(shown(ours.open(&kept(&header))), "none", "{value}");
        }
        assert!(ours.is_there(&kept(&over)) && !ours.is_there(&HeaderMap::new()));
    }

    #[test]
    fn a_login_that_browsers_would_drop_is_refused() {
        let ours = sessions("", "");
        for (length, fits) in [(2800, true), (2900, false), (100_000, false)] {
            let begun = ours.begin(&format!("Bearer {}", "t".repeat(length)), HOUR);
            assert_eq!(begun.is_ok(), fits, "{length} bytes");
            if let Err(error) = begun {
                assert!(error.to_string().contains("3900 is the most"), "{error}");
            }
        }
    }

    #[test]
    fn who_leaves_for_the_platforms_login_comes_back() {
        let ours = sessions("", "");
        let left = ours.leave(&("state", "verifier")).unwrap();
        assert!(left.to_str().unwrap().contains("; Max-Age=600;"));
        let back: Option<(String, String)> = ours.come_back(&kept(&left));
        assert_eq!(back, Some(("state".into(), "verifier".into())));
        for (cookie, why) in [
            (ours.arrived(), "it was used"),
            (ours.begin(LOGIN, HOUR).unwrap(), "a session"),
            (sessions("", "").leave(&("a", "b")).unwrap(), "foreign"),
        ] {
            let back: Option<(String, String)> = ours.come_back(&kept(&cookie));
            assert_eq!(back, None, "{why}");
        }
    }
}
