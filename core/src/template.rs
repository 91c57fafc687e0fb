//! Templates in the parameters of external exporters.
//!
//! promfetcher takes Go templates there. What its releases document is a field between braces and literal
//! text; that subset is read here, and everything else is refused when the configuration is loaded.

use crate::instance::App;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::example_app as app;

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
}
