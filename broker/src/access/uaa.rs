//! Logins of the platform's users: a token of UAA, and the Cloud Controller's word on what its user may see.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use promfetch_core::calls::Calls;
use promfetch_core::config::Secret;
use promfetch_core::{Error, Kind};

use super::cloud_controller::CloudController;
use super::jwks::Jwks;
use super::jwt::{Expected, Invalid, Unverified, issuer_unverified};
use super::now;
use super::upstream::Unavailable;
use crate::config::access::UaaConfig;

/// UAA and the Cloud Controller of one configuration.
pub(crate) struct Uaa {
    issuer: String,
    audiences: Vec<String>,
    keys: Jwks,
    cloud_controller: CloudController,
}

/// A token that UAA has signed, for us, and that is still good.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    raw: Secret,
    user: String,
    /// Since 1970.
    expires: Duration,
}

impl Token {
    /// Name of the user, or of the client that has no user. Any text: for logs, not for decisions.
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// How long it is still good for.
    pub(super) fn remaining(&self) -> Duration {
        self.expires.saturating_sub(now())
    }
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Uaa {
    /// Does no I/O: keys are fetched for the first token.
    ///
    /// # Errors
    /// [`Kind::Configuration`] when a URL, the certificates or the audiences cannot be used.
    pub(crate) fn new(config: &UaaConfig, calls: &Calls) -> Result<Self, Error> {
        if config.audiences.is_empty() {
            return Err(Error::new(
                Kind::Configuration,
                "at least one audience is needed, or no token could count",
            ));
        }
        let issuer = if config.issuer.is_empty() {
            format!("{}/oauth/token", config.url.trim_end_matches('/'))
        } else {
            config.issuer.clone()
        };
        Ok(Self {
            issuer,
            audiences: config.audiences.clone(),
            keys: Jwks::new(config, calls)?,
            cloud_controller: CloudController::new(config, calls)?,
        })
    }

    /// Checks a token.
    ///
    /// # Errors
    /// When it does not count, or its key is not known while UAA cannot be asked.
    pub(crate) async fn verify(&self, token: &str) -> Result<Token, Refusal> {
        let unverified = Unverified::parse(token)?;
        let key = self.keys.key(unverified.key_id()).await?;
        let key = key.ok_or(Invalid("is signed with a key that UAA does not have"))?;
        let expected = Expected {
            issuer: &self.issuer,
            audiences: &self.audiences,
            now: now(),
        };
        let holder = unverified.verify(&key, &expected)?;
        Ok(Token {
            raw: Secret(token.to_owned()),
            user: holder.name,
            expires: holder.expires,
        })
    }

    /// Whether the user of this token may see the app.
    ///
    /// # Errors
    /// When the Cloud Controller does not say yes or no.
    pub(crate) async fn may_read(
        &self,
        token: &Token,
        app_guid: &str,
    ) -> Result<bool, Unavailable> {
        let remaining = token.remaining();
        if remaining.is_zero() {
            return Ok(false);
        }
        self.cloud_controller
            .may_read(&token.raw, remaining, app_guid)
            .await
    }

    /// The spaces that the user of this token may see, by GUID; `None`: too many to be listed.
    ///
    /// # Errors
    /// When the Cloud Controller does not say.
    pub(crate) async fn spaces(
        &self,
        token: &Token,
    ) -> Result<Option<Arc<HashSet<Box<str>>>>, Unavailable> {
        let remaining = token.remaining();
        if remaining.is_zero() {
            return Ok(Some(Arc::default()));
        }
        self.cloud_controller.spaces(&token.raw, remaining).await
    }

    /// Whether this claims to be one of UAA's tokens. Such a one is not handed on to apps, right or not: an app could
    /// act as its user.
    pub(crate) fn issued(&self, token: &str) -> bool {
        issuer_unverified(token).is_some_and(|issuer| issuer == self.issuer)
    }
}

#[cfg(test)]
mod tests;
