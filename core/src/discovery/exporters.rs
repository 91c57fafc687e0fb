//! External exporters: asked once for each app on the page, with parameters made from the app's tags.
//!
//! promfetcher takes Go templates there. What its releases document is a field between braces and literal
//! text; that subset is read here, and everything else is refused when the configuration is loaded.

use std::fmt;

use crate::config::ExternalExporter;
use crate::instance::{Address, App};

/// What a template may name. `ProcessInstanceID`, `InstanceID` and `ProcessID` are empty, as in promfetcher:
/// the exporter is asked for the app, not for one of its instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    ProcessType,
    ProcessInstanceId,
    Component,
    InstanceId,
    SpaceName,
    OrganizationId,
    ProcessId,
    OrganizationName,
    SourceId,
    AppId,
    AppName,
    SpaceId,
}

const FIELDS: [(&str, Field); 12] = [
    ("ProcessType", Field::ProcessType),
    ("ProcessInstanceID", Field::ProcessInstanceId),
    ("Component", Field::Component),
    ("InstanceID", Field::InstanceId),
    ("SpaceName", Field::SpaceName),
    ("OrganizationID", Field::OrganizationId),
    ("ProcessID", Field::ProcessId),
    ("OrganizationName", Field::OrganizationName),
    ("SourceID", Field::SourceId),
    ("AppID", Field::AppId),
    ("AppName", Field::AppName),
    ("SpaceID", Field::SpaceId),
];

