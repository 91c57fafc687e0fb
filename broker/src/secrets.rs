//! What is derived from `broker.secret_key`: the passwords of bindings, which are stored nowhere, and the sealing of
//! what the store keeps for the broker and browsers keep for people.
//!
//! All processes of an installation have the same key, so each makes the same password for a binding. HKDF makes an
//! independent key of it for each use, so that nothing learnt of one helps against another.

mod seal;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;

pub(crate) use self::seal::Seal;
use self::seal::Sealer;

/// Salt of the derivation (RFC 5869, section 3.1: it need not be secret). Another one would change every password.
const SALT: &[u8] = b"promfetch broker.secret_key 1";

/// The keys that come of one `secret_key`.
pub(crate) struct SecretKey {
    passwords: hmac::Key,
    sealing: Sealer,
}

impl SecretKey {
    /// The keys of this configured text. How long it must be is checked where the configuration is read.
    pub(crate) fn new(text: &str) -> Self {
        let passwords = derive(text, "binding passwords", hmac::HMAC_SHA256);
        Self {
            passwords,
            sealing: Sealer::new(text, "sealed parameters"),
        }
    }

    /// The password of a binding: 43 characters of `A-Z a-z 0-9 - _`.
    pub(crate) fn password(&self, binding_key: &str, nonce: &str) -> String {
        let mut context = hmac::Context::with_key(&self.passwords);
        // With its length in front, no other pair of texts gives the same bytes.
        context.update(&(binding_key.len() as u64).to_be_bytes());
        context.update(binding_key.as_bytes());
        context.update(nonce.as_bytes());
        URL_SAFE_NO_PAD.encode(context.sign())
    }

    /// Encrypts a text for the store, to be opened with the same `aad` alone.
    pub(crate) fn seal(&self, aad: &str, plain: &str) -> String {
        self.sealing.seal(aad, plain)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(***)")
    }
}

/// What was opened, and with which key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) plain: String,
    /// It was sealed with the previous key: to be sealed anew before that key is given up.
    pub(crate) previous: bool,
}

/// The current key, and during a change of keys the one before, which is still believed but no longer used.
#[derive(Debug)]
pub(crate) struct Keyring {
    current: SecretKey,
    previous: Option<SecretKey>,
}

impl Keyring {
    pub(crate) fn new(current: SecretKey, previous: Option<SecretKey>) -> Self {
        Self { current, previous }
    }

    /// The password that a binding is told: [`SecretKey::password`] by the current key.
    pub(crate) fn password(&self, binding_key: &str, nonce: &str) -> String {
        self.current.password(binding_key, nonce)
    }

    /// Whether this is the binding's password, by either key. Takes the same time whichever it is.
    pub(crate) fn verify(&self, binding_key: &str, nonce: &str, given: &str) -> bool {
        let is = |key: &SecretKey| {
            let right = key.password(binding_key, nonce);
            right.as_bytes().ct_eq(given.as_bytes())
        };
        let mut found = is(&self.current);
        if let Some(previous) = &self.previous {
            found |= is(previous);
        }
        found.into()
    }

    /// [`SecretKey::seal`] by the current key.
    pub(crate) fn seal(&self, aad: &str, plain: &str) -> String {
        self.current.seal(aad, plain)
    }

    /// What was sealed with either key.
    pub(crate) fn open(&self, aad: &str, sealed: &str) -> Option<Opened> {
        let previous = self.previous.as_ref().map(|key| &key.sealing);
        seal::open(&self.current.sealing, previous, aad, sealed)
    }
}

/// The user name that goes with a binding's password. It tells bindings apart, so it does not depend on the key.
/// `binding_key` is the 64 hex digits of the store.
pub(crate) fn username(binding_key: &str) -> String {
    format!("b-{}", binding_key.get(..32).unwrap_or(binding_key))
}

/// Whether this is the user name of a binding, there or gone.
pub(crate) fn is_username(user: &str) -> bool {
    let digits = user.strip_prefix("b-").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A new nonce for a binding, 32 hex digits: a binding that is made again under the same id gets another password.
pub(crate) fn nonce() -> String {
    format!("{:032x}", u128::from_be_bytes(random()))
}

/// Random bytes of the operating system.
#[expect(
    clippy::expect_used,
    reason = "an operating system without random numbers can run nothing of this"
)]
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system gives random numbers");
    bytes
}

