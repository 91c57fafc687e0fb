//! Values from environment variables: `PROMFETCH_` and the key in upper case, with two underscores between levels.

use super::path::{ENVIRONMENT_PREFIX, Path};
use super::problem::{Origin, Problem, Warning};
use super::table::{Shape, Table};
use super::values::{Values, unknown};

/// Puts the variables that begin with `PROMFETCH_` into the values; others are left alone. An empty variable counts
/// as one that is not set. Those that name no key give a warning, wrong ones a problem.
pub fn apply(
    values: &mut Values,
    table: &Table,
    variables: impl IntoIterator<Item = (String, String)>,
) -> (Vec<Warning>, Vec<Problem>) {
    let mut variables: Vec<(String, String)> = variables
        .into_iter()
        .filter(|(name, text)| name.starts_with(ENVIRONMENT_PREFIX) && !text.is_empty())
        .collect();
    // Shorter names first: a whole list comes before the positions that refine it, whatever the environment's order.
    variables
        .sort_by(|(one, _), (other, _)| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    let has_service_links = variables
        .iter()
        .any(|(name, _)| name == "PROMFETCH_SERVICE_HOST");
    let (mut warnings, mut problems) = (Vec::new(), Vec::new());
    for (name, text) in variables {
        let Some(path) = Path::from_environment(&name) else {
            continue;
        };
        if has_service_links && is_service_link(&name, &text) {
            continue;
        }
        let origin = Origin::Environment(name.as_str().into());
        if matches!(table.shape(&path), Shape::Unknown) {
            warnings.push(unknown(table, &path, origin).into());
        } else if let Err(problem) = values.put(table, &path, &text, origin) {
            problems.push(problem);
        }
    }
    (warnings, problems)
}

/// Kubernetes sets such variables for a service called `promfetch`: `PROMFETCH_PORT=tcp://10.0.0.1:8085`,
/// `PROMFETCH_PORT_8085_TCP_ADDR`, `PROMFETCH_SERVICE_PORT`. They are none of ours.
fn is_service_link(name: &str, text: &str) -> bool {
    name.starts_with("PROMFETCH_SERVICE_")
        || name.starts_with("PROMFETCH_PORT_")
        || (name == "PROMFETCH_PORT" && text.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;
    use crate::config::values::Node;

    fn apply_all(variables: &[(&str, &str)]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let table = keys::table();
        let mut values = Values::new();
        let (warnings, problems) = apply(
            &mut values,
            &table,
            variables
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
        );
        let scalars = values
            .iter()
            .filter_map(|(path, entry)| {
                if let Node::Scalar(text) = &entry.node {
                    Some(format!("{path}={text} ({})", entry.origin))
                } else {
                    None
                }
            })
            .collect();
        (
            scalars,
            warnings.iter().map(ToString::to_string).collect(),
            problems.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn variables_become_values() {
        let (values, warnings, problems) = apply_all(&[
            ("PROMFETCH_NATS__HOSTS__0__PORT", "4333"),
            (
                "PROMFETCH_NATS__HOSTS",
                r#"[{"hostname":"a","port":1},{"hostname":"b"}]"#,
            ),
            ("PROMFETCH_NATS__USER", ""),
            ("PATH", "/bin"),
            ("promfetch_index", "3"),
            ("PROMFETCH_EXTRA_LABELS__FOUNDATION", "eu-1"),
        ]);
        assert_eq!(
            values,
            [
                "extra_labels.foundation=eu-1 (environment variable PROMFETCH_EXTRA_LABELS__FOUNDATION)",
                "nats.hosts[0].hostname=a (environment variable PROMFETCH_NATS__HOSTS)",
                "nats.hosts[0].port=4333 (environment variable PROMFETCH_NATS__HOSTS__0__PORT)",
                "nats.hosts[1].hostname=b (environment variable PROMFETCH_NATS__HOSTS)",
            ]
        );
        assert!(
            warnings.is_empty() && problems.is_empty(),
            "{warnings:?} {problems:?}"
        );
    }

    #[test]
    fn wrong_variables_are_named_without_their_values() {
        let (values, warnings, problems) = apply_all(&[
            ("PROMFETCH_NATS_PASS", "hush"),
            ("PROMFETCH_", "hush"),
            ("PROMFETCH_NATS__HOSTS", "hush"),
        ]);
        assert!(values.is_empty());
        assert_eq!(
            warnings,
            [
                "``: is not a key of promfetch (environment variable PROMFETCH_)",
                "`nats_pass`: is not a key of promfetch; did you mean PROMFETCH_NATS__PASS? (environment variable PROMFETCH_NATS_PASS)",
            ]
        );
        assert_eq!(
            problems,
            [
                "`nats.hosts`: expected a JSON list: see column 1 (environment variable PROMFETCH_NATS__HOSTS)"
            ]
        );
    }

    #[test]
    fn what_kubernetes_sets_for_a_service_of_our_name_is_left_alone() {
        let links = [
            ("PROMFETCH_SERVICE_HOST", "10.0.0.1"),
            ("PROMFETCH_SERVICE_PORT", "8085"),
            ("PROMFETCH_PORT", "tcp://10.0.0.1:8085"),
            ("PROMFETCH_PORT_8085_TCP_ADDR", "10.0.0.1"),
        ];
        assert_eq!(apply_all(&links), (Vec::new(), Vec::new(), Vec::new()));
        assert_eq!(apply_all(&links[3..]).1.len(), 1, "alone it is a mistake");
    }
}
