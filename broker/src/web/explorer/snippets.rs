//! What people take along: the address of the page, the curl line, the Prometheus job. Each as it works here, with
//! this installation's address, and with a login where one is needed.

use std::fmt::Write;

use maud::{Markup, html};
use promfetch_core::instance::App;

use super::super::base::Base;
use super::super::template::visible;
use super::links::Source;
use crate::bindings::credentials::escape;

/// What the blocks speak of.
pub(super) struct Snippets<'s> {
    pub(super) base: Base,
    pub(super) app: &'s App,
    /// Where the merged page is.
    pub(super) source: Source,
    /// What the job is called.
    pub(super) job: String,
    /// Whether a login is needed.
    pub(super) protected: bool,
    /// From the page to the root of the service.
    pub(super) up: &'s str,
}

impl Snippets<'_> {
    pub(super) fn html(&self) -> Markup {
        let up = self.up;
        html! {
            @if self.protected {
                p {
                    "Put a login in place of " code { "USER" } " and " code { "PASSWORD" } ": "
                    a href={ (up) "doc/access#get-a-login" } { "Get a login" } "."
                }
            }
            h3 { "The page of all instances" }
            (block("url", "url", &self.url()))
            (block("curl", "sh", &self.curl()))
            h3 { "Prometheus" }
            p {
                "A job for " code { "prometheus.yml" } " with one target, whose page holds all instances. Where "
                code { "scrape_configs" } " is there already, leave the first line out."
            }
            (block("job", "yaml", &self.job()))
            p { "Or a target for each instance, followed by themselves as the app is scaled:" }
            (block("sd", "yaml", &self.sd()))
            p {
                "More of it, with alerts: " a href={ (up) "doc/prometheus" } { "Prometheus" } ". "
                "All apps of a space with one job: " a href={ (up) "doc/prometheus#all-apps-that-you-may-read" } { "All apps" } "."
            }
        }
    }

    fn url(&self) -> String {
        format!("{}/{}", self.base.url, self.source.address("metrics"))
    }

    /// Of an encoded address nothing is special between single quotes.
    fn curl(&self) -> String {
        let login = if self.protected {
            "-u 'USER:PASSWORD' "
        } else {
            ""
        };
        format!("curl -s {login}'{}'", self.url())
    }

    fn job(&self) -> String {
        let Base {
            scheme,
            host,
            prefix,
            ..
        } = &self.base;
        let path = self.source.path("metrics");
        format!(
            "scrape_configs:\n  - job_name: {}\n    honor_labels: true\n    scheme: {scheme}\n    metrics_path: {prefix}/{path}\n{}{}    static_configs:\n      - targets: [{}]\n",
            quoted(&self.job),
            self.parameters(),
            self.login("    "),
            quoted(host),
        )
    }

    fn sd(&self) -> String {
        let url = format!(
            "{}/v1/sd?app={}&mode=instances",
            self.base.url,
            escape(&self.app.app_id)
        );
        format!(
            "scrape_configs:\n  - job_name: {}\n    honor_labels: true\n{}{}    http_sd_configs:\n      - url: {}\n        refresh_interval: 1m\n{}",
            quoted(&format!("{} instances", self.job)),
            self.parameters(),
            self.login("    "),
            quoted(&url),
            self.login("        "),
        )
    }

    /// What the address has behind its path.
    fn parameters(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.source.parameters {
            if text.is_empty() {
                text.push_str("    params:\n");
            }
            // Writing to a string does not fail.
            let _ = writeln!(text, "      {name}: [{}]", quoted(value));
        }
        text
    }

    fn login(&self, indent: &str) -> String {
        if !self.protected {
            return String::new();
        }
        format!("{indent}basic_auth:\n{indent}  username: USER\n{indent}  password: PASSWORD\n")
    }
}

/// A block with a button beside it that copies it.
fn block(id: &str, language: &str, text: &str) -> Markup {
    html! {
        div.code data-snippet=(id) {
            pre tabindex="0" { code class={ "language-" (language) } { (text.trim_end()) } }
        }
    }
}

/// A text between double quotes: JSON's escapes are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(visible(text)).to_string()
}

#[cfg(test)]
mod tests {
    use promfetch_core::selector::Selector;

    use super::*;
    use crate::config::Config;

    #[test]
    fn blocks_fit_the_installation_and_hold_nothing_else() {
        let app = App {
            app_id: "47d288f6-f9c1-5e3a-9546-5384018954e2".into(),
            ..App::default()
        };
        let snippets = |url: &str, selector: &str, job: &str, protected| Snippets {
            base: Base::of(&Config {
                base_url: url.into(),
                ..Config::default()
            }),
            app: &app,
            source: Source::of(&Selector::parse(selector).unwrap(), &app)
                .with("metric_path", Some("/a\"b\n?c={{d}}")),
            job: job.into(),
            protected,
            up: "../",
        };
        let open = snippets("http://localhost:8085", "o/s/a", "o/s/a", false);
        assert_eq!(
            open.curl(),
            "curl -s 'http://localhost:8085/v1/apps/o/s/a/metrics?metric_path=%2Fa%22b%0A%3Fc%3D%7B%7Bd%7D%7D'"
        );
        assert_eq!(
            open.job(),
            "scrape_configs:\n  - job_name: \"o/s/a\"\n    honor_labels: true\n    scheme: http\n    \
             metrics_path: /v1/apps/o/s/a/metrics\n    params:\n      metric_path: [\"/a\\\"b\u{fffd}?c={{d}}\"]\n    \
             static_configs:\n      - targets: [\"localhost:8085\"]\n"
        );
        let closed = snippets(
            "https://p.example.org/below/",
            "o/s%2F/a",
            "a\"\n: \u{202e}b",
            true,
        );
        assert_eq!(
            closed.job(),
            "scrape_configs:\n  - job_name: \"a\\\"\u{fffd}: \u{fffd}b\"\n    honor_labels: true\n    scheme: https\n    \
             metrics_path: /below/v1/apps/47d288f6-f9c1-5e3a-9546-5384018954e2/metrics\n    params:\n      \
             metric_path: [\"/a\\\"b\u{fffd}?c={{d}}\"]\n    basic_auth:\n      username: USER\n      password: PASSWORD\n    \
             static_configs:\n      - targets: [\"p.example.org\"]\n"
        );
        assert!(
            closed.curl().starts_with(
                "curl -s -u 'USER:PASSWORD' 'https://p.example.org/below/v1/apps/47d2"
            )
        );
        assert!(closed.sd().contains(
            "http_sd_configs:\n      - url: \"https://p.example.org/below/v1/sd?app=47d288f6-f9c1-5e3a-9546-5384018954e2&mode=instances\"\n        \
             refresh_interval: 1m\n        basic_auth:\n          username: USER\n"
        ), "{}", closed.sd());
        let html = closed.html().into_string();
        assert!(
            html.contains("href=\"../doc/access#get-a-login\""),
            "{html}"
        );
        assert!(!open.html().into_string().contains("PASSWORD"));
    }
}
