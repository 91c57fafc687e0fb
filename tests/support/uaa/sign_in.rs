//! UAA's authorization code grant with PKCE, as strict as UAA: `/oauth/authorize`, where a browser logs in, and
//! `/oauth/token`, where a client redeems the code.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{State, Uaa, json_answer};
use crate::app::encode;
use crate::behaviour::{Answer, Seen};

/// The header in which the tests' browser says who logs in at UAA; without it that person declines.
pub const WHO: &str = "x-test-user";

/// The clients, and the codes that they have not redeemed yet.
#[derive(Debug, Default)]
pub(super) struct SignIns {
    clients: HashMap<String, Client>,
    codes: HashMap<String, Granted>,
    /// Over the claims of the tokens that are given for codes.
    claims: Value,
}

#[derive(Debug)]
struct Client {
    /// Empty: a public client.
    secret: String,
    redirect_uri: String,
}

#[derive(Debug)]
struct Granted {
    client: String,
    redirect_uri: String,
    challenge: String,
    user: String,
    scopes: Vec<String>,
}

impl Uaa {
    /// The part of promfetch's configuration, with a client that UAA sends back to this `base_url`. An empty secret
    /// makes a public client.
    ///
    /// # Panics
    /// Never: the configuration is an object.
    pub fn config_with_client(&self, base_url: &str, secret: &str) -> Value {
        let client = Client {
            secret: secret.to_owned(),
            redirect_uri: format!("{base_url}/sign-in/callback"),
        };
        self.lock()
            .sign_ins
            .clients
            .insert("promfetch".into(), client);
        let mut config = self.config();
        config["client_id"] = "promfetch".into();
        if !secret.is_empty() {
            config["client_secret"] = secret.into();
        }
        config
    }

    /// From now on, tokens for codes have these claims over the usual ones.
    pub fn codes_give(&self, claims: Value) {
        self.lock().sign_ins.claims = claims;
    }
}

/// The fields of a query or a form, decoded.
///
/// # Panics
/// When one of them is not UTF-8.
pub fn fields(text: &str) -> HashMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8(digits).expect("hexadecimal digits");
                bytes.push(u8::from_str_radix(&digits, 16).expect("hexadecimal digits"));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// `GET /oauth/authorize?…`: what is wrong with the client is told to the person, all else to the client.
pub(super) fn authorize(seen: &Seen, query: &str, state: &mut State) -> Answer {
    let fields = fields(query);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let Some(client) = state.sign_ins.clients.get(field("client_id")) else {
        return Answer::status(401);
    };
    if field("redirect_uri") != client.redirect_uri {
        return Answer::status(400);
    }
    let back = |answer: &str| {
        let location = format!(
            "{}?{answer}&state={}",
            client.redirect_uri,
            encode(field("state"))
        );
        Answer::redirect(302, &location)
    };
    let is_right = field("response_type") == "code"
        && field("code_challenge_method") == "S256"
        && field("code_challenge").len() == 43
        && !field("state").is_empty();
    if !is_right {
        return back("error=invalid_request&error_description=what+is+asked+for+is+incomplete");
    }
    let user = seen.header(WHO);
    if user.is_empty() {
        return back("error=access_denied&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E");
    }
    let code = Uuid::new_v4().simple().to_string();
    let granted = Granted {
        client: field("client_id").to_owned(),
        redirect_uri: client.redirect_uri.clone(),
        challenge: field("code_challenge").to_owned(),
        user: user.to_owned(),
        scopes: field("scope").split(' ').map(str::to_owned).collect(),
    };
    let answer = back(&format!("code={code}"));
    state.sign_ins.codes.insert(code, granted);
    answer
}

