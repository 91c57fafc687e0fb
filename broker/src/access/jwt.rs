//! Tokens of UAA: signed JWTs in compact form (RFC 7515, RFC 7519), RS256 only, as UAA signs them.
//!
//! What decides about a token is never taken from it: the algorithm is fixed, keys come from UAA alone, and headers
//! that would bring keys (`jwk`, `jku`, `x5c`) are not read. Nothing here does I/O; the time is an argument.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::login::MAX_TOKEN;

/// How far clocks may be apart for `nbf` and `iat`. An expired token is expired.
const LEEWAY: Duration = Duration::from_secs(60);
/// Bytes of a modulus: 2048 to 8192 bits. ring checks the bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why a token does not count: half a sentence that shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token {0}")]
pub(crate) struct Invalid(pub(super) &'static str);

/// A public key of UAA.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Key {
    /// Of `n` and `e` of a JWK (RFC 7518, section 6.3.1); `None` when they are none or too short.
    pub(super) fn new(n: &str, e: &str) -> Option<Self> {
        // Keys, unlike tokens, may be padded: there is nothing to gain by writing one in two ways.
        const LENIENT: GeneralPurpose = GeneralPurpose::new(
            &base64::alphabet::URL_SAFE,
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
        );
        let number = |text: &str| {
            let bytes = LENIENT.decode(text).ok()?;
            // UAA writes a zero in front (Java's sign), which ring refuses.
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Some(bytes.get(zeros..)?.to_vec())
        };
        let key = Self {
            modulus: number(n)?,
            exponent: number(e)?,
        };
        (MODULUS.contains(&key.modulus.len()) && !key.exponent.is_empty()).then_some(key)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bits)", self.modulus.len() * 8)
    }
}

/// A token taken apart; nothing of it is believed yet.
#[derive(Debug)]
pub(super) struct Unverified<'t> {
    /// Header and claims with the dot between: what is signed.
    signed: &'t str,
    claims: &'t str,
    signature: Vec<u8>,
    key_id: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    crit: Present,
}

/// Whether a member is there, whatever its value.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// What is read of the claims. A member that comes twice is an error, as each reader could believe another one.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    jti: Option<String>,
    user_name: Option<String>,
    client_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// What a token must say.
#[derive(Debug)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) audiences: &'e [String],
    /// The current time, since 1970.
    pub(super) now: Duration,
}

/// What is known of who holds a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// Name of the user, or of the client for a token without one. Any text.
    pub(super) name: String,
    /// When the token ends, since 1970.
    pub(super) expires: Duration,
}

impl<'t> Unverified<'t> {
    /// # Errors
    /// When this is no RS256 token in compact form that names its key.
    pub(super) fn parse(token: &'t str) -> Result<Self, Invalid> {
        if token.len() > MAX_TOKEN {
            return Err(Invalid("is longer than 16 KiB"));
        }
        let malformed = Invalid("is not a JSON Web Token");
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(malformed)?;
        let header: Header = object(header).ok_or(malformed)?;
        if header.alg != "RS256" {
            return Err(Invalid("is not signed with RS256"));
        }
        if header.crit.0 {
            // RFC 7515, section 4.1.11: whoever does not know what is critical must refuse.
            return Err(Invalid("has critical headers"));
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
        if claims.contains('.') {
            return Err(malformed);
        }
        Ok(Self {
            signed,
            claims,
            signature,
            key_id: header.kid,
        })
    }

    /// `kid`: the key that it claims to be signed with.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Checks the signature, and only then reads what was signed.
    ///
    /// # Errors
    /// When anything is not as expected.
    pub(super) fn verify(&self, key: &Key, expected: &Expected<'_>) -> Result<Holder, Invalid> {
        let components = RsaPublicKeyComponents {
            n: &key.modulus,
            e: &key.exponent,
        };
        components
            .verify(
                &RSA_PKCS1_2048_8192_SHA256,
                self.signed.as_bytes(),
                &self.signature,
            )
            .map_err(|_| Invalid("has a wrong signature"))?;
        let claims: Claims =
            object(self.claims).ok_or(Invalid("lacks claims, or has them in a wrong form"))?;
        claims.check(expected)
    }
}

impl Claims {
    fn check(self, expected: &Expected<'_>) -> Result<Holder, Invalid> {
        if self.iss != expected.issuer {
            return Err(Invalid("is from another issuer"));
        }
        let audiences = match self.aud {
            Audience::One(one) => vec![one],
            Audience::Many(many) => many,
        };
        if !audiences
            .iter()
            .any(|audience| expected.audiences.contains(audience))
        {
            return Err(Invalid("is for another audience"));
        }
        // Times before 1970 are long past; those beyond all bounds never come.
        let time =
            |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        let expires = time(self.exp);
        if expected.now >= expires {
            return Err(Invalid("has expired"));
        }
        let soon = expected.now.saturating_add(LEEWAY);
        if self.nbf.is_some_and(|begins| time(begins) > soon)
            || self.iat.is_some_and(|issued| time(issued) > soon)
        {
            return Err(Invalid("is not valid yet"));
        }
        // UAA signs refresh tokens with the same key, for the same audience; it tells them apart by this ending too.
        if self.jti.is_some_and(|id| id.ends_with("-r")) {
            return Err(Invalid("is a refresh token"));
        }
        let name = self.user_name.or(self.client_id).unwrap_or_default();
        Ok(Holder { name, expires })
    }
}

/// Who claims to have issued this token. Nothing is checked: it is only for recognising tokens that must not be handed
/// on.
pub(super) fn issuer_unverified(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    let claims = token.split('.').nth(1)?;
    object::<Issued>(claims).map(|issued| issued.iss)
}

/// A JSON object in base64url. serde would take an array for a structure too.
fn object<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    json.trim_ascii_start()
        .starts_with(b"{")
        .then(|| serde_json::from_slice(&json).ok())?
}

#[cfg(test)]
mod tests;
