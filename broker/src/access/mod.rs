//! Who may read what. One guard stands before every route and denies by default.
//!
//! A route has a [`Class`]; a route without one is refused, so that a forgotten line in the router's table shuts a
//! door instead of opening one. What a reader may see of an app is decided later, by [`Gate::authorise`], when the
//! selector has been resolved: one route can lead to several apps, and each is looked at alone.
//!
//! `login` reads what a caller sends, `claim` whose it might be, `caller` finds out whose it is: a binding's, an
//! operator's (`operators`, `password`) or a platform user's token (`uaa`). `slow_down` makes guessing slow, `audit`
//! counts whom protected access would refuse. People show their login once (`sign_in`), or the platform's (`code`),
//! and browsers bring it again, sealed, in a cookie (`session`, `cookie`).

mod answers;
pub(crate) mod audit;
mod authorise;
mod caller;
mod claim;
mod cloud_controller;
mod code;
mod cookie;
mod guard;
mod jwks;
mod jwt;
pub(crate) mod login;
mod operators;
pub(crate) mod password;
mod session;
mod sign_in;
pub(crate) mod slow_down;
mod spaces;
#[cfg(test)]
mod testing;
mod uaa;
mod upstream;
mod visible;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use promfetch_core::Error;
use promfetch_core::calls::Calls;

pub(crate) use self::caller::Reader;
pub(crate) use self::guard::guard;
pub(crate) use self::sign_in::{Answer, Failed};

use self::audit::Audit;
use self::claim::Claim;
use self::code::Code;
use self::operators::Operators;
use self::session::Sessions;
use self::slow_down::Slow;
use self::uaa::Uaa;
use crate::bindings::Bindings;
use crate::config::Config;
use crate::config::access::Mode;
use crate::secrets;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing: health and readiness.
    Public,
    /// To be allowed to read metrics. With open access that is everybody.
    Reader,
    /// To be allowed to read what concerns the whole platform. With open access that is everybody.
    Platform,
    /// To be an operator of the platform.
    Operator,
    /// Nothing here: the service broker has a login of its own.
    Broker,
}

/// What the guard has found out about a caller. Handlers get it as a request extension; only the guard makes one.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// No app: the page shows none.
    Nothing,
    /// Every app: access is open.
    Everything,
    /// Every app, but it is counted where this reader, or nobody for this reason, would be refused.
    Audited(Result<Reader, String>),
    /// What this reader may see.
    Reader(Reader),
}

impl Access {
    /// Who has signed in, as it is shown to that person. Parts of it may be any text.
    pub(crate) fn viewer(&self) -> Option<String> {
        match self {
            Self::Reader(reader) | Self::Audited(Ok(reader)) => Some(reader.to_string()),
            Self::Audited(Err(_)) | Self::Nothing | Self::Everything => None,
        }
    }
}

/// The class of each route, by the pattern under which the router knows it.
pub(crate) type Classes = Arc<HashMap<&'static str, Class>>;

/// The rules of access. Cloning shares them.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Rules>);

/// What the rules are made of.
pub(crate) struct Rules {
    mode: Mode,
    operators: Operators,
    uaa: Option<Uaa>,
    /// The platform's login for people; `None`: no client is configured.
    code: Option<Code>,
    sessions: Sessions,
    bindings: Option<Bindings>,
    /// Names at the service broker: their passwords are not for apps.
    broker_users: Vec<String>,
    slow: Slow,
    audit: Audit,
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

impl std::ops::Deref for Gate {
    type Target = Rules;

    fn deref(&self) -> &Rules {
        &self.0
    }
}

impl Gate {
    /// The rules of this configuration. `bindings` are there when there is a store.
    ///
    /// # Errors
    /// When the certificates for the UAA cannot be used.
    pub(crate) fn new(
        config: &Config,
        bindings: Option<Bindings>,
        audit: Audit,
        calls: &Calls,
    ) -> Result<Self, Error> {
        let access = &config.access;
        let operators = access
            .operators
            .iter()
            .map(|operator| (operator.name.clone(), operator.password_hash.0.clone()));
        let broker = &config.broker;
        Ok(Self(Arc::new(Rules {
            mode: access.mode,
            operators: Operators::new(operators.collect()),
            uaa: access
                .uaa
                .as_ref()
                .map(|uaa| Uaa::new(uaa, calls))
                .transpose()?,
            code: match &access.uaa {
                Some(uaa) if !uaa.client_id.is_empty() => {
                    Some(Code::new(uaa, &config.base_url, calls)?)
                }
                _ => None,
            },
            sessions: Sessions::new(config),
            bindings,
            broker_users: [&broker.login.user, &broker.previous_login.user]
                .into_iter()
                .filter(|user| !user.is_empty())
                .cloned()
                .collect(),
            slow: Slow::default(),
            audit,
        })))
    }

    /// Whether the `Authorization` of a request is for promfetch, right or wrong, and so not for the app.
    pub(crate) fn is_own_login(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION) && self.apps_login(headers, &AUTHORIZATION).is_none()
    }

    /// The login for the app in this header, if there is one: a login for promfetch is never handed on, in whatever
    /// header it comes. Two logins are nobody's.
    pub(crate) fn apps_login<'h>(
        &self,
        headers: &'h HeaderMap,
        name: &HeaderName,
    ) -> Option<&'h HeaderValue> {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) if !self.is_own(value) => Some(value),
            _ => None,
        }
    }

    /// Names decide: those of operators, of the broker's logins, and of bindings, also of bindings that are gone. Of
    /// tokens it is who says to have issued them; that need not be true to keep one back.
    fn is_own(&self, value: &HeaderValue) -> bool {
        match Claim::of(value) {
            Claim::User(user) => {
                secrets::is_username(&user)
                    || self.operators.knows(&user)
                    || self.broker_users.contains(&user)
            }
            Claim::Token(token) => self.uaa.as_ref().is_some_and(|uaa| uaa.issued(&token)),
        }
    }

    /// How strictly callers are looked at.
    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }
}

/// The time since 1970. With a clock before that, everything has ended.
fn now() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::MAX)
}