/// `POST /oauth/token`. A code is good for one try.
pub(super) fn token(seen: &Seen, state: &mut State) -> Answer {
    let form = String::from_utf8_lossy(&seen.body).into_owned();
    let fields = fields(&form);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let client = state.sign_ins.clients.get(field("client_id"));
    if client.is_none_or(|client| client.secret != field("client_secret")) {
        return refusal(401, "invalid_client", "Bad credentials");
    }
    if field("grant_type") != "authorization_code" {
        return refusal(400, "unsupported_grant_type", "not here");
    }
    let invalid = |why: &str| refusal(400, "invalid_grant", why);
    let Some(granted) = state.sign_ins.codes.remove(field("code")) else {
        return invalid("Invalid authorization code");
    };
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, field("code_verifier").as_bytes()));
    if granted.client != field("client_id") || granted.redirect_uri != field("redirect_uri") {
        return invalid("Redirect URI mismatch");
    }
    if granted.challenge != challenge {
        return invalid("Invalid code verifier");
    }
    let mut claims = json!({
        "client_id": granted.client, "cid": granted.client, "azp": granted.client,
        "grant_type": "authorization_code", "scope": granted.scopes,
    });
    if let (Some(claims), Some(more)) = (claims.as_object_mut(), state.sign_ins.claims.as_object())
    {
        claims.extend(more.clone());
    }
    let token = state.issue(&granted.user, claims);
    let answer = json!({"access_token": token, "token_type": "bearer", "expires_in": 599, "scope": granted.scopes.join(" "), "jti": "x"});
    json_answer(200, &answer)
}

fn refusal(status: u16, error: &str, description: &str) -> Answer {
    json_answer(
        status,
        &json!({"error": error, "error_description": description}),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http;

    #[tokio::test]
    async fn codes_are_given_and_redeemed_as_uaa_does() {
        let uaa = Uaa::start().await;
        uaa.config_with_client("https://p.test", "secret");
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let good = format!(
            "/oauth/authorize?response_type=code&client_id=promfetch&redirect_uri=https%3A%2F%2Fp.test%2Fsign-in%2Fcallback\
             &scope=openid%20cloud_controller.read&state=s%2F1&code_challenge={challenge}&code_challenge_method=S256"
        );
        let location = async |path: &str| {
            let answer = http::get(&format!("{}{path}", uaa.url), &[(WHO, "jane")]).await;
            (answer.status, answer.header("location").to_owned())
        };
        let code = async || {
            let (status, location) = location(&good).await;
            assert_eq!(status, 302);
            let (_, query) = location.split_once('?').expect("a query");
            assert_eq!(fields(query)["state"], "s/1");
            fields(query)["code"].clone()
        };
        for (from, to, status, why) in [
            ("promfetch", "other", 401, "an unknown client"),
            ("p.test", "evil.test", 400, "another address"),
            ("S256", "plain", 302, "another method"),
            (challenge, "", 302, "no challenge"),
        ] {
            let (got, to) = location(&good.replace(from, to)).await;
            assert_eq!(got, status, "{why}");
            assert!(!to.contains("code="), "{why}: {to}");
        }
        let redeem = async |code: &str, secret: &str, verifier: &str, host: &str| {
            let form = format!(
                "grant_type=authorization_code&code={code}&client_id=promfetch&client_secret={secret}&code_verifier={verifier}\
                 &redirect_uri=https%3A%2F%2F{host}%2Fsign-in%2Fcallback"
            );
            let url = format!("{}/oauth/token", uaa.url);
            let answer = http::send("POST", &url, &[], form.into(), None).await;
            answer.expect("an answer").status
        };
        for (secret, verifier, host, status, why) in [
            ("wrong", verifier, "p.test", 401, "another secret"),
            ("secret", "wrong", "p.test", 400, "another verifier"),
            ("secret", verifier, "evil.test", 400, "another address"),
            ("secret", verifier, "p.test", 200, "right"),
        ] {
            let code = code().await;
            let got = redeem(&code, secret, verifier, host).await;
            assert_eq!(got, status, "{why}");
            if status != 401 {
                let again = redeem(&code, "secret", verifier, "p.test").await;
                assert_eq!(again, 400, "{why}: a code is good for one try");
            }
        }
    }
}
