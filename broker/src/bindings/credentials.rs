//! What a bind answers: the addresses of the metrics, and a login for them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::Bindings;
use crate::secrets::username;
use crate::store::Binding;

/// What may stand in a path segment or a parameter as it is (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The credentials of one binding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Credentials {
    /// The merged page. Of a space: with `{app}` where the GUID of one of its apps is to be put.
    metrics_url: String,
    /// The state of each instance, as JSON.
    instances_url: String,
    /// Targets for Prometheus' `http_sd_configs`.
    sd_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Bindings {
    /// The credentials of a binding: for its app, or for its space. The same at every call, as the password is
    /// calculated and not stored. Without a secret key there are only the addresses.
    pub(crate) fn credentials(&self, row: &Binding, base_url: &str) -> Credentials {
        let (app, target) = match &row.app_guid {
            Some(app) => {
                let app = escape(app);
                (app.clone(), format!("app={app}"))
            }
            None => {
                let space = escape(&row.space_guid);
                ("{app}".to_owned(), format!("space={space}"))
            }
        };
        let keyring = self.vault().keyring();
        Credentials {
            metrics_url: format!("{base_url}/v1/apps/{app}/metrics"),
            instances_url: format!("{base_url}/v1/apps/{app}/instances"),
            sd_url: format!("{base_url}/v1/sd?{target}"),
            username: keyring.map(|_| username(&row.key)),
            password: keyring.map(|keys| keys.password(&row.key, &row.nonce)),
        }
    }
}

/// A text as one path segment, or as the value of a parameter.
pub(crate) fn escape(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}