/// HKDF-SHA256 (RFC 5869) of the configured text, for this use.
fn derive<L: KeyType, K: for<'a> From<ring::hkdf::Okm<'a, L>>>(
    text: &str,
    usage: &str,
    kind: L,
) -> K {
    let extracted = Salt::new(HKDF_SHA256, SALT).extract(text.as_bytes());
    #[expect(
        clippy::expect_used,
        reason = "fails for keys longer than 255 hashes only; these have 32 bytes"
    )]
    let key = extracted
        .expand(&[usage.as_bytes()], kind)
        .expect("32 bytes")
        .into();
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "5f0c7e0a9b1d4c3e8f7a6b5c4d3e2f10";

    #[test]
    fn passwords_are_the_same_everywhere_and_for_ever() {
        // Calculated with Python's hmac and hashlib. A change here would lock out every scraper.
        let binding = "ab".repeat(32);
        let nonce = "0123456789abcdef0123456789abcdef";
        let key = SecretKey::new(KEY);
        assert_eq!(
            key.password(&binding, nonce),
            "cqSn6VdiOshXenOrJ4wpDqB1AzsAFQFX5kSx18Usvs8",
            "HMAC over length, binding and nonce"
        );
        assert_eq!(username(&binding), format!("b-{}", "ab".repeat(16)));
        // AES-256-GCM written out in Python over openssl's AES.
        assert_eq!(
            key.sealing
                .open(
                    "row",
                    "v1:AAECAwQFBgcICQoLrhfU-foK0pQggRYPnTy5dZhvgFJWgegdhAWLFu-BRigrKXOnnQ"
                )
                .as_deref(),
            Some(r#"{"endpoint":"/stats"}"#)
        );
    }

    #[test]
    fn a_password_depends_on_all_that_goes_into_it() {
        let key = SecretKey::new(KEY);
        let first = key.password("aa", "bb");
        assert_eq!(first.len(), 43);
        assert!(
            first
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        for (other, why) in [
            (key.password("ab", "bb"), "another binding"),
            (key.password("aa", "bc"), "another nonce"),
            (key.password("a", "abb"), "the border between both counts"),
            (
                SecretKey::new(&format!("{KEY}0")).password("aa", "bb"),
                "another key",
            ),
        ] {
            assert_ne!(first, other, "{why}");
        }
        assert_eq!(nonce().len(), 32);
        assert_ne!(nonce(), nonce());
    }

    #[test]
    fn a_change_of_keys_keeps_what_the_old_one_made() {
        let other = "another key of more than 32 characters";
        let old = Keyring::new(SecretKey::new(KEY), None);
        let during = Keyring::new(SecretKey::new(other), Some(SecretKey::new(KEY)));
        let after = Keyring::new(SecretKey::new(other), None);
        let (old_password, new_password) = (old.password("aa", "bb"), after.password("aa", "bb"));
        assert_eq!(during.password("aa", "bb"), new_password);
        for (ring, given, right, why) in [
            (&old, &old_password, true, "before"),
            (
                &during,
                &old_password,
                true,
                "the old one during the change",
            ),
            (
                &during,
                &new_password,
                true,
                "the new one during the change",
            ),
            (&after, &new_password, true, "the new one after it"),
            (&after, &old_password, false, "the old key was given up"),
            (&old, &new_password, false, "not known yet"),
            (&during, &String::new(), false, "none"),
            (&during, &old_password[..42].to_owned(), false, "cut short"),
        ] {
            assert_eq!(ring.verify("aa", "bb", given), right, "{why}");
        }

        let sealed = old.seal("row", "text");
        let opened = |previous| {
            Some(Opened {
                plain: "text".into(),
                previous,
            })
        };
        assert_eq!(old.open("row", &sealed), opened(false));
        assert_eq!(during.open("row", &sealed), opened(true));
        assert_eq!(after.open("row", &sealed), None);
        assert_eq!(
            after.open("row", &during.seal("row", "text")),
            opened(false)
        );
    }

    #[test]
    fn debug_shows_no_key() {
        let ring = Keyring::new(SecretKey::new(KEY), None);
        assert_eq!(
            format!("{ring:?}"),
            "Keyring { current: SecretKey(***), previous: None }"
        );
    }
}
