//! Sealing: what is given out of hand, or into a database, comes back as it was or not at all.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{Opened, derive, random};

/// What sealed text begins with. Another way of sealing gets another word.
const SEALED: &str = "v1:";

/// A key for one use, made of a `secret_key`.
pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    /// The key that comes of this configured text for this use.
    pub(super) fn new(text: &str, usage: &str) -> Self {
        let key: UnboundKey = derive(text, usage, &AES_256_GCM);
        Self(LessSafeKey::new(key))
    }

    /// Encrypts a text. It can only be opened with the same `aad`, so that a text which was moved to another place is
    /// noticed. A key is good for 2^32 texts (NIST SP 800-38D, section 8.3: random nonces).
    pub(super) fn seal(&self, aad: &str, plain: &str) -> String {
        let nonce = random();
        let mut bytes = plain.as_bytes().to_vec();
        #[expect(
            clippy::expect_used,
            reason = "fails above 64 GiB only, and requests are far smaller"
        )]
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut bytes,
            )
            .expect("the text is shorter than 64 GiB");
        let sealed = [nonce.as_slice(), &bytes, tag.as_ref()].concat();
        format!("{SEALED}{}", URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What was sealed with this key and this `aad`; `None` for all else, whatever is wrong with it.
    pub(super) fn open(&self, aad: &str, sealed: &str) -> Option<String> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(SEALED)?).ok()?;
        let (nonce, _) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self
            .0
            .open_within(nonce, Aad::from(aad), &mut bytes, NONCE_LEN..)
            .ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

/// Seals for one use, also during a change of keys.
pub(crate) struct Seal {
    current: Sealer,
    previous: Option<Sealer>,
}

impl Seal {
    /// Of the configured keys; an empty one was not given. Without any, of one that this process has made up: what it
    /// seals ends with it, and no other process opens it.
    pub(crate) fn new(secret_key: &str, previous: &str, usage: &str) -> Self {
        let sealer = |text: &str| (!text.is_empty()).then(|| Sealer::new(text, usage));
        let own = || Sealer::new(&URL_SAFE_NO_PAD.encode(random::<32>()), usage);
        Self {
            current: sealer(secret_key).unwrap_or_else(own),
            previous: sealer(previous),
        }
    }

    /// [`Sealer::seal`] by the current key.
    pub(crate) fn seal(&self, aad: &str, plain: &str) -> String {
        self.current.seal(aad, plain)
    }

    /// [`Sealer::open`] by the key that fits.
    pub(crate) fn open(&self, aad: &str, sealed: &str) -> Option<String> {
        open(&self.current, self.previous.as_ref(), aad, sealed).map(|opened| opened.plain)
    }
}

/// What either key opens.
pub(super) fn open(
    current: &Sealer,
    previous: Option<&Sealer>,
    aad: &str,
    sealed: &str,
) -> Option<Opened> {
    if let Some(plain) = current.open(aad, sealed) {
        return Some(Opened {
            plain,
            previous: false,
        });
    }
    let plain = previous?.open(aad, sealed)?;
    Some(Opened {
        plain,
        previous: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_text_opens_only_as_it_was_sealed() {
        let key = Sealer::new("5f0c7e0a9b1d4c3e", "sealed parameters");
        for plain in ["", "{}", "grüße", &"x".repeat(100_000)] {
            let sealed = key.seal("binding-1", plain);
            assert_eq!(key.open("binding-1", &sealed).as_deref(), Some(plain));
            assert_ne!(
                sealed,
                key.seal("binding-1", plain),
                "a new nonce each time"
            );
        }
        let sealed = key.seal("binding-1", "secret");
        let mut bytes = URL_SAFE_NO_PAD.decode(&sealed[3..]).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = format!("v1:{}", URL_SAFE_NO_PAD.encode(&bytes));
            assert_eq!(key.open("binding-1", &changed), None, "byte {at} changed");
            bytes[at] ^= 1;
        }
        let short = format!("v1:{}", URL_SAFE_NO_PAD.encode([0; 27]));
        for (aad, text, why) in [
            ("binding-2", sealed.as_str(), "moved to another row"),
            ("", &sealed, "without its row"),
            ("binding-1", &sealed[3..], "no version"),
            (
                "binding-1",
                &sealed.replace("v1:", "v2:"),
                "another version",
            ),
            ("binding-1", "", "nothing"),
            ("binding-1", "v1:", "nothing sealed"),
            ("binding-1", "v1:!!", "not base64"),
            ("binding-1", &short, "shorter than nonce and tag"),
            ("binding-1", &sealed[..sealed.len() - 4], "cut short"),
            ("binding-1", r#"{"endpoint":"/x"}"#, "never sealed"),
        ] {
            assert_eq!(key.open(aad, text), None, "{why}");
        }
    }

    #[test]
    fn each_use_and_each_process_without_a_key_has_its_own() {
        let (old, new) = ("the first key of these tests", "the second key of them");
        let sealed = Seal::new(old, "", "sessions").seal("a", "text");
        for (seal, opens, why) in [
            (Seal::new(old, "", "sessions"), true, "another process"),
            (
                Seal::new(new, old, "sessions"),
                true,
                "during a change of keys",
            ),
            (Seal::new(new, "", "sessions"), false, "after it"),
            (
                Seal::new(old, "", "sealed parameters"),
                false,
                "another use of the same key",
            ),
            (Seal::new("", "", "sessions"), false, "no key"),
        ] {
            assert_eq!(seal.open("a", &sealed).is_some(), opens, "{why}");
        }
        let (one, other) = (Seal::new("", "", "x"), Seal::new("", "", "x"));
        let sealed = one.seal("a", "text");
        assert_eq!(one.open("a", &sealed).as_deref(), Some("text"));
        assert_eq!(other.open("a", &sealed), None, "keys that are made up");
    }
}
