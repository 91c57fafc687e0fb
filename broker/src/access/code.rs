//! The platform's login for people: UAA's authorization code grant (RFC 6749, section 4.1) with PKCE (RFC 7636).
//!
//! What is asked for is an access token, which is then looked at like one that a caller has sent. No ID token is asked
//! for, so there is no nonce: the verifier ties the code to the browser that has asked for it, and the state the answer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use promfetch_core::Error;
use promfetch_core::calls::Calls;
use promfetch_core::config::Secret;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::upstream::{UAA, Unavailable, Upstream};
use crate::config::access::UaaConfig;
use crate::secrets::random;

/// The least that lets the Cloud Controller say what a user may see: the token has to fit into a cookie.
const SCOPE: &str = "openid cloud_controller.read";
/// The address of promfetch to which UAA sends people back, below `base_url`.
const CALLBACK: &str = "sign-in/callback";
/// Longest answer to the exchange, in bytes: a token, a refresh token, an ID token.
const MAX_BODY: usize = 256 << 10;
/// What stands for itself in a form and in a query (RFC 3986, section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One client of one UAA.
pub(super) struct Code {
    upstream: Upstream,
    authorize: String,
    redirect_uri: String,
    client_id: String,
    client_secret: Secret,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoToken {
    /// UAA has refused, with this word (RFC 6749, section 5.2).
    Refused(String),
    Unavailable,
}

impl From<Unavailable> for NoToken {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl Code {
    /// # Errors
    /// As [`Upstream::new`].
    pub(super) fn new(config: &UaaConfig, base_url: &str, calls: &Calls) -> Result<Self, Error> {
        let login_url = match &*config.login_url {
            "" => &config.url,
            given => given,
        };
        Ok(Self {
            upstream: Upstream::new(UAA, &config.url, config, calls)?,
            authorize: format!("{}/oauth/authorize", login_url.trim_end_matches('/')),
            redirect_uri: format!("{}/{CALLBACK}", base_url.trim_end_matches('/')),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
        })
    }

    /// Where a browser is sent to log in.
    pub(super) fn authorize(&self, state: &str, verifier: &str) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", SCOPE),
            ("state", state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        format!("{}?{query}", self.authorize)
    }

    /// The access token for a code that UAA has given to this verifier's challenge.
    ///
    /// # Errors
    /// When UAA gives none.
    pub(super) async fn exchange(&self, code: &str, verifier: &str) -> Result<Secret, NoToken> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
            ("client_id", &self.client_id),
        ];
        // In the body: of a header UAA and RFC 6749 mean different things by special characters.
        if !self.client_secret.0.is_empty() {
            fields.push(("client_secret", &self.client_secret.0));
        }
        let answer = self
            .upstream
            .post_form("token", "/oauth/token", form(&fields), MAX_BODY)
            .await
            .and_then(|(status, body)| read(status, &body));
        match self.upstream.report(answer)? {
            Ok(token) => Ok(token),
            Err(word) => {
                // `invalid_grant`: the code is wrong, was used, or is too old. All else is wrong with the client.
                if word != "invalid_grant" {
                    tracing::warn!(
                        error = %word.escape_debug(),
                        client = self.client_id,
                        "the UAA refuses promfetch's client: nobody can sign in with the platform's login"
                    );
                }
                Err(NoToken::Refused(word))
            }
        }
    }
}

/// The token, or the word of a refusal.
fn read(status: u16, body: &[u8]) -> Result<Result<Secret, String>, String> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
    }
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    match status {
        200 => serde_json::from_slice::<Granted>(body)
            .map(|granted| Ok(Secret(granted.access_token)))
            .map_err(|_| "`/oauth/token` answers with something else than a token".into()),
        400 | 401 | 403 => serde_json::from_slice::<Refused>(body)
            .map(|refused| Err(refused.error.chars().take(100).collect()))
            .map_err(|_| format!("`/oauth/token` answers with status {status}")),
        status => Err(format!("`/oauth/token` answers with status {status}")),
    }
}

/// A text that nobody guesses, of 43 characters: the least that RFC 7636 allows for a verifier.
pub(super) fn unguessable() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::testing::Server;

    fn config(url: &str) -> UaaConfig {
        UaaConfig {
            url: url.into(),
            client_id: "pröm&fetch".into(),
            client_secret: Secret("a b+c".into()),
            ..UaaConfig::default()
        }
    }

    #[test]
    fn browsers_are_sent_to_the_public_address() {
        let mut config = config("http://uaa.internal:8080/");
        let code = Code::new(&config, "https://p.example/prefix", &Calls::default()).unwrap();
        // The pair of RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(
            code.authorize("a/b", verifier),
            "http://uaa.internal:8080/oauth/authorize?response_type=code&client_id=pr%C3%B6m%26fetch\
             &redirect_uri=https%3A%2F%2Fp.example%2Fprefix%2Fsign-in%2Fcallback&scope=openid%20cloud_controller.read\
             &state=a%2Fb&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        );
        config.login_url = "https://login.sys.example".into();
        let code = Code::new(&config, "http://h", &Calls::default()).unwrap();
        assert!(
            code.authorize("s", verifier)
                .starts_with("https://login.sys.example/oauth/authorize?")
        );
        assert_eq!(unguessable().len(), 43);
        assert_ne!(unguessable(), unguessable());
    }

    #[tokio::test]
    async fn what_the_uaa_answers_decides() {
        let refused = |word: &str| Err(NoToken::Refused(word.into()));
        let cases: [(u16, &'static str, Result<&str, NoToken>, &str); 9] = [
            (
                200,
                r#"{"access_token":"t","expires_in":9}"#,
                Ok("t"),
                "a token",
            ),
            (
                200,
                r#"{"id_token":"t"}"#,
                Err(NoToken::Unavailable),
                "no access token",
            ),
            (200, "<html>", Err(NoToken::Unavailable), "no JSON"),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"x"}"#,
                refused("invalid_grant"),
                "a used code",
            ),
            (
                401,
                r#"{"error":"invalid_client"}"#,
                refused("invalid_client"),
                "a wrong secret",
            ),
            (
                401,
                "who are you",
                Err(NoToken::Unavailable),
                "somebody else's words",
            ),
            (
                302,
                "",
                Err(NoToken::Unavailable),
                "no redirect is followed",
            ),
            (404, "{}", Err(NoToken::Unavailable), "no such page"),
            (
                503,
                r#"{"error":"invalid_grant"}"#,
                Err(NoToken::Unavailable),
                "an outage",
            ),
        ];
        for (status, body, want, why) in cases {
            let server = Server::start(move |_| (status, body.into())).await;
            let code = Code::new(&config(&server.url), "http://h", &Calls::default()).unwrap();
            let got = code.exchange("c", "v").await.map(|token| token.0);
            assert_eq!(got, want.map(str::to_owned), "{why}");
            assert_eq!(server.seen(), ["/oauth/token"], "{why}");
        }
        let long = "x".repeat(MAX_BODY + 1);
        let server = Server::start(move |_| (200, long.clone())).await;
        let code = Code::new(&config(&server.url), "http://h", &Calls::default()).unwrap();
        assert_eq!(
            code.exchange("c", "v").await.map(|token| token.0),
            Err(NoToken::Unavailable),
            "an endless answer"
        );
    }

    #[test]
    fn values_stay_one_field() {
        assert_eq!(
            form(&[("a", "b&c=d e+é"), ("f", "")]),
            "a=b%26c%3Dd%20e%2B%C3%A9&f="
        );
    }
}
