//! External exporters: asked once for each app on the page, with parameters made from the app's tags.

use std::fmt;

use crate::config::ExternalExporter;
use crate::instance::{Address, App};

/// One exporter as it is asked for one app. The app's values are only ever in the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExporterTarget {
    /// The exporter's name in the configuration.
    pub name: Box<str>,
    pub address: Address,
    /// The name to verify in the server's certificate; `None` is plain HTTP.
    pub tls: Option<Box<str>>,
    /// What stands in the `Host` header: as configured.
    pub host: Box<str>,
    pub path_and_query: Box<str>,
}

impl ExternalExporter {
    /// The parameters with the app's values, encoded as a form with the keys in sorted order, as Go's
    /// `url.Values.Encode` writes them. Empty when there are no parameters.
    pub fn query(&self, app: &App) -> String {
        let mut params: Vec<_> = self.params.iter().collect();
        params.sort_by(|a, b| a.0.cmp(&b.0));
        let mut query = String::new();
        for (key, templates) in params {
            for template in templates {
                if !query.is_empty() {
                    query.push('&');
                }
                form_encode(key, &mut query);
                query.push('=');
                form_encode(&template.render(app), &mut query);
            }
        }
        query
    }

    /// Where and how this exporter is asked for the app. `None` when `host` is no address, which the
    /// configuration refuses.
    pub fn target(&self, app: &App) -> Option<ExporterTarget> {
        let default_port = if self.tls { 443 } else { 80 };
        let address = Address::parse(&self.host)
            .or_else(|| Address::parse(&format!("{}:{default_port}", self.host)))
            .filter(|address| !address.host().contains(['/', '@', ' ']))?;
        let query = self.query(app);
        let slash = if self.metrics_path.starts_with('/') {
            ""
        } else {
            "/"
        };
        let join = match (query.is_empty(), self.metrics_path.contains('?')) {
            (true, _) => "",
            (false, true) => "&",
            (false, false) => "?",
        };
        Some(ExporterTarget {
            name: self.name.as_str().into(),
            tls: self.tls.then(|| address.host().into()),
            address,
            host: self.host.as_str().into(),
            path_and_query: format!("{slash}{}{join}{query}", self.metrics_path).into(),
        })
    }
}

/// All exporters as they are asked for this app, in the order of the configuration.
pub fn targets(exporters: &[ExternalExporter], app: &App) -> Vec<ExporterTarget> {
    exporters
        .iter()
        .filter_map(|exporter| exporter.target(app))
        .collect()
}

/// Appends `text` as Go's `url.QueryEscape` writes it: RFC 3986's unreserved characters stay, a space is `+`.
fn form_encode(text: &str, out: &mut String) {
    use fmt::Write;
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte))
            }
            b' ' => out.push('+'),
            // Writing to a String does not fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::example_app as app;
    use crate::template::Template;

    fn exporter(host: &str, path: &str, tls: bool, params: &[(&str, &[&str])]) -> ExternalExporter {
        let templates = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| Template::parse(text).unwrap())
                .collect()
        };
        ExternalExporter {
            name: "db".into(),
            host: host.into(),
            metrics_path: path.into(),
            tls,
            params: params
                .iter()
                .map(|(key, texts)| ((*key).into(), templates(texts)))
                .collect(),
        }
    }

    #[test]
    fn the_query_is_form_encoded_and_sorted_as_go_writes_it() {
        let exporter = exporter(
            "h",
            "/metrics",
            false,
            &[
                ("z", &["{{.OrganizationName}}"]),
                ("match[]", &["{a=\"{{.AppName}}\"}", "b~c*"]),
            ],
        );
        assert_eq!(
            exporter.query(&app()),
            "match%5B%5D=%7Ba%3D%22sh%C3%B6p%22%7D&match%5B%5D=b~c%2A&z=acme+%26+sons"
        );
    }

    #[test]
    fn targets_have_the_scheme_s_port_and_keep_a_query_of_the_path() {
        for (host, path, tls, address, path_and_query) in [
            (
                "exporter.internal",
                "/metrics",
                false,
                "exporter.internal:80",
                "/metrics?q=a-1",
            ),
            (
                "exporter.internal",
                "metrics",
                true,
                "exporter.internal:443",
                "/metrics?q=a-1",
            ),
            (
                "10.0.0.1:9100",
                "/probe?module=x",
                false,
                "10.0.0.1:9100",
                "/probe?module=x&q=a-1",
            ),
        ] {
            let target = exporter(host, path, tls, &[("q", &["{{.AppID}}"])])
                .target(&app())
                .unwrap();
            assert_eq!(
                (target.address.to_string().as_str(), &*target.path_and_query),
                (address, path_and_query)
            );
            assert_eq!(target.tls.as_deref(), tls.then_some("exporter.internal"));
        }
        assert_eq!(
            targets(&[exporter("h", "/m", false, &[])], &app())[0].path_and_query,
            "/m".into()
        );
        assert_eq!(exporter("no host/", "/m", false, &[]).target(&app()), None);
    }
}
