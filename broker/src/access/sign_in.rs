//! People sign in: their login is looked at once, and becomes a session.

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use promfetch_core::config::Secret;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::caller::{Caller, Way};
use super::code::{NoToken, unguessable};
use super::login::Login;
use super::uaa::Refusal;
use super::{Access, Gate};
use crate::api::errors::ApiError;

/// How long an operator's or a binding's login is good for: it has no end of its own.
const NO_END: std::time::Duration = std::time::Duration::MAX;
/// Longest code that is handed to UAA, in bytes. UAA's have ten to thirty.
const MAX_CODE: usize = 2048;
/// Most characters of an error of UAA's that are shown.
const MAX_SHOWN: usize = 300;

/// What is known of somebody who has left for the platform's login.
#[derive(Serialize, Deserialize)]
struct Begun {
    state: String,
    verifier: String,
    next: String,
}

/// What UAA says when it sends somebody back (RFC 6749, sections 4.1.2 and 4.1.2.1). Anybody can write it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Answer {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Somebody has come back from the platform's login in vain.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    pub(crate) error: ApiError,
    /// Where that person wanted to go, if it is known.
    pub(crate) next: Option<String>,
}

impl Gate {
    /// Who has signed in with this browser. While that cannot be found out, nobody has.
    pub(crate) async fn signed_in(&self, headers: &HeaderMap) -> Access {
        match self.identify(headers).await {
            Ok(Caller::Known(reader)) => Access::Reader(reader),
            Ok(Caller::Nobody | Caller::Wrong(_)) | Err(_) => Access::Nothing,
        }
    }

    /// Looks at what somebody has typed, and gives the `Set-Cookie` of a session.
    ///
    /// # Errors
    /// 401 when it is wrong; 400 when it does not fit into a session; 429 and 503 as for a login in the header.
    pub(crate) async fn sign_in(
        &self,
        user: &str,
        password: &Secret,
    ) -> Result<HeaderValue, ApiError> {
        let authorization = Secret(format!(
            "Basic {}",
            STANDARD.encode(format!("{user}:{}", password.0))
        ));
        let wrong = || ApiError::login_needed("User name and password do not fit");
        let login = HeaderValue::try_from(&authorization.0)
            .ok()
            .and_then(|value| Login::parse(&value).ok())
            .ok_or_else(wrong)?;
        // With a colon in the name this would be another login than what was typed.
        if user.contains(':') {
            return Err(wrong());
        }
        match self.check(&login, Way::Shown).await? {
            Caller::Known(reader) => {
                tracing::info!(who = %reader.to_string().escape_debug(), "signed in");
                self.sessions
                    .begin(&authorization.0, NO_END)
                    .map_err(|error| ApiError::bad_request(format!("This login {error}")))
            }
            Caller::Nobody => Err(wrong()),
            Caller::Wrong(why) => {
                tracing::info!(why, "a sign-in was refused");
                Err(wrong())
            }
        }
    }

    /// The `Set-Cookie` that ends a session.
    pub(crate) fn sign_out(&self) -> HeaderValue {
        self.sessions.end()
    }

    /// Whether people can sign in with the platform's own login.
    pub(crate) fn has_platform_login(&self) -> bool {
        self.code.is_some()
    }

    /// Whether users of the platform may show tokens.
    pub(crate) fn takes_tokens(&self) -> bool {
        self.uaa.is_some()
    }

    /// Where to send somebody who wants to sign in with the platform's login, and the `Set-Cookie` for the way.
    ///
    /// # Errors
    /// 404 when that is not possible here.
    pub(crate) fn leave(&self, next: &str) -> Result<(String, HeaderValue), ApiError> {
        let code = self.code.as_ref().ok_or_else(no_platform_login)?;
        let begun = Begun {
            state: unguessable(),
            verifier: unguessable(),
            next: next.to_owned(),
        };
        let cookie = self
            .sessions
            .leave(&begun)
            .map_err(|error| ApiError::bad_request(format!("The address to return to {error}")))?;
        Ok((code.authorize(&begun.state, &begun.verifier), cookie))
    }

    /// The `Set-Cookie` that forgets that somebody has left: it is good for one return.
    pub(crate) fn arrived(&self) -> HeaderValue {
        self.sessions.arrived()
    }

    /// Somebody is back from the platform's login: the `Set-Cookie` of a session, and where that person wanted to go.
    ///
    /// # Errors
    /// When there is no session, with the reason for that person.
    pub(crate) async fn come_back(
        &self,
        headers: &HeaderMap,
        answer: &Answer,
    ) -> Result<(HeaderValue, String), Failed> {
        let begun: Option<Begun> = self.sessions.come_back(headers);
        let Some(begun) = begun.filter(|begun| begun.is_answered_by(answer)) else {
            return Err(Failed {
                error: ApiError::bad_request(
                    "This sign-in was not started in this browser, or longer than ten minutes ago: start it again",
                ),
                next: None,
            });
        };
        match self.redeem(&begun, answer).await {
            Ok(cookie) => Ok((cookie, begun.next)),
            Err(error) => Err(Failed {
                error,
                next: Some(begun.next),
            }),
        }
    }

    async fn redeem(&self, begun: &Begun, answer: &Answer) -> Result<HeaderValue, ApiError> {
        let (Some(code), Some(uaa)) = (&self.code, &self.uaa) else {
            return Err(no_platform_login());
        };
        let refused = |message: String| ApiError::new(StatusCode::FORBIDDEN, message);
        if let Some(word) = &answer.error {
            let description = answer.error_description.as_deref().unwrap_or_default();
            let text: String = format!("{word} {description}")
                .chars()
                .take(MAX_SHOWN)
                .collect();
            return Err(refused(format!(
                "The platform's login says: {}",
                text.trim()
            )));
        }
        let given = answer.code.as_deref().unwrap_or_default();
        if given.is_empty() || given.len() > MAX_CODE {
            return Err(ApiError::bad_request(
                "The platform's login has sent no code that could be used",
            ));
        }
        let away = |what: &str| ApiError::unavailable(format!("The platform's login {what}"));
        let token = match code.exchange(given, &begun.verifier).await {
            Ok(token) => token,
            Err(NoToken::Unavailable) => return Err(away("does not answer at the moment")),
            Err(NoToken::Refused(word)) => {
                return Err(refused(format!(
                    "The platform's login does not take its own code any more, or not from promfetch: {word}"
                )));
            }
        };
        let known = uaa.verify(&token.0).await.map_err(|refusal| match refusal {
            Refusal::Unavailable(_) => away("cannot be checked at the moment"),
            Refusal::Invalid(reason) => {
                tracing::warn!(%reason, "the UAA gives a token to people who sign in that does not count");
                refused(format!("The platform's login is of no use here: {reason}"))
            }
        })?;
        let cookie = self
            .sessions
            .begin(&format!("Bearer {}", token.0), known.remaining())
            .map_err(|error| {
                tracing::warn!(%error, "the UAA's token for people who sign in");
                refused(format!("The token of the platform's login {error}"))
            })?;
        tracing::info!(who = %known.user().escape_debug(), "signed in with the platform's login");
        Ok(cookie)
    }
}

impl Begun {
    /// Whether an answer belongs to it. Takes the same time for every wrong state.
    fn is_answered_by(&self, answer: &Answer) -> bool {
        let state = answer.state.as_deref().unwrap_or_default();
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

fn no_platform_login() -> ApiError {
    ApiError::not_found("The platform's login is not set up here (`uaa.client_id`)")
}