impl Field {
    fn value(self, app: &App) -> &str {
        match self {
            Self::ProcessType => "external_exporter",
            Self::Component => "promfetcher",
            Self::ProcessInstanceId | Self::InstanceId | Self::ProcessId => "",
            Self::SpaceName => &app.space_name,
            Self::OrganizationId => &app.organization_id,
            Self::OrganizationName => &app.organization_name,
            Self::SourceId => &app.source_id,
            Self::AppId => &app.app_id,
            Self::AppName => &app.app_name,
            Self::SpaceId => &app.space_id,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Field(Field),
}

/// A literal text with fields of the app's tags, such as `app={{.AppID}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// White space as Go's templates trim it.
const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

impl Template {
    /// Reads a template: literal text and `{{.Field}}`, with spaces or trim markers (`{{- .Field -}}`) if wanted.
    ///
    /// # Errors
    /// A sentence that names the place (in characters, from 1) and the supported form.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut trim_next = false;
        loop {
            let (literal, action) = match rest.split_once("{{") {
                Some((literal, after)) => (literal, Some(after)),
                None => (rest, None),
            };
            let literal = if trim_next {
                literal.trim_start_matches(BLANK)
            } else {
                literal
            };
            // Offset of the braces, for messages; `rest` is always a suffix of `text`.
            let at = text.len() - action.map_or(0, |after| after.len() + 2);
            let refuse = |what: String| {
                let column = text.get(..at).map_or(0, |before| before.chars().count()) + 1;
                let fields = FIELDS.map(|(name, _)| name).join(", ");
                format!(
                    "at character {column}: {what}; only `{{{{.Field}}}}` is supported, where Field is one of {fields}"
                )
            };
            let Some(action) = action else {
                push_literal(&mut parts, literal);
                return Ok(Self(parts));
            };
            let Some((inner, after)) = action.split_once("}}") else {
                return Err(refuse("`{{` has no `}}`".into()));
            };
            let (inner, trims_before) = match inner.strip_prefix('-') {
                Some(marked) if marked.starts_with(BLANK) => (marked, true),
                _ => (inner, false),
            };
            let (inner, trims_after) = match inner.strip_suffix('-') {
                Some(marked) if marked.ends_with(BLANK) => (marked, true),
                _ => (inner, false),
            };
            let name = inner.trim_matches(BLANK);
            let field = name
                .strip_prefix('.')
                .and_then(|name| FIELDS.iter().find(|(known, _)| *known == name));
            let Some((_, field)) = field else {
                return Err(refuse(format!("`{{{{{name}}}}}` is not supported")));
            };
            push_literal(
                &mut parts,
                if trims_before {
                    literal.trim_end_matches(BLANK)
                } else {
                    literal
                },
            );
            parts.push(Part::Field(*field));
            rest = after;
            trim_next = trims_after;
        }
    }

    /// The text with the app's values, not yet encoded.
    pub fn render(&self, app: &App) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Literal(text) => text,
            Part::Field(field) => field.value(app),
        });
        parts.collect()
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.into()));
    }
}

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
            .filter(|address| !address.host.contains(['/', '@', ' ']))?;
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
            tls: self.tls.then(|| address.host.clone()),
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

    fn app() -> App {
        App {
            organization_id: "o-1".into(),
            space_id: "s-1".into(),
            app_id: "a-1".into(),
            organization_name: "acme & sons".into(),
            space_name: "prod/eu".into(),
            app_name: "shöp".into(),
            process_id: "p-1".into(),
            process_type: "web".into(),
            source_id: "src".into(),
        }
    }

    #[test]
    fn every_field_of_promfetcher_has_its_value() {
        for (template, want) in [
            ("{{.ProcessType}}", "external_exporter"),
            ("{{.Component}}", "promfetcher"),
            ("{{.ProcessInstanceID}}", ""),
            ("{{.InstanceID}}", ""),
            ("{{.ProcessID}}", ""),
            ("{{.SpaceName}}", "prod/eu"),
            ("{{.OrganizationID}}", "o-1"),
            ("{{.OrganizationName}}", "acme & sons"),
            ("{{.SourceID}}", "src"),
            ("{{.AppID}}", "a-1"),
            ("{{.AppName}}", "shöp"),
            ("{{.SpaceID}}", "s-1"),
        ] {
            assert_eq!(
                Template::parse(template).unwrap().render(&app()),
                want,
                "{template}"
            );
        }
    }

    #[test]
    fn literals_spaces_and_trim_markers_are_read_as_go_reads_them() {
        for (template, want) in [
            ("", ""),
            ("plain } text }} {", "plain } text }} {"),
            ("app={{.AppID}};", "app=a-1;"),
            ("{{ .AppID }}", "a-1"),
            ("{{\t.AppID\n}}", "a-1"),
            ("x {{- .AppID -}} y", "xa-1y"),
            ("x \n{{- .AppID }} y", "xa-1 y"),
            ("x {{ .AppID -}}\r\n y", "x a-1y"),
            ("{{.AppID}}{{.SpaceID}}", "a-1s-1"),
            ("é {{.AppID}} {{- .SpaceID}}", "é a-1s-1"),
        ] {
            assert_eq!(
                Template::parse(template).unwrap().render(&app()),
                want,
                "{template:?}"
            );
        }
    }

    #[test]
    fn other_actions_are_refused_with_the_place_and_the_supported_form() {
        for (template, column, what) in [
            ("{{AppID}}", 1, "`{{AppID}}`"),
            ("a{{ .Unknown }}", 2, "`{{.Unknown}}`"),
            ("é{{.AppID}}{{if .AppID}}x{{end}}", 12, "`{{if .AppID}}`"),
            ("{{.AppID | urlquery}}", 1, "`{{.AppID | urlquery}}`"),
            ("{{.}}", 1, "`{{.}}`"),
            ("{{}}", 1, "`{{}}`"),
            ("{{/* note */}}", 1, "`{{/* note */}}`"),
            ("{{-.AppID}}", 1, "`{{-.AppID}}`"),
            ("{{.AppID-}}", 1, "`{{.AppID-}}`"),
            ("{{.appid}}", 1, "`{{.appid}}`"),
            ("ok {{.AppID", 4, "`{{` has no `}}`"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(
                error.starts_with(&format!("at character {column}: {what}")),
                "{template:?}: {error}"
            );
            assert!(error.contains("only `{{.Field}}` is supported"), "{error}");
            assert!(error.contains("OrganizationName"), "{error}");
        }
    }

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
