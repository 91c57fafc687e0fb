//! Where plugins read apps and their pages: a running promfetch, or the core's own discovery.

mod endpoint;
mod own;

use std::time::Duration;

use bytes::Bytes;
use promfetch_core::config::kind::Kind;
use promfetch_core::config::reader::At;
use promfetch_core::config::table::Fallback::{Empty, Value};
use promfetch_core::config::table::Key;
use promfetch_core::config::{Config, Secret};
use promfetch_core::exposition::{Format, Limits, Page};
use promfetch_core::instance::App;
use promfetch_core::selector::Selector;
use promfetch_core::{Error, Kind as ErrorKind};
use tokio_util::sync::CancellationToken;

use self::endpoint::Endpoint;
use self::own::Own;

/// Most bytes of a merged page, and of the list of apps.
const MAX_PAGE: usize = 256 << 20;
/// Most samples of a merged page.
const MAX_SAMPLES: usize = 5_000_000;
/// Longest line of a merged page, in bytes.
const MAX_LINE: usize = 1 << 20;

/// The keys that say where apps are read. Without `endpoint`, the core's keys name the sources of routes.
pub const KEYS: &[Key] = &[
    Key {
        name: "endpoint",
        kind: Kind::Checked {
            what: "a URL with `http://` or `https://`",
            check: endpoint::check,
            // It might hold a login by mistake.
            shown: false,
        },
        default: Empty,
        unit: "",
        meaning: "Address of a running promfetch. Without it, `nats`, `gorouters` and `targets` say where instances are found.",
        example: "https://promfetch.example.org",
    },
    Key {
        name: "username",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "Login at the endpoint: of an operator or a binding.",
        example: "autoscaler",
    },
    Key {
        name: "password",
        kind: Kind::Secret,
        default: Empty,
        unit: "",
        meaning: "Its password.",
        example: "…",
    },
    Key {
        name: "ca_cert_file",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "File with the issuers to trust at the endpoint, instead of the system's.",
        example: "/etc/promfetch/ca.pem",
    },
    Key {
        name: "cert_file",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "File with a client certificate for the endpoint.",
        example: "/etc/promfetch/client.pem",
    },
    Key {
        name: "key_file",
        kind: Kind::Text,
        default: Empty,
        unit: "",
        meaning: "File with its key.",
        example: "/etc/promfetch/client.key",
    },
    Key {
        name: "skip_verify",
        kind: Kind::Bool,
        default: Value("false"),
        unit: "",
        meaning: "Whether any certificate of the endpoint is taken.",
        example: "true",
    },
    Key {
        name: "timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_secs(300),
        },
        default: Value("10s"),
        unit: "",
        meaning: "Longest time for a page of an app.",
        example: "5s",
    },
];

/// Where apps are read, and how long a page may take.
#[derive(Clone, Debug)]
pub struct Settings {
    from: From,
    pub timeout: Duration,
}

#[derive(Clone, Debug)]
enum From {
    Endpoint(endpoint::Settings),
    Own(Box<Config>),
}

impl Settings {
    /// Reads the settings from the top of a configuration with [`KEYS`] and the core's. Problems stay there.
    pub fn read(root: &At<'_>) -> Self {
        let core = Config::read(root);
        let url = root.text("endpoint");
        let from = if url.is_empty() {
            if !core.has_source() {
                root.section("endpoint").problem(
                    "is missing: give the address of a promfetch, or say where instances are found with `nats`, `gorouters` or `targets`",
                );
            }
            From::Own(Box::new(core))
        } else {
            if core.has_source() {
                root.section("endpoint")
                    .problem("does not go together with `nats`, `gorouters` and `targets`: the promfetch there has its own");
            }
            From::Endpoint(endpoint::Settings {
                url,
                username: root.text("username"),
                password: Secret(root.text("password")),
                ca_cert_file: root.text("ca_cert_file"),
                cert_file: root.text("cert_file"),
                key_file: root.text("key_file"),
                skip_verify: root.boolean("skip_verify"),
            })
        };
        Self {
            from,
            timeout: root.duration("timeout"),
        }
    }
}

/// Apps and their pages. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Source {
    from: Started,
    timeout: Duration,
}

#[derive(Clone, Debug)]
enum Started {
    Endpoint(Endpoint),
    Own(Own),
}

impl Source {
    /// Makes everything ready; nothing is waited for. Must be called inside a tokio runtime. The tasks of an own
    /// discovery end with `shutdown`.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for files and certificates that cannot be used.
    pub fn start(settings: &Settings, shutdown: CancellationToken) -> Result<Self, Error> {
        let from = match &settings.from {
            From::Endpoint(endpoint) => {
                Started::Endpoint(Endpoint::new(endpoint, settings.timeout)?)
            }
            From::Own(config) => Started::Own(Own::start(config, shutdown)?),
        };
        Ok(Self {
            from,
            timeout: settings.timeout,
        })
    }

    /// All apps that are known, or may be known, there. One app is there once for each type of its processes.
    ///
    /// # Errors
    /// When the endpoint does not answer, or the routing table is not complete yet.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        match &self.from {
            Started::Endpoint(endpoint) => endpoint.apps().await,
            Started::Own(own) => own.apps(),
        }
    }

    /// The merged page of an app's instances, in the text format, with promfetch's health series.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such app, others when there is no page.
    pub async fn page(&self, selector: &Selector) -> Result<Page, Error> {
        let body = match &self.from {
            Started::Endpoint(endpoint) => endpoint.page(selector, self.timeout).await?,
            Started::Own(own) => own.page(selector, self.timeout).await?,
        };
        scan(body)
    }
}

fn scan(body: Bytes) -> Result<Page, Error> {
    let limits = Limits {
        max_samples: MAX_SAMPLES,
        max_line: MAX_LINE,
    };
    Page::scan(body, Format::Text, &limits).map_err(|error| {
        Error::new(
            ErrorKind::Unavailable,
            format!("the page cannot be read: {error}"),
        )
    })
}

#[cfg(test)]
mod tests;
