//! Keys that say who may read what.

use promfetch_core::config::kind::Kind;
use promfetch_core::config::table::Fallback::{Computed, Empty, Value};
use promfetch_core::config::table::Key;

use super::super::checks;

/// An address without parameters, login or path is all that these two may be.
const URL: Kind = Kind::Checked {
    what: "a URL with `http://` or `https://`",
    check: checks::base_url,
    shown: false,
};

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "access",
        kind: Kind::Choice(&["open", "audit", "protected"]),
        default: Value("open"),
        unit: "",
        meaning: "Who may read metrics. `open`: whoever reaches the port. `protected`: who shows credentials of a binding (for its app or its space), of an operator, or a UAA token whose user may see the app. `audit`: as `open`, but who would be refused is counted and logged for each app.",
        example: "audit",
    },
    Key {
        name: "operators[].name",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Somebody who may read everything, `/routes` too.",
        example: "prometheus",
    },
    Key {
        name: "operators[].password_hash",
        kind: Kind::Checked {
            what: "a line of `promfetch hash-password`",
            check: checks::password_hash,
            shown: false,
        },
        default: Empty,
        unit: "",
        meaning: "The password, hashed.",
        example: "$argon2id$v=19$m=19456,t=2,p=1$47o12Sgofz9OZX853R8uOg$Kibnl6bmumMrUOAo0QPlF7wNUtyan1WLOO04+AF8Xb0",
    },
    Key {
        name: "uaa.url",
        kind: URL,
        default: Empty,
        unit: "",
        meaning: "The platform's UAA. With it, users of the platform may read with their own token (`cf oauth-token`) what the Cloud Controller lets them see.",
        example: "https://uaa.sys.example.org",
    },
    Key {
        name: "uaa.issuer",
        kind: Kind::Text,
        default: Computed("`uaa.url` with `/oauth/token`"),
        unit: "",
        meaning: "Who must have issued a token: its claim `iss`, letter for letter. Where `uaa.url` is an internal address, give the public one here.",
        example: "https://uaa.sys.example.org/oauth/token",
    },
    Key {
        name: "uaa.audiences[]",
        kind: Kind::Text,
        default: Computed("`cloud_controller`"),
        unit: "",
        meaning: "For whom a token must have been issued: one of these must be in its claim `aud`.",
        example: "promfetch",
    },
    Key {
        name: "uaa.cloud_controller",
        kind: URL,
        default: Empty,
        unit: "",
        meaning: "The Cloud Controller, which is asked with the user's token whether that user may see an app.",
        example: "https://api.sys.example.org",
    },
    Key {
        name: "uaa.client_id",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "A client of the UAA with the grant `authorization_code`, the scopes `openid` and `cloud_controller.read`, and `base_url` with `/sign-in/callback` as redirect URI. With it, people sign in in a browser with the platform's own login.",
        example: "promfetch",
    },
    Key {
        name: "uaa.client_secret",
        kind: Kind::Secret,
        default: Empty,
        unit: "",
        meaning: "The secret of that client. A public client (`allowpublic`) has none.",
        example: "aSecretOfTheClient",
    },
    Key {
        name: "uaa.login_url",
        kind: URL,
        default: Computed("`uaa.url`"),
        unit: "",
        meaning: "Where browsers reach the UAA, if `uaa.url` is an internal address.",
        example: "https://login.sys.example.org",
    },
    Key {
        name: "uaa.ca_certs",
        kind: Kind::Certificates,
        default: Empty,
        unit: "",
        meaning: "Issuers of the certificates of both, besides those that the system trusts.",
        example: "-----BEGIN CERTIFICATE-----…",
    },
    Key {
        name: "uaa.skip_ssl_validation",
        kind: Kind::Bool,
        default: Value("false"),
        unit: "",
        meaning: "Whether the certificates of both go unchecked. Whoever can answer in their place decides then who reads what.",
        example: "true",
    },
];
