//! Whose a login says that it is, read more leniently than one that is to be believed: apps may read it so too, and
//! promfetch's own logins are kept from them.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderValue;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What an `Authorization` claims.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// To be the login of this user.
    User(String),
    /// To be this token. It may be anything.
    Token(String),
}

impl Claim {
    /// What this value claims, without a look at the password. Any value claims something.
    pub(super) fn of(value: &HeaderValue) -> Self {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = text.trim();
        let (scheme, credentials) = text
            .split_once(|character: char| character.is_ascii_whitespace() || character == ':')
            .map_or(("", text), |(scheme, credentials)| {
                (scheme, credentials.trim_start())
            });
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(login) = LENIENT.decode(credentials.replace('-', "+").replace('_', "/"))
        {
            let user = login.split(|byte| *byte == b':').next().unwrap_or_default();
            return Self::User(String::from_utf8_lossy(user).into_owned());
        }
        Self::Token(credentials.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_written_in_all_ways() {
        let user = |name: &str| Claim::User(name.into());
        let token = |text: &str| Claim::Token(text.into());
        for (value, want, why) in [
            (&b"Basic amFuZTpwYTU1"[..], user("jane"), "as it should be"),
            (b"bAsIc \t amFuZTpwYTU1 ", user("jane"), "blanks and case"),
            (b"Basic:amFuZTpwYTU1", user("jane"), "another separator"),
            (b"Basic amFuZTpwYQ", user("jane"), "no padding"),
            (b"Basic amFuZTpwYR==", user("jane"), "bits behind the end"),
            (b"Basic amFuZTo_-j8_", user("jane"), "the other alphabet"),
            (b"Basic amFuZTr/CQ==", user("jane"), "no UTF-8, and a tab"),
            (b"Basic amFuZQ==", user("jane"), "no password"),
            (
                b"Basic amFuZTpwYTU1!",
                token("amFuZTpwYTU1!"),
                "nobody can read it",
            ),
            (b"Bearer  abc=", token("abc="), "a token"),
            (b"bearer abc def", token("abc def"), "more than a token"),
            (b"abc.def.ghi", token("abc.def.ghi"), "no scheme"),
            (b"Bearer \xff", token("\u{fffd}"), "no UTF-8"),
            (b"", token(""), "nothing"),
        ] {
            let value = HeaderValue::from_bytes(value).unwrap();
            assert_eq!(Claim::of(&value), want, "{why}");
        }
    }
}
