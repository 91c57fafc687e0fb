//! The formats that decide which of its dialects a caller gets.

use crate::exposition::Format;
use crate::fetch::Outcome;

/// The formats that came from instances. Those of external exporters count only when no instance has answered:
/// they are asked beside every page, and one of them must not turn all pages into its format.
pub(super) fn deciding(outcomes: &[Outcome]) -> Vec<Format> {
    of_instances_first(outcomes.iter().filter_map(|outcome| {
        let format = outcome.result.as_ref().ok()?.page.format();
        Some((outcome.target.instance.is_some(), format))
    }))
}

/// The formats of instances (`true`), else those of the others.
fn of_instances_first(came: impl Iterator<Item = (bool, Format)>) -> Vec<Format> {
    let (instances, others): (Vec<_>, Vec<_>) = came.partition(|(is_instance, _)| *is_instance);
    let deciding = if instances.is_empty() {
        others
    } else {
        instances
    };
    deciding.into_iter().map(|(_, format)| format).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Format::{OpenMetrics, Protobuf, Text};

    #[test]
    fn instances_decide_and_exporters_only_without_them() {
        for (came, want, why) in [
            (&[][..], &[][..], "nobody answered"),
            (
                &[(true, Text), (false, Protobuf)],
                &[Text],
                "the exporter's page is converted",
            ),
            (
                &[(false, OpenMetrics), (true, Text), (true, Protobuf)],
                &[Text, Protobuf],
                "instances may differ",
            ),
            (
                &[(false, OpenMetrics)],
                &[OpenMetrics],
                "no instance answered",
            ),
        ] {
            assert_eq!(of_instances_first(came.iter().copied()), want, "{why}");
        }
    }
}
