//! What a bind may say: how promfetch asks the app for its metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use promfetch_core::client::{MAX_METRIC_PATH, Settings, check_metric_path};
use promfetch_core::headers;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::shape::{Form, Member, Shape};

/// Headers of one binding.
const MAX_HEADERS: usize = 8;
/// Shortest and longest time that an app can set for one of its instances, in seconds.
const TIMEOUT: (f64, f64) = (0.1, 300.0);

/// The parameters of a bind, as the schema in the catalog describes them.
pub(crate) static BIND: Shape = Shape::Object(&[
    Member {
        name: "endpoint",
        is_required: false,
        description: "Path of the app's metrics, such as /actuator/prometheus; it may have a query. Without it the path stays as it is.",
        shape: Shape::Text {
            min: 1,
            max: MAX_METRIC_PATH,
            form: &PATH,
        },
    },
    Member {
        name: "process",
        is_required: false,
        description: "Type of the app's process that has the metrics, when it is not web.",
        shape: Shape::Text {
            min: 1,
            max: 255,
            form: &VISIBLE,
        },
    },
    Member {
        name: "authorization",
        is_required: false,
        description: "What promfetch presents to the app. It is stored encrypted and never shown again.",
        shape: Shape::Tagged(&[
            (
                "basic",
                &[
                    Member {
                        name: "username",
                        is_required: true,
                        description: "Without a colon.",
                        shape: Shape::Text {
                            min: 1,
                            max: 255,
                            form: &USER,
                        },
                    },
                    Member {
                        name: "password",
                        is_required: true,
                        description: "Any characters but control characters.",
                        shape: Shape::Text {
                            min: 1,
                            max: 1024,
                            form: &PRINTABLE,
                        },
                    },
                ],
            ),
            (
                "bearer",
                &[Member {
                    name: "token",
                    is_required: true,
                    description: "Letters, digits and - . _ ~ + /, with = at its end (RFC 6750).",
                    shape: Shape::Text {
                        min: 1,
                        max: 4096,
                        form: &TOKEN,
                    },
                }],
            ),
        ]),
    },
    Member {
        name: "headers",
        is_required: false,
        description: "Further headers for the app, such as {\"X-Tenant\": \"blue\"}. None that promfetch sets itself. They are stored encrypted, and their values are never shown again.",
        shape: Shape::Map {
            max: MAX_HEADERS,
            names: &HEADER_NAME,
            values: &Shape::Text {
                min: 1,
                max: 1024,
                form: &HEADER_VALUE,
            },
        },
    },
    Member {
        name: "timeout",
        is_required: false,
        description: "Seconds that one instance may take to answer. The scraper's own limit counts as well.",
        shape: Shape::Number {
            min: TIMEOUT.0,
            max: TIMEOUT.1,
        },
    },
]);

/// There is nothing to say about a service instance.
pub(crate) static NONE: Shape = Shape::Object(&[]);

/// The rule that the pattern cannot express (no segment `.` or `..`) is checked by [`check_metric_path`].
static PATH: Form = Form {
    pattern: r"^/([!$-.0-;=?-Z\[\]_a-z~][!$-;=?-Z\[\]_a-z~]*)?$",
    fits: |text| {
        text.starts_with('/')
            && !text.starts_with("//")
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !br##""#<>\^`{|}"##.contains(&byte))
    },
    expected: "an absolute path of this app, such as `/actuator/prometheus`: it begins with one `/`, and has neither spaces nor other characters that a path cannot hold unescaped",
};
static VISIBLE: Form = Form {
    pattern: "^[!-~]+$",
    fits: |text| text.bytes().all(|byte| byte.is_ascii_graphic()),
    expected: "made of visible ASCII characters",
};
static USER: Form = Form {
    pattern: r"^[^:\u0000-\u001f\u007f-\u009f]+$",
    fits: |text| !text.contains(|character: char| character == ':' || character.is_control()),
    expected: "without a colon and control characters",
};
static PRINTABLE: Form = Form {
    pattern: r"^[^\u0000-\u001f\u007f-\u009f]+$",
    fits: |text| !text.contains(char::is_control),
    expected: "without control characters",
};
static TOKEN: Form = Form {
    pattern: "^[A-Za-z0-9._~+/-]+=*$",
    fits: |text| {
        let token = text.trim_end_matches('=');
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/-".contains(&byte);
        !token.is_empty() && token.bytes().all(is_allowed)
    },
    expected: "a token: letters, digits and - . _ ~ + /, with = at its end (RFC 6750)",
};
static HEADER_NAME: Form = Form {
    pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
    fits: headers::is_name,
    expected: headers::NAME,
};
static HEADER_VALUE: Form = Form {
    pattern: "^[!-~]([ -~]*[!-~])?$",
    fits: headers::is_value,
    expected: headers::VALUE,
};

/// What a binding says about its app.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) process: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<Authorization>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<f64>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Authorization {
    Basic { username: String, password: String },
    Bearer { token: String },
}

/// Shows no secrets.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({})", self.shown())
    }
}

impl Parameters {
    /// Reads what came with a bind.
    ///
    /// # Errors
    /// A sentence for the developer who binds, without secrets.
    pub(crate) fn read(given: Option<Map<String, Value>>) -> Result<Self, String> {
        let given = Value::Object(given.unwrap_or_default());
        BIND.check("", &given)?;
        let parameters: Self = serde_json::from_value(given).map_err(|error| error.to_string())?;
        if let Some(endpoint) = &parameters.endpoint {
            check_metric_path(endpoint).map_err(|_| {
                "endpoint must not have `.` or `..` as a segment, not even encoded".to_owned()
            })?;
        }
        let mut names: Vec<_> = parameters
            .headers
            .keys()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        if let Some(name) = names.iter().find(|name| headers::is_reserved(name)) {
            return Err(format!(
                "headers: `{name}` is set by promfetch itself and cannot be bound"
            ));
        }
        names.sort_unstable();
        names.dedup();
        if names.len() < parameters.headers.len() {
            return Err(
                "headers must not have a name twice (upper and lower case count as the same)"
                    .into(),
            );
        }
        Ok(parameters)
    }

    /// The parameters of an endpoint that was bound with promfetcher, which knows nothing else.
    pub(crate) fn of_endpoint(endpoint: Option<String>) -> Self {
        Self {
            endpoint,
            ..Self::default()
        }
    }

    /// Whether nothing is said: the binding is for its credentials alone.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something is in it that nobody may read in the database.
    pub(crate) fn has_secrets(&self) -> bool {
        self.authorization.is_some() || !self.headers.is_empty()
    }

    /// As the store keeps them, sealed or not.
    pub(crate) fn to_json(&self) -> String {
        // Texts, numbers within bounds and maps of texts can all be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads [`to_json`](Self::to_json).
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What everybody who may see the binding may see of it: secrets are left out.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = json!(self);
        match &self.authorization {
            Some(Authorization::Basic { username, .. }) => {
                shown["authorization"] = json!({"type": "basic", "username": username});
            }
            Some(Authorization::Bearer { .. }) => {
                shown["authorization"] = json!({"type": "bearer"});
            }
            None => {}
        }
        if let Some(headers) = shown.get_mut("headers").and_then(Value::as_object_mut) {
            headers.values_mut().for_each(|value| *value = "***".into());
        }
        shown
    }

    /// How the app is asked. `endpoint` is the path in effect, which may come from another binding.
    pub(crate) fn settings(&self, endpoint: Option<&str>) -> Settings {
        let authorization = self
            .authorization
            .as_ref()
            .map(|authorization| match authorization {
                Authorization::Basic { username, password } => {
                    format!(
                        "Basic {}",
                        STANDARD.encode(format!("{username}:{password}"))
                    )
                }
                Authorization::Bearer { token } => format!("Bearer {token}"),
            });
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        let header = |(name, value): (&String, &String)| {
            Some((name.parse::<HeaderName>().ok()?, secret(value)?))
        };
        Settings {
            path: endpoint
                .and_then(|path| check_metric_path(path).ok())
                .map(Into::into),
            process_type: self.process.as_deref().map(Into::into),
            authorization: authorization.as_deref().and_then(secret),
            headers: self
                .headers
                .iter()
                .filter_map(header)
                .collect::<HeaderMap>(),
            timeout: self
                .timeout
                .map(|seconds| Duration::from_secs_f64(seconds.clamp(TIMEOUT.0, TIMEOUT.1))),
        }
    }
}

#[cfg(test)]
mod tests;
